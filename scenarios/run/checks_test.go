package run

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
	"github.com/retailflow/stampede/scenarios"
)

func scenario(length time.Duration) *scenarios.Scenario {
	s := scenarios.Default()
	s.Load.Phases = []scenarios.Phase{{For: length, From: 10, To: 10}}
	return &s
}

func TestLatencyTwentyPerCentBesideItsObjective(t *testing.T) {
	s := scenario(time.Minute)
	fresh := new(stat.Histogram)
	fresh.RecordN(second, 1000)
	of := func(slow time.Duration, n int64) []reports.Check {
		outside := reports.Latency{Part: reports.Outside, Planned: 10000, OK: 10000}
		outside.Response.RecordN(20*ms, 10000-n)
		outside.Response.RecordN(slow, n)
		// What is inside of windows, or of one kind only, is not what the objectives are about.
		bad := reports.Latency{Part: reports.Inside, Planned: 10000}
		bad.Response.RecordN(10*second, 10000)
		kind := reports.Latency{Part: reports.Outside, Kind: "read", Planned: 10000}
		kind.Response.RecordN(10*second, 10000)
		return objectiveChecks(s, []reports.Latency{outside, bad, kind}, fresh)
	}
	slo := s.Objectives.P99
	for _, tc := range []struct {
		name string
		slow time.Duration
		n    int64
		want reports.Status
	}{
		{"20 % under", slo * 8 / 10, 300, reports.Pass},
		{"20 % over, 3 % of requests", slo * 12 / 10, 300, reports.Fail},
		{"20 % over, 1 % of requests", slo * 12 / 10, 100, reports.Inconclusive},
		{"20 % over, 1 in 1,000", slo * 12 / 10, 10, reports.Pass},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checks := of(tc.slow, tc.n)
			require.Len(t, checks, 3)
			require.Equal(t, "latency-p99", checks[0].Name)
			require.Equal(t, tc.want, checks[0].Status)
			require.Equal(t, reports.Pass, checks[1].Status)
			require.Equal(t, reports.Pass, checks[2].Status)
			for _, c := range checks {
				require.True(t, c.Required, c.Name)
			}
		})
	}
}

func TestEmptyRunMeetsNoObjective(t *testing.T) {
	for _, c := range objectiveChecks(scenario(10*second), nil, new(stat.Histogram)) {
		require.Equal(t, reports.Invalid, c.Status, c.Name)
		require.True(t, c.Required, c.Name)
	}
}

func TestFreshnessOfAShortRunNeedNotBeProved(t *testing.T) {
	few := new(stat.Histogram)
	few.RecordN(second, 8)
	short := objectiveChecks(scenario(30*second), nil, few)[2]
	require.Equal(t, reports.Inconclusive, short.Status)
	require.False(t, short.Required)
	require.True(t, objectiveChecks(scenario(time.Minute), nil, few)[2].Required)
}

func TestLedgerChecks(t *testing.T) {
	for _, tc := range []struct {
		check    ledger.Check
		status   reports.Status
		required bool
	}{
		{ledger.Check{Name: ledger.CheckLost, Status: ledger.Pass, Compared: 7}, reports.Pass, true},
		{ledger.Check{Name: ledger.CheckLost, Status: ledger.Fail, Compared: 7, Bad: 2, Examples: []string{"one", "two"}}, reports.Fail, true},
		{ledger.Check{Name: ledger.CheckLost, Status: ledger.NotProved, Reason: "not drained"}, reports.Unknown, true},
		{ledger.Check{Name: ledger.CheckHours, Status: ledger.NotProved, Reason: "nothing to compare"}, reports.Unknown, false},
		{ledger.Check{Name: ledger.CheckDays, Status: ledger.NotProved, Compared: 3, Reason: "not read"}, reports.Unknown, true},
		{ledger.Check{Name: ledger.CheckDays, Status: ledger.Fail, Bad: 1}, reports.Fail, true},
	} {
		got := ledgerChecks(&ledger.Report{Checks: []ledger.Check{tc.check}})
		require.Len(t, got, 1)
		require.Equal(t, tc.status, got[0].Status)
		require.Equal(t, tc.required, got[0].Required)
		require.Equal(t, tc.check.Examples, got[0].Examples)
		require.Equal(t, tc.check.Reason, got[0].Detail)
		require.EqualValues(t, tc.check.Bad, got[0].Numbers["wrong"])
	}
}

func TestRolloutChecks(t *testing.T) {
	s := scenario(time.Minute)
	watch := func(total time.Duration) *reports.Stopwatch {
		return &reports.Stopwatch{Total: reports.Millis(total), Objective: stopwatchObjective(s)}
	}
	for _, tc := range []struct {
		name    string
		rollout reports.Rollout
		want    reports.Status
	}{
		{"in time", reports.Rollout{Outcome: "rolled back", Stopwatch: watch(3 * second)}, reports.Pass},
		{"at the limit", reports.Rollout{Outcome: "rolled back", Stopwatch: watch(5 * time.Minute)}, reports.Pass},
		{"too late", reports.Rollout{Outcome: "rolled back", Stopwatch: watch(5*time.Minute + second)}, reports.Fail},
		{"promoted", reports.Rollout{Outcome: "promoted"}, reports.Fail},
		{"still climbing at the end", reports.Rollout{Outcome: "interrupted"}, reports.Fail},
		{"without a stopwatch", reports.Rollout{Outcome: "rolled back"}, reports.Fail},
	} {
		tc.rollout.Function, tc.rollout.Defect = "query-analytics", "failing(50%)"
		got := rolloutChecks(s, []reports.Rollout{tc.rollout})
		require.Len(t, got, 1)
		require.Equal(t, "rollback-query-analytics", got[0].Name)
		require.Equal(t, tc.want, got[0].Status, tc.name)
	}
}

