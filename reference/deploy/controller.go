package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotStable is returned when an alias does not point at the release's stable version alone.
var ErrNotStable = errors.New("alias is not at the stable version")

// Controller drives one release. It is not safe for concurrent use.
type Controller struct {
	o         Options
	journal   *Journal
	rollout   Rollout
	aliases   *pacer
	revisions map[string]string // by function, of the alias as last seen
	decisions []Decision
	sampled   time.Time
	verified  time.Time // when the aliases were last looked at, or set
	blind     bool      // the last sample failed
}

// NewController checks the options.
func NewController(o Options) (*Controller, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return &Controller{o: o, aliases: newPacer(o.Aliases, o.CallsPerSecond), revisions: map[string]string{}}, nil
}

// Run drives the release to its end: promoted, or rolled back. If the journal holds a release that
// has not ended, that one is continued instead. It returns early with Interrupted and an error when
// ctx ends, when another controller takes over ([ErrFenced]) or when the journal fails; the aliases
// then stay as they are until Run is called again.
func (c *Controller) Run(ctx context.Context) (Outcome, error) {
	err := c.run(ctx)
	out := c.outcome()
	if err != nil {
		out.Result = Interrupted
		if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
			err = errors.Join(cause, err) // what failed, failed for that
		}
		err = fmt.Errorf("run release: %w", err)
	}
	return out, err
}

