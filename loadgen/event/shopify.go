package event

import (
	"strconv"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// shopifyTopics are the topics that Shopify shops send, with their shares.
var shopifyTopics = []topic{
	{"orders/create", "order", api.EventType_ORDER_CREATED, 0.35},
	{"orders/paid", "order", api.EventType_ORDER_PAID, 0.25},
	{"orders/fulfilled", "order", api.EventType_ORDER_FULFILLED, 0.10},
	{"orders/cancelled", "order", api.EventType_ORDER_CANCELLED, 0.04},
	{"products/update", "product", api.EventType_PRODUCT_UPDATED, 0.10},
	{"inventory_levels/update", "inventory_level", api.EventType_INVENTORY_ADJUSTED, 0.06},
	{"customers/create", "customer", api.EventType_CUSTOMER_CREATED, 0.05},
	{"customers/update", "customer", api.EventType_CUSTOMER_UPDATED, 0.05},
}

func (w *webhookWriter) shopify(path string, at time.Time) Request {
	var occurrence [16]byte
	for i := range occurrence {
		occurrence[i] = byte(w.r.Uint32())
	}
	eventID := uuid(occurrence)
	w.draw()
	w.identify(api.WebhookID(api.Shopify, eventID, at), at)
	w.object = strconv.FormatUint(1<<53+w.r.Uint64N(1<<62), 10) // where a float would change it
	w.buyerID = strconv.FormatUint(1<<53+uint64(buyerNumber(w.buyer)), 10)
	w.order = w.object
	body := w.body()
	return w.request(path, body, newHeader(
		"Content-Type", "application/json",
		"X-Shopify-Topic", w.topic.name,
		"X-Shopify-Shop-Domain", w.Shop,
		"X-Shopify-Api-Version", "2025-10",
		"X-Shopify-Webhook-Id", eventID,
		"X-Shopify-Event-Id", eventID,
		"X-Shopify-Triggered-At", at.Format(time.RFC3339Nano),
		"X-Shopify-Hmac-Sha256", Signature(w.WebhookSecret, body),
	))
}
