package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/deploy"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// trial is a release on its way up a ladder.
type trial struct {
	fault   scenarios.Fault
	release deploy.Release
	from    string // version
	to      string
	plan    []deploy.RungPlan
	start   time.Duration
	cancel  context.CancelFunc
	done    chan struct{} // closed when the controller has ended
	asked   float64       // requests/s to the function, as planned

	// Guarded by chaos.mu.
	weight    float64
	decisions []deploy.Decision
	outcome   *deploy.Outcome
	err       error
	end       time.Duration
}

// release starts a controller that sends the new version up the ladder.
func (c *chaos) release(ctx context.Context, f fault.Fault, details map[string]string) {
	s := c.byName[f.Name]
	move := s.ReleaseFunction
	stable, canary := details["stable"], details["version"]
	release := c.drill.releaseOf(s, stable, canary)
	// The end of the load does not end a rollback; endTrials does what is to be done then.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := &trial{done: make(chan struct{}), fault: s, release: release, from: stable, to: canary, start: c.drill.since(), cancel: cancel, asked: c.drill.requestRate(move.Function)}
	t.plan = release.Plan(t.asked, 0.001)
	c.mu.Lock()
	c.mu.trials = append(c.mu.trials, t)
	c.mu.Unlock()

	var aliases deploy.Aliases = deploy.LambdaAliases{Client: c.drill.world.clients.Lambda}
	if !move.Rollback {
		aliases = stuckAliases{aliases}
	}
	controller, err := deploy.NewController(deploy.Options{
		Release: release, Aliases: aliases, Evidence: gatewayEvidence{c.drill.world},
		Journal:     filepath.Join(c.drill.o.DataDir, "release-"+f.Name+".journal"),
		SampleEvery: 250 * time.Millisecond,
		Status: func(d deploy.Decision) {
			c.mu.Lock()
			t.weight = d.Weight
			t.decisions = append(t.decisions, d)
			c.mu.Unlock()
			c.drill.noted("rollout", "%s %s at %s: %s", move.Function, d.Action, reports.Percent(d.Weight), d.Reason)
		},
	})
	if err != nil {
		cancel()
		close(t.done)
		c.settle(t, nil, err)
		return
	}
	c.running.Go(func() {
		defer close(t.done)
		defer cancel()
		outcome, err := controller.Run(ctx)
		c.settle(t, &outcome, err)
		if outcome.Result == deploy.RolledBack {
			// The defect is out of the traffic: the fault is over before its time.
			c.heal(context.WithoutCancel(ctx), f.Name)
		}
	})
}

// settle keeps what came of a trial. The hits of its fault are its bad answers, and all of them
// where none is bad by intent.
func (c *chaos) settle(t *trial, outcome *deploy.Outcome, err error) {
	c.mu.Lock()
	t.outcome, t.err, t.end = outcome, err, c.drill.since()
	t.weight = 0
	if outcome != nil && outcome.Result == deploy.Promoted {
		t.weight = 1
	}
	c.mu.Unlock()
	c.update(t.fault.Name, func(s *struck) {
		if outcome != nil {
			s.hits = outcome.CanaryBad
			s.effect = fmt.Sprintf("%s of %s answers of version %s were bad", reports.Count(outcome.CanaryBad), reports.Count(outcome.CanaryRequests), t.to)
			if t.fault.Healthy() {
				s.hits = outcome.CanaryRequests
			}
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.err = err
		}
	})
}

// unload notes that the version of a fault's release answers no more.
func (c *chaos) unload(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.mu.trials {
		if t.fault.Name == name {
			t.weight = 0
		}
	}
}

// endTrials stops controllers that still climb when the load is over.
func (c *chaos) endTrials() {
	c.mu.Lock()
	trials := c.mu.trials
	c.mu.Unlock()
	for _, t := range trials {
		c.mu.Lock()
		open := t.outcome == nil && t.err == nil
		c.mu.Unlock()
		if !open {
			continue
		}
		if c.rollingBack(t) {
			// What was decided is carried out; the load's end does not make it undone.
			select {
			case <-t.done:
			case <-time.After(8 * time.Second):
			}
		}
		t.cancel()
	}
}

// trial is the function and version under trial now, "" if none.
func (c *chaos) trial() (function, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.mu.trials); n > 0 {
		t := c.mu.trials[n-1]
		return t.fault.ReleaseFunction.Function, t.to
	}
	return "", ""
}

// weight is the share of traffic that the version under trial gets now.
func (c *chaos) weight() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.mu.trials); n > 0 {
		return c.mu.trials[n-1].weight
	}
	return 0
}

