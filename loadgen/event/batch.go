package event

import (
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/api"
)

func (m *Maker) batch(s *shop, e plan.Entry, r *rand.Rand) Request {
	w := newBatchWriter(m, s, e, r)
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
	ms     int64
	hour   int    // on the shop's clock; -1 as long as nobody asked
	time   []byte // ms, quoted
	b      []byte
	facts  []Fact
	newest order // of this batch
}

func newBatchWriter(m *Maker, s *shop, e plan.Entry, r *rand.Rand) batchWriter {
	w := batchWriter{shop: s, catalogue: &m.catalogue, r: r, ms: m.epoch.Add(e.First).UnixMilli(), hour: -1}
	w.time = appendTime(make([]byte, 0, 32), w.ms)
	return w
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
	content := content(w.contents.Pick(w.r))
	f := Fact{ID: id, Type: typeOf[content], TimeMS: w.ms}
	b := append(w.b, `{"specversion":"1.0","id":"`...)
	b = appendID(b, id)
	b = append(b, `","source":`...)
	b = append(b, w.source...)
	b = append(b, `,"type":"`...)
	b = append(b, f.Type.Name()...)
	b = append(b, `","time":`...)
	b = append(b, w.time...)
	b = append(b, `,"datacontenttype":"application/json","data":{`...)
	switch content {
	case viewed:
		b = w.viewed(b, &f)
	case updated:
		b = w.updated(b, &f)
	case adjusted:
		b = w.adjusted(b, &f, sequence)
	case ordered:
		b = w.created(b, &f)
	case writtenOff:
		b = w.writtenOff(b, &f)
	case joined, changed:
		b = w.person(b, &f)
	default:
		b = w.followed(b, &f)
	}
	w.b = append(b, '}', '}')
	w.facts = append(w.facts, f)
}

func (w *batchWriter) viewed(b []byte, f *Fact) []byte {
	f.SKU = w.popular().sku
	b = appendField(b, `"sku":"`, f.SKU)
	if w.r.Float64() < 0.4 {
		f.Customer = w.customer().id
		b = appendField(b, `,"customer":"`, f.Customer)
	}
	return b
}

func (w *batchWriter) updated(b []byte, f *Fact) []byte {
	number := w.Product(w.r)
	p := w.product(number)
	f.SKU, f.Currency = p.sku, w.Currency
	f.Amount = w.inCurrency(w.Price(w.r, number)).times(1, w.digits)
	b = appendField(b, `"sku":"`, f.SKU)
	b = append(append(b, `,"title":`...), p.title...)
	b = appendField(b, `,"category":"`, p.category)
	b = strconv.AppendInt(append(b, `,"price_minor":`...), f.Amount, 10)
	return appendField(b, `,"currency":"`, f.Currency)
}

func (w *batchWriter) adjusted(b []byte, f *Fact, sequence uint64) []byte {
	f.SKU, f.Sequence = w.popular().sku, sequence
	f.Quantity = int64(w.r.ExpFloat64() * 60)
	if w.r.Float64() < 0.01 {
		f.Quantity = -1 - w.r.Int64N(5) // oversold
	}
	b = appendField(b, `"sku":"`, f.SKU)
	b = strconv.AppendInt(append(b, `,"quantity":`...), f.Quantity, 10)
	return strconv.AppendUint(append(b, `,"sequence":`...), f.Sequence, 10)
}

func (w *batchWriter) person(b []byte, f *Fact) []byte {
	c := w.customer()
	f.Customer = c.id
	b = appendField(b, `"customer":"`, c.id)
	b = appendField(b, `,"email":"`, c.email)
	return appendField(b, `,"country":"`, w.Country)
}

// product is one by its place in the model; every tenant sells others.
func (w *batchWriter) product(number int32) *product {
	return &w.products[(int(number)+w.Index*7)%len(w.products)]
}

// popular draws a product by popularity.
func (w *batchWriter) popular() *product { return w.product(w.Product(w.r)) }

// customer draws one by how often they order; every tenant's regulars are others.
func (w *batchWriter) customer() *customer {
	return &w.customers[(int(w.Customer(w.r))+w.Index*11)%len(w.customers)]
}

// inCurrency turns thousandths of a pound into a price that the shop would ask.
func (w *batchWriter) inCurrency(price int64) milli {
	if price == 0 {
		return 0
	}
	return milli(float64(price) * w.scale).grid(w.Currency)
}
