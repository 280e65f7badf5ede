package run

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/retailflow/stampede/chaos/agent"
	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// struck is a fault that was applied, and what it did. Times count from planned time 0.
type struck struct {
	fault      scenarios.Fault
	line       string
	start, end time.Duration // end is 0 while it lasts
	hits, want int64
	effect     string
	killed     time.Duration // when a process was killed; 0 if none was
	answered   time.Duration // when its successor first answered the harness; 0 if it did not yet
	err        error         // of applying or of healing
}

// chaos breaks things on schedule. Safe for concurrent use.
type chaos struct {
	drill    *drill
	agent    *agent.Client
	schedule *fault.Schedule
	byName   map[string]scenarios.Fault
	running  sync.WaitGroup // rollouts

	mu struct {
		sync.Mutex
		struck []struck
		trials []*trial
	}
}

func newChaos(d *drill) (*chaos, error) {
	c := &chaos{drill: d, agent: d.world.agent, byName: map[string]scenarios.Fault{}}
	var faults []fault.Fault
	for _, f := range d.s.Faults {
		c.byName[f.Name] = f
		faults = append(faults, valueOf(f, d.o.Seed))
	}
	var err error
	if c.schedule, err = fault.NewSchedule(faults); err != nil {
		return nil, fmt.Errorf("schedule faults: %w", err)
	}
	return c, nil
}

// valueOf is a scenario's fault as the agent takes it.
func valueOf(f scenarios.Fault, seed uint64) fault.Fault {
	out := fault.Fault{Name: f.Name, At: f.At, For: f.For, Seed: seed}
	switch {
	case f.KillFunction != nil:
		out.Kind, out.Target, out.Hits, out.Every = fault.KillFunction, f.KillFunction.Function, f.KillFunction.Hits, f.KillFunction.Every
	case f.KillProcess != nil:
		out.Kind, out.Target = fault.KillProcess, f.KillProcess.Process
	case f.ReleaseFunction != nil:
		out.Kind, out.Target = fault.ReleaseFunction, f.ReleaseFunction.Function
		out.Defect = fault.Defect{Kind: fault.DefectKind(f.ReleaseFunction.Defect.Kind), Delay: f.ReleaseFunction.Defect.Delay, Share: float64(f.ReleaseFunction.Defect.Share)}
	}
	return out
}

// run follows the schedule until it or ctx ends.
func (c *chaos) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		due, wait, more := c.schedule.Next(max(c.drill.since(), 0))
		for _, step := range due {
			switch step.Do {
			case fault.Apply:
				c.apply(ctx, step.Fault)
			case fault.Heal:
				// Confirming takes a while, and the next fault shall not come late for it.
				c.running.Go(func() { c.heal(context.WithoutCancel(ctx), step.Fault.Name) })
			}
		}
		switch {
		case len(due) > 0:
			timer.Reset(0) // applying took time: ask again what is due
		case !more:
			return
		default:
			timer.Reset(wait)
		}
	}
}

func (c *chaos) apply(ctx context.Context, f fault.Fault) {
	c.drill.noted("fault", "%s strikes: %s", f.Name, f)
	c.mu.Lock()
	c.mu.struck = append(c.mu.struck, struck{fault: c.byName[f.Name], line: f.String(), start: c.drill.since(), want: int64(f.Wanted())})
	c.mu.Unlock()
	lease, err := c.agent.Apply(ctx, f)
	if err != nil {
		c.drill.noted("fault", "%s could not be applied: %v", f.Name, err)
		c.update(f.Name, func(s *struck) { s.err, s.end = err, c.drill.since() })
		return
	}
	switch f.Kind {
	case fault.ReleaseFunction:
		c.release(ctx, f, lease.Details)
	case fault.KillProcess:
		c.watchRecovery(ctx, f.Name, lease.Details["pid"])
	}
}

