package threshold_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/threshold"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]threshold.Threshold{
		"p99(latency) < 142ms": {Function: threshold.Quantile, Quantile: 0.99, Metric: threshold.Latency,
			Operator: "<", Bound: 0.142, Unit: threshold.Seconds},
		" p99.9 ( first_byte )<=1.5s ": {Function: threshold.Quantile, Quantile: 0.999, Metric: threshold.FirstByte,
			Operator: "<=", Bound: 1.5, Unit: threshold.Seconds},
		"p99(latency{endpoint=summary}) < 50ms": {Function: threshold.Quantile, Quantile: 0.99, Metric: threshold.Latency,
			Labels: map[string]string{"endpoint": "summary"}, Operator: "<", Bound: 0.05, Unit: threshold.Seconds},
		`max(lag{endpoint=GET /a b , class="x,y"}) > 0s`: {Function: threshold.Max, Metric: threshold.Lag,
			Labels: map[string]string{"endpoint": "GET /a b", "class": "x,y"}, Operator: ">", Bound: 0, Unit: threshold.Seconds},
		"p99(freshness) < 15s":     {Function: threshold.Quantile, Quantile: 0.99, Metric: threshold.Freshness, Operator: "<", Bound: 15, Unit: threshold.Seconds},
		"rate(errors) < 0.1%":      {Function: threshold.Rate, Metric: threshold.Errors, Operator: "<", Bound: 0.001, Unit: threshold.Share},
		"rate(errors) < 2/s":       {Function: threshold.Rate, Metric: threshold.Errors, Operator: "<", Bound: 2, Unit: threshold.PerSecond},
		"rate(requests) >= 1000/s": {Function: threshold.Rate, Metric: threshold.Requests, Operator: ">=", Bound: 1000, Unit: threshold.PerSecond},
		"count(dropped) == 0":      {Function: threshold.Count, Metric: threshold.Dropped, Operator: "==", Bound: 0, Unit: threshold.Number},
		"count(requests{status=429}) != 3": {Function: threshold.Count, Metric: threshold.Requests,
			Labels: map[string]string{"status": "429"}, Operator: "!=", Bound: 3, Unit: threshold.Number},
	} {
		got, err := threshold.Parse(text)
		require.NoError(t, err, text)
		require.InDelta(t, want.Quantile, got.Quantile, 1e-12, text)
		want.Quantile = got.Quantile
		require.Equal(t, want, got, text)
	}
}

func TestParseSaysWhereItGoesWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   `column 1: "" is no function: allowed are p50, p99, p99.9 (above 0 and below 100), min, mean, max, count, rate`,
		"p100(latency) < 1s":                 `column 1: "p100" is no function`,
		"avg(latency) < 1s":                  `column 1: "avg" is no function`,
		"p99 latency < 1s":                   `column 5: found "l", expected (`,
		"p99( latencies) < 1s":               `column 6: "latencies" is no metric: durations are latency, service, lag, wait, dns, connect, tls, first_byte; counters are requests, errors, dropped, retries, failures`,
		"count(latency) < 1":                 "column 7: latency is a duration, count needs a counter",
		"p99(errors) < 1":                    "column 5: errors is a counter, p99 needs a duration",
		"p99(freshness{class=a}) < 1s":       "column 14: freshness has no labels",
		"rate(freshness) < 1%":               "column 6: freshness is a duration, rate needs a counter",
		"p99(latency{tenant=a}) < 1s":        `column 13: "tenant" is no label: allowed are class, endpoint, status`,
		"p99(latency{class=a,class=b}) < 1s": "column 21: label class stands twice",
		"p99(latency{class=}) < 1s":          `column 19: found "}", expected the label's value`,
		"p99(latency{class=a":                "column 19: found \"a\", expected the label's value",
		`p99(latency{class="a) < 1s`:         "column 19: the quoted value does not end",
		"p99(latency) ~ 1s":                  `column 14: found "~", allowed are < <= > >= == !=`,
		"p99(latency) <":                     `column 15: "" is no duration: write 142ms or 1.5s`,
		"p99(latency) < 142":                 `column 16: "142" is no duration`,
		"p99(latency) < -1s":                 `"-1s" is no duration`,
		"rate(errors) < 0.1":                 `column 16: "0.1" is neither a share nor a rate: write 0.1% or 5/s`,
		"rate(errors) < 101%":                `"101%" is neither`,
		"rate(errors) < NaN%":                `"NaN%" is neither`,
		"rate(requests) > 5%":                `"5%" is no rate: write 1000/s`,
		"count(dropped) == 0.5":              `"0.5" is no count: write a whole number such as 0`,
		"count(dropped) == 0 or so":          `"0 or so" is no count`,
	} {
		_, err := threshold.Parse(text)
		var syntax *threshold.SyntaxError
		require.True(t, errors.As(err, &syntax), "%s: %v", text, err)
		require.ErrorContains(t, err, want, text)
	}
}

