package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/retailflow/stampede/reference/api"
)

// spills are what is too much for memory: everything that there is of each event.
type spills struct {
	dir                           string
	sent, present, orders, stocks *spill
}

func newSpills(dir string, parts int) (s spills, err error) {
	if s.dir, err = os.MkdirTemp(dir, "reconcile-"); err != nil {
		return s, fmt.Errorf("spill: %w", err)
	}
	for _, kind := range []struct {
		name string
		to   **spill
	}{{"sent", &s.sent}, {"present", &s.present}, {"orders", &s.orders}, {"stock", &s.stocks}} {
		if *kind.to, err = newSpill(s.dir, kind.name, parts); err != nil {
			return s, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *spills) close() error {
	var faults []error
	for _, kind := range []*spill{s.sent, s.present, s.orders, s.stocks} {
		faults = append(faults, kind.close())
	}
	return errors.Join(append(faults, os.RemoveAll(s.dir))...)
}

// fill spills a sink's rows by tenant.
func fill[T any](ctx context.Context, r *reconciliation, what string, rows Rows[T], into *spill, tenant func(*T) string, record func([]byte, uint32, *T) []byte) error {
	if rows == nil {
		return nil
	}
	n := int64(0)
	err := rows(ctx, func(item T) error {
		if n++; n%progressEvery == 0 {
			r.options.Progress(what, n)
		}
		number := r.tenants.of(tenant(&item))
		return into.put(number, func(b []byte) []byte { return record(b, number, &item) })
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// progressEvery is how many rows are read between two words about them.
const progressEvery = 1 << 18

// part looks at the events of some tenants: it loads what was sent and what is there, and compares.
func (r *reconciliation) part(part int, read unread) error {
	r.names = newNames()
	all := make([]sent, 0, r.spills.sent.parts[part].records)
	if err := r.spills.sent.each(part, r.names, func(_ int64, d *decoder) { all = append(all, d.sent(r.names)) }); err != nil {
		return err
	}
	r.sent = r.history.join(all)
	if !r.eventsRead {
		return nil
	}
	count := r.spills.present.parts[part].records
	r.present = &present{rows: make([]row, 0, count), first: make([]uint32, 0, count)}
	if err := r.spills.present.each(part, r.names, func(_ int64, d *decoder) { r.present.rows = append(r.present.rows, d.present(r.names)) }); err != nil {
		return err
	}
	r.present.sort()
	r.truth = r.present.minutes(r.names)
	for i := range r.truth {
		r.truthful = append(r.truthful, r.truth[i].bucket)
	}
	r.checkEvents()
	r.checkMinutes(r.minutes.part(part, len(r.spills.sent.parts)))
	r.countParked()
	if read["order facts"] == "" {
		if err := r.checkOrders(part); err != nil {
			return err
		}
	}
	if read["stock levels"] == "" {
		return r.checkStock(part)
	}
	return nil
}

// part is the buckets of a part's tenants.
func (b buckets) part(part, parts int) buckets {
	if parts == 1 {
		return b
	}
	var out buckets
	for i := range b {
		if int(b[i].tenant)%parts == part {
			out = append(out, b[i])
		}
	}
	return out
}

func appendOrder(b []byte, tenant uint32, o *OrderFact) []byte {
	b = append(binary.AppendUvarint(b, uint64(tenant)), o.ID[:]...)
	b = append(appendString(b, o.Order), byte(o.State))
	b = binary.AppendVarint(b, o.TimeMS)
	return appendString(binary.AppendVarint(b, o.Amount), o.Currency)
}

func (d *decoder) order() (tenant uint32, o OrderFact) {
	tenant = uint32(d.uvarint())
	copy(o.ID[:], d.take(16))
	o.Order, o.State, o.TimeMS, o.Amount, o.Currency = d.string(), api.EventType(d.byte()), d.varint(), d.varint(), d.string()
	return tenant, o
}

func appendStock(b []byte, tenant uint32, s *Stock) []byte {
	b = appendString(binary.AppendUvarint(b, uint64(tenant)), s.SKU)
	return binary.AppendUvarint(binary.AppendVarint(b, s.Quantity), s.Sequence)
}

func (d *decoder) stock() (tenant uint32, s Stock) {
	tenant = uint32(d.uvarint())
	s.SKU, s.Quantity, s.Sequence = d.string(), d.varint(), d.uvarint()
	return tenant, s
}