// rollouts are the trials in the report's form.
func (c *chaos) rollouts(start time.Time, s *scenarios.Scenario) []reports.Rollout {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []reports.Rollout
	at := func(t time.Time) reports.Seconds {
		if t.IsZero() {
			return 0
		}
		return reports.Seconds(t.Sub(start))
	}
	for _, t := range c.mu.trials {
		r := reports.Rollout{Function: t.fault.ReleaseFunction.Function, From: t.from, To: t.to,
			Start: reports.Seconds(t.start), End: reports.Seconds(t.end), TimeScale: t.release.TimeScale, Outcome: "interrupted", Detectable: detectable(t)}
		if !t.fault.Healthy() {
			r.Defect = t.fault.ReleaseFunction.Defect.String()
		}
		reached := map[int]time.Time{}
		for _, d := range t.decisions {
			if _, known := reached[d.Rung]; !known && d.Weight > 0 {
				reached[d.Rung] = d.At
			}
			r.Decisions = append(r.Decisions, reports.Decision{At: at(d.At), Action: d.Action, Weight: d.Weight, Reason: d.Reason, CanaryRequests: d.CanaryRequests,
				CanaryBad: d.CanaryBad, EValue: d.EValue, SmallestExcluded: d.SmallestExcluded, NeedRequests: d.NeedRequests})
		}
		for i, rung := range t.release.Ladder {
			when, ok := reached[i]
			r.Ladder = append(r.Ladder, reports.Rung{Weight: rung.Weight, Wait: reports.Seconds(rung.Hold), Reached: ok, At: at(when)})
		}
		if o := t.outcome; o != nil {
			r.Outcome, r.Reason = string(o.Result), o.Reason
			r.CanaryAsked, r.CanaryBad, r.StableAsked, r.StableBad, r.ControlCalls = o.CanaryRequests, o.CanaryBad, o.StableRequests, o.StableBad, o.ControlCalls
			if w := o.Stopwatch; w != nil {
				// Traffic is safe when the aliases have been read back and the last bad answer was given.
				safe := w.TrafficSafe
				if w.Reverted.After(safe) {
					safe = w.Reverted
				}
				r.Stopwatch = reports.NewStopwatch(stopwatchObjective(s), at(w.FirstBad), at(w.Detected), at(w.Decided), at(safe), at(w.DataRepaired))
			}
		}
		if t.err != nil {
			r.Reason = t.err.Error()
		}
		out = append(out, r)
	}
	return out
}

// rollingBack says whether a trial's rollback was decided.
func (c *chaos) rollingBack(t *trial) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(t.decisions, func(d deploy.Decision) bool { return d.Action == "roll back" })
}

// foretell says before the load what a release's ladder can see.
func (d *drill) foretell(f scenarios.Fault) string {
	t := &trial{fault: f, release: d.releaseOf(f, "", ""), asked: d.requestRate(f.ReleaseFunction.Function)}
	t.plan = t.release.Plan(t.asked, 0.001)
	return detectable(t)
}

// releaseOf is a scenario's release as the controller takes it.
func (d *drill) releaseOf(f scenarios.Fault, stable, canary string) deploy.Release {
	move := f.ReleaseFunction
	return deploy.Release{
		Functions: []deploy.FunctionRelease{{Name: move.Function, Alias: stack.Alias, Stable: stable, Canary: canary}},
		Ladder:    deploy.Ladder(float64(move.Ladder.First), move.Ladder.For, float64(move.Ladder.Step), move.Ladder.Every),
		TimeScale: move.TimeScale, MinEffect: float64(d.s.Release.MinEffect), MinJudged: int64(d.s.Release.MinJudged),
	}
}

// detectable says before a run what the ladder can see.
func detectable(t *trial) string {
	if len(t.plan) == 0 {
		return ""
	}
	first := t.plan[0]
	return fmt.Sprintf("at %s requests/s to %s, the rung of %s sees about %d answers of the new version and proves %s more bad ones 9 times in 10",
		reports.Rate(t.asked), t.fault.ReleaseFunction.Function, reports.Percent(first.Weight), first.Judged, reports.Percent(first.Detectable))
}

// requestRate is how many requests a second the plan sends to a function at the load's peak.
func (d *drill) requestRate(function string) float64 {
	peak, mix := float64(d.s.Load.Peak()), d.s.Load.Mix
	switch function {
	case stack.IngestWebhooks:
		return peak * mix.Webhooks
	case stack.IngestEvents:
		return peak * (1 - mix.Webhooks) / mix.BatchMean
	}
	return float64(d.s.Load.Reads())
}

// gatewayEvidence judges versions by what the gateway answered for them. What is slow the gateway
// decides, by the objective that it was started with.
type gatewayEvidence struct{ world *world }

func (e gatewayEvidence) Sample(ctx context.Context) (map[deploy.Version]deploy.Counts, error) {
	stats, err := e.world.stats(ctx, e.world.edgeURL)
	if err != nil {
		return nil, err
	}
	return evidence(stats), nil
}

// evidence reads the counts of each version.
func evidence(stats cloud.Stats) map[deploy.Version]deploy.Counts {
	out := map[deploy.Version]deploy.Counts{}
	if stats.APIGateway == nil {
		return out
	}
	for _, v := range stats.APIGateway.Versions {
		out[deploy.Version{Function: v.Function, Version: v.Version}] = deploy.Counts{
			Requests: v.Requests, Errors: v.Errors5xx, Slow: v.Slow, FirstBad: v.FirstBad, LastBad: v.LastBad}
	}
	return out
}

// stuckAliases climb and never come back: rollback switched off, for proving that the check on
// rollbacks can fail.
type stuckAliases struct{ deploy.Aliases }

func (s stuckAliases) Set(ctx context.Context, function, alias, version string, weights map[string]float64, revisionID string) (deploy.Alias, error) {
	if len(weights) == 0 {
		return deploy.Alias{}, fmt.Errorf("rollback is switched off in this scenario: %w", deploy.ErrThrottled)
	}
	return s.Aliases.Set(ctx, function, alias, version, weights, revisionID)
}
