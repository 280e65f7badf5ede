package run_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
	"github.com/retailflow/stampede/scenarios/run"
)

// proof is the drill that every sabotage is tried on.
func proof(t *testing.T) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Open(filepath.Join("testdata", "proof.yaml"), nil)
	require.NoError(t, err)
	return s
}

// drill runs a scenario against the product, or against a build of which one function is
// broken.
func drill(t *testing.T, s *scenarios.Scenario, build string, env ...string) *reports.Result {
	t.Helper()
	p := built(t)
	o := run.Options{Scenario: s, Seed: s.Seed, Out: t.TempDir(), Self: []string{p.stampede}, FunctionBinary: p.fn,
		Command: "stampede run proof.yaml", Version: "test"}
	if build != "" {
		require.Contains(t, broken, build)
		self, err := os.Executable()
		require.NoError(t, err)
		o.FunctionBinary = self
		o.FunctionEnv = map[string]string{brokenEnv: build, soundEnv: p.fn}
		for i := 0; i < len(env); i += 2 {
			o.FunctionEnv[env[i]] = env[i+1]
		}
	}
	began := time.Now()
	result, err := run.Drill(t.Context(), o)
	require.NoError(t, err)
	t.Logf("%s after %s", result.Verdict, time.Since(began).Round(100*time.Millisecond))
	return result
}

// amiss names the checks that keep a run from PASS, with their status.
func amiss(r *reports.Result) map[string]reports.Status {
	out := map[string]reports.Status{}
	for _, c := range r.Checks {
		open := c.Status == reports.Inconclusive || c.Status == reports.Unknown
		if c.Status != reports.Pass && (c.Required || !open) {
			out[c.Name] = c.Status
		}
	}
	return out
}

// told describes checks for a failed test.
func told(r *reports.Result) string {
	var b strings.Builder
	for _, c := range r.Checks {
		if c.Status != reports.Pass {
			b.WriteString(strings.Join(append([]string{string(c.Status), c.Name, c.Observed, c.Detail}, c.Examples...), "\n    ") + "\n")
		}
	}
	return b.String()
}

// hostOnly are the checks that a busy machine can spoil, whatever is built on it.
var hostOnly = []string{"generator", "latency-p99", "availability", "freshness-p99", "unknown-outcomes", "drained"}

// spoiled says whether a run says nothing about the build: its generator was sick or the machine
// was full, and nothing but that shows beside what was wanted.
func spoiled(r *reports.Result, want map[string]reports.Status) bool {
	got := amiss(r)
	for name, status := range want {
		if got[name] != status {
			return false
		}
	}
	for name := range got {
		if _, wanted := want[name]; !wanted && !slices.Contains(hostOnly, name) {
			return false
		}
	}
	return len(got) > len(want) && (got["generator"] == reports.Invalid || len(r.HostLimited) > 0)
}

// requireVerdict drills until the machine lets the build be seen, a few times at most.
func requireVerdict(t *testing.T, again func() *reports.Result, verdict reports.Verdict, want map[string]reports.Status) *reports.Result {
	t.Helper()
	r := again()
	for tries := 1; tries < 4 && spoiled(r, want); tries++ {
		t.Logf("the machine is too busy, once more: %v", amiss(r))
		time.Sleep(5 * time.Second)
		r = again()
	}
	require.Equal(t, want, amiss(r), told(r))
	require.Equal(t, verdict, r.Verdict)
	require.Equal(t, verdict.ExitCode(), r.ExitCode)
	return r
}

func requirePass(t *testing.T, again func() *reports.Result) *reports.Result {
	t.Helper()
	return requireVerdict(t, again, reports.VerdictPass, map[string]reports.Status{})
}

func requireFail(t *testing.T, again func() *reports.Result, checks ...string) *reports.Result {
	t.Helper()
	want := map[string]reports.Status{}
	for _, name := range checks {
		want[name] = reports.Fail
	}
	return requireVerdict(t, again, reports.VerdictFail, want)
}

// examples are those of a check that names what is wrong.
func examples(t *testing.T, r *reports.Result, check string) string {
	t.Helper()
	c, ok := r.Check(check)
	require.True(t, ok)
	require.NotEmpty(t, c.Examples)
	return strings.Join(c.Examples, "\n")
}

var eventID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// TestThresholdsOfADrill: the plan that passes with thresholds that hold (see proof.yaml) fails with one
// that cannot, by the check that is named after it.
func TestThresholdsOfADrill(t *testing.T) {
	r := requireFail(t, func() *reports.Result {
		s, err := scenarios.Open(filepath.Join("testdata", "proof.yaml"), []string{"thresholds=['max(freshness) < 10m', 'min(freshness) < 1ms']"})
		require.NoError(t, err)
		return drill(t, s, "")
	}, "threshold-min-freshness")
	held, ok := r.Check("threshold-max-freshness")
	require.True(t, ok)
	require.Equal(t, reports.Pass, held.Status)
}

