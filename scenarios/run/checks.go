package run

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/reference/deploy"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
	"github.com/retailflow/stampede/scenarios"
)

// objectiveChecks hold the requests planned outside fault windows against the objectives.
func objectiveChecks(s *scenarios.Scenario, all []reports.Latency, freshness *stat.Histogram) []reports.Check {
	outside := reports.Latency{}
	for _, l := range all {
		if l.Kind == "" && l.Part == reports.Outside {
			outside = l
		}
	}
	latency := reports.CheckQuantile("latency-p99", &outside.Response, 0.99, s.Objectives.P99)
	latency.Detail += " Refused, failed, timed out and unsent requests count at their timeout."
	availability := reports.CheckShare("availability", outside.OK, outside.Planned, float64(s.Objectives.Availability))
	fresh := reports.CheckQuantile("freshness-p99", freshness, 0.99, s.Objectives.FreshnessP99)
	checks := []reports.Check{latency, availability, fresh}
	for i := range checks {
		checks[i].Required = true
	}
	// Half a minute has too few probes to prove a p99 of them; it is shown all the same.
	if freshness.Count() > 0 && s.Load.Length() < time.Minute {
		checks[2].Required = false
	}
	return checks
}

// besideOthers adds to objectives that were not met what else the machine did. Their status stays:
// a busy neighbour explains a FAIL, and never turns it into anything better.
func besideOthers(checks []reports.Check, others *reports.OtherLoad) {
	for i := range checks {
		if others != nil && checks[i].Status != reports.Pass {
			checks[i].Detail = strings.TrimSpace(checks[i].Detail + " " + others.String())
		}
	}
}

// ledgerChecks are the ledger's, in the report's form.
func ledgerChecks(truth *ledger.Report) []reports.Check {
	status := map[ledger.Status]reports.Status{ledger.Pass: reports.Pass, ledger.Fail: reports.Fail, ledger.NotProved: reports.Unknown}
	var out []reports.Check
	for _, c := range truth.Checks {
		out = append(out, reports.Check{
			Name: c.Name, Group: reports.GroupLedger, Status: status[c.Status], Required: ledgerRequires(c),
			Objective: c.Title, Observed: fmt.Sprintf("%s of %s wrong", reports.Count(c.Bad), reports.Count(c.Compared)), Detail: c.Reason,
			Numbers:  map[string]float64{"compared": float64(c.Compared), "wrong": float64(c.Bad)},
			Examples: c.Examples,
		})
	}
	return out
}

// ledgerRequires says whether a check must be proved: all, but those about things that a short
// run may not have, such as closed hours.
func ledgerRequires(c ledger.Check) bool {
	return c.Reason != ledger.NothingToCompare
}

// rolloutChecks judge the rollouts: a bad release must be found and gone in time, a healthy one
// must reach all of the traffic.
func rolloutChecks(s *scenarios.Scenario, rollouts []reports.Rollout) []reports.Check {
	var out []reports.Check
	for _, r := range rollouts {
		if r.Healthy() {
			out = append(out, healthyCheck(r))
			continue
		}
		c := reports.Check{Name: "rollback-" + r.Function, Group: reports.GroupRollout, Status: reports.Pass, Required: true,
			Objective: "a bad release is rolled back within " + reports.FormatDuration(s.Objectives.Rollback)}
		switch {
		case r.Outcome != "rolled back" || r.Stopwatch == nil:
			c.Status, c.Observed, c.Detail = reports.Fail, r.Outcome, r.Reason
		default:
			c.Observed = fmt.Sprintf("first bad answer → traffic safe in %s", r.Stopwatch.Total)
			c.Numbers = map[string]float64{"total_ms": float64(time.Duration(r.Stopwatch.Total).Microseconds()) / 1e3}
			if r.Stopwatch.Total > r.Stopwatch.Objective {
				c.Status = reports.Fail
			}
		}
		out = append(out, c)
	}
	return out
}

