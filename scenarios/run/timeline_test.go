package run

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/reports"
)

func TestTimelinePutsEverythingIntoItsSecond(t *testing.T) {
	requests := []request{
		{planned: 200 * ms, start: 200 * ms, end: 900 * ms, status: 202, sent: true, events: 5, accepted: 5, canary: true},
		{planned: 800 * ms, start: 1100 * ms, end: 2500 * ms, status: 202, sent: true, events: 5, accepted: 4},
		{planned: 1200 * ms, start: 1200 * ms, end: 2600 * ms, status: 500, sent: true, events: 5},
		{planned: 1500 * ms, start: 1700 * ms, end: 1700 * ms, events: 5},
	}
	seen := []sighting{{accepted: 300 * ms, seen: 2 * second}, {accepted: 900 * ms, seen: 2100 * ms}, {accepted: second}}
	looks := []observation{{at: -second, host: reports.Processors{Busy: 1}}, {at: 1500 * ms, host: reports.Processors{Busy: 0.5}, memory: 0.25, systemCPU: 1.5, waiting: 7, weight: 0.1, known: true}, {at: 2500 * ms, host: reports.Processors{Busy: 0.75}, waiting: 9}}
	samples := []attack.Sample{{At: second, Span: second, CPU: 500 * ms}, {At: 2 * second}, {At: -ms, Span: second, CPU: second}}

	got := timeline(requests, seen, looks, samples, 10*second)
	require.Len(t, got, 3)
	type row struct {
		planned, started, completed, ok, errors, unsent, events, accepted int64
	}
	var rows []row
	for i, b := range got {
		require.Equal(t, reports.Seconds(time.Duration(i)*second), b.At)
		rows = append(rows, row{b.Planned, b.Started, b.Completed, b.OK, b.Errors, b.Unsent, b.PlannedEvents, b.AcceptedEvents})
	}
	require.Equal(t, []row{{2, 1, 1, 2, 0, 0, 10, 5}, {2, 2, 0, 0, 1, 1, 10, 0}, {0, 0, 2, 0, 0, 0, 0, 4}}, rows)
	require.InDelta(t, 1700*ms, time.Duration(*got[0].Max), float64(20*ms), "from the planned time")
	require.InDelta(t, 10*second, time.Duration(*got[1].P50), float64(100*ms), "refused and unsent count at the timeout")
	require.Nil(t, got[2].P99, "nothing was planned then")
	require.Equal(t, reports.Millis(1700*ms), *got[0].Freshness, "the worst of the second")
	require.Nil(t, got[1].Freshness, "what never became visible has no age")
	require.Nil(t, got[0].HostCPU, "looks before the load are left out")
	require.InDelta(t, 0.5, *got[1].HostCPU, 0)
	require.EqualValues(t, 7, *got[1].Backlog)
	require.Nil(t, got[2].Backlog, "no process answered")
	require.InDelta(t, 0.75, *got[2].HostCPU, 0)
	require.InDelta(t, 0.5, *got[1].GeneratorCPU, 0)
	require.Nil(t, got[0].GeneratorCPU)
	require.Nil(t, got[2].GeneratorCPU)
	require.InDelta(t, 1, *got[0].CanaryShare, 0)
	require.InDelta(t, 0, *got[2].CanaryShare, 0)
}
