package ingestion_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

// quiet is a shop on a platform, in dollars.
func quiet(platform, secret string) *shops {
	return &shops{settings: map[string]ingestion.Shop{"t0001": {Platform: platform, Secret: secret, Currency: "USD"}}}
}

// wooWebhook has the headers of a real delivery
// (https://github.com/woocommerce/woocommerce, WC_Webhook::deliver).
func wooWebhook(topic, body string, headers ...string) events.APIGatewayProxyRequest {
	resource, what, _ := strings.Cut(topic, ".")
	return platformRequest(api.WooCommerce, body, append([]string{"content-type", "application/json", "user-agent", "WooCommerce/9.8.5 Hookshot (WordPress/6.8.1)",
		"x-wc-webhook-source", "https://shop.example.com/", "x-wc-webhook-topic", topic, "x-wc-webhook-resource", resource, "x-wc-webhook-event", what,
		"x-wc-webhook-signature", sign("hush", body), "x-wc-webhook-id", "3", "x-wc-webhook-delivery-id", "36e520ebabc2fa725092ff4a47acedf2"}, headers...)...)
}

func platformRequest(platform, body string, headers ...string) events.APIGatewayProxyRequest {
	r := post(body, headers...)
	r.Resource, r.Path = "/v1/tenants/{tenant}/webhooks/"+platform, "/v1/tenants/t0001/webhooks/"+platform
	r.RequestContext.Authorizer = nil
	return r
}

// wooFixture is a real body of 2017, moved into the days that events may be of.
func wooFixture(t testing.TB, name string, replace ...string) string {
	body := fixtureOf(t, api.WooCommerce, name)
	for _, date := range []string{"2017-03-21", "2017-03-22", "2017-03-23"} {
		body = strings.ReplaceAll(body, date, "2026-11-2"+date[9:])
	}
	return strings.NewReplacer(replace...).Replace(body)
}

func TestWooCommerceSignatureKnownAnswer(t *testing.T) {
	h := webhookHandler(t, newBucket(), quiet(api.WooCommerce, "hush"))
	r := invoke(t, h, wooWebhook("order.deleted", `{"id":727}`, "x-wc-webhook-signature", "v2qkQ3PH+DA6mf67I22HN9LaN34TY+kqpxodbjov9bE="))
	require.Equal(t, 200, r.StatusCode, "signed with OpenSSL")
}

