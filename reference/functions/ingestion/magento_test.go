package ingestion_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

func newKeyPair(t testing.TB) (private *rsa.PrivateKey, public string) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	require.NoError(t, err)
	return private, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func magentoWebhook(t testing.TB, key *rsa.PrivateKey, body string) events.APIGatewayProxyRequest {
	sum := sha256.Sum256([]byte(base64.StdEncoding.EncodeToString([]byte(body))))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return signedMagentoWebhook(body, base64.StdEncoding.EncodeToString(signature))
}

func signedMagentoWebhook(body, signature string) events.APIGatewayProxyRequest {
	return platformRequest(api.Magento, body, "content-type", "application/json", "x-adobe-commerce-webhook-signature", signature)
}

// observed is a webhook's body around a model.
func observed(event, name, model string) string {
	return `{"eventName":"observer.` + event + `","data":{"` + name + `":` + model + `}}`
}

// magentoOrder has fields of the events reference, numbers as numbers and as strings.
const magentoOrder = `{"_isNew":true,"entity_id":"3","increment_id":"000000003","state":"new","customer_id":null,"customer_is_guest":1,
	"order_currency_code":"USD","grand_total":"67.0000","created_at":"2026-11-27 09:36:02","updated_at":"2026-11-27 09:36:03","items":[
	{"item_id":"3","sku":"WS12-M-Orange","qty_ordered":"2.0000","price":22,"product_id":1553},
	{"item_id":"4","sku":"MH01-S-Gray","qty_ordered":1,"price":"17.9950","product_id":"67"},
	{"item_id":"5","parent_item_id":"4","sku":"MH01-S-Gray","qty_ordered":"1","price":"0.0000","product_id":"56"}]}`

func TestMagentoSignatureKnownAnswer(t *testing.T) {
	const body = `{"eventName":"observer.known_answer_after","data":{"price":"12.5000","qty":1}}`
	public, signature := fixtureOf(t, api.Magento, "public.pem"), fixtureOf(t, api.Magento, "signature.txt")
	h := webhookHandler(t, newBucket(), quiet(api.Magento, public))
	require.Equal(t, "topic_unsupported", code(t, invoke(t, h, signedMagentoWebhook(body, signature))), "signed, but not understood")
	require.Equal(t, "signature_wrong", code(t, invoke(t, h, signedMagentoWebhook(body+" ", signature))))
}

func TestMagentoEvents(t *testing.T) {
	private, public := newKeyPair(t)
	invoice := strings.ReplaceAll(fixtureOf(t, api.Magento, "invoice.json"), "2017-08-21", "2026-11-21")
	person := `{"id":7,"email":"ada@example.com","created_at":"2026-11-27 09:00:00","updated_at":"2026-11-27 09:01:00","addresses":[{"country_id":"GB","telephone":"555-0100"}]}`
	hash := "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"
	tests := map[string]struct {
		body     string
		stream   api.Stream
		at       string
		resource string
		want     *api.Event
	}{
		"order": {observed("sales_order_save_commit_after", "order", magentoOrder), api.Orders, "2026-11-27 09:36:02", "3",
			&api.Event{Type: api.EventType_ORDER_CREATED, Order: "3", Currency: "USD", Amount: 6200,
				Lines: []*api.Line{{Sku: "WS12-M-Orange", Quantity: 2, Total: 4400}, {Sku: "MH01-S-Gray", Quantity: 1, Total: 1800}}}},
		"order saved again": {observed("sales_order_save_after", "data_object", strings.NewReplacer(`"new"`, `"processing"`, `09:36:03`, `09:59:00`).Replace(magentoOrder)), api.Orders, "2026-11-27 09:36:02", "3",
			&api.Event{Type: api.EventType_ORDER_CREATED, Order: "3", Currency: "USD", Amount: 6200,
				Lines: []*api.Line{{Sku: "WS12-M-Orange", Quantity: 2, Total: 4400}, {Sku: "MH01-S-Gray", Quantity: 1, Total: 1800}}}},
		"cancelled": {observed("sales_order_save_after", "order", strings.Replace(magentoOrder, `"new"`, `"canceled"`, 1)), api.Orders, "2026-11-27 09:36:03", "3",
			&api.Event{Type: api.EventType_ORDER_CANCELLED, Order: "3", Currency: "USD", Amount: 6700}},
		"paid": {observed("sales_order_invoice_save_after", "invoice", invoice), api.Orders, "2026-11-21 22:36:02", "3",
			&api.Event{Type: api.EventType_ORDER_PAID, Order: "3", Currency: "USD", Amount: 16500}},
		"refunded": {observed("sales_order_creditmemo_save_after", "creditmemo", `{"entity_id":"9","order_id":3,"grand_total":"10.5000","order_currency_code":"EUR","created_at":"2026-11-27 10:00:00"}`),
			api.Orders, "2026-11-27 10:00:00", "9", &api.Event{Type: api.EventType_ORDER_REFUNDED, Order: "3", Currency: "EUR", Amount: 1050}},
		"fulfilled": {observed("sales_order_shipment_save_after", "shipment", `{"entity_id":"5","order_id":"3","customer_id":"7","total_qty":3,"created_at":"2026-11-27 10:00:00"}`),
			api.Orders, "2026-11-27 10:00:00", "5", &api.Event{Type: api.EventType_ORDER_FULFILLED, Order: "3", Customer: "7", Currency: "USD"}},
		"product": {observed("catalog_product_save_commit_after", "product", `{"entity_id":"3","sku":"test2","name":"Test \u00e4","price":"123.000000","status":1,"updated_at":"2026-11-27 08:37:25"}`),
			api.Products, "2026-11-27 08:37:25", "3", &api.Event{Type: api.EventType_PRODUCT_UPDATED, Sku: "test2", Title: "Test ä", Currency: "USD", Amount: 12300}},
		"new customer": {observed("customer_register_success", "customer", person), api.Customers, "2026-11-27 09:00:00", "7",
			&api.Event{Type: api.EventType_CUSTOMER_CREATED, Customer: "7", EmailHash: hash, Country: "GB"}},
		"customer": {observed("customer_save_commit_after", "customer", strings.Replace(person, `"id"`, `"_isNew":false,"entity_id"`, 1)), api.Customers, "2026-11-27 09:01:00", "7",
			&api.Event{Type: api.EventType_CUSTOMER_UPDATED, Customer: "7", EmailHash: hash, Country: "GB"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, quiet(api.Magento, public)), magentoWebhook(t, private, tt.body))
			at, err := time.Parse(time.DateTime, tt.at)
			require.NoError(t, err)
			requireEvent(t, b, r, tt.stream, tt.want, api.WebhookID(api.Magento, api.Occurrence("t0001", tt.want.Type.Name(), tt.resource, tt.at), at))
		})
	}
	t.Run("stock", func(t *testing.T) {
		b := newBucket()
		r := invoke(t, webhookHandler(t, b, quiet(api.Magento, public)),
			magentoWebhook(t, private, observed("cataloginventory_stock_item_save_commit_after", "item", fixtureOf(t, api.Magento, "stock_item.json"))))
		id := api.WebhookID(api.Magento, api.Occurrence("t0001", "inventory.adjusted", "1", now.Format(time.RFC3339Nano)), now)
		requireEvent(t, b, r, api.Products, &api.Event{Type: api.EventType_INVENTORY_ADJUSTED, Sku: "product:1", Quantity: 1, Sequence: uint64(now.UnixMilli())}, id)
	})
}