func (c *Controller) run(ctx context.Context) (err error) {
	journal, err := OpenJournal(c.o.Journal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	c.journal, c.rollout = journal, Rollout{Phase: Idle}
	// A new epoch stops whoever held the journal before; only then is it read for good.
	if err := journal.Append(Record{Kind: KindEpoch, Epoch: journal.Epoch() + 1, At: time.Now()}, true); err != nil {
		return err
	}
	records, err := journal.Records()
	if err != nil {
		return err
	}
	for _, rec := range records {
		c.rollout.Apply(rec)
	}
	if c.rollout.Phase == Idle {
		err = c.begin(ctx)
	} else {
		c.decided("resume", string(c.rollout.Phase), 0)
		for err = c.look(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrFenced); err = c.look(ctx) {
			c.o.Log.Warn("aliases not read", "error", err)
			_ = sleep(ctx, retryPause) // the loop sees the end of ctx
		}
	}
	for err == nil && c.rollout.Phase != Idle {
		err = c.step(ctx)
	}
	return err
}

// begin checks the aliases and writes the first record of a release.
func (c *Controller) begin(ctx context.Context) error {
	for _, f := range c.o.Release.Functions {
		a, err := c.aliases.get(ctx, f)
		if err != nil {
			return err
		}
		if !a.points(f.Stable, nil) {
			return fmt.Errorf("alias %s of %s is at version %s with weights %v, want %s alone: %w", f.Alias, f.Name, a.Version, a.Weights, f.Stable, ErrNotStable)
		}
		c.revisions[f.Name] = a.RevisionID
	}
	before, err := c.o.Evidence.Sample(ctx)
	if err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	if err := c.record(Record{Kind: KindBegin, Release: &c.o.Release, Sample: before}); err != nil {
		return err
	}
	c.decided("start", fmt.Sprintf("%d functions, %d rungs", len(c.o.Release.Functions), len(c.o.Release.Ladder)), 0)
	return nil
}

// step does the next action.
func (c *Controller) step(ctx context.Context) error {
	a := c.rollout.Next(time.Now(), c.o.SettleFor)
	switch a.Verb {
	case SetRung:
		return c.climb(ctx, a)
	case Observe:
		if c.rollout.Phase == Judging && time.Since(c.verified) >= c.o.VerifyEvery {
			return c.verify(ctx)
		}
		return c.observe(ctx)
	case Hold:
		c.decided("hold", a.Reason, a.Need)
		return c.record(Record{Kind: KindHold, Reason: a.Reason})
	case Promote:
		return c.promote(ctx, a)
	case RollBack:
		return c.rollBack(a.Reason, time.Now())
	case Revert:
		return c.revert(ctx)
	case Safe:
		if err := c.record(Record{Kind: KindSafe}); err != nil {
			return err
		}
		c.decided("safe", "the canary answers no more", 0)
		return nil
	case Repair:
		return c.repair(ctx)
	}
	return fmt.Errorf("nothing to do in phase %s", c.rollout.Phase)
}

func (c *Controller) climb(ctx context.Context, a Action) error {
	if err := c.record(Record{Kind: KindClimb, Rung: a.Rung, Reason: a.Reason}); err != nil {
		return err
	}
	weight := c.rollout.Release.Ladder[a.Rung].Weight
	moved, err := c.setAll(ctx, func(f FunctionRelease) (string, map[string]float64) {
		return f.Stable, map[string]float64{f.Canary: weight}
	})
	if err != nil || !moved {
		return err
	}
	if err := c.record(Record{Kind: KindClimbed, Rung: a.Rung}); err != nil {
		return err
	}
	c.verified = time.Now()
	c.decided("advance", a.Reason, 0)
	return nil
}

func (c *Controller) promote(ctx context.Context, a Action) error {
	if err := c.record(Record{Kind: KindPromote, Reason: a.Reason}); err != nil {
		return err
	}
	moved, err := c.setAll(ctx, func(f FunctionRelease) (string, map[string]float64) { return f.Canary, nil })
	if err != nil || !moved {
		return err
	}
	if err := c.record(Record{Kind: KindPromoted}); err != nil {
		return err
	}
	c.decided("promote", a.Reason, 0)
	return nil
}

// observe waits for the next sample's time and takes it. A sample that fails is no evidence; the
// rung cannot end without.
func (c *Controller) observe(ctx context.Context) error {
	if err := sleep(ctx, time.Until(c.sampled.Add(c.o.SampleEvery))); err != nil {
		return err
	}
	c.sampled = time.Now()
	s, err := c.o.Evidence.Sample(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		if !c.blind {
			c.o.Log.Warn("no evidence", "error", err)
		}
		c.blind = true
		return nil
	}
	c.blind = false
	return c.record(Record{Kind: KindSample, Sample: c.relevant(s)})
}

// relevant are the counts of this release's versions.
func (c *Controller) relevant(s map[Version]Counts) sample {
	out := sample{}
	for _, f := range c.rollout.Release.Functions {
		for _, v := range []string{f.Stable, f.Canary} {
			if counts, ok := s[Version{f.Name, v}]; ok {
				out[Version{f.Name, v}] = counts
			}
		}
	}
	return out
}

// record writes to the journal and applies the record. Evidence is not synced: what is lost with
// the machine is counted again from the next sample.
func (c *Controller) record(r Record) error {
	r.At = time.Now()
	if r.Epoch == 0 {
		r.Epoch = c.rollout.Epoch
	}
	if err := c.journal.Append(r, r.Kind != KindSample); err != nil {
		return err
	}
	c.rollout.Apply(r)
	return nil
}

func (c *Controller) decided(action, reason string, need int64) {
	j := c.rollout.judge
	d := Decision{
		At: time.Now(), Action: action, Rung: c.rollout.Rung, Weight: c.rollout.weight(), Reason: reason, NeedRequests: need,
		CanaryRequests: j.canary.Requests, CanaryBad: j.canaryWrong, EValue: j.evidence(), SmallestExcluded: j.excluded(),
	}
	c.decisions = append(c.decisions, d)
	c.o.Status(d)
}

func (c *Controller) outcome() Outcome {
	out := Outcome{Result: RolledBack, Reason: c.rollout.Reason, Decisions: c.decisions, ControlCalls: c.aliases.calls}
	if c.rollout.Promoted {
		out.Result = Promoted
	} else if !c.rollout.Stopwatch.Decided.IsZero() {
		watch := c.rollout.Stopwatch
		out.Stopwatch = &watch
	}
	if j := c.rollout.judge; j != nil {
		out.CanaryRequests, out.CanaryBad, out.StableRequests, out.StableBad = j.canary.Requests, j.canaryWrong, j.stable.Requests, j.stableBad
	}
	return out
}