func TestWooCommerceTopics(t *testing.T) {
	lines := []*api.Line{{Sku: "product:93", Quantity: 2, Total: 600}, {Sku: "Bar3", Quantity: 1, Total: 1200}}
	tests := map[string]struct {
		topic, body string
		stream      api.Stream
		at          string
		resource    string
		want        *api.Event
	}{
		"order": {"order.created", wooFixture(t, "order.json"), api.Orders, "2026-11-22T19:28:02", "727",
			&api.Event{Type: api.EventType_ORDER_CREATED, Order: "727", Currency: "USD", Amount: 1800, Lines: lines}},
		"paid": {"order.updated", wooFixture(t, "order.json"), api.Orders, "2026-11-22T19:28:08", "727",
			&api.Event{Type: api.EventType_ORDER_PAID, Order: "727", Currency: "USD", Amount: 2935}},
		"fulfilled": {"order.updated", wooFixture(t, "order.json", `"processing"`, `"completed"`, `"date_completed_gmt": null`, `"date_completed_gmt": "2026-11-23T08:00:00"`,
			`"customer_id": 0`, `"customer_id": 25`), api.Orders, "2026-11-23T08:00:00", "727", &api.Event{Type: api.EventType_ORDER_FULFILLED, Order: "727", Customer: "25", Currency: "USD"}},
		"cancelled": {"order.updated", wooFixture(t, "order.json", `"processing"`, `"cancelled"`), api.Orders, "2026-11-22T19:28:08", "727",
			&api.Event{Type: api.EventType_ORDER_CANCELLED, Order: "727", Currency: "USD", Amount: 2935}},
		"refunded": {"order.updated", wooFixture(t, "order.json", `"processing"`, `"refunded"`, `"refunds": []`, `"refunds": [{"id":1,"total":"-10.00"},{"id":2,"total":"-19.35"}]`),
			api.Orders, "2026-11-22T19:28:08", "727", &api.Event{Type: api.EventType_ORDER_REFUNDED, Order: "727", Currency: "USD", Amount: 2935}},
		"refunded without refunds": {"order.updated", wooFixture(t, "order.json", `"processing"`, `"refunded"`), api.Orders, "2026-11-22T19:28:08", "727",
			&api.Event{Type: api.EventType_ORDER_REFUNDED, Order: "727", Currency: "USD", Amount: 2935}},
		"texts for numbers, long quotients": {"order.created", `{"id":"9007199254740993","currency":"KWD","date_created_gmt":"2026-11-27T10:00:00","line_items":[
			{"product_id":"5","variation_id":"6","quantity":"3","price":6.6666666666666670}]}`, api.Orders, "2026-11-27T10:00:00", "9007199254740993",
			&api.Event{Type: api.EventType_ORDER_CREATED, Order: "9007199254740993", Currency: "KWD", Amount: 20000, Lines: []*api.Line{{Sku: "variant:6", Quantity: 3, Total: 20000}}}},
		"product": {"product.updated", wooFixture(t, "product.json"), api.Products, "2026-11-23T20:01:14", "794",
			&api.Event{Type: api.EventType_PRODUCT_UPDATED, Sku: "product:794", Title: "Premium Quality", Category: "Clothing", Currency: "USD", Amount: 2199}},
		"product without a price": {"product.created", wooFixture(t, "product.json", `"price": "21.99"`, `"price": ""`, `"sku": ""`, `"sku": "A/1"`), api.Products, "2026-11-23T20:01:14", "794",
			&api.Event{Type: api.EventType_PRODUCT_UPDATED, Sku: "A/1", Title: "Premium Quality", Category: "Clothing"}},
		"new customer": {"customer.created", wooFixture(t, "customer.json"), api.Customers, "2026-11-21T19:09:28", "25",
			&api.Event{Type: api.EventType_CUSTOMER_CREATED, Customer: "25", EmailHash: "836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f", Country: "US"}},
		"customer": {"customer.updated", wooFixture(t, "customer.json"), api.Customers, "2026-11-21T19:09:30", "25",
			&api.Event{Type: api.EventType_CUSTOMER_UPDATED, Customer: "25", EmailHash: "836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f", Country: "US"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, quiet(api.WooCommerce, "hush")), wooWebhook(tt.topic, tt.body))
			at, err := time.Parse("2006-01-02T15:04:05", tt.at)
			require.NoError(t, err)
			requireEvent(t, b, r, tt.stream, tt.want, api.WebhookID(api.WooCommerce, api.Occurrence("t0001", tt.want.Type.Name(), tt.resource, tt.at), at))
		})
	}
}

// A delivery's number is new each time, and so is the number of a second webhook of the store.
func TestWooCommerceRepeatsAreOneEvent(t *testing.T) {
	b := newBucket()
	h := webhookHandler(t, b, quiet(api.WooCommerce, "hush"))
	for _, r := range []events.APIGatewayProxyRequest{
		wooWebhook("order.updated", wooFixture(t, "order.json")),
		wooWebhook("order.updated", wooFixture(t, "order.json"), "x-wc-webhook-id", "4", "x-wc-webhook-delivery-id", "x"),
		// the order is edited after it was paid
		wooWebhook("order.updated", wooFixture(t, "order.json", `"date_modified_gmt": "2026-11-22T19:28:08"`, `"date_modified_gmt": "2026-11-25T00:00:00"`)),
	} {
		require.Equal(t, 200, invoke(t, h, r).StatusCode)
	}
	got := b.events(t, api.Orders)
	require.Len(t, got, 3)
	for _, e := range got[1:] {
		require.Equal(t, got[0].Id, e.Id)
		require.Equal(t, got[0].Content, e.Content)
	}
}