// figures is one number for everything.
type figures struct {
	value   float64
	count   int64
	planned int64
}

func (f figures) Duration(threshold.Function, float64, threshold.Metric, map[string]string) (float64, int64) {
	return f.value, f.planned
}
func (f figures) Counted(threshold.Metric, map[string]string) (int64, int64) {
	return f.count, f.planned
}
func (f figures) Span() time.Duration { return 10 * time.Second }

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		text    string
		figures figures
		holds   bool
		says    string
	}{
		{"p99(latency) < 142ms", figures{value: 0.1419, planned: 5}, true, "p99(latency) < 142ms: 141.9ms"},
		{"p99(latency) < 142ms", figures{value: 0.142, planned: 5}, false, "p99(latency) < 142ms: 142ms"},
		{"p99(latency) <= 142ms", figures{value: 0.142, planned: 5}, true, "p99(latency) <= 142ms: 142ms"},
		{"p99(latency) < 142ms", figures{}, false, "p99(latency) < 142ms: no data"},
		{"rate(errors) < 0.1%", figures{count: 1, planned: 1000}, false, "rate(errors) < 0.1%: 0.1%"},
		{"rate(errors) < 0.1%", figures{count: 1, planned: 1001}, true, "rate(errors) < 0.1%: 0.0999000999001%"},
		{"rate(errors) < 0.1%", figures{}, false, "rate(errors) < 0.1%: no data"},
		{"rate(errors) < 1/s", figures{count: 9, planned: 1000}, true, "rate(errors) < 1/s: 0.9/s"},
		{"rate(requests) > 100/s", figures{count: 1000, planned: 1000}, false, "rate(requests) > 100/s: 100/s"},
		{"rate(requests) != 100/s", figures{count: 999, planned: 999}, true, "rate(requests) != 100/s: 99.9/s"},
		{"count(dropped) == 0", figures{planned: 7}, true, "count(dropped) == 0: 0"},
		{"count(dropped) == 0", figures{count: 1, planned: 7}, false, "count(dropped) == 0: 1"},
		{"count(dropped) == 0", figures{}, false, "count(dropped) == 0: no data"},
		{"count(requests) >= 7", figures{count: 7, planned: 7}, true, "count(requests) >= 7: 7"},
	} {
		parsed, err := threshold.Parse(c.text)
		require.NoError(t, err)
		j := parsed.Judge(c.figures)
		require.Equal(t, c.holds, j.Holds, "%s over %+v", c.text, c.figures)
		require.Equal(t, c.says, j.String())
	}
}

// What is written is read back the same.
func TestPrintParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		function := rapid.SampledFrom([]string{"p50", "p99.99", "p0.5", "min", "mean", "max"}).Draw(t, "function")
		metric := rapid.SampledFrom(threshold.Durations()).Draw(t, "metric")
		value := rapid.String().Draw(t, "label")
		one, err := threshold.Parse(function + "(" + string(metric) + ") >= 12.5ms")
		if err != nil {
			t.Fatal(err)
		}
		one.Labels = map[string]string{"endpoint": value}
		again, err := threshold.Parse(one.String())
		if err != nil {
			t.Fatalf("%s: %v", one, err)
		}
		if again.String() != one.String() || again.Labels["endpoint"] != value {
			t.Fatalf("%s came back as %s", one, again)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"p99(latency{endpoint=summary}) < 50ms", "rate(errors) < 0.1%", "count(dropped) == 0", `p5(lag{class="\"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		one, err := threshold.Parse(text)
		if err != nil {
			return
		}
		again, err := threshold.Parse(one.String())
		require.NoError(t, err, "%q was read from %q", one.String(), text)
		require.Equal(t, one.String(), again.String())
	})
}
