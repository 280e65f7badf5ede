package ledger

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
)

// row is one event in one block.
type row struct {
	fact
	received int64
	content  uint64
	object   uint32
}

// present is what the blocks of one part hold.
type present struct {
	rows  []row    // by tenant, id, received, content
	first []uint32 // where each (tenant, id) begins: the row that counts
}

func appendPresent(b []byte, tenant uint32, p *Present) []byte {
	b = binary.AppendUvarint(b, uint64(tenant))
	b = binary.AppendVarint(b, p.ReceivedMS)
	b = binary.LittleEndian.AppendUint64(b, p.Content)
	return appendFact(appendString(b, p.Object), &p.Fact)
}

func (d *decoder) present(n *names) row {
	tenant := uint32(d.uvarint())
	out := row{received: d.varint(), content: binary.LittleEndian.Uint64(d.take(8))}
	out.object = n.of(d.string())
	f := d.fact()
	out.fact = n.fact(tenant, &f)
	return out
}

// sort puts rows in order and finds those that count.
func (p *present) sort() {
	slices.SortFunc(p.rows, func(a, b row) int {
		if c := byTenantAndID(&a.fact, &b.fact); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.content, b.content))
	})
	for i := range p.rows {
		if i == 0 || byTenantAndID(&p.rows[i-1].fact, &p.rows[i].fact) != 0 {
			p.first = append(p.first, uint32(i))
		}
	}
}

// at is the i-th different event, as it counts.
func (p *present) at(i int) *row { return &p.rows[p.first[i]] }

// rowsOf are all rows of the different events [lo, hi).
func (p *present) rowsOf(lo, hi int) []row {
	if lo == hi {
		return nil
	}
	end := len(p.rows)
	if hi < len(p.first) {
		end = int(p.first[hi])
	}
	return p.rows[p.first[lo]:end]
}

// minute is what one tenant-minute must be: the different events [lo, hi) and their figures.
type minute struct {
	bucket
	lo, hi int
}

// minutes computes them all, by tenant and time.
func (p *present) minutes(n *names) (list []minute) {
	for i := range p.first {
		e := &p.at(i).fact
		if m := e.minute(); len(list) == 0 || list[len(list)-1].tenant != e.tenant || list[len(list)-1].start != m {
			list = append(list, minute{bucket: bucket{tenant: e.tenant, start: m}, lo: i})
		}
		last := &list[len(list)-1]
		last.hi = i + 1
		last.add(n, e)
		last.Conflicts += p.conflicts(i)
	}
	return list
}

// conflicts is how many contents the i-th different event has besides the one that counts.
func (p *present) conflicts(i int) int64 {
	rows := p.rowsOf(i, i+1)
	if len(rows) == 1 {
		return 0
	}
	contents := make([]uint64, 0, len(rows))
	for j := range rows {
		contents = append(contents, rows[j].content)
	}
	slices.Sort(contents)
	return int64(len(slices.Compact(contents)) - 1)
}

// readLevel reads one level of roll-ups.
func readLevel(ctx context.Context, rows Rows[Rollup], n *names, level string) (buckets, error) {
	var b buckets
	err := rows(ctx, func(r Rollup) error {
		b = append(b, bucket{tenant: n.of(r.Tenant), start: r.Start.Unix() / 60, Figures: r.Figures})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", level, err)
	}
	b.sort()
	for i := 1; i < len(b); i++ {
		if b[i].tenant == b[i-1].tenant && b[i].start == b[i-1].start {
			return nil, fmt.Errorf("read %s: tenant %s has two of %s", level, n.text[b[i].tenant], timeOf(b[i].start))
		}
	}
	return b, nil
}