// healthyCheck wants a release without a defect promoted. One that was still on its way is not
// proved harmless, only not called harmful.
func healthyCheck(r reports.Rollout) reports.Check {
	c := reports.Check{Name: "release-" + r.Function, Group: reports.GroupRollout, Required: true,
		Objective: "a healthy release reaches all of the traffic", Observed: r.Outcome + ": " + r.Climb(), Detail: r.Reason,
		Numbers: map[string]float64{"judged": float64(r.CanaryAsked), "bad": float64(r.CanaryBad), "smallest_excluded": r.Excluded()}}
	switch {
	case r.Outcome == string(deploy.RolledBack):
		c.Status = reports.Fail
	case r.CanaryAsked == 0:
		c.Status, c.Detail = reports.Invalid, "A version that answered nobody proves nothing."
	case r.Outcome == string(deploy.Promoted):
		c.Status = reports.Pass
	default:
		c.Status = reports.Inconclusive
		if n := len(r.Decisions); n > 0 {
			c.Detail = "Its time was over on the ladder: " + r.Decisions[n-1].Reason
		}
	}
	return c
}

// watchLimits are what the scenario allows the generator, of so many planned requests.
func watchLimits(s *scenarios.Scenario, planned int) attack.Limits {
	w := s.SelfWatch
	return attack.Limits{LagP99: w.LagP99, GCPause: w.GCPause, Late: int64(float64(w.Unsent) * float64(planned))}
}

// harnessChecks say whether the measurement itself can be trusted.
func (d *drill) harnessChecks(requests []request, windows []window) []reports.Check {
	generator := reports.Check{Name: "generator", Group: reports.GroupHarness, Status: reports.Pass, Required: true,
		Objective: fmt.Sprintf("requests start at most %s late (p99), at most %s are left unsent, no garbage collection stops all for over %s",
			reports.FormatDuration(d.s.SelfWatch.LagP99), d.s.SelfWatch.Unsent, reports.FormatDuration(d.s.SelfWatch.GCPause))}
	lag := d.summary.Watch.Lag
	generator.Observed = fmt.Sprintf("late by p50 %s, p99 %s; %s unsent", reports.FormatDuration(lag.P50), reports.FormatDuration(lag.P99), reports.Count(d.summary.Unsent))
	generator.Numbers = map[string]float64{"lag_p99_ms": float64(lag.P99.Microseconds()) / 1e3, "unsent": float64(d.summary.Unsent), "sent": float64(d.summary.Sent)}
	if sick := d.summary.Watch.Faults(watchLimits(d.s, len(requests))); len(sick) > 0 {
		generator.Status, generator.Detail = reports.Invalid, strings.Join(sick, "; ")
	}
	checks := []reports.Check{generator}

	length := d.s.Load.Length()
	share := float64(covered(windows, 0, length)) / float64(length)
	quiet := reports.Check{Name: "fault-windows", Group: reports.GroupHarness, Status: reports.Pass, Required: true,
		Objective: "fault windows cover at most half of the run", Observed: reports.Percent(share), Numbers: map[string]float64{"share": share}}
	if share > 0.5 {
		quiet.Status = reports.Invalid
		quiet.Detail = "Backlogs that lasted too long count as part of the window that made them."
	}
	if len(windows) > 0 {
		checks = append(checks, quiet)
	}
	if len(d.undrained) > 0 {
		checks = append(checks, reports.Check{Name: "drained", Group: reports.GroupHarness, Status: reports.Unknown, Required: true,
			Objective: "everything comes to rest within " + reports.FormatDuration(d.s.Drain), Observed: strings.Join(d.undrained, ", ")})
	} else if d.interrupted == nil {
		checks = append(checks, reports.Check{Name: "drained", Group: reports.GroupHarness, Status: reports.Pass, Required: true,
			Objective: "everything comes to rest within " + reports.FormatDuration(d.s.Drain), Observed: "after " + reports.FormatDuration(d.drainTook)})
	}
	if d.interrupted != nil {
		checks = append(checks, incomplete(d.interrupted))
	}
	if slices.ContainsFunc(d.chaos.struck(), func(s struck) bool { return s.err != nil }) {
		for _, s := range d.chaos.struck() {
			if s.err != nil {
				checks = append(checks, reports.Check{Name: "healed-" + s.fault.Name, Group: reports.GroupHarness, Status: reports.Invalid, Required: true,
					Objective: "the fault is applied and confirmed gone", Observed: "not confirmed", Detail: s.err.Error()})
			}
		}
	}
	return checks
}

// incomplete is the check of a drill that was stopped.
func incomplete(why error) reports.Check {
	return reports.Check{Name: "complete", Group: reports.GroupHarness, Status: reports.Invalid, Required: true,
		Objective: "the drill runs to its end", Observed: why.Error(), Detail: "What was seen until then is reported; nothing is proved."}
}
