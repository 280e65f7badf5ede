package api

import (
	"crypto/sha256"
	"strings"
	"time"
)

// The platforms whose shops send webhooks, each to /v1/tenants/{tenant}/webhooks/{platform}.
const (
	Shopify     = "shopify"
	WooCommerce = "woocommerce"
	Magento     = "magento" // Adobe Commerce
	Custom      = "custom"  // a storefront of the tenant's own
)

// WebhookID is the id of the event that a platform's webhook becomes: a UUIDv7 of the instant at
// which it happened (to the millisecond) whose random bits are a hash of the occurrence. Both
// are the same in every delivery of one occurrence, so a repeated webhook is the same event.
//
// What the rest of the event is taken from, so that whoever sends a webhook can say what must
// come of it. Ids are written in decimal (they exceed 2^53), a decimal amount becomes minor
// units as [LineTotal] of it and 1, and the event's business time is the instant of its id.
//
// Shopify: bodies are the bare REST objects; the occurrence is X-Shopify-Event-Id, the instant
// X-Shopify-Triggered-At (X-Shopify-Webhook-Id would name the delivery). An order's customer is
// customer.id, its currency is currency; a product's price is in the tenant's.
//
//	orders/create               order.created    order = id, lines = line_items' sku, quantity, price
//	orders/paid                 order.paid       order = id, amount = total_price
//	orders/fulfilled            order.fulfilled  order = id, no amount
//	orders/cancelled            order.cancelled  order = id, amount = total_price
//	refunds/create              order.refunded   order = order_id, amount = the sum of the amounts of transactions
//	products/create|update      product.updated  sku, price = of the first variant; category = product_type
//	inventory_levels/update     inventory.adjusted sku = inventory_item_id, quantity = available, sequence = the instant in ms
//	customers/create|update     customer.*       customer = id, email, country = default_address.country_code
//
// WooCommerce: X-WC-Webhook-Delivery-ID is new in every delivery, so the occurrence is
// [Occurrence] of (tenant, the event's type, id, the instant as the body writes it). An order's
// customer is customer_id unless 0.
//
//	order.created               order.created    lines = line_items' sku, quantity, price; at date_created_gmt
//	order.updated, processing   order.paid       amount = total; at date_paid_gmt, else date_modified_gmt
//	order.updated, completed    order.fulfilled  at date_completed_gmt, else date_modified_gmt
//	order.updated, cancelled    order.cancelled  amount = total; at date_modified_gmt
//	order.updated, refunded     order.refunded   amount = the sum of refunds' totals; at date_modified_gmt
//	product.created|updated     product.updated  sku, title = name, price, category = the first of categories; at date_modified_gmt
//	customer.created|updated    customer.*       customer = id, email, country = billing.country; at date_created_gmt, date_modified_gmt
//
// Magento: the body is {"eventName": …, "data": {…}} as the observer.* webhooks send it without
// a choice of fields; the occurrence is [Occurrence] of (tenant, the event's type, entity_id,
// the instant as the body writes it). Instants are UTC.
//
//	sales_order_save            order.created    order = entity_id, lines = items' sku, qty_ordered, price (children of bundles left out); at created_at
//	  with state canceled       order.cancelled  amount = grand_total; at updated_at
//	sales_order_invoice_save    order.paid       of invoices with state 2: order = order_id, amount = grand_total; at created_at
//	sales_order_shipment_save   order.fulfilled  order = order_id; at created_at
//	sales_order_creditmemo_save order.refunded   order = order_id, amount = grand_total; at created_at
//	catalog_product_save        product.updated  sku, title = name, price in the tenant's currency; at updated_at
//	cataloginventory_stock_item_save inventory.adjusted sku = "product:" and product_id, quantity = qty; at its receipt, since the body has no time
//	customer_register_success   customer.created customer = id, email, country = addresses' first country_id; at created_at
//	customer_save               customer.updated the same; at updated_at
//
// Custom: one [CloudEvent] in structured mode, whose id is the event's; no WebhookID.
//
// Sources: https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates,
// https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks and
// https://developer.adobe.com/commerce/extensibility/webhooks/.
func WebhookID(platform, occurrence string, at time.Time) ID {
	// A byte between them that neither contains.
	sum := sha256.Sum256([]byte(platform + "\x00" + occurrence))
	return NewID(at, [10]byte(sum[:10]))
}

// Occurrence names what happened where the platform gives it no name that all deliveries share.
func Occurrence(tenant, topic, resource, revision string) string {
	return strings.Join([]string{tenant, topic, resource, revision}, "#")
}
