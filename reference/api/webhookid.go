package api

import (
	"crypto/sha256"
	"time"
)

// ShopifyID is the id of the event that a Shopify webhook becomes: a UUIDv7 whose time is the
// X-Shopify-Triggered-At header (to the millisecond) and whose random bits are a hash of the
// X-Shopify-Event-Id header. Both are the same in every redelivery of one occurrence (while
// X-Shopify-Webhook-Id names the delivery), so a redelivered webhook is the same event.
//
// What the rest of the event is taken from, so that whoever sends a webhook can say what must
// come of it (bodies are the bare REST objects):
//
//	orders/create               order.created    order = id, lines = line_items' sku, quantity, price
//	orders/paid                 order.paid       order = id, amount = total_price
//	orders/fulfilled            order.fulfilled  order = id, no amount
//	orders/cancelled            order.cancelled  order = id, amount = total_price
//	refunds/create              order.refunded   order = order_id, amount = the sum of the amounts of transactions
//	products/create|update      product.updated  sku, price = of the first variant; category = product_type
//	inventory_levels/update     inventory.adjusted sku = inventory_item_id, quantity = available, sequence = the trigger time in ms
//	customers/create|update     customer.*       customer = id, email, country = default_address.country_code
//
// Ids are written in decimal (they exceed 2^53). An order's customer is customer.id, absent if
// null; its currency is currency. A decimal amount becomes minor units as [LineTotal] of it and
// 1. A product has no currency of its own in Shopify: its price is in the tenant's.
// The business time of the event is the trigger time.
//
// Sources: https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates and
// https://shopify.dev/docs/api/webhooks.
func ShopifyID(eventID string, triggered time.Time) ID {
	return webhookID("shopify", eventID, triggered)
}

// webhookID hashes platform and occurrence with a byte between them that neither contains.
func webhookID(platform, occurrence string, at time.Time) ID {
	sum := sha256.Sum256([]byte(platform + "\x00" + occurrence))
	return NewID(at, [10]byte(sum[:10]))
}
