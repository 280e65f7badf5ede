package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// look reads the aliases, after a takeover and now and then. On a rung they must stand as it says.
func (c *Controller) look(ctx context.Context) error {
	c.verified = time.Now()
	off := false
	for _, f := range c.rollout.Release.Functions {
		a, err := c.aliases.get(ctx, f)
		if err != nil {
			return err
		}
		c.revisions[f.Name] = a.RevisionID
		if c.rollout.Phase == Judging && !a.points(f.Stable, map[string]float64{f.Canary: c.rollout.weight()}) {
			off = true
			if !c.ours(f, a) {
				return c.rollBack(foreign(f, a), time.Now())
			}
		}
	}
	if off {
		return c.record(Record{Kind: KindClimb, Rung: c.rollout.Rung, Reason: "an alias is not at the rung's weight"})
	}
	return nil
}

// verify looks at the aliases on a rung; what cannot be read now is read next time.
func (c *Controller) verify(ctx context.Context) error {
	err := c.look(ctx)
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrFenced) {
		return err
	}
	c.o.Log.Warn("aliases not read", "error", err)
	return c.journal.Fenced()
}

func foreign(f FunctionRelease, a Alias) string {
	return fmt.Sprintf("alias %s of %s was moved by another hand to version %s with weights %v", f.Alias, f.Name, a.Version, a.Weights)
}

// setAll points every alias somewhere. moved is false if another hand was found at one of them and
// the release is rolled back.
func (c *Controller) setAll(ctx context.Context, where func(FunctionRelease) (string, map[string]float64)) (moved bool, err error) {
	for _, f := range c.rollout.Release.Functions {
		version, weights := where(f)
		moved, err := c.setOne(ctx, f, version, weights)
		if err != nil {
			return false, err
		}
		if moved != "" {
			return false, c.rollBack(moved, time.Now())
		}
	}
	return true, nil
}

// setOne writes one alias. A revision that moved may be this controller's own write whose answer
// was lost, a change of something else about the alias, or another hand, which it describes.
func (c *Controller) setOne(ctx context.Context, f FunctionRelease, version string, weights map[string]float64) (byWhom string, err error) {
	for {
		if err := c.journal.Fenced(); err != nil {
			return "", err
		}
		a, err := c.aliases.set(ctx, f, version, weights, c.revisions[f.Name])
		if err == nil {
			c.revisions[f.Name] = a.RevisionID
			return "", nil
		}
		if ctx.Err() != nil {
			return "", err
		}
		if !errors.Is(err, ErrRevision) {
			c.o.Log.Warn("alias not set", "function", f.Name, "error", err)
			if err := sleep(ctx, retryPause); err != nil {
				return "", err
			}
		}
		a, err = c.aliases.get(ctx, f)
		switch {
		case err != nil && ctx.Err() != nil:
			return "", err
		case err != nil:
			continue // keeps the revision; the next write settles it
		case a.points(version, weights):
			c.revisions[f.Name] = a.RevisionID
			return "", nil
		case !c.ours(f, a):
			return foreign(f, a), nil
		}
		c.revisions[f.Name] = a.RevisionID
	}
}

// retryPause is between attempts at a call that failed but was not throttled.
const retryPause = 200 * time.Millisecond

// ours says whether an alias stands where this release can have put it.
func (c *Controller) ours(f FunctionRelease, a Alias) bool {
	if a.points(f.Stable, nil) || a.points(f.Canary, nil) {
		return true
	}
	for _, rung := range c.rollout.Release.Ladder {
		if a.points(f.Stable, map[string]float64{f.Canary: rung.Weight}) {
			return true
		}
	}
	return false
}
