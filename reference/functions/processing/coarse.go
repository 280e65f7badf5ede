package processing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// coarseWork is one hour or day on its way to being recomputed.
type coarseWork struct {
	marker store.Marker
	key    store.Key    // of the roll-up
	reads  []store.Read // what it sums
	zone   *time.Location
	head   store.Rollup // as read; Gen 0 if there is none
	parted bool
	next   store.Rollup
	marks  []store.Key // markers of the days that an hour touches
	entry  *entry
	parts  []item
}

// hours recomputes the hours that have a marker and ended [store.Settle] ago.
func (n *Insights) hours(ctx context.Context, report *Report) error {
	from, to := store.HourMarkers("")
	over := func(m store.Marker) bool { return !m.Hour.Add(time.Hour + store.Settle).After(n.o.Now()) }
	works, err := n.dirty(ctx, report.Shard, from, to, over, func(m store.Marker, zone *time.Location) *coarseWork {
		end := m.Hour.Add(time.Hour)
		minutes := store.Question{Tenant: m.Tenant, From: m.Hour, To: end, Now: n.o.Now(), DirtyHours: []time.Time{m.Hour}}
		w := &coarseWork{marker: m, key: store.HourKey(m.Tenant, m.Hour), reads: store.ReadPlan(minutes)}
		first, last := store.DateIn(m.Hour, zone), store.DateIn(end.Add(-time.Nanosecond), zone)
		w.marks = append(w.marks, store.DayMarkerKey(m.Tenant, first))
		if last != first {
			w.marks = append(w.marks, store.DayMarkerKey(m.Tenant, last))
		}
		return w
	})
	if err != nil {
		return fmt.Errorf("hours: %w", err)
	}
	done, err := n.coarse(ctx, works)
	report.Hours += done
	report.Left += len(works) - done
	if err != nil {
		return fmt.Errorf("hours: %w", err)
	}
	return nil
}

// days recomputes the local days that have a marker and ended [store.Settle] ago.
func (n *Insights) days(ctx context.Context, report *Report) error {
	from, to := store.DayMarkers("")
	// No day ends anywhere earlier than this; the zone decides.
	over := func(m store.Marker) bool {
		_, end := m.Date.Bounds(time.UTC)
		return !end.Add(store.Settle - 14*time.Hour).After(n.o.Now())
	}
	works, err := n.dirty(ctx, report.Shard, from, to, over, func(m store.Marker, zone *time.Location) *coarseWork {
		start, end := m.Date.Bounds(zone)
		if end.Add(store.Settle).After(n.o.Now()) {
			return nil
		}
		hours := store.Question{Tenant: m.Tenant, From: start, To: end, Now: n.o.Now()}
		return &coarseWork{marker: m, key: store.DayKey(m.Tenant, m.Date), reads: store.ReadPlan(hours), zone: zone}
	})
	if err != nil {
		return fmt.Errorf("days: %w", err)
	}
	done, err := n.coarse(ctx, works)
	report.Days += done
	report.Left += len(works) - done
	if err != nil {
		return fmt.Errorf("days: %w", err)
	}
	return nil
}

// dirty reads the shard's coarse markers, of those whose bucket may be over, and keeps the ones
// for which work returns something. Stale markers do no harm: their token is the condition of
// the commit.
func (n *Insights) dirty(ctx context.Context, shard int, from, to string, over func(store.Marker) bool, work func(store.Marker, *time.Location) *coarseWork) ([]*coarseWork, error) {
	items, _, err := n.db.query(ctx, n.o.Tables.Analytics, span{pk: store.MarkerPK(shard), from: from, to: to})
	if err != nil {
		return nil, err
	}
	var markers []store.Marker
	var tenants []string
	for _, it := range items {
		m, err := store.ParseMarker(it)
		if err != nil {
			return nil, err
		}
		if over(m) {
			markers, tenants = append(markers, m), append(tenants, m.Tenant)
		}
	}
	if len(markers) == 0 {
		return nil, nil
	}
	zones, err := n.zonesOf(ctx, tenants)
	if err != nil {
		return nil, err
	}
	var works []*coarseWork
	for _, m := range markers {
		if w := work(m, zones[m.Tenant]); w != nil {
			works = append(works, w)
		}
	}
	return works, nil
}

// chunkCoarse bounds the memory of hours and days computed together.
const chunkCoarse = 32

