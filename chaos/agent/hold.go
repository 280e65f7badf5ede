package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
)

// How reverting is repeated.
const (
	revertTry   = 5 * time.Second // one try
	revertFirst = 50 * time.Millisecond
	revertMost  = time.Second
)

// apply takes a lease on a fault under its name and puts it in force. When it fails, everything
// is reverted already, or the error says that it is not.
func (a *agent) apply(ctx context.Context, f fault.Fault) error {
	made, err := a.make(f)
	if err != nil {
		return err
	}
	applying, cancel := context.WithCancel(a.base)
	defer cancel()
	h := &holder{id: f.Name, fault: made, cancel: cancel, settled: make(chan struct{}), gone: make(chan struct{})}
	a.mu.Lock()
	if a.mu.stopping {
		a.mu.Unlock()
		return fmt.Errorf("apply %s: %w", f.Name, ErrStopping)
	}
	if err := a.mu.leases.Grant(a.elapsed(), h.id, f); err != nil {
		a.mu.Unlock()
		return err
	}
	a.mu.holders[h.id] = h
	a.mu.Unlock()
	a.signal()
	err = a.enforce(applying, h, f)
	close(h.settled)
	a.signal()
	if err == nil {
		a.log.Info("fault_applied", "id", h.id, "fault", f.String())
		return nil
	}
	a.log.Warn("fault_not_applied", "id", h.id, "fault", f.String(), "error", err)
	return fmt.Errorf("apply %s: %w", h.id, a.healed(ctx, h, err))
}

// enforce brings a granted lease into force, or ends it with the error.
func (a *agent) enforce(ctx context.Context, h *holder, f fault.Fault) error {
	inverse, err := h.fault.Prepare(ctx)
	if err == nil {
		h.inverse = inverse
		err = a.journal.append(entry{ID: h.id, Fault: f.String(), Inverse: inverse})
	}
	if err == nil {
		err = a.advance(func() error { return a.mu.leases.Record(a.elapsed(), h.id) })
	}
	if err != nil {
		return a.discard(h, err)
	}
	details, err := h.fault.Apply(ctx)
	return a.advance(func() error {
		h.details, h.applied = details, time.Now()
		if err == nil {
			err = a.mu.leases.Apply(a.elapsed(), h.id)
		}
		if err != nil {
			a.mu.leases.Heal(a.elapsed(), h.id, "could not be applied: "+err.Error())
		}
		return err
	})
}

func (a *agent) advance(step func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return step()
}

// discard ends a lease of which nothing was applied.
func (a *agent) discard(h *holder, cause error) error {
	err := a.journal.append(entry{ID: h.id, Gone: "never applied"})
	if err != nil {
		a.log.Error("journal_not_written", "id", h.id, "error", err)
	}
	return a.advance(func() error {
		a.mu.leases.Heal(a.elapsed(), h.id, "could not be prepared: "+cause.Error())
		h.goneAt = time.Now()
		close(h.gone)
		return cause
	})
}

// healed waits until nothing is left of a fault that failed to apply, and returns the cause.
func (a *agent) healed(ctx context.Context, h *holder, cause error) error {
	select {
	case <-h.gone:
		return cause
	case <-ctx.Done():
		return fmt.Errorf("%w; and it is not reverted yet", cause)
	}
}

// revert runs the inverse, once nothing is being applied any more, until it succeeds or the
// agent must go.
func (a *agent) revert(h *holder) {
	<-h.settled
	wait := revertFirst
	for {
		ctx, cancel := context.WithTimeout(a.base, revertTry)
		err := h.fault.Revert(ctx, h.inverse)
		cancel()
		if err == nil {
			break
		}
		a.log.Warn("fault_not_reverted", "id", h.id, "error", err)
		_ = a.advance(func() error { h.failure = err.Error(); return nil })
		timer := time.NewTimer(wait)
		select {
		case <-a.base.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, revertMost)
	}
	// Should this not reach the disk, the next agent reverts once more, which is harmless.
	if err := a.journal.append(entry{ID: h.id, Gone: "reverted"}); err != nil {
		a.log.Error("journal_not_written", "id", h.id, "error", err)
	}
	err := a.advance(func() error {
		h.goneAt, h.failure = time.Now(), ""
		return a.mu.leases.Reverted(h.id)
	})
	if err != nil {
		a.log.Error("lease_broken", "id", h.id, "error", err)
	}
	a.log.Info("fault_reverted", "id", h.id)
	close(h.gone)
}

// heal ends the lease id, or all leases if it is "", and waits until they are reverted.
func (a *agent) heal(ctx context.Context, id, why string) error {
	var holders []*holder
	a.mu.Lock()
	if id != "" {
		a.mu.leases.Heal(a.elapsed(), id, why)
		if h := a.mu.holders[id]; h != nil {
			holders = append(holders, h)
		}
	} else {
		for id, h := range a.mu.holders {
			a.mu.leases.Heal(a.elapsed(), id, why)
			holders = append(holders, h)
		}
	}
	for _, h := range holders {
		h.cancel()
	}
	a.mu.Unlock()
	a.signal()
	for _, h := range holders {
		select {
		case <-h.gone:
		case <-ctx.Done():
			a.mu.Lock()
			defer a.mu.Unlock()
			return fmt.Errorf("fault %s is not reverted yet: %s", h.id, h.failure)
		case <-a.base.Done():
			return fmt.Errorf("fault %s: %w", h.id, ErrStopping)
		}
	}
	return nil
}

// list describes the lease id, or all leases if it is "". It may ask the system under test what
// it counted.
func (a *agent) list(ctx context.Context, id string) []Lease {
	a.mu.Lock()
	now := a.elapsed()
	out := []Lease{}
	var holders []*holder
	for _, l := range a.mu.leases.List(now) {
		if id != "" && l.ID != id {
			continue
		}
		lease := Lease{ID: l.ID, State: l.State, Why: l.Why}
		if l.Fault.Name != "" {
			lease.Fault = l.Fault.String()
		}
		if l.Live() {
			lease.Left = l.Expires - now
		}
		h := a.mu.holders[l.ID]
		if h != nil {
			lease.Details, lease.Error, lease.Applied, lease.Gone = h.details, h.failure, h.applied, h.goneAt
		}
		out, holders = append(out, lease), append(holders, h)
	}
	a.mu.Unlock()
	for i, h := range holders {
		if h != nil {
			out[i].Hits = h.fault.Hits(ctx)
		}
	}
	return out
}
