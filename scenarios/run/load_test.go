package run

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

func TestDefaultPlansAreThePlatforms(t *testing.T) {
	require.Equal(t, stack.UsagePlans(), plansOf(scenarios.Default().Tenants.Plans))
}

// At any speed the same requests are sent, at planned times divided by it; ids say when.
func TestSpeedDividesPlannedTimesOnly(t *testing.T) {
	epoch := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	at := func(speed string) *load {
		s, err := scenarios.Open("day", []string{"load.volume=0.1%", "load.speed=" + speed})
		require.NoError(t, err)
		people, err := newPopulation(s, 1, epoch)
		require.NoError(t, err)
		l, err := newLoad(s, 1, epoch, people, func(string) string { return "" })
		require.NoError(t, err)
		return l
	}
	slow, fast := at("1"), at("36")
	planned, sped := slices.Collect(slow.entries()), slices.Collect(fast.entries())
	require.Greater(t, len(planned), 900)
	require.Len(t, sped, len(planned))
	for i, e := range planned {
		want := e
		want.At, want.First = time.Duration(float64(e.At)/36), time.Duration(float64(e.First)/36)
		require.Equal(t, want, sped[i])
	}
	for _, e := range sped {
		r, err := fast.make(e)
		require.NoError(t, err)
		require.Len(t, r.Facts, int(e.Events))
		for _, f := range r.Facts {
			if e.Kind.String() == "batch" {
				require.Equal(t, epoch.Add(e.First).UnixMilli(), f.ID.Time().UnixMilli())
			}
		}
	}
}

// The numbers that day.yaml names.
func TestADayHasItsFifteenMillionEvents(t *testing.T) {
	s, err := scenarios.Open("day", nil)
	require.NoError(t, err)
	people, err := newPopulation(s, s.Seed, time.Now())
	require.NoError(t, err)
	l, err := newLoad(s, s.Seed, time.Now(), people, nil)
	require.NoError(t, err)
	var events, replayed int
	for e := range l.entries() {
		if e.Replay() {
			replayed += int(e.Events)
		} else {
			events += int(e.Events)
		}
	}
	require.Equal(t, [2]int{15_041_963, 140_531}, [2]int{events, replayed})
}

func TestAWholePlanIsProvedInASentence(t *testing.T) {
	s, err := scenarios.Open("day", nil)
	require.NoError(t, err)
	d := &drill{s: s}
	d.summary.Length = 2401 * time.Second
	result := func(lost reports.Status) *reports.Result {
		r := &reports.Result{Verdict: reports.VerdictPass, Ledger: reports.Ledger{Acked: 15_041_963}}
		for _, name := range []string{"events-doubled", "minute-figures"} {
			r.Checks = append(r.Checks, reports.Check{Name: name, Status: reports.Pass})
		}
		r.Checks = append(r.Checks, reports.Check{Name: "events-lost", Status: lost})
		return r
	}
	require.Contains(t, d.proved(result(reports.Pass)),
		"Requests planned over 24 h were sent in 40 m 01 s, 36 times as fast: all their 15,041,963 events were delivered and reconciled, 6,265 events/s on average.")
	require.Empty(t, d.proved(result(reports.Fail)))
}
