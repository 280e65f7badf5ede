package ingestion_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

func customWebhook(body string, headers ...string) events.APIGatewayProxyRequest {
	return platformRequest(api.Custom, body, append([]string{"content-type", "application/cloudevents+json", "x-webhook-signature", sign("hush", body)}, headers...)...)
}

func TestCustomWebhookIsOneCloudEvent(t *testing.T) {
	b := newBucket()
	r := invoke(t, webhookHandler(t, b, quiet(api.Custom, "hush")), customWebhook(event("order.created", 1, created)))
	requireEvent(t, b, r, api.Orders, &api.Event{Type: api.EventType_ORDER_CREATED, Order: "536365", Customer: "17850", Currency: "GBP", Amount: 3564,
		Lines: []*api.Line{{Sku: "85123A", Quantity: 6, Total: 1530}, {Sku: "71053", Quantity: 6, Total: 2034}}}, idAt(now, 1))
}

func TestCustomWebhookStatuses(t *testing.T) {
	body := event("product.viewed", 1, viewed)
	latin := strings.Replace(body, "17850", "\xe9", 1)
	binary := customWebhook(latin)
	binary.Body, binary.IsBase64Encoded = encode(latin), true
	for name, tt := range map[string]struct {
		request events.APIGatewayProxyRequest
		status  int
		code    string
	}{
		"unsigned":       {customWebhook(body, "x-webhook-signature", ""), 401, "signature_missing"},
		"signed wrongly": {customWebhook(body, "x-webhook-signature", sign("hash", body)), 401, "signature_wrong"},
		"a batch":        {customWebhook("[" + body + "]"), 400, ingestion.CodeMalformed},
		"two":            {customWebhook(body + body), 400, "body_malformed"},
		"cut":            {customWebhook(body[:len(body)-1]), 400, "body_malformed"},
		"nothing":        {customWebhook(" "), 400, "body_malformed"},
		"no text":        {binary, 400, "body_malformed"},
		"too large":      {customWebhook(event("product.viewed", 1, `{"sku":"`+strings.Repeat("x", api.MaxEventBytes)+`"}`)), 400, ingestion.CodeTooLarge},
		"no sku":         {customWebhook(event("product.viewed", 1, `{}`)), 400, ingestion.CodeData},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, webhookHandler(t, b, quiet(api.Custom, "hush")), tt.request)
			require.Equal(t, tt.status, r.StatusCode, r.Body)
			require.Equal(t, tt.code, code(t, r))
			require.Empty(t, b.calls)
		})
	}
}
