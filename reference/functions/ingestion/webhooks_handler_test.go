package ingestion_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

// shops is a table of settings that counts how often it is asked.
type shops struct {
	settings map[string]ingestion.Shop
	err      error
	asked    int
}

func (s *shops) Shop(_ context.Context, tenant string) (ingestion.Shop, error) {
	s.asked++
	shop, ok := s.settings[tenant]
	switch {
	case s.err != nil:
		return ingestion.Shop{}, s.err
	case !ok:
		return ingestion.Shop{}, fmt.Errorf("%s: %w", tenant, ingestion.ErrNoShop)
	}
	return shop, nil
}

// hush is a shop on Shopify.
func hush() *shops {
	return &shops{settings: map[string]ingestion.Shop{"t0001": {Platform: api.Shopify, Secret: "hush", Currency: "CAD"}}}
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const triggered = "2026-11-27T10:03:59.123456789Z"

func webhook(topic, body string, headers ...string) events.APIGatewayProxyRequest {
	r := post(body, append([]string{"content-type", "application/json", "X-Shopify-Topic", topic,
		"X-Shopify-Hmac-SHA256", sign("hush", body), "X-Shopify-Event-Id", "98880550-7158-44d4-b7cd-2c97c8a091b5",
		"X-Shopify-Triggered-At", triggered}, headers...)...)
	r.Resource, r.Path = "/v1/tenants/{tenant}/webhooks/shopify", "/v1/tenants/t0001/webhooks/shopify"
	r.RequestContext.Authorizer = nil
	return r
}

func webhookHandler(t testing.TB, b *bucket, s ingestion.Shops) *ingestion.Webhooks {
	h, err := ingestion.NewWebhooks(options(t, b), s)
	require.NoError(t, err)
	return h
}

func fixture(t testing.TB, name string) string { return fixtureOf(t, api.Shopify, name) }

func fixtureOf(t testing.TB, platform, name string) string {
	raw, err := os.ReadFile(filepath.Join("testdata", platform, name))
	require.NoError(t, err)
	return string(raw)
}

func TestShopifySignatureKnownAnswer(t *testing.T) {
	const body, signature = `"my secret message"`, "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="
	require.Equal(t, signature, sign("hush", body))
	h := webhookHandler(t, newBucket(), hush())
	r := invoke(t, h, webhook("orders/paid", body, "X-Shopify-Hmac-SHA256", signature))
	require.Equal(t, "body_malformed", code(t, r), "signed, but no object")
	r = invoke(t, h, webhook("orders/paid", body+" ", "X-Shopify-Hmac-SHA256", signature))
	require.Equal(t, "signature_wrong", code(t, r))
}

func TestWebhookTopics(t *testing.T) {
	at, err := time.Parse(time.RFC3339Nano, triggered)
	require.NoError(t, err)
	refund := `{"id":509562969,"order_id":820982911946154508,"created_at":"2026-11-27T05:03:59-05:00","transactions":[
		{"kind":"refund","status":"success","amount":"41.94","currency":"USD"},
		{"kind":"refund","status":"failure","amount":"41.94","currency":"USD"},{"kind":"refund","status":"success","amount":0.1,"currency":"USD"}]}`
	tests := map[string]struct {
		topic, body string
		stream      api.Stream
		want        *api.Event
	}{
		"order": {"orders/create", fixture(t, "order.json"), api.Orders, &api.Event{Type: api.EventType_ORDER_CREATED, Order: "123456", Currency: "USD", Amount: 500,
			Lines: []*api.Line{{Sku: "product:111475476", Quantity: 1}, {Sku: "product:5410685889", Quantity: 1, Total: 500}}}},
		"paid":      {"orders/paid", fixture(t, "order.json"), api.Orders, &api.Event{Type: api.EventType_ORDER_PAID, Order: "123456", Currency: "USD", Amount: 1000}},
		"fulfilled": {"orders/fulfilled", fixture(t, "order.json"), api.Orders, &api.Event{Type: api.EventType_ORDER_FULFILLED, Order: "123456", Currency: "USD"}},
		"cancelled": {"orders/cancelled", fixture(t, "order.json"), api.Orders, &api.Event{Type: api.EventType_ORDER_CANCELLED, Order: "123456", Currency: "USD", Amount: 1000}},
		"refund":    {"refunds/create", refund, api.Orders, &api.Event{Type: api.EventType_ORDER_REFUNDED, Order: "820982911946154508", Currency: "USD", Amount: 4204}},
		"refund without transactions": {"refunds/create", `{"id":1,"order_id":"2","refund_line_items":[{"subtotal":"1.005"},{"subtotal":"2"}]}`, api.Orders,
			&api.Event{Type: api.EventType_ORDER_REFUNDED, Order: "2", Currency: "CAD", Amount: 300}},
		"large ids": {"orders/paid", `{"id":9007199254740993,"currency":"JPY","total_price":"1000","customer":{"id":9007199254740995}}`, api.Orders,
			&api.Event{Type: api.EventType_ORDER_PAID, Order: "9007199254740993", Customer: "9007199254740995", Currency: "JPY", Amount: 1000}},
		"escaped slashes": {"products/update", `{"id":1,"title":"a\/b \u00e4","product_type":"x","variants":[{"id":2,"sku":"A\/1","price":"7.95"}]}`, api.Products,
			&api.Event{Type: api.EventType_PRODUCT_UPDATED, Sku: "A/1", Title: "a/b ä", Category: "x", Currency: "CAD", Amount: 795}},
		"product": {"products/update", fixture(t, "product.json"), api.Products, &api.Event{Type: api.EventType_PRODUCT_UPDATED, Sku: "variant:1070325219",
			Title: "Burton Custom Freestyle 151", Category: "Snowboard", Currency: "CAD"}},
		"customer": {"customers/create", fixture(t, "customer.json"), api.Customers, &api.Event{Type: api.EventType_CUSTOMER_CREATED, Customer: "1",
			EmailHash: "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b", Country: "AU"}},
		"stock": {"inventory_levels/update", fixture(t, "inventory_level.json"), api.Products, &api.Event{Type: api.EventType_INVENTORY_ADJUSTED,
			Sku: "808950810", Quantity: 6, Sequence: uint64(at.UnixMilli())}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, hush()), webhook(tt.topic, tt.body))
			requireEvent(t, b, r, tt.stream, tt.want, api.WebhookID(api.Shopify, "98880550-7158-44d4-b7cd-2c97c8a091b5", at))
		})
	}
}