func TestMagentoStatuses(t *testing.T) {
	private, public := newKeyPair(t)
	other, _ := newKeyPair(t)
	order := observed("sales_order_save_commit_after", "order", magentoOrder)
	save := func(model string) events.APIGatewayProxyRequest {
		return magentoWebhook(t, private, observed("sales_order_save_after", "order", model))
	}
	tests := map[string]struct {
		request events.APIGatewayProxyRequest
		status  int
		code    string
	}{
		"signed":                    {magentoWebhook(t, private, order), 200, ""},
		"unsigned":                  {signedMagentoWebhook(order, ""), 401, "signature_missing"},
		"signed with another key":   {magentoWebhook(t, other, order), 401, "signature_wrong"},
		"signature not base64":      {signedMagentoWebhook(order, "***"), 401, "signature_wrong"},
		"signed with the public":    {signedMagentoWebhook(order, sign(public, order)), 401, "signature_wrong"},
		"the public key as secret":  {webhook("orders/paid", `{"id":1}`, "X-Shopify-Hmac-SHA256", sign(public, `{"id":1}`)), 401, "signature_wrong"},
		"and as another's":          {platformRequest(api.Custom, order, "x-webhook-signature", sign(public, order)), 401, "signature_wrong"},
		"other event":               {magentoWebhook(t, private, observed("sales_quote_save_after", "quote", "{}")), 400, "topic_unsupported"},
		"before it happened":        {magentoWebhook(t, private, observed("sales_order_save_before", "order", magentoOrder)), 400, "topic_unsupported"},
		"a plugin":                  {magentoWebhook(t, private, strings.Replace(order, "observer.", "plugin.", 1)), 400, "topic_unsupported"},
		"no model":                  {magentoWebhook(t, private, observed("sales_order_save_after", "invoice", "{}")), 400, ingestion.CodeData},
		"no object":                 {magentoWebhook(t, private, "[]"), 400, "body_malformed"},
		"no instant":                {save(`{"entity_id":1,"state":"new"}`), 400, ingestion.CodeTime},
		"no id":                     {save(`{"state":"new","created_at":"2026-11-27 09:00:00"}`), 400, ingestion.CodeID},
		"half a piece":              {save(strings.Replace(magentoOrder, "2.0000", "2.5000", 1)), 400, ingestion.CodeData},
		"half a piece in stock":     {magentoWebhook(t, private, observed("cataloginventory_stock_item_save_after", "item", `{"product_id":1,"qty":"0.5000"}`)), 400, ingestion.CodeData},
		"stock of nothing":          {magentoWebhook(t, private, observed("cataloginventory_stock_item_save_after", "item", `{"qty":"1"}`)), 400, ingestion.CodeID},
		"an order that is complete": {save(strings.Replace(magentoOrder, `"new"`, `"complete"`, 1)), 200, ""},
		"an invoice that is open":   {magentoWebhook(t, private, observed("sales_order_invoice_save_after", "invoice", `{"state":1}`)), 200, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, quiet(api.Magento, public)), tt.request)
			require.Equal(t, tt.status, r.StatusCode, r.Body)
			require.Equal(t, tt.code, code(t, r))
			if name != "signed" {
				require.Empty(t, b.calls)
			}
		})
	}
	t.Run("a key that is none", func(t *testing.T) {
		for _, secret := range []string{"hush", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
			require.Equal(t, 401, invoke(t, webhookHandler(t, newBucket(), quiet(api.Magento, secret)), magentoWebhook(t, private, order)).StatusCode)
		}
	})
}
