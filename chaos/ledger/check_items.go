package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"github.com/retailflow/stampede/reference/api"
)

// transition is what makes an order fact the one it is: the event that reported it. A shop may
// report the same transition twice, under two ids; that is two facts.
type transition struct {
	tenant uint32
	id     api.ID
}

func isOrder(kind uint8) bool { return api.EventType(kind).Stream() == api.Orders }

// checkOrders compares order facts with the order events that are present. An id that came with
// several contents may be stored with any of them.
func (r *reconciliation) checkOrders(ctx context.Context, rows Rows[OrderFact]) error {
	f := r.finding(CheckOrders)
	if r.present == nil || rows == nil {
		return nil
	}
	type expected struct {
		event *fact
		seen  bool
	}
	due := map[transition]*expected{}
	for i := range r.present.first {
		if e := &r.present.at(i).fact; isOrder(e.kind) {
			due[transition{e.tenant, e.id}] = &expected{event: e}
		}
	}
	err := rows(ctx, func(o OrderFact) error {
		f.Compared++
		want := due[transition{r.names.of(o.Tenant), o.ID}]
		if want == nil {
			f.bad(1, "tenant %s order %s %s at %s: no event says so", o.Tenant, o.Order, o.State.Name(), timeMS(o.TimeMS))
			return nil
		}
		e := want.event
		switch {
		case want.seen:
			f.bad(1, "%s: stored twice", r.name(e))
		case r.names.text[e.order] != o.Order || e.kind != uint8(o.State) || e.timeMS != o.TimeMS:
			f.bad(1, "%s: stored as order %s %s at %s", r.name(e), o.Order, o.State.Name(), timeMS(o.TimeMS))
		case e.amount != o.Amount || r.names.text[e.currency] != o.Currency:
			f.bad(1, "%s: %d %s instead of %d %s", r.name(e), o.Amount, o.Currency, e.amount, r.names.text[e.currency])
		}
		want.seen = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("read order facts: %w", err)
	}
	for _, want := range due {
		if !want.seen {
			f.Compared++
			f.bad(1, "%s has no order fact", r.name(want.event))
		}
	}
	return nil
}

type product struct{ tenant, sku uint32 }

// checkStock compares levels with the newest count of each product: by the store's own
// sequence, then id.
func (r *reconciliation) checkStock(ctx context.Context, rows Rows[Stock]) error {
	f := r.finding(CheckStock)
	if r.present == nil || rows == nil {
		return nil
	}
	newest := map[product]*fact{}
	for i := range r.present.first {
		e := &r.present.at(i).fact
		if api.EventType(e.kind) != api.EventType_INVENTORY_ADJUSTED {
			continue
		}
		key := product{e.tenant, e.sku}
		if old := newest[key]; old == nil || cmp.Or(cmp.Compare(old.sequence, e.sequence), bytes.Compare(old.id[:], e.id[:])) < 0 {
			newest[key] = e
		}
	}
	err := rows(ctx, func(s Stock) error {
		f.Compared++
		key := product{r.names.of(s.Tenant), r.names.of(s.SKU)}
		e := newest[key]
		delete(newest, key)
		switch {
		case e == nil && (s.Quantity != 0 || s.Sequence != 0):
			f.bad(1, "tenant %s %s: %d in stock, and no event counted it", s.Tenant, s.SKU, s.Quantity)
		case e != nil && (e.quantity != s.Quantity || e.sequence != s.Sequence):
			f.bad(1, "tenant %s %s: %d in stock at sequence %d instead of %d at %d", s.Tenant, s.SKU, s.Quantity, s.Sequence, e.quantity, e.sequence)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read stock levels: %w", err)
	}
	for _, e := range newest {
		f.Compared++
		f.bad(1, "%s %s: no stock level", r.name(e), r.names.text[e.sku])
	}
	return nil
}

// checkParked fails on what lies in a dead-letter queue and is not counted, unless poison was
// injected.
func (r *reconciliation) readParked(ctx context.Context, rows Rows[Parked]) error {
	f := r.finding(CheckParked)
	r.parked = map[api.ID]bool{}
	if rows == nil {
		return nil
	}
	err := rows(ctx, func(p Parked) error {
		f.Compared++
		if p.ID != (api.ID{}) {
			r.parked[p.ID] = true
		}
		r.parkedRows = append(r.parkedRows, p)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read dead-letter queues: %w", err)
	}
	return nil
}

func (r *reconciliation) checkParked() {
	f := r.finding(CheckParked)
	counted := map[api.ID]bool{}
	if r.present != nil && len(r.parked) > 0 {
		for i := range r.present.first {
			if id := r.present.at(i).id; r.parked[id] {
				counted[id] = true
			}
		}
	}
	for _, p := range r.parkedRows {
		if r.options.Poison || counted[p.ID] {
			continue
		}
		if p.ID == (api.ID{}) {
			f.bad(1, "%s holds object %s", p.Queue, p.Object)
			continue
		}
		f.bad(1, "%s holds tenant %s %s, which is not counted", p.Queue, p.Tenant, p.ID)
	}
}
