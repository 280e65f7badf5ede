package run

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

func TestFaultChecks(t *testing.T) {
	limit := func(s reports.Status) []reports.FaultLimit {
		return []reports.FaultLimit{{Name: "p99", Limit: "≤ 1 s", Observed: "2 s", Status: s}}
	}
	for _, tc := range []struct {
		name  string
		fault reports.Fault
		want  reports.Status
	}{
		{"a healthy version that served", reports.Fault{Healthy: true, Hits: 7, HitsWant: 1}, reports.Pass},
		{"a healthy version that nobody was served by", reports.Fault{Healthy: true, HitsWant: 1}, reports.Invalid},
		{"struck", reports.Fault{Hits: 2, HitsWant: 2, Limits: limit(reports.Pass)}, reports.Pass},
		{"its limit broke", reports.Fault{Hits: 2, HitsWant: 2, Limits: limit(reports.Fail)}, reports.Fail},
		{"too few hits", reports.Fault{Hits: 1, HitsWant: 2}, reports.Invalid},
		{"no hits and a broken limit", reports.Fault{HitsWant: 1, Limits: limit(reports.Fail)}, reports.Invalid},
	} {
		tc.fault.Name = "f"
		got := faultChecks([]reports.Fault{tc.fault})
		require.Len(t, got, 1)
		require.Equal(t, "fault-f", got[0].Name)
		require.Equal(t, tc.fault.Healthy, strings.Contains(got[0].Objective, "answers at least"))
		require.Equal(t, tc.want, got[0].Status, tc.name)
	}
}

// dip is a window in which so many of 100 requests are answered 503; after it everything fails.
func dip(failed int) (window, []request) {
	var requests []request
	for i := range 100 {
		q := request{planned: 11 * second, end: 11*second + 50*ms, sent: true, status: 202}
		if i < failed {
			q.end, q.status = 11*second+ms, 503
		}
		requests = append(requests, q, request{planned: 21 * second, end: 30 * second, sent: true, status: 503})
	}
	return window{"f", 10 * second, 20 * second}, requests
}

func TestFaultLimitsHoldInsideTheWindow(t *testing.T) {
	limits := func(own scenarios.FaultLimits, failed int) (p99, availability reports.Status) {
		w, requests := dip(failed)
		s := scenario(time.Minute)
		got := faultLimits(s.LimitsOf(scenarios.Fault{Limits: own}), w, requests, s.Load.Timeout)
		require.Len(t, got, 2)
		return got[0].Status, got[1].Status
	}
	for _, tc := range []struct {
		name              string
		own               scenarios.FaultLimits
		failed            int
		p99, availability reports.Status
	}{
		{"own ones, 5 of 100 count at the timeout", scenarios.FaultLimits{P99: second, Availability: 0.9}, 5, reports.Fail, reports.Pass},
		{"own availability", scenarios.FaultLimits{Availability: 0.99}, 5, reports.Pass, reports.Fail},
		{"own and low", scenarios.FaultLimits{Availability: 0.5}, 50, reports.Pass, reports.Pass},
		{"default, a tenth", scenarios.FaultLimits{}, 10, reports.Pass, reports.Pass},
		{"default, more than a tenth", scenarios.FaultLimits{}, 11, reports.Pass, reports.Fail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p99, availability := limits(tc.own, tc.failed)
			require.Equal(t, tc.p99, p99)
			require.Equal(t, tc.availability, availability)
		})
	}
	late := []request{{planned: 11 * second, end: 23 * second, sent: true, status: 202}}
	s := scenario(time.Minute)
	got := faultLimits(s.LimitsOf(scenarios.Fault{}), window{"f", 10 * second, 20 * second}, late, s.Load.Timeout)
	require.Equal(t, reports.Fail, got[0].Status, "12 s were waited, 10 s is the timeout")
	none := faultLimits(s.LimitsOf(scenarios.Fault{}), window{"f", 50 * second, 60 * second}, late, s.Load.Timeout)
	require.Equal(t, reports.Invalid, none[0].Status)
}

