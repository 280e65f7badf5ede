package quota

import "time"

// Decreases keeps the daily allowance for lowering provisioned throughput: in a UTC day four
// while none of the day's is older than an hour, then one whenever there was none in the
// preceding hour, 27 in all. The zero value has none behind it. A table and each of its indexes
// have one of their own.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-decreasing-provisioned-throughput
type Decreases struct {
	Today int       `json:",omitempty"` // on the day of Last
	First time.Time `json:",omitzero"`  // of that day
	Last  time.Time `json:",omitzero"`
}

const (
	freeDecreases     = 4
	decreaseInterval  = time.Hour
	decreasesTogether = time.Hour // in which the free ones must fall
)

// On is how many there have been on now's day.
func (d *Decreases) On(now time.Time) int {
	if utcDay(now) != utcDay(d.Last) {
		return 0
	}
	return d.Today
}

// Next is the earliest time from now at which one more is allowed: now itself, or later.
func (d *Decreases) Next(now time.Time) time.Time {
	today := d.On(now)
	if today == 0 || today < freeDecreases && now.Sub(d.First) < decreasesTogether {
		return now
	}
	next := d.Last.Add(decreaseInterval)
	if day := utcDay(now).Add(24 * time.Hour); next.After(day) { // a new day has its own
		next = day
	}
	if next.Before(now) {
		return now
	}
	return next
}

// Allow notes one at now if it is allowed.
func (d *Decreases) Allow(now time.Time) bool {
	if d.Next(now).After(now) {
		return false
	}
	if d.Today = d.On(now) + 1; d.Today == 1 {
		d.First = now
	}
	d.Last = now
	return true
}

func utcDay(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
