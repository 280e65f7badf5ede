package measure_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/measure"
)

func at(planned, start, end time.Duration) measure.Outcome {
	return measure.Outcome{Planned: planned, Start: start, End: end, Sent: true, Good: true, Trace: measure.NoTrace}
}

func TestCourseCountsBySecond(t *testing.T) {
	c := measure.NewCourse(2 * time.Second)
	for _, o := range []measure.Outcome{
		at(100*time.Millisecond, 100*time.Millisecond, 150*time.Millisecond),
		at(900*time.Millisecond, 1100*time.Millisecond, 2300*time.Millisecond),
		{Planned: 950 * time.Millisecond, Start: 3 * time.Second, End: 3 * time.Second},
		{Planned: 960 * time.Millisecond, Start: 970 * time.Millisecond, End: 980 * time.Millisecond, Sent: true, Retries: 2},
	} {
		c.Add(&o)
	}
	first := c.Second(0)
	require.EqualValues(t, 4, first.Planned)
	require.EqualValues(t, 2, first.Good)
	require.EqualValues(t, 2, first.Errors())
	require.EqualValues(t, 1, first.Dropped)
	require.EqualValues(t, 2, first.Retries)
	require.EqualValues(t, 2, first.Started)
	require.EqualValues(t, 2, first.Ended)
	// 50 ms and 1.4 s were answered well, the others count at their timeout at least.
	require.InEpsilon(t, 1.4, first.P50.Seconds(), 0.02)
	require.InEpsilon(t, 2.05, first.Max.Seconds(), 0.02)
	require.EqualValues(t, 1, c.Second(1).Started)
	require.EqualValues(t, 1, c.Second(2).Ended)
	require.Equal(t, 3, c.Len())
	require.Zero(t, c.Second(3))
	require.InEpsilon(t, 1.4, c.Recent(1, 2, 0.5).Seconds(), 0.02)
	require.Zero(t, c.Recent(1, 1, 0.5))
}

// A course that was split over generators, and sent as JSON, is the course of the whole.
func TestCoursesMergeExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		whole := measure.NewCourse(time.Second)
		parts := []*measure.Course{measure.NewCourse(time.Second), measure.NewCourse(time.Second), measure.NewCourse(time.Second)}
		var responses []time.Duration
		for range rapid.IntRange(1, 300).Draw(t, "n") {
			planned := time.Duration(r.Int64N(int64(time.Second)))
			o := at(planned, planned+time.Duration(r.Int64N(1e9)), planned+time.Duration(r.Int64N(int64(10*time.Second))))
			o.Good = r.IntN(4) > 0
			responses = append(responses, o.Latency(time.Second))
			whole.Add(&o)
			parts[r.IntN(3)].Add(&o)
		}
		sum := measure.NewCourse(time.Second)
		for _, p := range parts {
			text, err := json.Marshal(p)
			require.NoError(t, err)
			var read measure.Course
			require.NoError(t, json.Unmarshal(text, &read))
			require.NoError(t, sum.Merge(&read))
		}
		require.Equal(t, whole, sum)
		slices.Sort(responses)
		for _, q := range []float64{0.5, 0.99} {
			exact := responses[max(int(float64(len(responses))*q+0.999999)-1, 0)]
			got := whole.Recent(0, 1, q)
			require.GreaterOrEqual(t, got, exact.Truncate(time.Microsecond))
			require.LessOrEqual(t, got.Seconds(), exact.Seconds()*1.016+1e-6)
		}
	})
	require.Error(t, measure.NewCourse(time.Second).Merge(measure.NewCourse(time.Minute)))
}

func TestFitSeesAStallAndClumps(t *testing.T) {
	even, stalled, clumped := measure.NewCourse(time.Second), measure.NewCourse(time.Second), measure.NewCourse(time.Second)
	for i := range 2000 { // 100/s for 20 s
		due := time.Duration(i) * 10 * time.Millisecond
		o := at(due, due, due+time.Millisecond)
		even.Add(&o)
		if due >= 5*time.Second && due < 6*time.Second { // everything of this second leaves at its end
			o = at(due, 6*time.Second, 6*time.Second)
		}
		stalled.Add(&o)
		o = at(due, due/time.Second*time.Second+time.Second, due+2*time.Second) // all of a second at once
		clumped.Add(&o)
	}
	require.Zero(t, even.Fit().Distance)
	f := stalled.Fit()
	require.InDelta(t, 100.0/2000, f.Distance, 1e-9)
	require.Equal(t, 6*time.Second, f.At)
	require.Len(t, f.Clumping, 2, "50 ms and 1 s; of 10 s there are only two windows")
	require.Equal(t, time.Second, f.Clumping[1].Width)
	require.Zero(t, f.Clumping[1].Planned)
	require.Greater(t, f.Clumping[1].Started, 9.0)
	require.Greater(t, clumped.Fit().Clumping[0].Started, 90.0)

	// What was never sent stays missing to the end.
	dropped := measure.NewCourse(time.Second)
	for i := range 10 {
		o := at(time.Duration(i)*time.Millisecond, time.Duration(i)*time.Millisecond, time.Second)
		o.Sent = i != 3
		dropped.Add(&o)
	}
	require.InDelta(t, 0.1, dropped.Fit().Distance, 1e-9)
	require.Zero(t, measure.NewCourse(time.Second).Fit())
}

// What a worker tells of its last second does not grow with the load.
func TestSecondsInWhichNothingHappenedAreNotWritten(t *testing.T) {
	c := measure.NewCourse(time.Second)
	o := at(time.Hour, time.Hour, time.Hour+time.Millisecond)
	c.Add(&o)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.Less(t, len(text), 500)
	var again measure.Course
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, *c, again)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"from": 99999999}`), &again), "99999999")
}
