package attack

import (
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

var _ vegeta.Pacer = (*attack)(nil)

// Pace lets vegeta's next hit go at the time of the next plan entry. It waits itself, instead
// of naming a wait, because vegeta's sleep cannot be stopped. It stops at the end of the plan
// or at once when the load is stopped.
func (a *attack) Pace(_ time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if a.ctx.Err() != nil {
		return 0, true
	}
	var s *slot
	select {
	case s = <-a.queue:
	case <-a.ctx.Done():
		return 0, true
	}
	if s == nil {
		return 0, true
	}
	a.mu.Lock()
	if a.mu.start.IsZero() {
		a.mu.start = time.Now()
	}
	due := a.mu.start.Add(s.entry.At)
	a.mu.Unlock()

	if d := time.Until(due); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-a.ctx.Done():
			a.unsent(s.entry.At, Result{Entry: s.entry, Err: ErrStopped})
			return 0, true
		}
	}
	a.mu.Lock()
	a.mu.paced[hits] = s
	a.mu.Unlock()
	return 0, false
}

// Rate is that of no curve: vegeta asks for it only in its own reports.
func (a *attack) Rate(time.Duration) float64 { return 0 }

// take finds the entry of a hit. Ticks and sequence numbers are both handed out one by one,
// so every number that a worker can have has been paced before.
func (a *attack) take(seq uint64) *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.mu.paced[seq]
	delete(a.mu.paced, seq)
	return s
}