// watchRecovery watches in the background for the successor of a process that was just killed.
func (c *chaos) watchRecovery(ctx context.Context, name, killed string) {
	pid, err := strconv.Atoi(killed)
	if err != nil {
		c.update(name, func(s *struck) { s.err = fmt.Errorf("the agent does not say whom it killed: %w", err) })
		return
	}
	c.update(name, func(s *struck) { s.killed = c.drill.since() })
	c.running.Go(func() {
		at := c.drill.world.answersAgain(ctx, pid, c.drill.since)
		c.update(name, func(s *struck) { s.answered = at })
	})
}

// heal ends a fault, reads what it did, and notes when it was gone.
func (c *chaos) heal(ctx context.Context, name string) {
	open := false
	c.update(name, func(s *struck) { open = s.end == 0 })
	if !open {
		return
	}
	c.stopTrial(name) // lest its controller puts the version back
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	lease, err := c.agent.Heal(ctx, name)
	hits := lease.Hits
	at := c.drill.since()
	c.update(name, func(s *struck) {
		if s.end != 0 {
			return // somebody else healed it meanwhile
		}
		s.end, s.err = at, err
		if s.fault.ReleaseFunction == nil {
			s.hits, s.effect = hits.Count, hits.Effect
		}
	})
	if err != nil {
		c.drill.noted("fault", "%s is not confirmed gone: %v", name, err)
		return
	}
	c.unload(name)
	c.drill.noted("fault", "%s is over: %s", name, hits.Effect)
}

// stopTrial ends the controller of a fault's release and waits for it. A controller whose own end
// brought us here has closed nothing yet, and is not waited for.
func (c *chaos) stopTrial(name string) {
	c.mu.Lock()
	var found *trial
	for _, t := range c.mu.trials {
		if t.fault.Name == name && t.outcome == nil && t.err == nil {
			found = t
		}
	}
	c.mu.Unlock()
	if found == nil {
		return
	}
	if !c.rollingBack(found) {
		found.cancel()
	}
	select {
	case <-found.done:
	case <-time.After(8 * time.Second):
		found.cancel()
	}
}

func (c *chaos) update(name string, change func(*struck)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.mu.struck {
		if c.mu.struck[i].fault.Name == name {
			change(&c.mu.struck[i])
		}
	}
}

// finish heals what is left and waits for rollouts. After it no fault is in force.
func (c *chaos) finish(ctx context.Context) {
	for _, s := range c.struck() {
		if s.end == 0 && s.fault.ReleaseFunction == nil {
			c.heal(ctx, s.fault.Name)
		}
	}
	c.endTrials()
	c.running.Wait()
	for _, s := range c.struck() {
		c.heal(ctx, s.fault.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := c.agent.HealAll(ctx); err != nil {
		c.drill.noted("fault", "the agent still holds leases: %v", err)
		c.drill.undrained = append(c.drill.undrained, "faults under lease: "+err.Error())
	}
}

// struck copies what was applied so far.
func (c *chaos) struck() []struck {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mu.struck)
}

// active names the faults in force.
func (c *chaos) active() []string {
	var out []string
	for _, s := range c.struck() {
		if s.end == 0 {
			out = append(out, s.fault.Name)
		}
	}
	return out
}

// windows are the stretches in which faults may show, by what was seen so far.
func (c *chaos) windows(backlog []backlogSample) []window {
	var out []window
	for _, s := range c.struck() {
		if s.fault.Healthy() {
			continue
		}
		end := s.end
		if end == 0 {
			end = c.drill.since()
		}
		out = append(out, windowOf(s.fault.Name, s.start, end, backlog))
	}
	return out
}

// excused says whether a request planned at a moment is a fault's by what is known so far: of a
// fault that is active or settling.
func (c *chaos) excused(planned time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.mu.struck, func(s struck) bool {
		return planned >= s.start && (s.end == 0 || planned < s.end+scenarios.Settle)
	})
}

// stopwatchObjective is what a rollback may take.
func stopwatchObjective(s *scenarios.Scenario) reports.Millis {
	return reports.Millis(s.Objectives.Rollback)
}
