package arrival_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/arrival"
)

func TestPhases(t *testing.T) {
	p, err := arrival.New(
		arrival.Constant(100, 10*time.Second),
		arrival.Ramp{For: 10 * time.Second, From: 100, To: 300},
		arrival.Constant(0, 5*time.Second),
		arrival.Constant(50, 2*time.Second),
	)
	require.NoError(t, err)
	require.Equal(t, 27*time.Second, p.Length())
	require.Equal(t, arrival.PerSecond(300), p.Peak())

	for _, c := range []struct {
		at    time.Duration
		rate  arrival.PerSecond
		total float64
	}{
		{-time.Second, 0, 0},
		{0, 100, 0},
		{5 * time.Second, 100, 500},
		{10 * time.Second, 100, 1000},
		{15 * time.Second, 200, 1000 + 750},
		{20 * time.Second, 0, 3000},
		{24 * time.Second, 0, 3000},
		{26 * time.Second, 50, 3050},
		{27 * time.Second, 0, 3100},
		{time.Hour, 0, 3100},
	} {
		require.InDelta(t, float64(c.rate), float64(p.Rate(c.at)), 1e-9, "Rate(%s)", c.at)
		require.InDelta(t, c.total, p.Total(c.at), 1e-6, "Total(%s)", c.at)
	}
	require.Equal(t, 20*time.Second, p.When(3000), "the earliest time while nothing comes")
	require.Equal(t, 27*time.Second, p.When(9999))
	require.Equal(t, time.Duration(0), p.When(0))
}

func TestPhasesAreRefusedAllAtOnce(t *testing.T) {
	_, err := arrival.New()
	require.EqualError(t, err, "no phases: at least one is needed")

	_, err = arrival.New(arrival.Constant(-1, time.Second), arrival.Constant(1, 0),
		arrival.Constant(arrival.PerSecond(math.NaN()), time.Second), arrival.Constant(1e9, time.Second))
	require.ErrorContains(t, err, "phase 1: rate -1 events/s: must be between 0 and 1e+07")
	require.ErrorContains(t, err, "phase 2: length 0s: must be more than zero")
	require.ErrorContains(t, err, "phase 3: rate NaN")
	require.ErrorContains(t, err, "phase 4: rate 1e+09")

	_, err = arrival.New(arrival.Constant(0, time.Minute))
	require.ErrorContains(t, err, "nothing would be sent")
}

// When must undo Total, and Total must be the integral of Rate.
func TestInverseAndIntegral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phases := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) arrival.Curve {
			return arrival.Ramp{
				For:  time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "for")),
				From: arrival.PerSecond(rapid.Float64Range(0.1, 1e5).Draw(t, "from")),
				To:   arrival.PerSecond(rapid.Float64Range(0, 1e5).Draw(t, "to")),
			}
		}), 1, 6).Draw(t, "phases")
		p, err := arrival.New(phases...)
		if err != nil {
			t.Fatalf("New(%v): %v", phases, err)
		}
		at := time.Duration(rapid.Int64Range(0, int64(p.Length())).Draw(t, "at"))
		total := p.Total(at)
		// A nanosecond's worth of events at the peak, and rounding of sums.
		slack := float64(p.Peak())*3e-9 + 1e-9*p.Total(p.Length())
		if got := p.Total(p.When(total)); math.Abs(got-total) > slack {
			t.Fatalf("Total(When(%v)) = %v", total, got)
		}
		const step = time.Microsecond
		if next := at + step; next < p.Length() {
			grew := p.Total(next) - total
			mean := float64(p.Rate(at)+p.Rate(next)) / 2 * step.Seconds()
			// The two may lie in different phases.
			top := float64(p.Peak()) * step.Seconds()
			if grew < -1e-9 || grew > top+slack {
				t.Fatalf("Total grew by %v between %s and %s (mean of rates %v)", grew, at, next, mean)
			}
		}
	})
}