// requireEvent says that a webhook was taken and became one event, of an id and its instant.
func requireEvent(t *testing.T, b *bucket, r events.APIGatewayProxyResponse, stream api.Stream, want *api.Event, id api.ID) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.StatusCode, r.Body)
	require.Equal(t, 1, batchAnswer(t, r).Accepted)
	got := b.events(t, stream)
	require.Len(t, got, 1)
	want.Id, want.TimeMs, want.Content = id[:], id.Time().UnixMilli(), got[0].Content
	wanted, err := json.Marshal(want)
	require.NoError(t, err)
	have, err := json.Marshal(got[0])
	require.NoError(t, err)
	require.JSONEq(t, string(wanted), string(have))
}

func TestReplayedWebhookIs200WithTheSameEvent(t *testing.T) {
	b := newBucket()
	h := webhookHandler(t, b, hush())
	for range 2 {
		require.Equal(t, 200, invoke(t, h, webhook("orders/paid", fixture(t, "order.json"), "X-Shopify-Webhook-Id", time.Now().String())).StatusCode)
	}
	got := b.events(t, api.Orders)
	require.Len(t, got, 2)
	require.Equal(t, got[0].Id, got[1].Id)
	require.Equal(t, got[0].Content, got[1].Content)
}

func TestWebhookWithoutEventIDIsKnownByTopicResourceAndRevision(t *testing.T) {
	body := func(id, updated string) string {
		return `{"id":` + id + `,"currency":"EUR","total_price":"1","updated_at":"` + updated + `"}`
	}
	seen := map[string]string{}
	for name, r := range map[string]events.APIGatewayProxyRequest{
		"one":            webhook("orders/paid", body("1", "2026-11-27T10:00:00Z"), "X-Shopify-Event-Id", "", "X-Shopify-Triggered-At", ""),
		"other topic":    webhook("orders/fulfilled", body("1", "2026-11-27T10:00:00Z"), "X-Shopify-Event-Id", "", "X-Shopify-Triggered-At", ""),
		"other resource": webhook("orders/paid", body("2", "2026-11-27T10:00:00Z"), "X-Shopify-Event-Id", "", "X-Shopify-Triggered-At", ""),
		"other revision": webhook("orders/paid", body("1", "2026-11-27T10:00:01Z"), "X-Shopify-Event-Id", "", "X-Shopify-Triggered-At", ""),
	} {
		for range 2 {
			b := newBucket()
			require.Equal(t, 200, invoke(t, webhookHandler(t, b, hush()), r).StatusCode)
			id := string(b.events(t, api.Orders)[0].Id)
			if other, ok := seen[id]; ok {
				require.Equal(t, name, other)
			}
			seen[id] = name
		}
	}
	require.Len(t, seen, 4)
}

