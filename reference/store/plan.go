package store

import (
	"slices"
	"time"
)

// Settle is how long after its end a bucket is left open: coarser roll-ups are computed, and
// read, only for buckets that ended at least this long ago.
const Settle = 2 * time.Minute

// Question asks for a tenant's figures over [From, To), both on whole minutes. For a local day
// take [Date.Bounds].
type Question struct {
	Tenant   string
	From, To time.Time
	Now      time.Time
	// Zone is the tenant's, whose days the daily roll-ups are; nil leaves them out, which is
	// also the way to ask again when a [Rollup] says that it was computed in another zone.
	Zone *time.Location
	// DirtyHours and DirtyDays are the tenant's markers ([HourMarkers], [DayMarkers]), hours
	// read before days, and both before the roll-ups.
	DirtyHours []time.Time
	DirtyDays  []Date
}

// Read is one query for roll-ups: pk = PK and sk BETWEEN FromSK AND ToSK, its pages until the
// end. Buckets without events have no item.
type Read struct {
	Level      Level
	PK         string
	FromSK     string
	ToSK       string
	Buckets    int  // at most so many roll-ups
	Open       bool // some of them may still change soon: cache for seconds, not for long
	start, end time.Time
}

// Span is the time that the read covers, [from, to).
func (r Read) Span() (from, to time.Time) { return r.start, r.end }

// ReadPlan lists the queries that answer a question: disjoint, in order of time, together
// exactly [From, To). Days and hours are used where they are closed and clean, else what is
// finer; minutes are always right, so a zone at :30 or :45 costs at most 59 of them at each end.
func ReadPlan(q Question) []Read {
	p := planner{q: q, settled: q.Now.Add(-Settle)}
	from, to := q.From.UTC().Truncate(time.Minute), q.To.UTC().Truncate(time.Minute)
	if q.Zone == nil {
		p.hours(from, to)
		return p.reads
	}
	gap := from // start of what no day has covered yet
	for date := DateIn(from, q.Zone); ; date = date.Next(1) {
		start, end := date.Bounds(q.Zone)
		if end.After(to) || end.After(p.settled) {
			break
		}
		if start.Before(from) || !p.cleanDay(date, start, end) {
			continue
		}
		p.hours(gap, start)
		p.add(Day, DayKey(q.Tenant, date), DayKey(q.Tenant, date), start, end)
		gap = end
	}
	p.hours(gap, to)
	return p.reads
}

type planner struct {
	q       Question
	settled time.Time // buckets that end later are open
	reads   []Read
}

func (p *planner) cleanDay(date Date, start, end time.Time) bool {
	return !slices.Contains(p.q.DirtyDays, date) &&
		!slices.ContainsFunc(p.q.DirtyHours, func(h time.Time) bool { return h.Before(end) && h.Add(time.Hour).After(start) })
}

// hours covers [from, to) with hours and minutes.
func (p *planner) hours(from, to time.Time) {
	for at := from; at.Before(to); {
		hour := at.Truncate(time.Hour)
		next := hour.Add(time.Hour)
		if at.Equal(hour) && !next.After(to) && !next.After(p.settled) && !slices.ContainsFunc(p.q.DirtyHours, hour.Equal) {
			p.add(Hour, HourKey(p.q.Tenant, hour), HourKey(p.q.Tenant, hour), hour, next)
			at = next
			continue
		}
		// The settled minutes up to the hour's end, then the open ones.
		end := earlier(next, to)
		if closed := earlier(end, p.settled.Truncate(time.Minute)); at.Before(closed) {
			end = closed
		}
		p.add(Minute, MinuteKey(p.q.Tenant, at), MinuteKey(p.q.Tenant, end.Add(-time.Minute)), at, end)
		at = end
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// add appends the buckets from first to last, of one partition, to the last read if that one's
// range may grow over them.
func (p *planner) add(level Level, first, last Key, start, end time.Time) {
	_, top := BucketRange(first, last)
	open := end.After(p.settled)
	buckets := 1
	if level == Minute {
		buckets = int(end.Sub(start) / time.Minute)
	}
	if n := len(p.reads); n > 0 {
		if r := &p.reads[n-1]; r.Level == level && r.PK == first.PK && r.end.Equal(start) && r.Open == open {
			r.ToSK, r.end = top, end
			r.Buckets += buckets
			return
		}
	}
	p.reads = append(p.reads, Read{Level: level, PK: first.PK, FromSK: first.SK, ToSK: top, Buckets: buckets, Open: open, start: start, end: end})
}
