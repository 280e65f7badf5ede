package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/retailflow/stampede/reference/api"
)

// add puts one event in. This is the ledger's own arithmetic: what an event does to figures.
func (f *Figures) add(n *names, e *fact) {
	f.Events++
	f.IDs = f.IDs.Add(e.id)
	f.effect(n, e, 1)
}

// effect changes everything but count and ids, by one event taken so many times.
func (f *Figures) effect(n *names, e *fact, times int64) {
	if int(e.kind) < EventTypes {
		f.ByType[e.kind] += times
	}
	switch api.EventType(e.kind) {
	case api.EventType_ORDER_CREATED:
		t := f.in(n.text[e.currency])
		t.Orders += times
		t.Units += times * e.units
		t.Gross += times * e.amount
		t.Net += times * e.amount
	case api.EventType_ORDER_REFUNDED:
		t := f.in(n.text[e.currency])
		t.Refunded += times * e.amount
		t.Net -= times * e.amount
	case api.EventType_ORDER_CANCELLED:
		t := f.in(n.text[e.currency])
		t.Cancelled += times * e.amount
		t.Net -= times * e.amount
	}
}

// in is the turnover of a currency, made if need be.
func (f *Figures) in(currency string) *api.Turnover {
	for i := range f.Turnover {
		if f.Turnover[i].Currency == currency {
			return &f.Turnover[i]
		}
	}
	f.Turnover = append(f.Turnover, api.Turnover{Currency: currency})
	return &f.Turnover[len(f.Turnover)-1]
}

// plus adds the figures of other events. It never changes o, nor a turnover shared with it.
func (f *Figures) plus(o *Figures) {
	f.Events += o.Events
	f.IDs = f.IDs.Plus(o.IDs)
	f.Conflicts += o.Conflicts
	for i := range o.ByType {
		f.ByType[i] += o.ByType[i]
	}
	for _, t := range o.Turnover {
		into := f.in(t.Currency)
		into.Orders += t.Orders
		into.Units += t.Units
		into.Gross += t.Gross
		into.Refunded += t.Refunded
		into.Cancelled += t.Cancelled
		into.Net += t.Net
	}
}

func (f Figures) clone() Figures {
	f.Turnover = slices.Clone(f.Turnover)
	return f
}

// difference says how got differs from f; "" if it does not. Currencies without any movement
// do not count, and order does not.
func (f *Figures) difference(got *Figures) string {
	var out []string
	note := func(what string, want, is int64) {
		if want != is {
			out = append(out, fmt.Sprintf("%s %d instead of %d", what, is, want))
		}
	}
	note("events", f.Events, got.Events)
	if f.IDs != got.IDs && f.Events == got.Events {
		out = append(out, "other events")
	}
	note("conflicts", f.Conflicts, got.Conflicts)
	for i := range f.ByType {
		note(api.EventType(i).Name(), f.ByType[i], got.ByType[i])
	}
	for _, code := range currencies(f, got) {
		want, is := f.of(code), got.of(code)
		note(code+" orders", want.Orders, is.Orders)
		note(code+" units", want.Units, is.Units)
		note(code+" gross", want.Gross, is.Gross)
		note(code+" refunded", want.Refunded, is.Refunded)
		note(code+" cancelled", want.Cancelled, is.Cancelled)
		note(code+" net", want.Net, is.Net)
	}
	return strings.Join(out, ", ")
}

// equal is difference() == "", without its words.
func (f *Figures) equal(got *Figures) bool {
	if f.Events != got.Events || f.IDs != got.IDs || f.Conflicts != got.Conflicts || f.ByType != got.ByType {
		return false
	}
	same := func(a, b *Figures) bool {
		for _, t := range a.Turnover {
			if b.of(t.Currency) != t {
				return false
			}
		}
		return true
	}
	return same(f, got) && same(got, f)
}

// of is the turnover of a currency, zero if there is none.
func (f *Figures) of(currency string) api.Turnover {
	for _, t := range f.Turnover {
		if t.Currency == currency {
			return t
		}
	}
	return api.Turnover{Currency: currency}
}

func currencies(a, b *Figures) []string {
	var codes []string
	for _, f := range []*Figures{a, b} {
		for _, t := range f.Turnover {
			codes = append(codes, t.Currency)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func (f *Figures) empty() bool { return f.equal(&Figures{}) }

// bucket is the figures of one tenant from a start on, in minutes since the epoch.
type bucket struct {
	tenant uint32
	start  int64
	Figures
}

// buckets are sorted by tenant and start.
type buckets []bucket

func (b buckets) sort() {
	slices.SortFunc(b, func(x, y bucket) int { return cmp.Or(cmp.Compare(x.tenant, y.tenant), cmp.Compare(x.start, y.start)) })
}

// within is the range of a tenant's buckets that start in [from, to).
func (b buckets) within(tenant uint32, from, to int64) buckets {
	find := func(at int64) int {
		return sort.Search(len(b), func(i int) bool { return b[i].tenant > tenant || b[i].tenant == tenant && b[i].start >= at })
	}
	lo, hi := find(from), find(to)
	return b[lo:max(lo, hi)]
}

// sum adds up a tenant's buckets that start in [from, to).
func (b buckets) sum(tenant uint32, from, to int64) Figures {
	var f Figures
	for i, part := 0, b.within(tenant, from, to); i < len(part); i++ {
		f.plus(&part[i].Figures)
	}
	return f
}

// get is the bucket at a start, nil if there is none.
func (b buckets) get(tenant uint32, start int64) *bucket {
	if part := b.within(tenant, start, start+1); len(part) > 0 {
		return &part[0]
	}
	return nil
}