// TestSabotageOfFigures: the same plan passes with the sound build, and fails with each broken
// one by the one check that names the damage.
func TestSabotageOfFigures(t *testing.T) {
	t.Run("sound", func(t *testing.T) {
		r := requirePass(t, func() *reports.Result { return drill(t, proof(t), "") })
		require.Greater(t, r.Ledger.Acked, int64(1000))
		require.Positive(t, r.Ledger.Copies, "what is there twice must occur, or a test below proves nothing")
		require.EqualValues(t, 60, r.CPUBudget)
		require.Positive(t, r.Ledger.Refused, "hostile requests")
		for _, name := range []string{"threshold-max-freshness", "threshold-count-requests-endpoint-read"} {
			c, ok := r.Check(name)
			require.True(t, ok)
			require.Equal(t, reports.Pass, c.Status)
		}
	})
	t.Run("202 and dropped", func(t *testing.T) {
		r := requireFail(t, func() *reports.Result { return drill(t, proof(t), "drops") }, "events-lost")
		require.Regexp(t, eventID, examples(t, r, "events-lost"))
		require.Contains(t, examples(t, r, "events-lost"), "accepted and is in no block")
		require.Positive(t, r.Ledger.Lost)
	})
	t.Run("redelivered and counted twice", func(t *testing.T) {
		r := requireFail(t, func() *reports.Result { return drill(t, proof(t), "doubles") }, "events-doubled")
		require.Regexp(t, eventID, examples(t, r, "events-doubled"))
		require.Positive(t, r.Ledger.Doubled)
	})
	t.Run("one lost and an equal one doubled", func(t *testing.T) {
		r := requireFail(t, func() *reports.Result { return drill(t, proof(t), "swaps") }, "events-lost", "events-doubled")
		lost, doubled := examples(t, r, "events-lost"), examples(t, r, "events-doubled")
		require.Contains(t, lost, "order.")
		require.Contains(t, doubled, "counted twice")
		require.NotEmpty(t, eventID.FindString(lost))
		require.NotEmpty(t, eventID.FindString(doubled))
		require.NotContains(t, doubled, eventID.FindString(lost))
		require.Equal(t, r.Ledger.Lost, r.Ledger.Doubled)
	})
	t.Run("another period's number", func(t *testing.T) {
		r := requireFail(t, func() *reports.Result { return drill(t, proof(t), "longer") }, "api-answers")
		require.Contains(t, examples(t, r, "api-answers"), "was asked for")
	})
	t.Run("another tenant's number", func(t *testing.T) {
		shown, instead := largest(t, proof(t))
		r := requireFail(t, func() *reports.Result {
			return drill(t, proof(t), "foreign", shownEnv, shown, insteadEnv, instead)
		}, "api-answers")
		require.Contains(t, examples(t, r, "api-answers"), "tenant "+shown)
		require.Contains(t, examples(t, r, "api-answers"), "shows the figures of tenant "+instead)
	})
}

// largest are the ids of the two largest tenants, who have events in any run.
func largest(t *testing.T, s *scenarios.Scenario) (first, second string) {
	t.Helper()
	all, err := tenant.New(tenant.Options{Seed: s.Seed, Count: s.Tenants.Count, Sizes: tenant.Sizes{Sigma: s.Tenants.Sigma}})
	require.NoError(t, err)
	slices.SortFunc(all, func(a, b tenant.Tenant) int { return cmp.Compare(b.Size, a.Size) })
	return all[0].ID, all[1].ID
}

// TestSabotageOfLatency: some reads, more than 1 % of all requests, take 20 % more, or 20 %
// less, than the p99 allows.
func TestSabotageOfLatency(t *testing.T) {
	const slo = 2 * time.Second
	s := proof(t)
	s.Objectives.P99 = slo
	s.Load.Phases[0].For = 8 * time.Second
	s.Load.Mix.ReadRate = 40
	t.Run("20 % over", func(t *testing.T) {
		requireFail(t, func() *reports.Result { return drill(t, s, "slow", delayEnv, (slo * 12 / 10).String()) }, "latency-p99")
	})
	t.Run("20 % under", func(t *testing.T) {
		r := requirePass(t, func() *reports.Result { return drill(t, s, "slow", delayEnv, (slo * 8 / 10).String()) })
		c, _ := r.Check("latency-p99")
		require.Greater(t, c.Numbers["observed_ms"], 0.75*float64(slo.Milliseconds()), "the sleep must show")
	})
}

// release of query-analytics, its defect given.
func release(s *scenarios.Scenario, name string, at, length time.Duration, defect scenarios.Defect, rollback bool) scenarios.Fault {
	return scenarios.Fault{Name: name, At: at, For: length, ReleaseFunction: &scenarios.ReleaseFunction{
		Function: "query-analytics", Defect: defect, Ladder: s.Release.Ladder, TimeScale: 1, Rollback: rollback}}
}

// healthyRelease is the proof with a release of the same code.
func healthyRelease(t *testing.T) *scenarios.Scenario {
	s := proof(t)
	s.Faults = []scenarios.Fault{release(s, "sound-query", time.Second, 5*time.Second, scenarios.Defect{Kind: scenarios.None}, true)}
	return s
}

