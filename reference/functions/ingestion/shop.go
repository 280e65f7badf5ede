package ingestion

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/retailflow/stampede/reference/store"
)

// Shop is what a webhook needs to know about its tenant.
type Shop struct {
	Platform string // such as [api.Shopify]; webhooks of another are not believed
	Secret   string // the key of its webhooks' HMAC, or the public key, in PEM, of their signatures
	Currency string // ISO 4217, for resources that do not name one
}

// ErrNoShop is returned for a tenant that does not exist or has no secret.
var ErrNoShop = errors.New("no such shop")

// Shops finds a tenant's settings. The error wraps [ErrNoShop] if there are none.
type Shops interface {
	Shop(ctx context.Context, tenant string) (Shop, error)
}

// ItemGetter is the one call that [Table] makes; *dynamodb.Client has it.
type ItemGetter interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, options ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Table reads a tenant's settings from its META item in the core table.
type Table struct {
	Client ItemGetter
	Name   string
}

var _ Shops = Table{}

// Shop reads eventually consistent: settings change by the month.
func (t Table) Shop(ctx context.Context, tenant string) (Shop, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.Name, Key: store.TenantKey(tenant).Item()})
	if err != nil {
		return Shop{}, fmt.Errorf("read settings of %s: %w", tenant, err)
	}
	if len(out.Item) == 0 {
		return Shop{}, fmt.Errorf("settings of %s: %w", tenant, ErrNoShop)
	}
	settings, err := store.ParseTenant(out.Item)
	if err != nil {
		return Shop{}, fmt.Errorf("read settings: %w", err)
	}
	if settings.WebhookSecret == "" {
		return Shop{}, fmt.Errorf("webhook secret of %s: %w", tenant, ErrNoShop)
	}
	return Shop{Platform: settings.Platform, Secret: settings.WebhookSecret, Currency: settings.Currency}, nil
}

// Bounds of a shop's stay in a container's memory.
const (
	shopFresh = 5 * time.Minute  // used without a look at the table
	shopStale = 10 * time.Second // younger than this, a wrong signature is believed to be wrong
	maxShops  = 10_000
)

// shopCache keeps settings, and the absence of them, in the container.
type shopCache struct {
	source Shops
	mu     struct {
		sync.Mutex
		entries map[string]shopEntry
	}
}

type shopEntry struct {
	shop Shop
	err  error // nil or wrapping ErrNoShop
	read time.Time
}

// get returns settings read at most maxAge ago.
func (c *shopCache) get(ctx context.Context, now time.Time, tenant string, maxAge time.Duration) (shop Shop, read time.Time, err error) {
	c.mu.Lock()
	entry, ok := c.mu.entries[tenant]
	c.mu.Unlock()
	if ok && now.Sub(entry.read) < maxAge {
		return entry.shop, entry.read, entry.err
	}
	shop, err = c.source.Shop(ctx, tenant)
	if err != nil && !errors.Is(err, ErrNoShop) {
		return Shop{}, now, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.entries == nil || len(c.mu.entries) >= maxShops {
		c.mu.entries = make(map[string]shopEntry)
	}
	c.mu.entries[strings.Clone(tenant)] = shopEntry{shop: shop, err: err, read: now}
	return shop, now, err
}

// signed finds the tenant's settings and checks the signature with them. A secret that was
// rotated is seen at its first use, since a mismatch is believed only of fresh settings.
func (c *shopCache) signed(ctx context.Context, now time.Time, tenant string, p *platform, body, signature string) (Shop, bool, error) {
	shop, read, err := c.get(ctx, now, tenant, shopFresh)
	if err == nil && shop.signed(p, body, signature) {
		return shop, true, nil
	}
	if (err == nil || errors.Is(err, ErrNoShop)) && now.Sub(read) >= shopStale {
		shop, _, err = c.get(ctx, now, tenant, shopStale)
	}
	switch {
	case errors.Is(err, ErrNoShop):
		return Shop{}, false, nil
	case err != nil:
		return Shop{}, false, err
	}
	return shop, shop.signed(p, body, signature), nil
}

// signed believes a shop's own platform alone: a public key is known to everybody, and must not
// pass for the secret of another platform's HMAC.
func (s Shop) signed(p *platform, body, signature string) bool {
	return s.Platform == p.name && p.signed(s.Secret, body, signature)
}
