package event

import (
	"strconv"
	"time"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/reference/api"
)

// Oddities of write-offs that real shops have more rarely: they are over-represented on purpose, for sums go wrong there first.
const (
	oddQuantity = 0.02 // of write-offs
	oddPrice    = 0.10
)

var (
	oddQuantities = [...]int64{0, 0, 80995} // the largest of the shop that the model was fitted to
	oddPrices     = [...]milli{1, 5, -11062060}
)

// laterDays is the mean age, in days, of an order from before the batch that is paid or fulfilled.
const laterDays = 1

// order is what later events say of one.
type order struct {
	id, customer string
	amount       int64
}

// orderIDs begin so; the instant of the order follows in orderDigits digits to the base 36, then chance.
const (
	orderPrefix = "o-"
	orderDigits = 8
)

// orderID is unlike any other of its tenant, and tells when the order was placed.
func (w *batchWriter) orderID(ms int64) string {
	b := make([]byte, 0, 24)
	b = append(b, orderPrefix...)
	b = strconv.AppendInt(b, ms, 36)
	b = strconv.AppendUint(b, w.r.Uint64()>>24, 36)
	return string(b)
}

// OrderTime is when an order of this generator was placed, to the millisecond.
func OrderTime(id string) (at time.Time, ok bool) {
	if len(id) < len(orderPrefix)+orderDigits || id[:len(orderPrefix)] != orderPrefix {
		return at, false
	}
	ms, err := strconv.ParseInt(id[len(orderPrefix):][:orderDigits], 36, 64)
	return timeOf(ms), err == nil
}

// basket begins an order as the shop's customers place them at this hour of its day.
func (w *batchWriter) basket() model.Basket {
	if w.hour < 0 {
		w.hour = timeOf(w.ms).In(w.zone).Hour()
	}
	return w.Basket(w.r, w.hour)
}

func (w *batchWriter) created(b []byte, f *Fact) []byte {
	basket := w.basket()
	f.Order, f.Currency = w.orderID(w.ms), w.Currency
	b = appendField(b, `"order":"`, f.Order)
	if !basket.Guest {
		f.Customer = w.customer().id
		b = appendField(b, `,"customer":"`, f.Customer)
	}
	b = appendField(b, `,"currency":"`, f.Currency)
	b = append(b, `,"lines":[`...)
	for i := range basket.Lines {
		if i > 0 {
			b = append(b, ',')
		}
		l := basket.Next(w.r)
		b = w.line(b, f, w.product(l.Product), l.Quantity, w.inCurrency(l.Price))
	}
	w.newest = order{f.Order, f.Customer, f.Amount}
	return append(b, ']')
}

// writtenOff is an order that sells nothing: one line, as a rule at a price of zero.
func (w *batchWriter) writtenOff(b []byte, f *Fact) []byte {
	f.Order, f.Currency = w.orderID(w.ms), w.Currency
	quantity, price := w.WriteOff(w.r), milli(0)
	if w.r.Float64() < oddQuantity {
		quantity = oddQuantities[w.r.IntN(len(oddQuantities))]
	}
	if w.r.Float64() < oddPrice {
		price = oddPrices[w.r.IntN(len(oddPrices))]
	}
	b = appendField(b, `"order":"`, f.Order)
	b = appendField(b, `,"currency":"`, f.Currency)
	b = append(b, `,"lines":[`...)
	return append(w.line(b, f, w.product(w.Product(w.r)), quantity, price), ']')
}

// line appends one and adds it up.
func (w *batchWriter) line(b []byte, f *Fact, p *product, quantity int64, price milli) []byte {
	b = appendField(b, `{"sku":"`, p.sku)
	b = strconv.AppendInt(append(b, `,"quantity":`...), quantity, 10)
	b = append(b, `,"unit_price":"`...)
	f.Amount += price.times(quantity, w.digits)
	f.Units += quantity
	f.Lines++
	return append(price.append(b, w.digits), '"', '}')
}

// followed is a later state of an order: of this batch's newest or of an earlier one.
func (w *batchWriter) followed(b []byte, f *Fact) []byte {
	o := w.followedOrder(f.Type)
	f.Order, f.Customer, f.Currency, f.Amount = o.id, o.customer, w.Currency, o.amount
	switch f.Type {
	case api.EventType_ORDER_REFUNDED:
		f.Amount /= 2
	case api.EventType_ORDER_FULFILLED:
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

// followedOrder is the one that something happens to. What is cancelled or sent back was ordered as
// long ago as the model says, months ago at times; most others a moment ago.
func (w *batchWriter) followedOrder(kind api.EventType) order {
	var age time.Duration
	if kind == api.EventType_ORDER_CANCELLED || kind == api.EventType_ORDER_REFUNDED {
		age = time.Duration(w.Delay(w.r)) * time.Minute
	} else if w.newest.id == "" || w.r.Float64() >= 0.7 {
		age = time.Duration(w.r.ExpFloat64() * laterDays * 24 * float64(time.Hour))
	}
	if age == 0 && w.newest.id != "" {
		return w.newest
	}
	o, basket := order{id: w.orderID(w.ms - age.Milliseconds())}, w.basket()
	if !basket.Guest {
		o.customer = w.customer().id
	}
	for range basket.Lines {
		l := basket.Next(w.r)
		o.amount += w.inCurrency(l.Price).times(l.Quantity, w.digits)
	}
	return o
}
