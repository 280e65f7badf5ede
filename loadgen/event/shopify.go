package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/api"
)

// topics are the Shopify topics that are sent, with the types they become and their shares.
var topics = []struct {
	name  string
	kind  api.EventType
	share float64
}{
	{"orders/create", api.EventType_ORDER_CREATED, 0.35},
	{"orders/paid", api.EventType_ORDER_PAID, 0.25},
	{"orders/fulfilled", api.EventType_ORDER_FULFILLED, 0.10},
	{"orders/cancelled", api.EventType_ORDER_CANCELLED, 0.04},
	{"products/update", api.EventType_PRODUCT_UPDATED, 0.10},
	{"inventory_levels/update", api.EventType_INVENTORY_ADJUSTED, 0.06},
	{"customers/create", api.EventType_CUSTOMER_CREATED, 0.05},
	{"customers/update", api.EventType_CUSTOMER_UPDATED, 0.05},
}

// ShopifySignature is the value of X-Shopify-Hmac-Sha256: base64 of the HMAC-SHA256 of the raw
// body under the app's secret (https://shopify.dev/docs/apps/build/webhooks/subscribe/https).
func ShopifySignature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (m *Maker) shopify(s *shop, e plan.Entry, r *rand.Rand) Request {
	topic := topics[0]
	u := r.Float64()
	for _, topic = range topics {
		if u -= topic.share; u < 0 {
			break
		}
	}
	triggered := m.epoch.Add(e.First)
	var occurrence [16]byte
	for i := range occurrence {
		occurrence[i] = byte(r.Uint32())
	}
	eventID := fmt.Sprintf("%x-%x-%x-%x-%x", occurrence[:4], occurrence[4:6], occurrence[6:8], occurrence[8:10], occurrence[10:])

	w := webhookWriter{
		batchWriter: batchWriter{shop: s, catalogue: &m.catalogue, r: r, tenant: e.Tenant, ms: triggered.UnixMilli()},
		templates:   &m.webhooks,
		fact:        Fact{ID: api.WebhookID(api.Shopify, eventID, triggered), Type: topic.kind, TimeMS: triggered.UnixMilli()},
		buyer:       m.customer(r), number: 1000 + r.Int64N(1e6),
		stamp: triggered.In(s.zone).Format(time.RFC3339),
	}
	w.object, w.buyerID = bigID(r), strconv.FormatUint(1<<53+uint64(buyerNumber(w.buyer)), 10)
	body := w.body()
	return Request{
		Method: http.MethodPost, Path: s.paths.shopify, Tenant: s.ID, Body: body, Facts: []Fact{w.fact},
		Header: http.Header{
			"Content-Type":           {"application/json"},
			"X-Shopify-Topic":        {topic.name},
			"X-Shopify-Shop-Domain":  {s.Shop},
			"X-Shopify-Api-Version":  {"2025-10"},
			"X-Shopify-Webhook-Id":   {eventID},
			"X-Shopify-Event-Id":     {eventID},
			"X-Shopify-Triggered-At": {triggered.Format(time.RFC3339Nano)},
			"X-Shopify-Hmac-Sha256":  {ShopifySignature(s.WebhookSecret, body)},
		},
	}
}

// bigID is an object's number beyond 2^53, where a float would change it.
func bigID(r *rand.Rand) string { return strconv.FormatUint(1<<53+r.Uint64N(1<<62), 10) }

func buyerNumber(c *customer) uint32 {
	n, _ := strconv.ParseUint(c.id[1:], 16, 32) // made as c%08x
	return uint32(n)
}

// webhookWriter fills a template and its one fact.
type webhookWriter struct {
	batchWriter
	templates *webhookTemplates
	fact      Fact
	buyer     *customer
	buyerID   string
	guest     bool
	object    string
	number    int64
	stamp     string

	lines    []byte
	quantity int64
	item     *product
	cost     milli
}