// TestFaultWithoutLimitsIsNoBlankCheque: what happens inside the window of a fault that sets no
// limit of its own fails the run, under the fault's name.
func TestFaultWithoutLimitsIsNoBlankCheque(t *testing.T) {
	verdict := func(failed int) ([]reports.Check, reports.Verdict) {
		w, requests := dip(failed)
		d := &drill{s: scenario(time.Minute), chaos: &chaos{}}
		d.chaos.mu.struck = []struck{{fault: scenarios.Fault{Name: "f"}, hits: 1, want: 1, end: 12 * second}}
		checks := faultChecks(d.faults(requests, []window{w}))
		return checks, reports.Judge(checks)
	}
	_, fine := verdict(10)
	require.Equal(t, reports.VerdictPass, fine)
	checks, broken := verdict(30)
	require.Equal(t, reports.VerdictFail, broken)
	require.Equal(t, "fault-f", checks[0].Name)
	require.Equal(t, []string{"availability: 70 %, allowed ≥ 90 %"}, checks[0].Examples)
}

func TestAnswersOfAWindow(t *testing.T) {
	at := func(q request) request {
		q.planned = 15 * second
		return q
	}
	requests := []request{
		at(request{sent: true, status: 202}), at(request{sent: true, status: 200}), at(request{sent: true, status: 429}),
		at(request{sent: true, status: 400}), at(request{sent: true, status: 503}), at(request{sent: true, status: 503}),
		at(request{sent: true, status: 502}), at(request{sent: true, timedOut: true}), at(request{sent: true}), at(request{}),
		{planned: 9 * second, end: 9*second + ms, sent: true, status: 202}, {planned: 20 * second, end: 21 * second, sent: true, status: 202},
		{planned: 9 * second, end: 11 * second, sent: true, status: 503}, // it struck this one
	}
	d := &drill{s: scenario(time.Minute), chaos: &chaos{}}
	d.chaos.mu.struck = []struck{{fault: scenarios.Fault{Name: "f"}}}
	fault := d.faults(requests, []window{{"f", 10 * second, 20 * second}})[0]
	got := fault.Answers
	require.Equal(t, reports.Answers{OK: 2, Throttled: 1, Refused: 1, Unavailable: 2, Failed: 1, TimedOut: 1, Cut: 1, Unsent: 1}, got)
	require.Equal(t, "2 2xx, 1 429, 1 other 3xx or 4xx, 2 503, 1 other 5xx, 1 timed out, 1 without an answer, 1 unsent", got.String())
	require.Equal(t, "no requests", reports.Answers{}.String())
	require.Equal(t, reports.Answers{Unavailable: 1}, fault.UnderWay)
	require.Contains(t, fault.Told(), "1 unsent; of those under way when it struck: 1 503")
}

func TestRecoveryCountsOnlyWhatNeedsTheDeadProcess(t *testing.T) {
	killed := 10 * second
	requests := []request{
		{kind: plan.Batch, start: killed - ms, end: killed + 2*ms, sent: true, status: 202},  // the dying process answered it
		{kind: plan.Read, start: killed + ms, end: killed + 3*ms, sent: true, status: 200},   // a cache did
		{kind: plan.Batch, start: killed + ms, end: killed + 40*ms, sent: true, status: 503}, // no success
		{kind: plan.Batch, start: killed + 2*ms, end: killed + 900*ms, sent: true, status: 202},
		{kind: plan.Webhook, start: killed + 600*ms, end: killed + 700*ms, sent: true, status: 202},
	}
	r := recovery(killed, killed+500*ms, requests)
	require.Equal(t, "answers again after 500 ms (planned requests: 700 ms)", r.String())
	r = recovery(killed, 0, requests[:3])
	require.Equal(t, "was not seen to answer again (planned requests: none answered)", r.String())
}

// TestAnsweringAgainIsAnotherProcess: the last words of the killed process are no recovery.
func TestAnsweringAgainIsAnotherProcess(t *testing.T) {
	var asked atomic.Int64
	w := platformOf(t, func(look int64) cloud.Stats {
		asked.Store(look)
		s := quiet()
		if s.Process.PID = 7; look >= 3 {
			s.Process.PID = 8
		}
		return s
	})
	require.Equal(t, time.Minute, w.answersAgain(t.Context(), 7, func() time.Duration { return time.Minute }))
	require.EqualValues(t, 3, asked.Load())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Zero(t, w.answersAgain(ended, 8, func() time.Duration { return time.Minute }))
}