// badRelease is the proof with a release that fails half of its answers.
func badRelease(t *testing.T, rollback bool) *scenarios.Scenario {
	s := proof(t)
	// Late, for its window must not cover more than half of the load.
	s.Load.Phases[0].For = 16 * time.Second
	s.Faults = []scenarios.Fault{release(s, "bad-query", 8200*time.Millisecond, 7*time.Second, scenarios.Defect{Kind: scenarios.Failing, Share: 0.5}, rollback)}
	return s
}

func TestSabotageOfRollback(t *testing.T) {
	t.Run("on", func(t *testing.T) {
		// The same code goes up the ladder first, and must not be taken for the bad one.
		r := requirePass(t, func() *reports.Result {
			s := badRelease(t, true)
			s.Faults = append(healthyRelease(t).Faults, s.Faults...)
			return drill(t, s, "")
		})
		require.Len(t, r.Rollouts, 2)
		sound, bad := r.Rollouts[0], r.Rollouts[1]
		require.Equal(t, "promoted", sound.Outcome)
		require.Nil(t, sound.Stopwatch)
		require.GreaterOrEqual(t, sound.CanaryAsked, int64(30))
		require.Less(t, sound.Excluded(), 1.0)
		require.Equal(t, "rolled back", bad.Outcome)
		require.NotNil(t, bad.Stopwatch)
		require.Less(t, time.Duration(bad.Stopwatch.Total), 10*time.Second)
	})
	t.Run("off", func(t *testing.T) {
		s := badRelease(t, false)
		s.Faults[0].Limits = scenarios.FaultLimits{Availability: 0.3}
		requireFail(t, func() *reports.Result { return drill(t, s, "") }, "rollback-query-analytics")
	})
	// Nobody who forgets to set limits gets a window in which anything goes.
	t.Run("off, without limits of its own", func(t *testing.T) {
		requireFail(t, func() *reports.Result { return drill(t, badRelease(t, false), "") }, "rollback-query-analytics", "fault-bad-query")
	})
}

// TestSabotageOfAHealthyRelease: its sound build passes above, where a bad release follows.
func TestSabotageOfAHealthyRelease(t *testing.T) {
	s := healthyRelease(t)
	s.Objectives.P99 = s.Load.Timeout + time.Second // what fails counts at the timeout
	r := requireFail(t, func() *reports.Result { return drill(t, s, "aging") }, "release-query-analytics")
	require.Equal(t, "rolled back", r.Rollouts[0].Outcome)
}

// TestTenantsBeyondTheirPlanAreRefused: 429 is an answer. Its events are refused, not lost, and
// the report names the plan.
func TestTenantsBeyondTheirPlanAreRefused(t *testing.T) {
	tight := func() *reports.Result {
		s := proof(t)
		for _, p := range []*scenarios.UsagePlan{&s.Tenants.Plans.Growth, &s.Tenants.Plans.Enterprise} {
			*p = scenarios.UsagePlan{Rate: 0.1, Burst: 1}
		}
		// What is refused counts at the timeout, and as not available.
		s.Objectives.P99, s.Objectives.Availability = s.Load.Timeout+time.Second, 0.2
		return drill(t, s, "")
	}
	r := requirePass(t, tight)
	refused := int64(0)
	for _, hit := range r.Limits {
		if strings.HasPrefix(hit.Limit, "usage plan growth") || strings.HasPrefix(hit.Limit, "usage plan enterprise") {
			refused += hit.Count
		}
		require.NotContains(t, hit.Limit, "usage plan starter")
	}
	require.Greater(t, refused, int64(10), told(r))
	require.Greater(t, r.Ledger.Refused, refused, "a batch has more events than one")
	require.Positive(t, r.Ledger.Acked)
	require.Zero(t, r.Ledger.Lost)
}

// TestInvalid: what proves nothing is never a PASS.
func TestInvalid(t *testing.T) {
	t.Run("an empty run", func(t *testing.T) {
		s := proof(t)
		s.Load.Phases = []scenarios.Phase{{Name: "nothing", For: time.Second, From: 1e-6, To: 1e-6}}
		s.Load.Mix.ReadRate = 0
		r := drill(t, s, "")
		require.Equal(t, reports.VerdictInvalid, r.Verdict)
		got := amiss(r)
		require.Equal(t, reports.Invalid, got["latency-p99"], told(r))
		require.Equal(t, reports.Invalid, got["availability"])
		require.Equal(t, reports.Invalid, got["generator"])
	})
	t.Run("a fault without hits", func(t *testing.T) {
		s := proof(t)
		s.Load.Mix.Webhooks, s.Load.Mix.ReadRate = 0, 160
		s.Faults = []scenarios.Fault{{Name: "kill-webhooks", At: 4 * time.Second, For: time.Second,
			KillFunction: &scenarios.KillFunction{Function: "ingest-webhooks", Hits: 1, Every: 100 * time.Millisecond}}}
		requireVerdict(t, func() *reports.Result { return drill(t, s, "") }, reports.VerdictInvalid, map[string]reports.Status{"fault-kill-webhooks": reports.Invalid})
	})
}
