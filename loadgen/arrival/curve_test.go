package arrival_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/plan"
)

var curves = rapid.Custom(func(t *rapid.T) arrival.Curve {
	span := func(name string, least int64) time.Duration {
		return time.Duration(rapid.Int64Range(least, int64(10*time.Minute)).Draw(t, name))
	}
	rate := func(name string) arrival.PerSecond {
		return arrival.PerSecond(rapid.Float64Range(0.1, 1e5).Draw(t, name))
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return arrival.Ramp{For: span("for", 1e9), From: rate("from"), To: rate("to")}
	case 1:
		return arrival.Sine{For: span("for", 1e9), Mean: rate("mean"), Swing: rapid.Float64Range(0, 1).Draw(t, "swing"),
			Period: span("period", 1e9), Shift: span("shift", 0)}
	}
	base := rate("base")
	return arrival.Flash{For: span("for", 1e9), Base: base, Top: base + rate("more"),
		Rise: span("rise", 0), Plateau: span("plateau", 0), Decay: span("decay", 1e6)}
})

// A curve's Total is the integral of its Rate (Simpson's rule, step by step), and a phase's When
// its inverse.
func TestCurvesIntegrate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := curves.Draw(t, "curve")
		p, err := arrival.New(c)
		if err != nil {
			t.Fatal(err)
		}
		const parts = 4000
		sum := 0.0
		for i := range parts {
			a := c.Length() * time.Duration(i) / parts
			b := c.Length() * time.Duration(i+1) / parts
			// Right of a border and left of the next, since a flash may rise at once.
			at := func(share float64) float64 { return float64(c.Rate(a + time.Duration(share*float64(b-a-1)))) }
			if c.Rate(a) > c.Peak()*(1+1e-12) {
				t.Fatalf("rate %v at %s is above the peak %v", c.Rate(a), a, c.Peak())
			}
			sum += (at(0) + 4*at(0.5) + at(1)) / 6 * (b - a).Seconds()
		}
		total := c.Total(c.Length())
		tolerance := 1e-3*total + float64(c.Peak())*c.Length().Seconds()/parts
		if math.Abs(sum-total) > tolerance {
			t.Fatalf("integral %v, Total %v", sum, total)
		}
		for range 20 {
			at := time.Duration(rapid.Int64Range(0, int64(c.Length())).Draw(t, "at"))
			want := p.Total(at)
			if got := p.Total(p.When(want)); math.Abs(got-want) > float64(c.Peak())*3e-9+1e-9*total {
				t.Fatalf("Total(When(%v)) = %v", want, got)
			}
		}
	})
}

func TestShapes(t *testing.T) {
	flash := arrival.Flash{For: time.Hour, Base: 100, Top: 2000, Rise: time.Minute, Plateau: 5 * time.Minute, Decay: 10 * time.Minute}
	for at, want := range map[time.Duration]float64{
		0: 100, 30 * time.Second: 1050, time.Minute: 2000, 6*time.Minute - 1: 2000,
		16 * time.Minute: 1050, 26 * time.Minute: 575,
	} {
		require.InDelta(t, want, float64(flash.Rate(at)), 1e-3, "flash at %s", at)
	}
	sine := arrival.Sine{For: time.Hour, Mean: 100, Swing: 0.5, Period: 24 * time.Hour, Shift: 6 * time.Hour}
	require.InDelta(t, 150, float64(sine.Rate(0)), 1e-9, "the crest")

	steps, err := arrival.New(arrival.Steps(100, 400, 4, time.Minute)...)
	require.NoError(t, err)
	for i, want := range []arrival.PerSecond{100, 200, 300, 400} {
		require.Equal(t, want, steps.Rate(time.Duration(i)*15*time.Second))
	}
	require.Equal(t, time.Minute, steps.Length())

	var shares [24]float64
	shares[9], shares[10] = 1, 3
	hours, err := arrival.Day(100, shares, 8*time.Hour+30*time.Minute, 3*time.Hour)
	require.NoError(t, err)
	day, err := arrival.New(hours...)
	require.NoError(t, err)
	require.Equal(t, 3*time.Hour, day.Length())
	require.Equal(t, arrival.PerSecond(0), day.Rate(0))
	require.InDelta(t, 600, float64(day.Rate(30*time.Minute)), 1e-9, "a quarter of the day in an hour")
	require.InDelta(t, 100*86400, day.Total(day.Length()), 1e-3)
}

func TestCurvesAreRefusedAllAtOnce(t *testing.T) {
	_, err := arrival.New(
		arrival.Sine{For: time.Minute, Mean: 10, Swing: 1.5, Period: 0},
		arrival.Flash{For: time.Minute, Base: 10, Top: 5, Decay: 0},
	)
	for _, want := range []string{"phase 1: swing 1.5", "phase 1: period 0s", "phase 2: rise 0s, plateau 0s, decay 0s", "phase 2: peak 5 events/s is below the base 10"} {
		require.ErrorContains(t, err, want)
	}
	_, err = arrival.Day(100, [24]float64{}, 0, time.Hour)
	require.ErrorContains(t, err, "every hour has share 0")
}