// What is no event is 200 all the same: five others in a row, and the store is silent.
func TestWooCommerceStandsForNone(t *testing.T) {
	ping := platformRequest(api.WooCommerce, "webhook_id=3", "content-type", "application/x-www-form-urlencoded", "user-agent", "WooCommerce/9.8.5 Hookshot (WordPress/6.8.1)")
	for name, r := range map[string]events.APIGatewayProxyRequest{
		"ping":           ping,
		"deleted":        wooWebhook("order.deleted", `{"id":727}`),
		"coupon":         wooWebhook("coupon.created", `{"id":1}`),
		"pending":        wooWebhook("order.updated", wooFixture(t, "order.json", `"processing"`, `"pending"`)),
		"no lines":       wooWebhook("order.created", `{"id":1,"currency":"USD","date_created_gmt":"2026-11-27T10:00:00"}`),
		"paid long ago":  wooWebhook("order.updated", wooFixture(t, "order.json", `"date_paid_gmt": "2026-11-22`, `"date_paid_gmt": "2026-10-01`)),
		"gone customers": wooWebhook("customer.deleted", `{"id":25}`),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			answer := invoke(t, webhookHandler(t, b, quiet(api.WooCommerce, "hush")), r)
			require.Equal(t, http.StatusOK, answer.StatusCode, answer.Body)
			require.Zero(t, batchAnswer(t, answer).Accepted)
			require.Empty(t, b.calls)
		})
	}
}

func TestWooCommerceStatuses(t *testing.T) {
	order := wooFixture(t, "order.json")
	tests := map[string]struct {
		request events.APIGatewayProxyRequest
		status  int
		code    string
	}{
		"signed":               {wooWebhook("order.created", order), 200, ""},
		"unsigned":             {wooWebhook("order.created", order, "x-wc-webhook-signature", ""), 401, "signature_missing"},
		"signed with another":  {wooWebhook("order.created", order, "x-wc-webhook-signature", sign("hash", order)), 401, "signature_wrong"},
		"signed as Shopify's":  {wooWebhook("order.created", order, "x-wc-webhook-signature", "", "X-Shopify-Hmac-Sha256", sign("hush", order)), 401, "signature_missing"},
		"no ping":              {platformRequest(api.WooCommerce, "webhook_id=3&x=1"), 401, "signature_missing"},
		"a shop of Shopify's":  {webhook("orders/paid", fixture(t, "order.json")), 401, "signature_wrong"},
		"other topic":          {wooWebhook("action.woocommerce_add_to_cart", order), 400, "topic_unsupported"},
		"no object":            {wooWebhook("order.created", "[]"), 400, "body_malformed"},
		"half a piece":         {wooWebhook("order.created", wooFixture(t, "order.json", `"quantity": 2`, `"quantity": 2.5`)), 400, ingestion.CodeData},
		"no price":             {wooWebhook("order.created", wooFixture(t, "order.json", `"price": 3`, `"price": null`)), 400, ingestion.CodeData},
		"no total":             {wooWebhook("order.updated", wooFixture(t, "order.json", `"total": "29.35"`, `"total": "n/a"`)), 400, ingestion.CodeData},
		"no instant":           {wooWebhook("product.updated", `{"id":1}`), 400, ingestion.CodeTime},
		"no id":                {wooWebhook("product.updated", `{"sku":"A","date_modified_gmt":"2026-11-27T10:00:00"}`), 400, ingestion.CodeID},
		"from the future":      {wooWebhook("product.updated", `{"id":1,"date_modified_gmt":"2026-11-27T10:10:00"}`), 400, ingestion.CodeTimeOutOfRange},
		"a whole revision old": {wooWebhook("product.updated", `{"id":1,"date_modified_gmt":"2026-10-01T00:00:00"}`), 400, ingestion.CodeTimeOutOfRange},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, quiet(api.WooCommerce, "hush")), tt.request)
			require.Equal(t, tt.status, r.StatusCode, r.Body)
			require.Equal(t, tt.code, code(t, r))
			if tt.status != 200 {
				require.Empty(t, b.calls)
			}
		})
	}
}
