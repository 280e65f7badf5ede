package reporting

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// parallelReads bounds a question's queries at the same time.
const parallelReads = 6

// finest is the widest bucket that an answer can use.
type finest int

const (
	anyLevel finest = iota
	hoursAndMinutes
	minutesOnly
)

// ask reads the roll-ups of a period: disjoint buckets that together are exactly it. asOf is
// the oldest instant at which any of them was looked at.
func (a *Analytics) ask(ctx context.Context, tenant string, p period, zone *time.Location, level finest) (found []bucket, asOf time.Time, err error) {
	now := a.o.Now()
	q := store.Question{Tenant: tenant, From: p.from, To: p.to, Now: now}
	asOf = now
	switch {
	case level == minutesOnly:
		// An hour that is called dirty is read by its minutes.
		for h := p.from.Truncate(time.Hour); h.Before(p.to); h = h.Add(time.Hour) {
			q.DirtyHours = append(q.DirtyHours, h)
		}
	case p.to.Sub(p.from) >= time.Hour:
		m, err := a.settings.dirty(ctx, tenant)
		if err != nil {
			return nil, asOf, err
		}
		q.DirtyHours, q.DirtyDays, asOf = m.hours, m.days, m.checked
		if level == anyLevel {
			q.Zone = zone
		}
	}
	readings, err := a.readAll(ctx, store.ReadPlan(q))
	if err != nil {
		return nil, asOf, err
	}
	if otherZone(readings, zone) {
		// The tenant moved: its days were computed for another zone.
		q.Zone = nil
		if readings, err = a.readAll(ctx, store.ReadPlan(q)); err != nil {
			return nil, asOf, err
		}
	}
	for _, r := range readings {
		found = append(found, r.buckets...)
		if r.checked.Before(asOf) {
			asOf = r.checked
		}
	}
	return found, asOf, nil
}

func (a *Analytics) readAll(ctx context.Context, plan []store.Read) ([]*reading, error) {
	readings := make([]*reading, len(plan))
	if len(plan) == 1 {
		var err error
		readings[0], err = a.reader.read(ctx, plan[0])
		return readings, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, q := range plan {
		group.Go(func() (err error) {
			readings[i], err = a.reader.read(ctx, q)
			return err
		})
	}
	return readings, group.Wait()
}

func otherZone(readings []*reading, zone *time.Location) bool {
	for _, r := range readings {
		for _, b := range r.buckets {
			if b.level == store.Day && b.zone != zone.String() {
				return true
			}
		}
	}
	return false
}

func merge(buckets []bucket) codec.Rollup {
	rollups := make([]codec.Rollup, len(buckets))
	for i := range buckets {
		rollups[i] = buckets[i].Rollup
	}
	return codec.Merge(rollups...)
}
