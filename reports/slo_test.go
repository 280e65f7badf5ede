package reports_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

func sample(fast, slow int64) *stat.Histogram {
	var h stat.Histogram
	h.RecordN(40*time.Millisecond, fast)
	h.RecordN(400*time.Millisecond, slow)
	return &h
}

func TestAQuantileIsJudgedByItsBounds(t *testing.T) {
	for _, tc := range []struct {
		name       string
		fast, slow int64
		want       reports.Status
	}{
		{"an empty run", 0, 0, reports.Invalid},
		{"too few to say", 100, 0, reports.Inconclusive},
		{"all fast", 1000, 0, reports.Pass},
		{"few slow ones", 9950, 50, reports.Pass},
		{"just inside, not provably", 9905, 95, reports.Inconclusive},
		{"just outside, not provably", 9890, 110, reports.Inconclusive},
		{"too many slow ones", 9870, 130, reports.Fail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := reports.CheckQuantile("latency", sample(tc.fast, tc.slow), 0.99, 142*time.Millisecond)
			require.Equal(t, tc.want, c.Status, c.Observed)
			require.Equal(t, "p99 ≤ 142 ms", c.Objective)
		})
	}
}

// A service that is 20 % slower than the objective fails, one 20 % faster passes.
func TestTwentyPercentEitherSideIsTold(t *testing.T) {
	at := func(p99 time.Duration) reports.Status {
		var h stat.Histogram
		for i := range 2000 {
			h.Record(p99 * time.Duration(i) / 1980)
		}
		return reports.CheckQuantile("latency", &h, 0.99, 142*time.Millisecond).Status
	}
	require.Equal(t, reports.Fail, at(142*time.Millisecond*12/10))
	require.Equal(t, reports.Pass, at(142*time.Millisecond*8/10))
}

func TestAShareIsJudgedByItsBounds(t *testing.T) {
	for _, tc := range []struct {
		good, all int64
		want      reports.Status
	}{
		{0, 0, reports.Invalid},
		{1000, 1000, reports.Inconclusive},
		{5000, 5000, reports.Pass},
		{14_994, 15_000, reports.Pass},
		{14_985, 15_000, reports.Inconclusive},
		{14_960, 15_000, reports.Fail},
		{0, 10, reports.Fail},
	} {
		c := reports.CheckShare("availability", tc.good, tc.all, 0.999)
		require.Equal(t, tc.want, c.Status, "%d of %d: %s", tc.good, tc.all, c.Observed)
	}
}

func TestCountsAreJudgedExactly(t *testing.T) {
	require.Equal(t, reports.Pass, reports.CheckAtMost("lost", reports.GroupLedger, 0, 0, "lost events").Status)
	c := reports.CheckAtMost("lost", reports.GroupLedger, 1234, 0, "lost events")
	require.Equal(t, reports.Fail, c.Status)
	require.Equal(t, "no lost events", c.Objective)
	require.Equal(t, "1,234 lost events", c.Observed)
}

func TestFormats(t *testing.T) {
	for want, got := range map[string]string{
		"0": reports.Count(0), "999": reports.Count(999), "1,000": reports.Count(1000), "-12,345,678": reports.Count(-12345678),
		"3,472": reports.Rate(3472.2), "17.4": reports.Rate(17.36), "0.5": reports.Rate(0.5), "-2": reports.Rate(-2),
		"0 %": reports.Percent(0), "100 %": reports.Percent(1), "12 %": reports.Percent(0.12), "99.93 %": reports.Percent(0.9993),
		"99.996 %": reports.Percent(0.99996), "0.1 %": reports.Percent(0.001), "0.034 %": reports.Percent(0.00034),
		"p99": reports.QuantileName(0.99), "p99.9": reports.QuantileName(0.999), "p50": reports.QuantileName(0.5),
		"512 B": reports.Bytes(512), "5 MB": reports.Bytes(5_000_000), "8.33 GB": reports.Bytes(8_331_000_000), "1 MB": reports.Bytes(999_900),
	} {
		require.Equal(t, want, got)
	}
}
