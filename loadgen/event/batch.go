package event

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/api"
)

// typeShares is how often each type comes in batches.
var typeShares = []struct {
	kind  api.EventType
	share float64
}{
	{api.EventType_PRODUCT_VIEWED, 0.60},
	{api.EventType_INVENTORY_ADJUSTED, 0.14},
	{api.EventType_ORDER_CREATED, 0.08},
	{api.EventType_ORDER_PAID, 0.05},
	{api.EventType_PRODUCT_UPDATED, 0.04},
	{api.EventType_ORDER_FULFILLED, 0.035},
	{api.EventType_CUSTOMER_CREATED, 0.02},
	{api.EventType_CUSTOMER_UPDATED, 0.02},
	{api.EventType_ORDER_CANCELLED, 0.008},
	{api.EventType_ORDER_REFUNDED, 0.007},
}

func drawType(r *rand.Rand) api.EventType {
	u := r.Float64()
	for _, t := range typeShares {
		if u -= t.share; u < 0 {
			return t.kind
		}
	}
	return api.EventType_PRODUCT_VIEWED
}

// Shares of the oddities that real shops send, and what they look like.
const (
	noCustomer  = 0.25  // orders of guests
	sameSKU     = 0.14  // orders of several lines that name a SKU twice
	oddQuantity = 0.004 // lines of zero or negative quantity
	oddPrice    = 0.003 // lines at 0.001 or at a negative price
	otherPrice  = 0.30  // lines at another than the list price
	maxLines    = 400
	maxQuantity = 80995
)

func (m *Maker) batch(s *shop, e plan.Entry, r *rand.Rand) Request {
	w := batchWriter{shop: s, catalogue: &m.catalogue, r: r, tenant: e.Tenant, ms: m.epoch.Add(e.First).UnixMilli()}
	w.time = appendTime(nil, w.ms)
	w.b = make([]byte, 0, 128+int(e.Events)*360)
	w.facts = make([]Fact, 0, e.Events)
	w.b = append(w.b, '[')
	for i := range int(e.Events) {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.event(i)
	}
	return Request{Method: http.MethodPost, Path: s.paths.events, Header: s.header, Tenant: s.ID,
		Body: append(w.b, ']'), Facts: w.facts}
}

// batchWriter appends events and their facts.
type batchWriter struct {
	*shop
	*catalogue
	r      *rand.Rand
	tenant int32
	ms     int64
	time   []byte // ms, quoted
	b      []byte
	facts  []Fact

	order struct { // the newest order of this batch
		id       string
		amount   int64
		customer string
	}
}

// eventID is the planned instant with the place in the batch in the 12 bits behind it
// (RFC 9562, 6.2, method 1), so that ids, and sequences made of the same 53 bits, rise within
// a batch; the rest is random.
func eventID(ms int64, place int, r *rand.Rand) (id api.ID, sequence uint64) {
	high := uint16(r.Uint32N(8))<<9 | uint16(place)&0x1ff
	low := r.Uint64()
	var random [10]byte
	random[0], random[1] = byte(high>>8), byte(high)
	for i := range 8 {
		random[2+i] = byte(low >> (8 * i))
	}
	return api.NewID(timeOf(ms), random), uint64(ms)<<12 | uint64(high)
}

func (w *batchWriter) event(place int) {
	id, sequence := eventID(w.ms, place, w.r)
	f := Fact{ID: id, Type: drawType(w.r), TimeMS: w.ms}
	b := append(w.b, `{"specversion":"1.0","id":"`...)
	b = appendID(b, id)
	b = append(b, `","source":`...)
	b = append(b, w.source...)
	b = append(b, `,"type":"`...)
	b = append(b, f.Type.Name()...)
	b = append(b, `","time":`...)
	b = append(b, w.time...)
	b = append(b, `,"datacontenttype":"application/json","data":{`...)
	switch f.Type {
	case api.EventType_PRODUCT_VIEWED:
		b = w.viewed(b, &f)
	case api.EventType_PRODUCT_UPDATED:
		b = w.updated(b, &f)
	case api.EventType_INVENTORY_ADJUSTED:
		b = w.adjusted(b, &f, sequence)
	case api.EventType_ORDER_CREATED:
		b = w.created(b, &f)
	case api.EventType_CUSTOMER_CREATED, api.EventType_CUSTOMER_UPDATED:
		b = w.person(b, &f)
	default:
		b = w.followed(b, &f)
	}
	w.b = append(b, '}', '}')
	w.facts = append(w.facts, f)
}

func (w *batchWriter) viewed(b []byte, f *Fact) []byte {
	f.SKU = w.product(w.r, w.tenant).sku
	b = appendField(b, `"sku":"`, f.SKU)
	if w.r.Float64() < 0.4 {
		f.Customer = w.customer(w.r).id
		b = appendField(b, `,"customer":"`, f.Customer)
	}
	return b
}