func TestHealthyReleaseMustReachTheTop(t *testing.T) {
	for _, tc := range []struct {
		name    string
		rollout reports.Rollout
		want    reports.Status
	}{
		{"promoted", reports.Rollout{Outcome: "promoted", CanaryAsked: 300}, reports.Pass},
		{"rolled back", reports.Rollout{Outcome: "rolled back", CanaryAsked: 300, Stopwatch: &reports.Stopwatch{}}, reports.Fail},
		{"rolled back unseen", reports.Rollout{Outcome: "rolled back"}, reports.Fail},
		{"still climbing at the end", reports.Rollout{Outcome: "interrupted", CanaryAsked: 299, Decisions: []reports.Decision{{Reason: "1 more is needed"}}}, reports.Inconclusive},
		{"served nobody", reports.Rollout{Outcome: "interrupted"}, reports.Invalid},
	} {
		tc.rollout.Function = "query-analytics"
		got := rolloutChecks(scenario(time.Minute), []reports.Rollout{tc.rollout})
		require.Len(t, got, 1)
		require.Equal(t, "release-query-analytics", got[0].Name)
		require.Equal(t, tc.want, got[0].Status, tc.name)
		require.True(t, got[0].Required)
	}
}

func TestHarnessChecks(t *testing.T) {
	lag := func(p99 time.Duration) attack.Lag { return attack.Lag{Count: 1000, P99: p99} }
	healthy := attack.Summary{Sent: 1000, Watch: attack.Watch{Lag: lag(5 * ms)}}
	for _, tc := range []struct {
		name    string
		change  func(*drill)
		windows []window
		want    map[string]reports.Status
	}{
		{"well", func(*drill) {}, nil, map[string]reports.Status{"generator": reports.Pass, "drained": reports.Pass}},
		{"late", func(d *drill) { d.summary.Watch.Lag = lag(21 * ms) }, nil, map[string]reports.Status{"generator": reports.Invalid, "drained": reports.Pass}},
		{"nothing sent", func(d *drill) { d.summary = attack.Summary{} }, nil, map[string]reports.Status{"generator": reports.Invalid, "drained": reports.Pass}},
		{"one given up of 1,000", func(d *drill) { d.summary.Watch.Late = 1 }, nil, map[string]reports.Status{"generator": reports.Pass, "drained": reports.Pass}},
		{"two given up of 1,000", func(d *drill) { d.summary.Watch.Late = 2 }, nil, map[string]reports.Status{"generator": reports.Invalid, "drained": reports.Pass}},
		{"stopped by a garbage collection", func(d *drill) { d.summary.Watch.Samples = []attack.Sample{{GCPause: 51 * ms}} }, nil, map[string]reports.Status{"generator": reports.Invalid, "drained": reports.Pass}},
		{"stopped for as long as allowed", func(d *drill) {
			d.s.SelfWatch.GCPause, d.summary.Watch.Samples = 60*ms, []attack.Sample{{GCPause: 51 * ms}}
		}, nil, map[string]reports.Status{"generator": reports.Pass, "drained": reports.Pass}},
		{"half under fault windows", func(*drill) {}, []window{{"f", 0, 30 * second}}, map[string]reports.Status{"generator": reports.Pass, "fault-windows": reports.Pass, "drained": reports.Pass}},
		{"more than half under fault windows", func(*drill) {}, []window{{"f", 0, 31 * second}}, map[string]reports.Status{"generator": reports.Pass, "fault-windows": reports.Invalid, "drained": reports.Pass}},
		{"not drained", func(d *drill) { d.undrained = []string{"2 messages in queues"} }, nil, map[string]reports.Status{"generator": reports.Pass, "drained": reports.Unknown}},
		{"interrupted", func(d *drill) { d.interrupted = errInterrupted }, nil, map[string]reports.Status{"generator": reports.Pass, "complete": reports.Invalid}},
		{"a fault not healed", func(d *drill) {
			d.chaos.mu.struck = []struck{{fault: scenarios.Fault{Name: "good"}}, {fault: scenarios.Fault{Name: "bad"}, err: errors.New("still there")}}
		}, nil, map[string]reports.Status{"generator": reports.Pass, "drained": reports.Pass, "healed-bad": reports.Invalid}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &drill{s: scenario(time.Minute), summary: healthy, chaos: &chaos{}}
			tc.change(d)
			got := map[string]reports.Status{}
			for _, c := range d.harnessChecks(make([]request, 1000), tc.windows) {
				got[c.Name] = c.Status
				require.True(t, c.Required)
			}
			require.Equal(t, tc.want, got)
			require.Equal(t, got["generator"] != reports.Pass, len(d.self(1000).Sick) > 0, "the report's page of the harness says the same")
		})
	}
}
