package attack

import "time"

// next waits until the next entry is due and returns it; nil at the end of the plan, or at once
// when the load is stopped.
func (a *attack) next() *slot {
	s := a.take()
	if s == nil {
		return nil
	}
	for d := s.entry.At - time.Since(a.begin()); d > 0; d = s.entry.At - a.elapsed() {
		if !a.alarm.sleep(d) {
			a.unsent(s.entry.At, Result{Entry: s.entry, Err: ErrStopped})
			return nil
		}
	}
	return s
}

// begin is the instant of elapsed 0: now, if it has not been agreed.
func (a *attack) begin() time.Time {
	if start := a.start.Load(); start != nil {
		return *start
	}
	now := time.Now()
	a.start.CompareAndSwap(nil, &now)
	return *a.start.Load()
}

// started is the instant of elapsed 0, zero as long as it is not known.
func (a *attack) started() time.Time {
	if start := a.start.Load(); start != nil {
		return *start
	}
	return time.Time{}
}

// elapsed is 0 until the load starts.
func (a *attack) elapsed() time.Duration {
	if start := a.start.Load(); start != nil {
		return time.Since(*start)
	}
	return 0
}

// timer is an alarm by the runtime's timers, which are up to a millisecond late on an idle machine,
// since epoll counts in milliseconds.
type timer struct{ a *attack }

func (t timer) sleep(d time.Duration) bool { return t.a.pause(d) }
func (t timer) close()                     {}
