package stat_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/reports/stat"
)

var durations = rapid.Custom(func(t *rapid.T) time.Duration {
	scale := rapid.SampledFrom([]int64{2_000, 150_000, 10_000_000, stat.Max.Microseconds()}).Draw(t, "scale")
	return time.Duration(rapid.Int64Range(0, scale).Draw(t, "µs")) * time.Microsecond
})

// The dumb twin keeps every duration and sorts them.
func TestQuantilesAreTheOrderStatisticsWithinABucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(durations, 1, 300).Draw(t, "durations")
		var h, left, right stat.Histogram
		for i, d := range all {
			h.Record(d)
			if i%2 == 0 {
				left.Record(d)
			} else {
				right.Record(d)
			}
		}
		slices.Sort(all)
		left.Merge(&right)
		require.Equal(t, h.Count(), left.Count())
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			want := all[max(int(math.Ceil(q*float64(len(all))-1e-9)), 1)-1]
			got := h.Quantile(q)
			require.GreaterOrEqual(t, got, want, "q=%v", q)
			require.LessOrEqual(t, got, want+want/1000+time.Microsecond, "q=%v", q)
			require.Equal(t, got, left.Quantile(q), "merged differs at q=%v", q)
		}
		rank := rapid.IntRange(1, len(all)).Draw(t, "rank")
		low, high := h.Rank(int64(rank))
		require.LessOrEqual(t, low, all[rank-1])
		require.GreaterOrEqual(t, high, all[rank-1])
		require.GreaterOrEqual(t, h.Max(), all[len(all)-1])

		text, err := json.Marshal(h)
		require.NoError(t, err)
		var back stat.Histogram
		require.NoError(t, json.Unmarshal(text, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	})
}

func TestEmptyHistogram(t *testing.T) {
	var h stat.Histogram
	h.Merge(nil)
	h.Merge(&stat.Histogram{})
	require.Zero(t, h.Count())
	require.Zero(t, h.Quantile(0.99))
	require.Zero(t, h.Mean())
	require.Zero(t, h.CountOver(0))
	require.Empty(t, h.Percentiles(3))
	text, err := json.Marshal(h)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &h))
	require.Zero(t, h.Count())
}

func TestDurationsOutOfRangeAreKeptAtItsEnds(t *testing.T) {
	var h stat.Histogram
	h.Record(-time.Second)
	h.Record(48 * time.Hour)
	low, _ := h.Rank(1)
	require.Zero(t, low)
	require.InEpsilon(t, stat.Max, h.Max(), 0.001)
	require.EqualValues(t, 1, h.CountOver(time.Minute))
}

func TestPercentilesEndAtTheLastNineTheSampleCanSpeakFor(t *testing.T) {
	var h stat.Histogram
	for i := range 1000 {
		h.Record(time.Duration(i+1) * time.Millisecond)
	}
	curve := h.Percentiles(2)
	require.Len(t, curve, 7) // 0, 68 %, 90 %, …, 99.9 %
	require.InDelta(t, 0.999, curve[6].Quantile, 1e-9)
	require.InEpsilon(t, 999*time.Millisecond, curve[6].Value, 0.001)
}

// Written once by this package's own encoder and kept, so that old reports stay readable.
func TestDecodeReadsOldReports(t *testing.T) {
	h, err := stat.Decode("HISTFAAAAC942pJpmSzMwMDAxQABzFCaEURcm7yEwf4DROBw8BbGx7pCC6uZAAEAAP//mVQInA==")
	require.NoError(t, err)
	require.EqualValues(t, 100, h.Count())
	require.InEpsilon(t, 20*time.Millisecond, h.Quantile(0.9), 0.001)
	require.InEpsilon(t, 142*time.Millisecond, h.Quantile(0.99), 0.001)
	require.InEpsilon(t, 30*time.Second, h.Max(), 0.001)
}

func FuzzDecode(f *testing.F) {
	var h stat.Histogram
	h.Record(142 * time.Millisecond)
	text, err := h.Encode()
	require.NoError(f, err)
	f.Add(text)
	f.Add("")
	f.Add("HISTFAAAAA==")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := stat.Decode(text)
		if err != nil {
			return
		}
		again, err := h.Encode()
		require.NoError(t, err)
		twice, err := stat.Decode(again)
		require.NoError(t, err)
		require.Equal(t, h.Count(), twice.Count())
	})
}
