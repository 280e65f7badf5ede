package stat_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports/stat"
)

// Values from the tables of Clopper and Pearson's method (R's binom.test).
func TestProportionBounds(t *testing.T) {
	for _, tc := range []struct {
		k, n      int64
		low, high float64
	}{
		{0, 0, 0, 1},
		{0, 10, 0, 0.3084971},
		{10, 10, 0.6915029, 1},
		{5, 100, 0.01643188, 0.1128349},
		{3, 3000, 0.0002062585, 0.002919736},
	} {
		low, high := stat.ProportionBounds(tc.k, tc.n, 0.95)
		require.InDelta(t, tc.low, low, 1e-6, "%d of %d", tc.k, tc.n)
		require.InDelta(t, tc.high, high, 1e-6, "%d of %d", tc.k, tc.n)
	}
}

func TestQuantileRanks(t *testing.T) {
	for _, tc := range []struct {
		n         int64
		q         float64
		low, high int64
	}{
		{5, 0.5, 0, 6},     // 2·0.5^5 is more than 5 %
		{6, 0.5, 1, 6},     // the textbook case: the range of six has 96.9 %
		{100, 0.5, 40, 61}, // R: qbinom(0.025, 100, 0.5) = 40
		{100, 0.99, 97, 101},
		{1000, 0.99, 983, 997},
		{0, 0.99, 0, 1},
	} {
		low, high := stat.QuantileRanks(tc.n, tc.q, 0.95)
		require.Equal(t, []int64{tc.low, tc.high}, []int64{low, high}, "n=%d q=%v", tc.n, tc.q)
	}
}

func TestQuantileBoundsCoverTheTrueQuantile(t *testing.T) {
	const runs = 400
	missed := 0
	for run := range runs {
		random := rand.New(rand.NewPCG(uint64(run), 1))
		var h stat.Histogram
		for range 2000 {
			h.Record(time.Duration(random.Float64() * float64(time.Second)))
		}
		low, high := h.QuantileBounds(0.99, 0.95)
		if low > 990*time.Millisecond || high < 990*time.Millisecond {
			missed++
		}
	}
	require.LessOrEqual(t, missed, runs/20+13) // 5 % and three standard deviations
	require.Positive(t, missed, "bounds that never miss are too wide")
}

func TestASmallSampleHasNoUpperBound(t *testing.T) {
	var h stat.Histogram
	h.RecordN(time.Millisecond, 50)
	low, high := h.QuantileBounds(0.99, 0.95)
	require.Equal(t, time.Millisecond, low)
	require.Equal(t, stat.Unbounded, high)
	require.True(t, slices.IsSorted([]time.Duration{low, h.Quantile(0.99), high}))
}
