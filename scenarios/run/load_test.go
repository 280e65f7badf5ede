package run

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/deploy/stack"
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