func (w *webhookWriter) body() []byte {
	b := make([]byte, 0, 4096)
	switch w.fact.Type {
	case api.EventType_PRODUCT_UPDATED:
		w.item = w.product(w.r, w.tenant)
		w.cost = w.price(w.item)
		w.quantity = w.r.Int64N(100)
		w.fact.SKU, w.fact.Currency, w.fact.Amount = w.item.sku, w.Currency, w.cost.times(1, w.digits)
		return w.templates.product.append(b, w.fill)
	case api.EventType_INVENTORY_ADJUSTED:
		w.quantity = w.r.Int64N(100)
		w.object = strconv.FormatUint(1<<53+w.r.Uint64N(productCount), 10)
		w.fact.SKU, w.fact.Quantity, w.fact.Sequence = w.object, w.quantity, uint64(w.ms)
		return w.templates.inventoryLevel.append(b, w.fill)
	case api.EventType_CUSTOMER_CREATED, api.EventType_CUSTOMER_UPDATED:
		w.fact.Customer = w.buyerID
		return w.templates.customer.append(b, w.fill)
	}
	w.fact.Order, w.fact.Currency = w.object, w.Currency
	if w.guest = w.r.Float64() < noCustomer; !w.guest {
		w.fact.Customer = w.buyerID
	}
	w.orderLines()
	b = w.templates.order.append(b, w.fill)
	if w.fact.Type != api.EventType_ORDER_CREATED {
		w.fact.Units, w.fact.Lines = 0, 0
	}
	if w.fact.Type == api.EventType_ORDER_FULFILLED {
		w.fact.Amount = 0
	}
	return b
}

// orderLines fills the lines and, from them, the fact's amount.
func (w *webhookWriter) orderLines() {
	for i := range min(w.lineCount(), 50) {
		if i > 0 {
			w.lines = append(w.lines, ',')
		}
		w.item = w.product(w.r, w.tenant)
		w.cost, w.quantity = w.price(w.item), w.batchWriter.quantity()
		if w.quantity < 1 {
			w.quantity = 1
		}
		w.lines = w.templates.orderLine.append(w.lines, w.fill)
		w.fact.Amount += w.cost.times(w.quantity, w.digits)
		w.fact.Units += w.quantity
		w.fact.Lines++
	}
}

func (w *webhookWriter) fill(b []byte, slot string) []byte {
	switch slot {
	case "id":
		return append(b, w.object...)
	case "item_id":
		return append(b, w.object...)
	case "line_id", "product_id":
		return strconv.AppendUint(b, 1<<53+uint64(w.item.price)<<20+uint64(len(slot)), 10)
	case "location_id":
		return append(b, "905684977"...)
	case "email":
		return append(b, w.buyer.email...)
	case "phone":
		return append(b, w.buyer.phone...)
	case "street":
		return append(b, w.buyer.street...)
	case "first":
		return append(b, w.buyer.first...)
	case "last":
		return append(b, w.buyer.last...)
	case "name":
		return append(append(append(b, w.buyer.first...), ' '), w.buyer.last...)
	case "customer_id":
		return append(b, w.buyerID...)
	case "customer":
		if w.guest {
			return append(b, "null"...)
		}
		return w.templates.orderCustomer.append(b, w.fill)
	case "country":
		return append(b, w.Country...)
	case "shop":
		return append(b, w.Shop...)
	case "time":
		return append(b, w.stamp...)
	case "number":
		return strconv.AppendInt(b, w.number, 10)
	case "currency":
		return append(b, w.Currency...)
	case "total":
		return appendMinor(b, w.fact.Amount, w.digits)
	case "financial":
		switch w.fact.Type {
		case api.EventType_ORDER_CREATED:
			return append(b, "pending"...)
		case api.EventType_ORDER_CANCELLED:
			return append(b, "voided"...)
		}
		return append(b, "paid"...)
	case "fulfillment":
		if w.fact.Type == api.EventType_ORDER_FULFILLED {
			return append(b, `"fulfilled"`...)
		}
		return append(b, "null"...)
	case "cancelled":
		if w.fact.Type == api.EventType_ORDER_CANCELLED {
			return append(append(append(b, '"'), w.stamp...), '"')
		}
		return append(b, "null"...)
	case "reason":
		if w.fact.Type == api.EventType_ORDER_CANCELLED {
			return append(b, `"customer"`...)
		}
		return append(b, "null"...)
	case "lines":
		return append(b, w.lines...)
	case "title":
		return append(b, w.item.title...)
	case "category":
		return append(append(append(b, '"'), w.item.category...), '"')
	case "sku":
		return append(b, w.item.sku...)
	case "quantity":
		return strconv.AppendInt(b, w.quantity, 10)
	case "price":
		return w.cost.append(b, w.digits)
	}
	panic("webhook template: unknown slot " + slot)
}
