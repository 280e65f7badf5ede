package deploy

import (
	"context"
	"fmt"
	"time"
)

// rollBack decides a rollback and fences: the new epoch stops any other controller before it
// writes again.
func (c *Controller) rollBack(reason string, detected time.Time) error {
	if err := c.record(Record{Kind: KindRollBack, Reason: reason, Detected: detected, Epoch: c.rollout.Epoch + 1}); err != nil {
		return err
	}
	c.decided("roll back", reason, 0)
	return nil
}

// revert writes every alias to its stable version, whoever moved it, and reads all back until each
// is old and as written: a write of this epoch has made every revision that another controller may
// still hold worthless. One alias that fails does not keep the others waiting.
func (c *Controller) revert(ctx context.Context) error {
	written := map[string]bool{}
	for {
		left := 0
		for _, f := range c.rollout.Release.Functions {
			if err := c.journal.Fenced(); err != nil {
				return err
			}
			if !written[f.Name] {
				written[f.Name] = c.revertOne(ctx, f)
			}
		}
		for _, f := range c.rollout.Release.Functions {
			a, err := c.aliases.get(ctx, f)
			if err != nil || a.RevisionID != c.revisions[f.Name] || !a.points(f.Stable, nil) {
				written[f.Name] = false
			}
			if err == nil {
				c.revisions[f.Name] = a.RevisionID
			}
			if !written[f.Name] {
				left++
			}
		}
		if left == 0 {
			break
		}
		if err := sleep(ctx, retryPause); err != nil {
			return err
		}
	}
	if err := c.record(Record{Kind: KindReverted}); err != nil {
		return err
	}
	c.decided("reverted", "every alias was read back at its stable version", 0)
	return nil
}

// revertOne writes one alias over the revision last seen.
func (c *Controller) revertOne(ctx context.Context, f FunctionRelease) bool {
	a, err := c.aliases.set(ctx, f, f.Stable, nil, c.revisions[f.Name])
	if err != nil {
		c.o.Log.Warn("alias not reverted yet", "function", f.Name, "error", err)
		return false
	}
	c.revisions[f.Name] = a.RevisionID
	return true
}

// repair lets the caller repair what the canary wrote, and ends the rollback.
func (c *Controller) repair(ctx context.Context) error {
	if c.o.Repair != nil && c.rollout.Stopwatch.DataRepaired.IsZero() {
		if err := c.o.Repair(ctx, c.rollout.Reason); err != nil {
			return fmt.Errorf("repair data: %w", err)
		}
		if err := c.record(Record{Kind: KindRepaired}); err != nil {
			return err
		}
	}
	return c.record(Record{Kind: KindOver})
}
