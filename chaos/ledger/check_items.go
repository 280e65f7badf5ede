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

// checkOrders compares a part's order facts with its order events that are present. An id that came
// with several contents may be stored with any of them.
func (r *reconciliation) checkOrders(part int) error {
	f := r.finding(CheckOrders)
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
	err := r.spills.orders.each(part, r.names, func(_ int64, d *decoder) {
		tenant, o := d.order()
		f.Compared++
		want := due[transition{tenant, o.ID}]
		if want == nil {
			f.bad(1, "tenant %s order %s %s at %s: no event says so", r.tenants.text[tenant], o.Order, o.State.Name(), timeMS(o.TimeMS))
			return
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
	})
	if err != nil {
		return fmt.Errorf("order facts: %w", err)
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

// checkStock compares a part's levels with the newest count of each product: by the store's own
// sequence, then id.
func (r *reconciliation) checkStock(part int) error {
	f := r.finding(CheckStock)
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
	err := r.spills.stocks.each(part, r.names, func(_ int64, d *decoder) {
		tenant, s := d.stock()
		f.Compared++
		key := product{tenant, r.names.of(s.SKU)}
		e := newest[key]
		delete(newest, key)
		switch {
		case e == nil && (s.Quantity != 0 || s.Sequence != 0):
			f.bad(1, "tenant %s %s: %d in stock, and no event counted it", r.tenants.text[tenant], s.SKU, s.Quantity)
		case e != nil && (e.quantity != s.Quantity || e.sequence != s.Sequence):
			f.bad(1, "tenant %s %s: %d in stock at sequence %d instead of %d at %d", r.tenants.text[tenant], s.SKU, s.Quantity, s.Sequence, e.quantity, e.sequence)
		}
	})
	if err != nil {
		return fmt.Errorf("stock levels: %w", err)
	}
	for _, e := range newest {
		f.Compared++
		f.bad(1, "%s %s: no stock level", r.name(e), r.names.text[e.sku])
	}
	return nil
}

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

// countParked notes which parked events a part counts all the same.
func (r *reconciliation) countParked() {
	for i := 0; len(r.parked) > 0 && i < len(r.present.first); i++ {
		if id := r.present.at(i).id; r.parked[id] {
			r.counted[id] = true
		}
	}
}

// checkParked fails on what lies in a dead-letter queue and is not counted, unless poison was
// injected.
func (r *reconciliation) checkParked() {
	f := r.finding(CheckParked)
	for _, p := range r.parkedRows {
		if r.options.Poison || r.counted[p.ID] {
			continue
		}
		if p.ID == (api.ID{}) {
			f.bad(1, "%s holds object %s", p.Queue, p.Object)
			continue
		}
		f.bad(1, "%s holds tenant %s %s, which is not counted", p.Queue, p.Tenant, p.ID)
	}
}
