package event

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

// topic is one kind of webhook of a platform.
type topic struct {
	name     string
	template string
	kind     api.EventType // what it becomes
	share    float64       // of the platform's webhooks; they sum to 1
}

var topicsOf = map[tenant.Platform][]topic{
	tenant.Shopify: shopifyTopics, tenant.WooCommerce: wooTopics, tenant.Magento: magentoTopics,
}

func drawTopic(topics []topic, r *rand.Rand) (drawn topic) {
	u := r.Float64()
	for _, drawn = range topics {
		if u -= drawn.share; u < 0 {
			break
		}
	}
	return drawn
}

// webhook makes a webhook as the shop's platform sends it. The error is of a signature.
func (m *Maker) webhook(s *shop, e plan.Entry, r *rand.Rand) (Request, error) {
	at := m.epoch.Add(e.First)
	if s.Platform == tenant.Custom {
		return m.custom(s, e, r), nil
	}
	w := webhookWriter{
		batchWriter: newBatchWriter(m, s, e, r),
		templates:   m.templates[s.Platform],
		topic:       drawTopic(topicsOf[s.Platform], r),
		stamp:       at.In(s.zone).Format(time.RFC3339),
	}
	w.fact.Type = w.topic.kind
	switch s.Platform {
	case tenant.WooCommerce:
		w.draw()
		return w.wooCommerce(s.paths.webhooks, at), nil
	case tenant.Magento:
		w.draw()
		return w.magento(s.paths.webhooks, at)
	}
	return w.shopify(s.paths.webhooks, at), nil
}

// custom is the event of a storefront of the tenant's own, alone and signed.
func (m *Maker) custom(s *shop, e plan.Entry, r *rand.Rand) Request {
	w := newBatchWriter(m, s, e, r)
	w.b, w.facts = make([]byte, 0, 512), make([]Fact, 0, 1)
	w.event(0)
	return Request{Method: http.MethodPost, Path: s.paths.webhooks, Tenant: s.ID, Body: w.b, Facts: w.facts,
		Header: newHeader("Content-Type", "application/cloudevents+json", "X-Webhook-Signature", Signature(s.WebhookSecret, w.b))}
}

func buyerNumber(c *customer) uint32 {
	n, _ := strconv.ParseUint(c.id[1:], 16, 32) // made as c%08x
	return uint32(n)
}

// webhookWriter fills a template and its one fact.
type webhookWriter struct {
	batchWriter
	templates templates
	topic     topic
	fact      Fact
	buyer     *customer
	buyerID   string
	guest     bool
	object    string // id of what the webhook is about
	order     string // id of the order, where that is another
	number    int64
	stamp     string // when it happened, in the shop's zone
	gmt       string // and in UTC, where the platform writes both

	lines    []byte
	total    int64 // of the lines, minor units
	units    int64
	count    int64
	quantity int64
	sold     int32 // place of the item in the model
	item     *product
	cost     milli
}

// draw picks who buys.
func (w *webhookWriter) draw() { w.buyer, w.number = w.customer(), 1000+w.r.Int64N(1e6) }

// identify sets the event's id and business time.
func (w *webhookWriter) identify(id api.ID, at time.Time) {
	w.ms = at.UnixMilli()
	w.fact.ID, w.fact.TimeMS = id, w.ms
}

func (w *webhookWriter) request(path string, body []byte, header http.Header) Request {
	return Request{Method: http.MethodPost, Path: path, Tenant: w.ID, Body: body, Facts: []Fact{w.fact}, Header: header}
}

// newHeader makes a header of canonical names, each followed by its value, in two allocations.
func newHeader(pairs ...string) http.Header {
	h, values := make(http.Header, len(pairs)/2), make([]string, len(pairs)/2)
	for i := range values {
		values[i] = pairs[2*i+1]
		h[pairs[2*i]] = values[i : i+1 : i+1]
	}
	return h
}

