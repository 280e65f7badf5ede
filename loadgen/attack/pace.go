package attack

import "time"

// next waits until the next entry is due and returns it; nil at the end of the plan, or at once
// when the load is stopped.
func (a *attack) next(sleep func(time.Duration)) *slot {
	if a.ctx.Err() != nil {
		return nil
	}
	var s *slot
	select {
	case s = <-a.queue:
	case <-a.ctx.Done():
	}
	if s == nil {
		return nil
	}
	a.mu.Lock()
	if a.mu.start.IsZero() {
		a.mu.start = time.Now()
	}
	due := a.mu.start.Add(s.entry.At)
	a.mu.Unlock()

	if d := time.Until(due) - finest; d > 0 {
		if !a.pause(d) {
			a.unsent(s.entry.At, Result{Entry: s.entry, Err: ErrStopped})
			return nil
		}
	}
	for d := time.Until(due); d > 0; d = time.Until(due) {
		sleep(d)
	}
	return s
}

// finest is what is left to the precise sleep, which cannot be stopped: the runtime's own timers
// are up to a millisecond late on an idle machine, since epoll counts in milliseconds.
const finest = 1500 * time.Microsecond