func (w *batchWriter) updated(b []byte, f *Fact) []byte {
	p := w.product(w.r, w.tenant)
	f.SKU, f.Currency = p.sku, w.Currency
	f.Amount = w.price(p).times(1, w.digits)
	b = appendField(b, `"sku":"`, f.SKU)
	b = append(append(b, `,"title":`...), p.title...)
	b = appendField(b, `,"category":"`, p.category)
	b = strconv.AppendInt(append(b, `,"price_minor":`...), f.Amount, 10)
	return appendField(b, `,"currency":"`, f.Currency)
}

func (w *batchWriter) adjusted(b []byte, f *Fact, sequence uint64) []byte {
	f.SKU, f.Sequence = w.product(w.r, w.tenant).sku, sequence
	f.Quantity = int64(w.r.ExpFloat64() * 60)
	if w.r.Float64() < 0.01 {
		f.Quantity = -1 - w.r.Int64N(5) // oversold
	}
	b = appendField(b, `"sku":"`, f.SKU)
	b = strconv.AppendInt(append(b, `,"quantity":`...), f.Quantity, 10)
	return strconv.AppendUint(append(b, `,"sequence":`...), f.Sequence, 10)
}

func (w *batchWriter) created(b []byte, f *Fact) []byte {
	f.Order, f.Currency = w.orderID(), w.Currency
	b = appendField(b, `"order":"`, f.Order)
	if w.r.Float64() >= noCustomer {
		f.Customer = w.customer(w.r).id
		b = appendField(b, `,"customer":"`, f.Customer)
	}
	b = appendField(b, `,"currency":"`, f.Currency)
	b = append(b, `,"lines":[`...)
	n := w.lineCount()
	again := n > 1 && w.r.Float64() < sameSKU
	first := w.product(w.r, w.tenant)
	for i := range n {
		p := first
		if i > 0 && (!again || i != n-1) {
			p = w.product(w.r, w.tenant)
		}
		quantity, price := w.quantity(), w.price(p)
		if w.r.Float64() < oddPrice {
			price = []milli{1, 5, 0, -price}[w.r.IntN(4)]
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendField(b, `{"sku":"`, p.sku)
		b = strconv.AppendInt(append(b, `,"quantity":`...), quantity, 10)
		b = append(b, `,"unit_price":"`...)
		b = append(price.append(b, w.digits), '"', '}')
		f.Amount += price.times(quantity, w.digits)
		f.Units += quantity
		f.Lines++
	}
	w.order.id, w.order.amount, w.order.customer = f.Order, f.Amount, f.Customer
	return append(b, ']')
}

// followed is a later state of an order: of this batch's newest or of one from before the run.
func (w *batchWriter) followed(b []byte, f *Fact) []byte {
	f.Currency = w.Currency
	if w.order.id != "" && w.r.Float64() < 0.7 {
		f.Order, f.Amount, f.Customer = w.order.id, w.order.amount, w.order.customer
	} else {
		f.Order, f.Amount = w.orderID(), int64(math.Exp(5.5+1.2*w.r.NormFloat64())*w.scale)
	}
	if f.Type == api.EventType_ORDER_REFUNDED {
		f.Amount /= 2
	}
	if f.Type == api.EventType_ORDER_FULFILLED {
		f.Amount = 0
	}
	b = appendField(b, `"order":"`, f.Order)
	if f.Customer != "" {
		b = appendField(b, `,"customer":"`, f.Customer)
	}
	b = appendField(b, `,"currency":"`, f.Currency)
	if f.Amount != 0 {
		b = strconv.AppendInt(append(b, `,"amount_minor":`...), f.Amount, 10)
	}
	return b
}

func (w *batchWriter) person(b []byte, f *Fact) []byte {
	c := w.customer(w.r)
	f.Customer = c.id
	b = appendField(b, `"customer":"`, c.id)
	b = appendField(b, `,"email":"`, c.email)
	return appendField(b, `,"country":"`, w.Country)
}

func (w *batchWriter) orderID() string {
	b := make([]byte, 0, 20)
	b = append(b, 'o', '-')
	b = strconv.AppendUint(b, w.r.Uint64()>>8, 36)
	return string(b)
}

// lineCount: in a consumer shop nine of ten orders are of one line; between companies
// lognormal(2.56, 1.25) as fitted to real invoices.
func (w *batchWriter) lineCount() int {
	if w.bulk {
		return min(max(int(math.Round(math.Exp(2.56+1.25*w.r.NormFloat64()))), 1), maxLines)
	}
	if w.r.Float64() < 0.9 {
		return 1
	}
	return 2 + w.r.IntN(4)
}

// quantity is lognormal(1.38, 1.22) as fitted between companies, small otherwise.
func (w *batchWriter) quantity() int64 {
	if w.r.Float64() < oddQuantity {
		return -w.r.Int64N(12)
	}
	if w.bulk {
		return min(max(int64(math.Round(math.Exp(1.38+1.22*w.r.NormFloat64()))), 1), maxQuantity)
	}
	if w.r.Float64() < 0.85 {
		return 1
	}
	return 2 + w.r.Int64N(3)
}

func (w *batchWriter) price(p *product) milli {
	price := float64(p.price) * w.scale
	if w.r.Float64() < otherPrice {
		price *= 0.75 + 0.5*w.r.Float64()
	}
	return milli(price).grid(w.Currency)
}