func (w *webhookWriter) body() []byte {
	switch w.fact.Type.Stream() {
	case api.Products:
		if w.fact.Type == api.EventType_INVENTORY_ADJUSTED {
			w.quantity = w.r.Int64N(100)
			w.object = strconv.FormatUint(1<<53+uint64(w.Product(w.r)), 10)
			w.fact.SKU, w.fact.Quantity, w.fact.Sequence = w.object, w.quantity, uint64(w.ms)
			break
		}
		w.sold = w.Product(w.r)
		w.item, w.cost = w.product(w.sold), w.inCurrency(w.Price(w.r, w.sold))
		w.quantity = w.r.Int64N(100)
		w.fact.SKU, w.fact.Currency, w.fact.Amount = w.item.sku, w.Currency, w.cost.times(1, w.digits)
	case api.Customers:
		w.fact.Customer = w.buyerID
	case api.Orders:
		w.fact.Order, w.fact.Currency = w.order, w.Currency
		basket := w.basket()
		if w.guest = basket.Guest; !w.guest {
			w.fact.Customer = w.buyerID
		}
		w.orderLines(&basket)
		if w.fact.Type == api.EventType_ORDER_CREATED {
			w.fact.Units, w.fact.Lines = w.units, w.count
		}
		if w.fact.Type != api.EventType_ORDER_FULFILLED {
			w.fact.Amount = w.total
		}
	}
	return w.templates[w.topic.template].append(make([]byte, 0, 4096+len(w.lines)), w.fill)
}

// maxLines of an order in a webhook: bodies of the platforms are many times longer than ours, and a
// longer order would not pass the API's limit of 256 KiB an event.
const maxLines = 50

// lineRoom is what a line of the longest of templates takes, as a rule.
const lineRoom = 640

// orderLines fills the lines and sums them.
func (w *webhookWriter) orderLines(basket *model.Basket) {
	line := w.templates["order_line"]
	if own, ok := w.templates[w.topic.template+"_line"]; ok {
		line = own
	}
	count, fill := min(basket.Lines, maxLines), w.fill // the method's value is an allocation
	w.lines = make([]byte, 0, count*lineRoom)
	for i := range count {
		if i > 0 {
			w.lines = append(w.lines, ',')
		}
		l := basket.Next(w.r)
		w.sold, w.item, w.cost, w.quantity = l.Product, w.product(l.Product), w.inCurrency(l.Price), l.Quantity
		w.lines = line.append(w.lines, fill)
		w.total += w.cost.times(w.quantity, w.digits)
		w.units += w.quantity
		w.count++
	}
}

func (w *webhookWriter) fill(b []byte, slot string) []byte {
	switch slot {
	case "id", "item_id":
		return append(b, w.object...)
	case "line_id", "product_id":
		return strconv.AppendUint(b, 1<<53+uint64(w.sold)<<20+uint64(len(slot)), 10)
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
		return w.templates["order_customer"].append(b, w.fill)
	case "country":
		return append(b, w.Country...)
	case "shop":
		return append(b, w.Shop...)
	case "time", "local":
		return append(b, w.stamp...)
	case "gmt":
		return append(b, w.gmt...)
	case "number":
		return strconv.AppendInt(b, w.number, 10)
	case "currency":
		return append(b, w.Currency...)
	case "total":
		return appendMinor(b, w.total, w.digits)
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
	case "lines", "line_list":
		if slot == "line_list" {
			b = append(b, '[')
		}
		b = append(b, w.lines...)
		if slot == "line_list" {
			b = append(b, ']')
		}
		return b
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
	case "price_number":
		return appendNumber(b, w.cost)
	case "line_total", "line_total_number":
		return appendMinor(b, w.cost.times(w.quantity, w.digits), w.digits)
	}
	if w.Platform == tenant.Magento {
		return w.fillMagento(b, slot)
	}
	return w.fillWoo(b, slot)
}
