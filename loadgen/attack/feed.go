package attack

import "time"

// feed walks through the plan, LookAhead entries in front of the pacer.
func (a *attack) feed() {
	defer close(a.queue)
	defer close(a.make)
	stopped := false
	for e := range a.o.Entries {
		if !stopped {
			s := &slot{entry: e, ready: make(chan struct{})}
			select {
			case a.make <- s:
			case <-a.ctx.Done():
				stopped = true
			}
			if !stopped {
				select {
				case a.queue <- s:
					continue
				case <-a.ctx.Done():
					stopped = true
				}
			}
		}
		if !a.unsent(e.At, Result{Entry: e, Err: ErrStopped}) {
			return
		}
	}
}

// makeBodies makes requests until there are no more.
func (a *attack) makeBodies() {
	for s := range a.make {
		if a.ctx.Err() == nil {
			s.request, s.err = a.o.Make(s.entry)
		} else {
			s.err = ErrStopped
		}
		close(s.ready)
	}
}

// unsent reports a request that was due but not sent. It is false for one that was not due
// yet: that one, and all behind it, are no part of the load.
func (a *attack) unsent(at time.Duration, r Result) bool {
	now := a.elapsed()
	if at > now || a.o.Closed.Users > 0 {
		return false
	}
	r.Planned, r.Start, r.End = at, now, now
	a.report(r)
	return true
}

// unsentRest reports what a stop left in front of the pacer.
func (a *attack) unsentRest() {
	if a.ctx.Err() == nil {
		return
	}
	for s := range a.queue {
		a.unsent(s.entry.At, Result{Entry: s.entry, Err: ErrStopped})
	}
}
