package event

import (
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// wooTopics are the topics that WooCommerce shops send, with their shares.
var wooTopics = []topic{
	{"order.created", "order", api.EventType_ORDER_CREATED, 0.35},
	{"order.updated", "order", api.EventType_ORDER_PAID, 0.25},
	{"order.updated", "order", api.EventType_ORDER_FULFILLED, 0.14},
	{"order.updated", "order", api.EventType_ORDER_CANCELLED, 0.04},
	{"order.updated", "order", api.EventType_ORDER_REFUNDED, 0.02},
	{"product.updated", "product", api.EventType_PRODUCT_UPDATED, 0.10},
	{"customer.created", "customer", api.EventType_CUSTOMER_CREATED, 0.05},
	{"customer.updated", "customer", api.EventType_CUSTOMER_UPDATED, 0.05},
}

// wooTime is the form of an instant, without a zone.
const wooTime = "2006-01-02T15:04:05"

// wooCommerce tells of an instant to the second, as its bodies do.
func (w *webhookWriter) wooCommerce(path string, at time.Time) Request {
	w.gmt, w.stamp = at.UTC().Format(wooTime), at.In(w.zone).Format(wooTime)
	w.name(api.WooCommerce, at.Truncate(time.Second))
	body := w.body()
	resource, what, _ := strings.Cut(w.topic.name, ".")
	return w.request(path, body, newHeader(
		"Content-Type", "application/json",
		"User-Agent", "WooCommerce/9.8.5 Hookshot (WordPress/6.8.1)",
		"X-Wc-Webhook-Source", "https://"+w.Shop+"/",
		"X-Wc-Webhook-Topic", w.topic.name,
		"X-Wc-Webhook-Resource", resource,
		"X-Wc-Webhook-Event", what,
		"X-Wc-Webhook-Id", "3",
		"X-Wc-Webhook-Delivery-Id", delivery(w.r.Uint64(), w.r.Uint64()),
		"X-Wc-Webhook-Signature", Signature(w.WebhookSecret, body),
	))
}

// name makes up a resource and the id of what happened to it. Numbers are those of an unsigned
// column of 32 bits; each webhook is about a resource of its own, so that no two of one second
// are one event.
func (w *webhookWriter) name(platform string, at time.Time) {
	w.object = strconv.FormatUint(1+uint64(w.r.Uint32()>>1), 10)
	w.order, w.buyerID = w.object, strconv.FormatUint(1+uint64(buyerNumber(w.buyer)), 10)
	if w.fact.Type.Stream() == api.Customers {
		w.buyerID = w.object
	}
	w.identify(api.WebhookID(platform, api.Occurrence(w.ID, w.fact.Type.Name(), w.object, w.gmt), at), at)
}

// wooStatus is an order's in the state that an event stands for.
func wooStatus(kind api.EventType) string {
	switch kind {
	case api.EventType_ORDER_PAID:
		return "processing"
	case api.EventType_ORDER_FULFILLED:
		return "completed"
	case api.EventType_ORDER_CANCELLED:
		return "cancelled"
	case api.EventType_ORDER_REFUNDED:
		return "refunded"
	}
	return "pending"
}

// fillWoo fills what WooCommerce alone has.
func (w *webhookWriter) fillWoo(b []byte, slot string) []byte {
	kind := w.fact.Type
	paid := kind == api.EventType_ORDER_PAID || kind == api.EventType_ORDER_FULFILLED || kind == api.EventType_ORDER_REFUNDED
	switch slot {
	case "status":
		return append(b, wooStatus(kind)...)
	case "paid":
		return appendInstant(b, w.stamp, paid)
	case "paid_gmt":
		return appendInstant(b, w.gmt, paid)
	case "completed":
		return appendInstant(b, w.stamp, kind == api.EventType_ORDER_FULFILLED)
	case "completed_gmt":
		return appendInstant(b, w.gmt, kind == api.EventType_ORDER_FULFILLED)
	case "customer_number":
		if w.guest {
			return append(b, '0')
		}
		return append(b, w.buyerID...)
	case "refunds":
		if kind != api.EventType_ORDER_REFUNDED {
			return append(b, "[]"...)
		}
		b = append(append(b, `[{"id":`...), w.object...)
		b = append(b, `,"reason":"","total":"`...)
		return append(appendMinor(b, -w.total, w.digits), `"}]`...)
	}
	panic("webhook template: unknown slot " + slot)
}

// appendInstant writes an instant that has come, or null.
func appendInstant(b []byte, instant string, come bool) []byte {
	if !come {
		return append(b, "null"...)
	}
	return append(append(append(b, '"'), instant...), '"')
}