func TestTraces(t *testing.T) {
	counts, err := arrival.NewCounts([]float64{10, 0, 30}, time.Second, arrival.Warp{Speed: 2, Volume: 3})
	require.NoError(t, err)
	require.Equal(t, 1500*time.Millisecond, counts.Length())
	require.InDelta(t, 120, counts.Total(counts.Length()), 1e-9)
	require.Equal(t, arrival.PerSecond(60), counts.Rate(0))
	require.Equal(t, arrival.PerSecond(180), counts.Peak())
	require.Equal(t, 250*time.Millisecond, counts.When(15))
	require.Equal(t, 500*time.Millisecond, counts.When(30), "the earliest time while nothing comes")
	require.Equal(t, 1250*time.Millisecond, counts.When(75))

	_, err = arrival.NewCounts([]float64{1, -1}, time.Second, arrival.Warp{})
	require.ErrorContains(t, err, "interval 2 of the trace: -1 events")
	_, err = arrival.NewCounts([]float64{0}, time.Second, arrival.Warp{})
	require.ErrorContains(t, err, "no events")
	_, err = arrival.NewTimes([]time.Duration{2, 1}, 0, arrival.Warp{})
	require.ErrorContains(t, err, "must not fall")
	_, err = arrival.NewTimes([]time.Duration{1}, 0, arrival.Warp{Speed: -1})
	require.ErrorContains(t, err, "speed or volume is -1")
}

// The bursts' index of dispersion must be the one that was asked for, and the mean untouched. The
// estimate from 2,000 windows has a standard error of about I·√(2/2000) = 3 %.
func TestBurstsHaveTheirDispersion(t *testing.T) {
	base, err := arrival.New(arrival.Constant(200, 40000*time.Second))
	require.NoError(t, err)
	for _, want := range []float64{1.5, 5, 30} {
		bursty, err := arrival.NewBursty(base, arrival.Burst{Dispersion: want}, plan.Rand(1, "burst", uint64(want*10)))
		require.NoError(t, err)
		total := base.Total(base.Length())
		require.InDelta(t, total, bursty.Total(bursty.Length()), 1e-6*total)

		// Poisson counts add their mean to the variance of the intensity.
		const window = 20 * time.Second
		var sum, squares float64
		n := float64(base.Length() / window)
		for at := time.Duration(0); at < base.Length(); at += window {
			mean := bursty.Total(at+window) - bursty.Total(at)
			sum += mean
			squares += mean * mean
		}
		mean := sum / n
		got := 1 + (squares/n-mean*mean)/mean
		require.InEpsilon(t, want, got, 0.12, "dispersion %v", want)
	}
	_, err = arrival.NewBursty(base, arrival.Burst{Dispersion: 1}, plan.Rand(1, "burst", 0))
	require.ErrorContains(t, err, "index of dispersion 1: must be above 1")
}

func TestBurstsInvert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, err := arrival.New(curves.Draw(t, "curve"))
		if err != nil {
			t.Fatal(err)
		}
		if base.Total(base.Length()) > 1e6 {
			t.Skip("too many states to draw here")
		}
		bursty, err := arrival.NewBursty(base, arrival.Burst{Dispersion: rapid.Float64Range(1.01, 50).Draw(t, "dispersion")}, plan.Rand(2, "burst", 0))
		if err != nil {
			t.Fatal(err)
		}
		total := bursty.Total(bursty.Length())
		last := 0.0
		for i := range 50 {
			now := bursty.Total(bursty.Length() * time.Duration(i) / 50)
			if now < last-1e-9 {
				t.Fatalf("Total falls from %v to %v", last, now)
			}
			last = now
			want := total * float64(i) / 50
			slack := float64(base.Peak())*1e-8 + 1e-6*max(total, 1)
			if got := bursty.Total(bursty.When(want)); math.Abs(got-want) > slack {
				t.Fatalf("Total(When(%v)) = %v of %v", want, got, total)
			}
		}
	})
}

func TestParseTrace(t *testing.T) {
	record := func(text string) arrival.Record {
		t.Helper()
		r, err := arrival.ParseTrace("trace.csv", []byte(text))
		require.NoError(t, err)
		return r
	}
	require.Equal(t, arrival.Record{Counts: []float64{3, 0, 4.5}}, record("# a comment\n3\n0\n\n4.5\n"))
	require.Equal(t, arrival.Record{Counts: []float64{3, 4}}, record("time,count\n2020-01-01,3\n2020-01-02,4"))
	seconds := []time.Duration{0, 1500 * time.Millisecond, 1500 * time.Millisecond}
	require.Equal(t, arrival.Record{Times: seconds}, record("2020-01-01T00:00:00Z\n2020-01-01T00:00:01.5Z,other\n2020-01-01T01:00:01.5+01:00\r\n"))
	require.Equal(t, arrival.Record{Times: seconds}, record("who,time\na,1000000\nb,1000001.5\nc,1000001.5\n"))

	for text, want := range map[string]string{
		"":                           "trace.csv: the trace is empty",
		"1\n-2\nx":                   "trace.csv:2: found \"-2\", allowed is a number of events between 0 and 1e+07, or a time as RFC 3339\ntrace.csv:3: found \"x\"",
		"time\n10\n9":                "trace.csv:3: found \"9\", which is before the line above",
		"time\nlunch":                "trace.csv:2: found \"lunch\", allowed is a time as RFC 3339 or as seconds since 1970",
		"who,time\nalone":            "trace.csv:2: found 1 columns, the trace is in column 2",
		"2020-01-01T00:00:00Z\n7e99": "trace.csv:2: found \"7e99\"",
	} {
		_, err := arrival.ParseTrace("trace.csv", []byte(text))
		require.ErrorContains(t, err, want, "%q", text)
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add([]byte("time,count\n1,2\n"))
	f.Add([]byte("2020-01-01T00:00:00Z\n1.5\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := arrival.ParseTrace("f", text)
		if err != nil {
			return
		}
		if r.Times != nil {
			_, err = arrival.NewTimes(r.Times, 0, arrival.Warp{})
			require.NoError(t, err)
		} else if _, err := arrival.NewCounts(r.Counts, time.Second, arrival.Warp{}); err != nil {
			require.ErrorContains(t, err, "no events")
		}
	})
}
