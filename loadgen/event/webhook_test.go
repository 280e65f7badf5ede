package event_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
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

func TestSignatureKnownAnswer(t *testing.T) {
	require.Equal(t, "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI=", event.Signature("hush", []byte(`"my secret message"`)))
}

// What a webhook must become is read back from headers and body as the contract beside
// api.WebhookID says, with the platform's own arithmetic.
func TestShopifyWebhooks(t *testing.T) {
	m, p, tenants := fixture(t, 1)
	topics, beyondFloat, escaped := map[string]int{}, 0, 0
	for e := range p.Entries() {
		if e.Kind != plan.Webhook || e.Replay() {
			continue
		}
		one := tenants[e.Tenant]
		if one.Platform != tenant.Shopify {
			continue
		}
		r, err := m.Make(e)
		require.NoError(t, err)
		require.Equal(t, "/v1/tenants/"+one.ID+"/webhooks/shopify", r.Path)
		require.Equal(t, one.Shop, r.Header.Get("X-Shopify-Shop-Domain"))
		require.Equal(t, event.Signature(one.WebhookSecret, r.Body), r.Header.Get("X-Shopify-Hmac-Sha256"))
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

// Whoever holds the public half alone must be able to verify, as the platform's documentation
// says: over the base64 of the body.
func TestMagentoSignature(t *testing.T) {
	_, _, tenants := fixture(t, 1)
	key := tenants[slices.IndexFunc(tenants, func(one tenant.Tenant) bool { return one.Platform == tenant.Magento })].SigningKey
	text, err := event.MagentoSignature(key, []byte(`{"price":"12.5000"}`))
	require.NoError(t, err)
	signature, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("eyJwcmljZSI6IjEyLjUwMDAifQ=="))
	require.NoError(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature))
}

// Bodies must have every field that the real ones have, in the same nesting, and no other.
func TestWebhookFieldsAreThoseOfRealBodies(t *testing.T) {
	m, p, tenants := fixture(t, 2)
	want := map[string][]string{}
	for topic, file := range map[string]string{
		"orders/create": "shopify/order", "orders/paid": "shopify/order", "orders/cancelled": "shopify/order", "orders/fulfilled": "shopify/order",
		"products/update": "shopify/product", "inventory_levels/update": "shopify/inventory_level", "customers/create": "shopify/customer", "customers/update": "shopify/customer",
		"order.created": "woocommerce/order", "order.updated": "woocommerce/order", "product.updated": "woocommerce/product",
		"customer.created": "woocommerce/customer", "customer.updated": "woocommerce/customer",
	} {
		raw, err := os.ReadFile("testdata/" + file + ".json")
		require.NoError(t, err)
		var body map[string]any
		require.NoError(t, json.Unmarshal(raw, &body))
		if envelope, ok := body[file[strings.Index(file, "/")+1:]]; ok {
			body = envelope.(map[string]any)
		}
		want[topic] = fields("", body, nil)
	}
	seen := map[string]bool{}
	for e := range p.Entries() {
		if e.Kind != plan.Webhook || tenants[e.Tenant].Platform == tenant.Magento || tenants[e.Tenant].Platform == tenant.Custom {
			continue
		}
		r, err := m.Make(e)
		require.NoError(t, err)
		topic := r.Header.Get("X-Shopify-Topic") + r.Header.Get("X-Wc-Webhook-Topic")
		var body map[string]any
		require.NoError(t, json.Unmarshal(r.Body, &body), "%s", r.Body)
		got, wanted := fields("", body, nil), want[topic]
		if body["customer"] == nil && strings.HasPrefix(topic, "orders/") {
			wanted = slices.DeleteFunc(slices.Clone(wanted), func(f string) bool { return strings.HasPrefix(f, ".customer.") })
		} else {
			seen[topic] = true
		}
		got = slices.DeleteFunc(got, func(f string) bool { return strings.HasPrefix(f, ".refunds[]") }) // none in the example
		require.Empty(t, cmp.Diff(wanted, got), topic)
	}
	require.Len(t, seen, len(want))
}

// Of Adobe Commerce there is a real invoice; of other models the names of their fields, which
// leave out what comes from the table alone.
func TestMagentoFieldsAreThoseOfTheEvents(t *testing.T) {
	m, _, tenants := fixture(t, 2)
	var known map[string][]string
	raw, err := os.ReadFile("testdata/magento/events.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &known))
	raw, err = os.ReadFile("testdata/magento/invoice.json")
	require.NoError(t, err)
	var invoice map[string]any
	require.NoError(t, json.Unmarshal(raw, &invoice))

	e := plan.Entry{Kind: plan.Webhook, Events: 1}
	e.Tenant = int32(slices.IndexFunc(tenants, func(one tenant.Tenant) bool { return one.Platform == tenant.Magento }))
	seen := map[string]bool{}
	for e.Body = range 300 {
		r, err := m.Make(e)
		require.NoError(t, err)
		var body struct {
			Event string                    `json:"eventName"`
			Data  map[string]map[string]any `json:"data"`
		}
		require.NoError(t, json.Unmarshal(r.Body, &body), "%s", r.Body)
		require.Len(t, body.Data, 1)
		name := strings.TrimPrefix(body.Event, "observer.")
		seen[name] = true
		for _, model := range body.Data {
			if name == "sales_order_invoice_save_commit_after" {
				require.Empty(t, cmp.Diff(fields("", invoice, nil), fields("", model, nil)))
				continue
			}
			for field := range model {
				if !slices.Contains([]string{"_isNew", "entity_id", "sku", "attribute_set_id"}, field) {
					require.Contains(t, append(known[name], known["customer_register_success"]...), field, name)
				}
			}
		}
	}
	require.Len(t, seen, 7)
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