func TestWebhookStatuses(t *testing.T) {
	order := fixture(t, "order.json")
	elsewhere := webhook("orders/paid", order)
	elsewhere.Path = "/v1/tenants/t0001/webhooks/etsy"
	unknown := webhook("orders/paid", order)
	unknown.PathParameters = map[string]string{"tenant": "t9999"}
	tests := map[string]struct {
		request events.APIGatewayProxyRequest
		status  int
		code    string
	}{
		"signed":                {webhook("orders/paid", order), 200, ""},
		"unsigned":              {webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", ""), 401, "signature_missing"},
		"signed with another":   {webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", sign("hash", order)), 401, "signature_wrong"},
		"signed with nothing":   {webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", sign("", order)), 401, "signature_wrong"},
		"signature not base64":  {webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", "***"), 401, "signature_wrong"},
		"signature cut short":   {webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", sign("hush", order)[:16]), 401, "signature_wrong"},
		"unknown tenant":        {unknown, 401, "signature_wrong"},
		"other platform":        {elsewhere, 404, "not_found"},
		"other topic":           {webhook("app/uninstalled", order), 400, "topic_unsupported"},
		"no object":             {webhook("orders/paid", "[]"), 400, "body_malformed"},
		"broken object":         {webhook("orders/paid", `{"id":1`), 400, "body_malformed"},
		"wrong field":           {webhook("orders/paid", `{"id":{}}`), 400, "body_malformed"},
		"too large":             {webhook("orders/paid", strings.Repeat(" ", api.MaxBatchBytes)+order), 413, "body_too_large"},
		"old event":             {webhook("orders/paid", order, "X-Shopify-Triggered-At", "2026-10-01T00:00:00Z"), 400, ingestion.CodeTimeOutOfRange},
		"no instant":            {webhook("orders/paid", `{"id":1}`, "X-Shopify-Triggered-At", ""), 400, ingestion.CodeTime},
		"bad instant":           {webhook("orders/paid", order, "X-Shopify-Triggered-At", "now"), 400, ingestion.CodeTime},
		"nothing to know it by": {webhook("orders/paid", `{"currency":"EUR","total_price":"1"}`, "X-Shopify-Event-Id", ""), 400, ingestion.CodeID},
		"no price":              {webhook("orders/paid", `{"id":1,"currency":"EUR"}`), 400, ingestion.CodeData},
		"untracked stock":       {webhook("inventory_levels/update", `{"inventory_item_id":1,"available":null}`), 200, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, hush()), tt.request)
			require.Equal(t, tt.status, r.StatusCode, r.Body)
			require.Equal(t, tt.code, code(t, r))
			if tt.status != 200 {
				require.Empty(t, b.calls)
			}
		})
	}
	t.Run("stream refuses", func(t *testing.T) {
		b := newBucket()
		b.refuse["stampede-orders"] = true
		require.Equal(t, 503, invoke(t, webhookHandler(t, b, hush()), webhook("orders/paid", order)).StatusCode)
	})
	t.Run("settings unreachable", func(t *testing.T) {
		r := invoke(t, webhookHandler(t, newBucket(), &shops{err: errors.New("timeout")}), webhook("orders/paid", order))
		require.Equal(t, 503, r.StatusCode)
		require.Equal(t, "secret_unavailable", code(t, r))
	})
}

func TestSecretIsReadOnceAndRotationIsSeen(t *testing.T) {
	order := fixture(t, "order.json")
	s := hush()
	clock := now
	o := options(t, newBucket())
	o.Now = func() time.Time { return clock }
	h, err := ingestion.NewWebhooks(o, s)
	require.NoError(t, err)

	for range 3 {
		require.Equal(t, 200, invoke(t, h, webhook("orders/paid", order)).StatusCode)
		require.Equal(t, 401, invoke(t, h, webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", sign("new", order))).StatusCode)
	}
	require.Equal(t, 1, s.asked, "a wrong signature does not buy a read of the table")

	s.settings["t0001"] = ingestion.Shop{Platform: api.Shopify, Secret: "new"}
	clock = clock.Add(11 * time.Second)
	require.Equal(t, 200, invoke(t, h, webhook("orders/paid", order, "X-Shopify-Hmac-SHA256", sign("new", order))).StatusCode)
	require.Equal(t, 401, invoke(t, h, webhook("orders/paid", order)).StatusCode, "the old secret is no longer good")
	require.Equal(t, 2, s.asked)
}

func TestTableReadsTheTenantsItem(t *testing.T) {
	var body string
	answer := `{"Item":{"pk":{"S":"T#t0001"},"sk":{"S":"META"},"webhook_secret":{"S":"hush"},"platform":{"S":"shopify"},"currency":{"S":"GBP"}}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(raw)
		body = string(raw)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.CredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", ""))})
	table := ingestion.Table{Client: client, Name: "stampede-core"}

	shop, err := table.Shop(context.Background(), "t0001")
	require.NoError(t, err)
	require.Equal(t, ingestion.Shop{Platform: api.Shopify, Secret: "hush", Currency: "GBP"}, shop)
	require.JSONEq(t, `{"TableName":"stampede-core","Key":{"pk":{"S":"T#t0001"},"sk":{"S":"META"}}}`, body)

	for _, answer = range []string{`{}`, `{"Item":{"pk":{"S":"T#t0001"},"sk":{"S":"META"}}}`} {
		_, err = table.Shop(context.Background(), "t0001")
		require.ErrorIs(t, err, ingestion.ErrNoShop)
	}
}
