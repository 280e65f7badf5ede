package codec

import (
	"cmp"
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/api"
)

// Merge sums roll-ups of disjoint buckets: the merge of the roll-ups of two sets of minutes is
// the roll-up of their union. The order of the arguments does not matter.
func Merge(rollups ...Rollup) Rollup {
	s := newSummer()
	for i := range rollups {
		s.merge(&rollups[i])
	}
	return s.rollup()
}

// summer is a roll-up under construction, with maps where the finished one has sorted slices.
type summer struct {
	out        Rollup
	types      [16]int64 // by event type; the rest of them, if ever any, in out.Types
	currencies map[string]*Turnover
	skus       map[string]*SKU // by SKU, zero byte, currency
	key        []byte          // scratch
}

func newSummer() *summer {
	return &summer{currencies: map[string]*Turnover{}, skus: map[string]*SKU{}}
}

func (s *summer) countType(t api.EventType, n int64) {
	if t >= 0 && int(t) < len(s.types) {
		s.types[t] += n
		return
	}
	if s.out.Types == nil {
		s.out.Types = map[api.EventType]int64{}
	}
	s.out.Types[t] += n
}

func (s *summer) currency(code []byte) *Turnover {
	c, ok := s.currencies[string(code)]
	if !ok {
		c = &Turnover{Currency: string(code)}
		s.currencies[c.Currency] = c
	}
	return c
}

func (s *summer) sku(sku, currency []byte) *SKU {
	s.key = append(append(append(s.key[:0], sku...), 0), currency...)
	k, ok := s.skus[string(s.key)]
	if !ok {
		k = &SKU{SKU: string(sku), Currency: string(currency)}
		s.skus[string(s.key)] = k
	}
	return k
}

func (s *summer) trace(receivedMs int64, correlation string) {
	if receivedMs > s.out.LastReceivedMs || receivedMs == s.out.LastReceivedMs && correlation > s.out.LastCorrelation {
		s.out.LastReceivedMs, s.out.LastCorrelation = receivedMs, correlation
	}
}

func (s *summer) merge(r *Rollup) {
	s.out.Count += r.Count
	s.out.IDs = s.out.IDs.Plus(r.IDs)
	s.out.Conflicts += r.Conflicts
	s.trace(r.LastReceivedMs, r.LastCorrelation)
	for t, n := range r.Types {
		s.countType(t, n)
	}
	for _, c := range r.Currencies {
		to := s.currency([]byte(c.Currency))
		to.Orders += c.Orders
		to.Units += c.Units
		to.Gross += c.Gross
		to.Refunded += c.Refunded
		to.Cancelled += c.Cancelled
	}
	for _, k := range r.SKUs {
		to := s.sku([]byte(k.SKU), []byte(k.Currency))
		to.Units += k.Units
		to.Views += k.Views
		to.Amount += k.Amount
	}
}

// event adds one distinct event.
func (s *summer) event(e *Event, receivedMs int64, correlation string) {
	s.out.Count++
	s.out.IDs = s.out.IDs.Add(e.ID)
	s.trace(receivedMs, correlation)
	s.countType(e.Type, 1)
	switch e.Type {
	case api.EventType_PRODUCT_VIEWED:
		s.sku(e.SKU, nil).Views++
	case api.EventType_ORDER_CREATED:
		c := s.currency(e.Currency)
		c.Orders++
		c.Gross += e.Amount
		e.EachLine(func(line Line) {
			c.Units += line.Quantity
			k := s.sku(line.SKU, e.Currency)
			k.Units += line.Quantity
			k.Amount += line.Total
		})
	case api.EventType_ORDER_REFUNDED:
		s.currency(e.Currency).Refunded += e.Amount
	case api.EventType_ORDER_CANCELLED:
		s.currency(e.Currency).Cancelled += e.Amount
	}
}

func (s *summer) rollup() Rollup {
	out := s.out
	for t, n := range s.types {
		if n != 0 {
			if out.Types == nil {
				out.Types = map[api.EventType]int64{}
			}
			out.Types[api.EventType(t)] = n
		}
	}
	for _, c := range s.currencies {
		if *c != (Turnover{Currency: c.Currency}) {
			out.Currencies = append(out.Currencies, *c)
		}
	}
	slices.SortFunc(out.Currencies, func(a, b Turnover) int { return strings.Compare(a.Currency, b.Currency) })
	for _, k := range s.skus {
		if *k != (SKU{SKU: k.SKU, Currency: k.Currency}) {
			out.SKUs = append(out.SKUs, *k)
		}
	}
	slices.SortFunc(out.SKUs, func(a, b SKU) int {
		return cmp.Or(strings.Compare(a.SKU, b.SKU), strings.Compare(a.Currency, b.Currency))
	})
	return out
}
