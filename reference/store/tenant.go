package store

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/zeebo/xxh3"
)

// TenantKey is a tenant's META item.
func TenantKey(tenant string) Key { return Key{PK: "T#" + tenant, SK: "META"} }

// Tenant is a tenant's META item.
type Tenant struct {
	ID            string
	Name          string
	Plan          string
	Zone          string // IANA name; "" means UTC
	Currency      string // ISO 4217
	Platform      string // shopify, woocommerce, magento, custom
	WebhookSecret string // key of the webhooks' HMAC; a public key in PEM for magento
}

// Item is the META item.
func (t Tenant) Item() map[string]types.AttributeValue {
	item := TenantKey(t.ID).Item()
	for attr, value := range t.attributes() {
		if *value != "" {
			item[attr] = text(*value)
		}
	}
	if t.Plan != "" {
		item[AttrGSI1PK] = text(planPK(t.Plan, t.ID))
		item[AttrGSI1SK] = text(t.ID)
	}
	return item
}

// planShards is over how many index keys the tenants of a plan are spread. Under one key each, most
// of 2,400 tenants taken in at once would fall into one partition of the index, which takes 1,000
// writes a second and then holds back those of the table.
const planShards = 8

// planPK is the index key under which a tenant is found by its plan, one of PLAN#p#0 to PLAN#p#7.
func planPK(plan, tenant string) string {
	return "PLAN#" + plan + "#" + strconv.FormatUint(xxh3.HashString(tenant)%planShards, 10)
}

// ParseTenant reads a META item.
func ParseTenant(item map[string]types.AttributeValue) (Tenant, error) {
	key := KeyOf(item)
	id, _, err := cutTenant(key.PK, "")
	if err != nil || key.SK != "META" {
		return Tenant{}, fmt.Errorf("tenant %s: %w", key, ErrKey)
	}
	t := Tenant{ID: id}
	for attr, value := range t.attributes() {
		*value = textOf(item, attr)
	}
	return t, nil
}

func (t *Tenant) attributes() map[string]*string {
	return map[string]*string{"tenant_name": &t.Name, "tenant_plan": &t.Plan, AttrZone: &t.Zone,
		"currency": &t.Currency, "platform": &t.Platform, "webhook_secret": &t.WebhookSecret}
}

// Location is the tenant's zone. An unknown name is an error, and UTC.
func (t Tenant) Location() (*time.Location, error) {
	zone, err := time.LoadLocation(t.Zone)
	if err != nil {
		return time.UTC, fmt.Errorf("tenant %s: %w", t.ID, err)
	}
	return zone, nil
}
