package event_test

import (
	"encoding/json"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

func TestShopifySignatureKnownAnswer(t *testing.T) {
	require.Equal(t, "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI=", event.ShopifySignature("hush", []byte(`"my secret message"`)))
}

// What a webhook must become is read back from headers and body as the contract beside
// api.WebhookID says, with the platform's own arithmetic.
func TestWebhooks(t *testing.T) {
	m, p, tenants := fixture(t, 1)
	topics, beyondFloat, escaped := map[string]int{}, 0, 0
	for e := range p.Entries() {
		if e.Kind != plan.Webhook || e.Replay() {
			continue
		}
		one := tenants[e.Tenant]
		require.Equal(t, tenant.Shopify, one.Platform)
		r, err := m.Make(e)
		require.NoError(t, err)
		require.Equal(t, "/v1/tenants/"+one.ID+"/webhooks/shopify", r.Path)
		require.Equal(t, one.Shop, r.Header.Get("X-Shopify-Shop-Domain"))
		require.Equal(t, event.ShopifySignature(one.WebhookSecret, r.Body), r.Header.Get("X-Shopify-Hmac-Sha256"))
		require.Empty(t, r.Header.Get("X-Api-Key"), "a storefront platform has no key")
		require.Len(t, r.Facts, 1)

		triggered, err := time.Parse(time.RFC3339Nano, r.Header.Get("X-Shopify-Triggered-At"))
		require.NoError(t, err)
		require.Equal(t, epoch.Add(e.First), triggered)
		got := event.Fact{ID: api.WebhookID(api.Shopify, r.Header.Get("X-Shopify-Event-Id"), triggered), TimeMS: triggered.UnixMilli()}

		var body struct {
			ID         json.Number `json:"id"`
			TotalPrice string      `json:"total_price"`
			Currency   string      `json:"currency"`
			Customer   *struct {
				ID json.Number `json:"id"`
			} `json:"customer"`
			Lines []struct {
				SKU, Price string
				Quantity   int64
			} `json:"line_items"`
			Variants []struct{ SKU, Price string }
			Item     json.Number `json:"inventory_item_id"`
			Left     int64       `json:"available"`
		}
		require.NoError(t, json.Unmarshal(r.Body, &body), "%s", r.Body)
		got.Currency = body.Currency
		topic := r.Header.Get("X-Shopify-Topic")
		if topics[topic]++; strings.HasPrefix(topic, "orders/") {
			got.Order = body.ID.String()
			if body.Customer != nil {
				got.Customer = body.Customer.ID.String()
			}
		}
		total := func(price string, quantity int64) int64 {
			minor, err := api.LineTotal(price, quantity, one.Currency)
			require.NoError(t, err)
			return minor
		}
		switch topic {
		case "orders/create":
			got.Type = api.EventType_ORDER_CREATED
			for _, l := range body.Lines {
				got.Amount += total(l.Price, l.Quantity)
				got.Units += l.Quantity
				got.Lines++
			}
		case "orders/paid":
			got.Type, got.Amount = api.EventType_ORDER_PAID, total(body.TotalPrice, 1)
		case "orders/cancelled":
			got.Type, got.Amount = api.EventType_ORDER_CANCELLED, total(body.TotalPrice, 1)
		case "orders/fulfilled":
			got.Type = api.EventType_ORDER_FULFILLED
		case "products/update":
			got.Type, got.SKU, got.Amount, got.Currency = api.EventType_PRODUCT_UPDATED, body.Variants[0].SKU, total(body.Variants[0].Price, 1), one.Currency
		case "inventory_levels/update":
			got.Type, got.SKU, got.Quantity, got.Sequence = api.EventType_INVENTORY_ADJUSTED, body.Item.String(), body.Left, uint64(triggered.UnixMilli())
		case "customers/create":
			got.Type, got.Customer = api.EventType_CUSTOMER_CREATED, body.ID.String()
		case "customers/update":
			got.Type, got.Customer = api.EventType_CUSTOMER_UPDATED, body.ID.String()
		}
		require.Empty(t, cmp.Diff(got, r.Facts[0]), "%s %s", topic, r.Body)
		if f, err := body.ID.Float64(); err == nil && f > 1<<53 {
			beyondFloat++
		}
		count(&escaped, strings.Contains(string(r.Body), `\/`))
	}
	require.Len(t, topics, 8)
	require.NotZero(t, beyondFloat)
	require.NotZero(t, escaped)
}

// Bodies must have every field that the real ones have, in the same nesting, and no other.
func TestWebhookFieldsAreThoseOfRealBodies(t *testing.T) {
	m, p, _ := fixture(t, 2)
	want := map[string][]string{}
	for topic, file := range map[string]string{"orders/create": "order", "orders/paid": "order", "orders/cancelled": "order", "orders/fulfilled": "order",
		"products/update": "product", "inventory_levels/update": "inventory_level", "customers/create": "customer", "customers/update": "customer"} {
		raw, err := os.ReadFile("testdata/shopify/" + file + ".json")
		require.NoError(t, err)
		var wrapped map[string]any
		require.NoError(t, json.Unmarshal(raw, &wrapped))
		want[topic] = fields("", wrapped[file], nil)
	}
	seen := map[string]bool{}
	for e := range p.Entries() {
		if e.Kind != plan.Webhook {
			continue
		}
		r, err := m.Make(e)
		require.NoError(t, err)
		topic := r.Header.Get("X-Shopify-Topic")
		var body map[string]any
		require.NoError(t, json.Unmarshal(r.Body, &body))
		got := fields("", body, nil)
		if body["customer"] == nil && strings.HasPrefix(topic, "orders/") {
			require.Empty(t, cmp.Diff(slices.DeleteFunc(slices.Clone(want[topic]), func(f string) bool { return strings.HasPrefix(f, ".customer.") }), got), topic)
			continue
		}
		require.Empty(t, cmp.Diff(want[topic], got), topic)
		seen[topic] = true
	}
	require.Len(t, seen, 8)
}

func fields(path string, v any, out []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			out = fields(path+"."+k, e, append(out, path+"."+k))
		}
	case []any:
		for _, e := range v {
			out = fields(path+"[]", e, out)
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}
