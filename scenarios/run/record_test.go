package run

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reports"
)

const ms = time.Millisecond

func TestWhatWasNotAnswered2xxCountsAtTheTimeoutAtLeast(t *testing.T) {
	for _, tc := range []struct {
		name string
		q    request
		want time.Duration
	}{
		{"answered", request{planned: 100 * ms, start: 150 * ms, end: 180 * ms, status: 202, sent: true}, 80 * ms},
		{"refused fast", request{planned: 100 * ms, start: 100 * ms, end: 101 * ms, status: 503, sent: true}, 10 * second},
		{"no answer for longer than that", request{end: 12 * second, sent: true}, 12 * second},
		{"never sent", request{planned: 100 * ms, start: 200 * ms, end: 200 * ms}, 10 * second},
	} {
		require.Equal(t, tc.want, tc.q.response(10*second), tc.name)
	}
}

func TestRecorderCountsEveryResult(t *testing.T) {
	r := newRecorder(10*second, func() (string, string) { return "ingest-events", "2" }, func(time.Duration) bool { return false })
	entry := plan.Entry{Kind: plan.Batch, Events: 3}
	by := func(version string) http.Header { return http.Header{"X-Stampede-Version": {version}} }
	r.add(attack.Result{Entry: entry, Sent: true, Status: 202, End: 50 * ms, Header: by("ingest-events:2")})
	r.add(attack.Result{Entry: entry, Sent: true, Status: 207, End: 60 * ms, Header: by("ingest-events:1"), Body: []byte(`{"accepted":2}`)})
	r.add(attack.Result{Entry: entry, Sent: true, Status: 503, End: 10 * ms, Header: by("query-analytics:2")})
	counts, recent := r.look()
	require.Equal(t, progressCounts{ended: 3, ok: 2, failed: 1, accepted: 5}, counts)
	require.EqualValues(t, 3, recent.Count())
	require.InDelta(t, 10*second, recent.Max(), float64(100*ms), "the refused one")

	r.add(attack.Result{Entry: entry, Err: attack.ErrLate})
	counts, recent = r.look()
	require.Equal(t, progressCounts{ended: 4, ok: 2, failed: 1, unsent: 1, accepted: 5}, counts, "counts add up")
	require.EqualValues(t, 1, recent.Count(), "latencies are those since the look before")

	list := r.list()
	require.Len(t, list, 4)
	require.Equal(t, []bool{true, false, false, false}, []bool{list[0].canary, list[1].canary, list[2].canary, list[3].canary})
}

func TestAcceptedOf(t *testing.T) {
	require.EqualValues(t, 7, acceptedOf(202, nil, 7))
	require.EqualValues(t, 4, acceptedOf(207, []byte(`{"accepted":4}`), 7))
	require.Zero(t, acceptedOf(207, []byte(`<html>`), 7), "an answer that says nothing takes nothing")
}

func TestLatenciesPartByKindAndWindow(t *testing.T) {
	windows := []window{{"f", 2 * second, 4 * second}}
	requests := []request{
		{planned: 1 * second, start: 1 * second, end: 1100 * ms, status: 202, sent: true, kind: plan.Batch},
		{planned: 3 * second, start: 3 * second, end: 3001 * ms, status: 503, sent: true, kind: plan.Batch},
		{planned: 5 * second, start: 5200 * ms, end: 5300 * ms, status: 200, sent: true, kind: plan.Read},
		{planned: 6 * second, start: 7 * second, end: 7 * second, kind: plan.Read},
	}
	all := latencies(requests, windows, 10*second)
	type row struct {
		kind                        string
		part                        reports.Part
		planned, ok, errors, unsent int64
	}
	var rows []row
	for _, l := range all {
		rows = append(rows, row{l.Kind, l.Part, l.Planned, l.OK, l.Errors, l.Unsent})
		require.Equal(t, l.Planned, l.Response.Count(), "every planned request counts")
		require.Equal(t, l.Planned-l.Unsent, l.Service.Count())
	}
	require.Equal(t, []row{
		{"", reports.Outside, 3, 2, 0, 1}, {"", reports.Inside, 1, 0, 1, 0},
		{"batch", reports.Outside, 1, 1, 0, 0}, {"batch", reports.Inside, 1, 0, 1, 0},
		{"read", reports.Outside, 2, 1, 0, 1},
	}, rows)
	require.InDelta(t, 10*second, all[0].Response.Max(), float64(100*ms), "what was never sent is in the statistics")
	require.InDelta(t, second, all[0].Lag.Max(), float64(10*ms))
}