// coarse computes and commits, and returns how many it did.
func (n *Insights) coarse(ctx context.Context, works []*coarseWork) (done int, err error) {
	for next := 0; next < len(works) && !n.late(ctx); next += chunkCoarse {
		chunk := works[next:min(next+chunkCoarse, len(works))]
		committed, err := n.coarseChunk(ctx, chunk)
		done += committed
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (n *Insights) coarseChunk(ctx context.Context, works []*coarseWork) (done int, err error) {
	keys := make([]store.Key, len(works))
	for i, w := range works {
		keys[i] = w.key
	}
	heads, err := n.db.get(ctx, n.o.Tables.Analytics, keys, store.AttrPK, store.AttrSK, store.AttrGen, store.AttrParts)
	if err != nil {
		return 0, fmt.Errorf("roll-ups: %w", err)
	}
	for i, w := range works {
		if it, ok := heads[keys[i]]; ok {
			var whole bool
			if w.head, whole, err = store.HeadOf(it); err != nil {
				return 0, err
			}
			w.parted = !whole
		}
	}
	err = n.db.each(ctx, len(works), func(ctx context.Context, i int) error { return n.sum(ctx, works[i]) })
	if err != nil {
		return 0, err
	}
	entries := make([]*entry, len(works))
	var parts []item
	for i, w := range works {
		entries[i] = w.entry
		parts = append(parts, w.parts...)
	}
	if err := n.db.put(ctx, n.o.Tables.Analytics, parts); err != nil {
		return 0, fmt.Errorf("parts: %w", err)
	}
	outcomes, err := n.db.commit(ctx, entries)
	for i, o := range outcomes {
		if o != committed {
			continue
		}
		done++
		if w := works[i]; w.parted {
			err = errors.Join(err, n.removePartsOf(ctx, w.key, w.next.Gen))
		}
	}
	return done, err
}

// readAttributes are those of a roll-up that summing needs: not the memory of its blocks.
var readAttributes = []string{store.AttrPK, store.AttrSK, store.AttrGen, store.AttrRollup, store.AttrParts, store.AttrDigest, store.AttrBody}

// sum merges what a bucket consists of and makes its entry. Everything is read consistently
// after the marker, so the marker's token still being there means that nothing has changed.
func (n *Insights) sum(ctx context.Context, w *coarseWork) error {
	var rollups []codec.Rollup
	for _, read := range w.reads {
		some, err := n.readRollups(ctx, read)
		if err != nil {
			return err
		}
		rollups = append(rollups, some...)
	}
	total := codec.Merge(rollups...)
	table := n.o.Tables.Analytics
	if total.Count == 0 && w.head.Gen == 0 {
		// The hour that straddles midnight marks both days, and may have events in one only.
		w.entry = &entry{actions: []types.TransactWriteItem{deleteMarker(table, w.marker)}}
		return nil
	}
	w.next = store.Rollup{Key: w.key, Gen: w.head.Gen + 1, Data: total.Encode()}
	if w.zone != nil {
		w.next.Zone = w.zone.String()
	}
	head, parts := w.next.Items()
	w.parts = parts
	w.parted = w.parted || len(parts) > 0
	w.entry = &entry{
		actions: []types.TransactWriteItem{deleteMarker(table, w.marker), putHead(table, head, w.next.Gen)},
		table:   table,
		bytes:   itemBytes(head),
	}
	token := fmt.Sprintf("%s:%d", w.key.SK, w.next.Gen)
	for _, key := range w.marks {
		w.entry.marks = append(w.entry.marks, store.CoarseMarkerItem(key, token))
	}
	return nil
}

func (n *Insights) readRollups(ctx context.Context, read store.Read) ([]codec.Rollup, error) {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		items, _, err := n.db.query(ctx, n.o.Tables.Analytics, span{pk: read.PK, from: read.FromSK, to: read.ToSK, consistent: true, attributes: readAttributes})
		if err != nil {
			return nil, err
		}
		found, err := store.Rollups(items)
		if errors.Is(err, store.ErrTorn) && attempt < attempts {
			continue // replaced between two pages
		}
		if err != nil {
			return nil, err
		}
		out := make([]codec.Rollup, len(found))
		for i, r := range found {
			if out[i], err = codec.DecodeRollup(r.Data); err != nil {
				return nil, fmt.Errorf("%s: %w", r.Key, err)
			}
		}
		return out, nil
	}
}
