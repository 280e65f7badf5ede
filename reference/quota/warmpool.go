package quota

import (
	"slices"
	"time"
)

// WarmPool keeps the idle environments of one function version. The most recently used one is
// taken first, so that a load that shrank leaves the others idle long enough to be reaped. The
// zero value is empty and ready; it is not safe for concurrent use.
type WarmPool struct {
	idle []warm // by since, oldest first
}

type warm struct {
	id    uint64
	since time.Time
}

// Put adds an environment that became idle at now. Times must not run backwards.
func (p *WarmPool) Put(now time.Time, id uint64) {
	p.idle = append(p.idle, warm{id, now})
}

// Take removes and returns the environment that became idle last; false if there is none.
func (p *WarmPool) Take() (id uint64, ok bool) {
	if len(p.idle) == 0 {
		return 0, false
	}
	last := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return last.id, true
}

// Remove takes out an environment that died; false if it was not idle.
func (p *WarmPool) Remove(id uint64) bool {
	i := slices.IndexFunc(p.idle, func(w warm) bool { return w.id == id })
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

// Reap removes and returns the environments that have been idle for at least timeout, oldest
// first. next is how long from now until the following one is due, zero if none is idle.
func (p *WarmPool) Reap(now time.Time, timeout time.Duration) (ids []uint64, next time.Duration) {
	for len(p.idle) > 0 {
		if age := now.Sub(p.idle[0].since); age < timeout {
			return ids, timeout - age
		}
		ids = append(ids, p.idle[0].id)
		p.idle = p.idle[1:]
	}
	return ids, 0
}

// Len is the number of idle environments.
func (p *WarmPool) Len() int { return len(p.idle) }
