package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func load(t require.TestingT, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

func TestDaysOfAZoneFollowEachOther(t *testing.T) {
	for _, tt := range []struct {
		zone  string
		date  Date
		hours float64
	}{
		{"UTC", Date{2026, 3, 14}, 24},
		{"Asia/Kolkata", Date{2026, 3, 14}, 24},
		{"Europe/Berlin", Date{2026, 3, 29}, 23},
		{"Europe/Berlin", Date{2026, 10, 25}, 25},
		{"Australia/Lord_Howe", Date{2026, 4, 5}, 24.5}, // by half an hour
		{"America/Sao_Paulo", Date{2018, 11, 4}, 23},    // midnight is skipped
		{"America/Havana", Date{2025, 11, 2}, 25},       // midnight's hour comes twice
		{"Pacific/Apia", Date{2011, 12, 30}, 0},         // a day that was left out
	} {
		zone := load(t, tt.zone)
		from, to := tt.date.Bounds(zone)
		require.Equal(t, tt.hours, to.Sub(from).Hours(), "%s %s", tt.zone, tt.date)
		_, before := tt.date.Next(-1).Bounds(zone)
		require.Equal(t, before, from)
		if tt.hours > 0 {
			require.Equal(t, tt.date, DateIn(from, zone), tt.zone)
			require.Equal(t, tt.date, DateIn(to.Add(-time.Nanosecond), zone), tt.zone)
			require.Equal(t, tt.date.Next(-1), DateIn(from.Add(-time.Nanosecond), zone), tt.zone)
		}
	}
}

func TestReadPlanOfADay(t *testing.T) {
	zone := load(t, "Asia/Kolkata") // +5:30
	from, to := Date{2026, 3, 14}.Bounds(zone)
	describe := func(q Question) (out []string) {
		q.Tenant, q.From, q.To = "t1", from, to
		for _, r := range ReadPlan(q) {
			from, to := r.Span()
			out = append(out, fmt.Sprintf("%s %s-%s %d %v", r.Level, from.Format("15:04"), to.Format("15:04"), r.Buckets, r.Open))
		}
		return out
	}
	later := to.Add(time.Hour)
	require.Equal(t, []string{"1d 18:30-18:30 1 false"}, describe(Question{Now: later, Zone: zone}))
	fine := []string{"1m 18:30-19:00 30 false", "1h 19:00-18:00 23 false", "1m 18:00-18:30 30 false"}
	require.Equal(t, fine, describe(Question{Now: later}), "without days")
	require.Equal(t, fine, describe(Question{Now: later, Zone: zone, DirtyDays: []Date{{2026, 3, 14}}}))
	require.Equal(t, fine, describe(Question{Now: later, Zone: zone, DirtyHours: []time.Time{from.Truncate(time.Hour)}}), "an hour that only touches the day")
	require.Equal(t, []string{"1m 18:30-19:00 30 false", "1h 19:00-02:00 7 false", "1m 02:00-03:00 60 false", "1h 03:00-18:00 15 false", "1m 18:00-18:30 30 false"},
		describe(Question{Now: later, Zone: zone, DirtyHours: []time.Time{time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)}}))
	require.Equal(t, []string{"1m 18:30-19:00 30 false", "1h 19:00-00:00 5 false", "1m 00:00-00:58 58 false", "1m 00:58-18:30 1052 true"},
		describe(Question{Now: time.Date(2026, 3, 14, 1, 0, 30, 0, time.UTC), Zone: zone}), "an open day is hours and minutes")
}

// TestReadPlanCoversExactly checks the plan against the dumb statement of what it must be.
func TestReadPlanCoversExactly(t *testing.T) {
	zones := []string{"UTC", "Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"}
	base := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		zone := load(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		minute := func(label string) time.Time {
			return base.Add(time.Duration(rapid.IntRange(0, 6*24*60).Draw(t, label)) * time.Minute)
		}
		q := Question{Tenant: "t1", Zone: zone, From: minute("from"), To: minute("to"), Now: minute("now").Add(17 * time.Second)}
		if rapid.Bool().Draw(t, "no days") {
			q.Zone = nil
		}
		for range rapid.IntRange(0, 3).Draw(t, "dirty") {
			q.DirtyHours = append(q.DirtyHours, minute("hour").Truncate(time.Hour))
			q.DirtyDays = append(q.DirtyDays, DateIn(minute("day"), zone))
		}
		next := q.From
		for _, r := range ReadPlan(q) {
			from, to := r.Span()
			require.Equal(t, next, from, "a gap or an overlap")
			require.True(t, to.After(from))
			next = to
			require.Equal(t, to.After(q.Now.Add(-Settle)), r.Open)
			require.Less(t, r.FromSK, r.ToSK)
			switch r.Level {
			case Minute:
				require.Equal(t, MinuteKey("t1", from), Key{r.PK, r.FromSK})
				require.Equal(t, MinuteKey("t1", to.Add(-time.Minute)).PK, r.PK)
				require.Equal(t, int(to.Sub(from)/time.Minute), r.Buckets)
			case Hour:
				require.Equal(t, HourKey("t1", from), Key{r.PK, r.FromSK})
				require.Equal(t, HourKey("t1", to.Add(-time.Hour)).PK, r.PK)
				require.Equal(t, int(to.Sub(from)/time.Hour), r.Buckets)
				require.False(t, r.Open)
				for h := from; h.Before(to); h = h.Add(time.Hour) {
					require.NotContains(t, q.DirtyHours, h)
				}
			case Day:
				require.NotNil(t, q.Zone)
				require.False(t, r.Open)
				days := 0
				for d := DateIn(from, zone); ; d = d.Next(1) {
					start, end := d.Bounds(zone)
					if !start.Before(to) {
						break
					}
					days++
					require.NotContains(t, q.DirtyDays, d)
					for _, h := range q.DirtyHours {
						require.False(t, h.Before(end) && h.Add(time.Hour).After(start))
					}
				}
				require.Equal(t, days, r.Buckets)
			}
		}
		if q.From.Before(q.To) {
			require.Equal(t, q.To, next)
		}
	})
}
