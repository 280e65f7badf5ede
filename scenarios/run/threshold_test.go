package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// Thresholds see what a drill measured outside fault windows, by kind, class and status; one that
// does not hold, or is over no data, fails.
func TestThresholdsAreJudged(t *testing.T) {
	var requests []request
	for i := range 1000 {
		q := request{planned: second, start: second + ms, end: second + 20*ms, status: 202, kind: plan.Batch, sent: true, tenant: int32(i % 2)}
		switch {
		case i%10 == 3:
			q.kind, q.status, q.end = plan.Read, 200, second+60*ms
		case i == 4:
			q.status = 503
		case i == 5:
			q.sent, q.status, q.cause = false, 0, "late"
		}
		requests = append(requests, q)
	}
	// All of this is a fault's.
	for range 500 {
		requests = append(requests, request{planned: 5 * second, start: 5 * second, end: 9 * second, sent: true, status: 500, kind: plan.Read})
	}
	windows := []window{{start: 4 * second, end: 6 * second}}
	class := func(tenant int32) string { return []string{"starter", "enterprise"}[tenant] }
	var fresh stat.Histogram
	for i := range 100 {
		fresh.Record(time.Duration(i+1) * second / 10)
	}
	for text, want := range map[string]struct {
		status   reports.Status
		observed string
	}{
		"p50(latency) < 50ms":                      {reports.Pass, "20.015ms"},
		"p99(freshness) < 10s":                     {reports.Pass, "9.904127s"},
		"max(freshness) < 10s":                     {reports.Fail, "10.002431s"},
		"p99(latency{endpoint=read}) < 50ms":       {reports.Fail, "60.031ms"},
		"p99(latency{endpoint=batch}) < 50ms":      {reports.Pass, "20.015ms"},
		"p50(service) < 20ms":                      {reports.Pass, "19.007ms"},
		"max(latency) < 10s":                       {reports.Fail, "10.002431s"},
		"rate(errors) < 0.1%":                      {reports.Fail, "0.2%"},
		"rate(errors) < 0.3%":                      {reports.Pass, "0.2%"},
		"rate(errors{class=enterprise}) < 0.3%":    {reports.Pass, "0.2%"},
		"count(dropped) == 0":                      {reports.Fail, "1"},
		"count(errors{status=503}) == 1":           {reports.Pass, "1"},
		"count(requests{status=late}) == 1":        {reports.Pass, "1"},
		"count(requests{status=500}) == 0":         {reports.Pass, "0"},
		"p99(latency{endpoint=webhook}) < 50ms":    {reports.Fail, "no data"},
		"count(errors{class=growth}) == 0":         {reports.Fail, "no data"},
		"count(requests{endpoint=read}) == 100":    {reports.Pass, "100"},
		"rate(errors{endpoint=real orders}) == 0%": {reports.Fail, "no data"},
	} {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		checks := thresholdChecks([]threshold.Threshold{one}, requests, &fresh, windows, 10*second, class)
		require.Len(t, checks, 1)
		require.Equal(t, want.status, checks[0].Status, "%s: %s", text, checks[0].Observed)
		require.Equal(t, want.observed, checks[0].Observed, text)
		require.Equal(t, text, checks[0].Objective)
		require.True(t, checks[0].Required)
	}
	require.Empty(t, thresholdChecks(nil, requests, &fresh, windows, second, class))
}

// A rate is over the time that its requests are from: ten a second are ten, give or take the
// one at an edge, however long faults last.
func TestRatesLeaveOutTheTimeOfFaultWindows(t *testing.T) {
	var requests []request
	for at := time.Duration(0); at <= 10*second; at += second / 10 {
		requests = append(requests, request{planned: at, start: at, end: at, status: 202, kind: plan.Batch, sent: true})
	}
	var all []threshold.Threshold
	for _, text := range []string{"rate(requests) > 9.9/s", "rate(requests) < 10.5/s"} {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		all = append(all, one)
	}
	for _, c := range thresholdChecks(all, requests, &stat.Histogram{}, []window{{start: 2 * second, end: 7 * second}}, second, func(int32) string { return "" }) {
		require.Equal(t, reports.Pass, c.Status, c.Observed)
	}
}

func TestThresholdsHaveNamesOfTheirOwn(t *testing.T) {
	var all []threshold.Threshold
	for _, text := range []string{"p99.9(latency{endpoint=read}) < 1s", "p99.9(latency{endpoint=read}) > 1ms", "rate(errors) < 1%"} {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		all = append(all, one)
	}
	var names []string
	for _, c := range thresholdChecks(all, nil, &stat.Histogram{}, nil, second, func(int32) string { return "" }) {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"threshold-p99-9-latency-endpoint-read", "threshold-p99-9-latency-endpoint-read-2", "threshold-rate-errors"}, names)
}
