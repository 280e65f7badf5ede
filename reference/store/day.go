package store

import (
	"fmt"
	"time"
	_ "time/tzdata" // a function's machine may have no zone files
)

// Date is a calendar day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads YYYY-MM-DD.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("date %q, want YYYY-MM-DD: %w", text, err)
	}
	return dateOf(t), nil
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// DateIn is the day of a zone in which the instant lies, in the sense of [Date.Bounds].
func DateIn(at time.Time, zone *time.Location) Date {
	d := dateOf(at.In(zone))
	if from, to := d.Bounds(zone); at.Before(from) {
		return d.Next(-1)
	} else if !at.Before(to) {
		return d.Next(1)
	}
	return d
}

// String is YYYY-MM-DD.
func (d Date) String() string { return d.utc().Format(time.DateOnly) }

func (d Date) name() string { return d.utc().Format(dateForm) }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Next is the date n days later.
func (d Date) Next(n int) Date { return dateOf(d.utc().AddDate(0, 0, n)) }

// Bounds are the instants [from, to) of the day in a zone, to the minute: 23 to 25 hours where
// clocks change. One day's to is the next one's from, so days never overlap and miss nothing.
func (d Date) Bounds(zone *time.Location) (from, to time.Time) {
	return d.start(zone), d.Next(1).start(zone)
}

// start is the first instant of the date. Where the clock skips midnight, time.Date answers
// with an instant on either side of the gap, hence the search.
func (d Date) start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	for range 24 * 60 {
		if got := dateOf(t.In(zone)); got == d || got.utc().After(d.utc()) {
			break
		}
		t = t.Add(time.Minute)
	}
	return t.UTC().Truncate(time.Minute)
}
