package ingestion_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
)

// FuzzEvents says that whatever the body, the answer is one of the documented ones, its counts
// are right, and nothing is delivered that it does not count.
func FuzzEvents(f *testing.F) {
	f.Add("[" + event("product.viewed", 1, viewed) + "," + event("order.created", 2, created) + "]")
	f.Add("[" + event("customer.created", 3, customer) + `,{"id":"\ud800"},null,1e9,[[]]]`)
	f.Add(`[{"data":{"lines":[{"quantity":-0}]}}]`)
	f.Fuzz(func(t *testing.T, body string) {
		b := newBucket()
		r := invoke(t, eventsHandler(t, b), base64Body(body))
		delivered := 0
		for _, stream := range api.Streams {
			delivered += len(b.events(t, stream))
		}
		answer := batchAnswer(t, r)
		require.Equal(t, answer.Accepted, delivered)
		switch r.StatusCode {
		case 202:
			require.Zero(t, answer.Refused)
		case 207:
			require.Len(t, answer.Results, answer.Accepted+answer.Refused)
			require.Positive(t, answer.Refused)
		case 400, 413:
			require.Zero(t, delivered)
			return
		default:
			t.Fatalf("status %d for %q", r.StatusCode, body)
		}
		require.Positive(t, delivered)
		var elements []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(body), &elements), "taken, but no JSON: %q", body)
		require.Len(t, elements, answer.Accepted+answer.Refused)
	})
}

// FuzzWebhook says the same of signed webhooks of every platform.
func FuzzWebhook(f *testing.F) {
	for i, name := range []string{"order.json", "order.json", "product.json", "customer.json", "inventory_level.json"} {
		f.Add(uint8(2*i), fixture(f, name))
	}
	f.Add(uint8(10), fixtureOf(f, api.WooCommerce, "order.json"))
	f.Add(uint8(11), fixtureOf(f, api.WooCommerce, "order.json"))
	f.Add(uint8(12), fixtureOf(f, api.WooCommerce, "product.json"))
	f.Add(uint8(13), fixtureOf(f, api.WooCommerce, "customer.json"))
	f.Add(uint8(14), observed("sales_order_invoice_save_after", "invoice", fixtureOf(f, api.Magento, "invoice.json")))
	f.Add(uint8(14), observed("sales_order_save_commit_after", "order", magentoOrder))
	f.Add(uint8(15), event("order.created", 1, created))
	topics := []string{"orders/create", "orders/paid", "orders/cancelled", "refunds/create", "products/update",
		"products/create", "customers/create", "customers/update", "inventory_levels/update", "orders/fulfilled"}
	private, public := newKeyPair(f)
	f.Fuzz(func(t *testing.T, topic uint8, body string) {
		b, s := newBucket(), hush()
		var r events.APIGatewayProxyRequest
		switch topic %= 16; {
		case topic < 10:
			r = webhook(topics[topic], body)
		case topic < 14:
			s, r = quiet(api.WooCommerce, "hush"), wooWebhook([]string{"order.created", "order.updated", "product.updated", "customer.created"}[topic-10], body)
		case topic == 14:
			s, r = quiet(api.Magento, public), magentoWebhook(t, private, body)
		default:
			s, r = quiet(api.Custom, "hush"), customWebhook(body)
		}
		r.Body, r.IsBase64Encoded = encode(body), true
		answer := invoke(t, webhookHandler(t, b, s), r)
		require.Contains(t, []int{200, 400}, answer.StatusCode, answer.Body)
		require.Equal(t, batchAnswer(t, answer).Accepted, len(b.events(t, api.Products))+len(b.events(t, api.Orders))+len(b.events(t, api.Customers)))
	})
}

// FuzzPayload says that no payload makes the function panic.
func FuzzPayload(f *testing.F) {
	raw, err := json.Marshal(post("[" + event("product.viewed", 1, viewed) + "]"))
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"headers":null,"pathParameters":{"tenant":"t"},"isBase64Encoded":true,"body":"8J+Yig=="}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := eventsHandler(t, newBucket()).Invoke(context.Background(), payload)
		if err == nil {
			var answer events.APIGatewayProxyResponse
			require.NoError(t, json.Unmarshal(out, &answer))
			require.True(t, json.Valid([]byte(answer.Body)))
		}
	})
}

// FuzzLineTotal holds the integers against the decimals.
func FuzzLineTotal(f *testing.F) {
	for _, price := range []string{"7.95", "0.001", "0.005", "0.015", "-0.025", "1.", ".5", "-", "--1", "1e9", "00012.50", "999999999999", "0.0000000001", "1.2.3", ""} {
		for _, quantity := range []int64{0, 1, -1, 3, 80_995, 1_000_000, math.MaxInt64} {
			f.Add(price, quantity, "EUR")
			f.Add(price, quantity, "JPY")
			f.Add(price, quantity, "BHD")
		}
	}
	f.Fuzz(func(t *testing.T, price string, quantity int64, currency string) {
		want, wantErr := api.LineTotal(price, quantity, currency)
		body, err := json.Marshal([]any{map[string]any{"specversion": "1.0", "id": idAt(now, 1).String(), "source": "s", "type": "order.created",
			"data": api.OrderData{Order: "1", Currency: "EUR", Lines: []api.OrderLineData{{SKU: "A", Quantity: quantity, UnitPrice: price}}}}})
		require.NoError(t, err)
		if currency != "EUR" {
			body = []byte(replaceCurrency(string(body), currency))
		}
		b := newBucket()
		r := invoke(t, eventsHandler(t, b), base64Body(string(body)))
		if !api.ValidCurrency(currency) {
			require.Equal(t, 400, r.StatusCode)
			return
		}
		if wantErr != nil {
			require.Equal(t, 400, r.StatusCode, "%q × %d: %v", price, quantity, wantErr)
			return
		}
		require.Equal(t, 202, r.StatusCode, r.Body)
		require.Equal(t, want, b.events(t, api.Orders)[0].Amount, "%q × %d %s", price, quantity, currency)
	})
}
