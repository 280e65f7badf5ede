package attack

import (
	"errors"
	"sync"
	"time"

	"github.com/retailflow/stampede/loadgen/plan"
)

// Closed lets a number of users send the plan's requests one after another, each waiting for its
// answer and then thinking, whatever times the plan says. That is what most tools do, and is here
// to be compared with: a slow system is asked less, so that its latency looks better than it was
// (Schroeder et al., Open versus closed: a cautionary tale, NSDI 2006).
type Closed struct {
	Users int           // 0: the load is open
	Think time.Duration // mean of an exponential pause
	For   time.Duration // no request starts later
	Seed  uint64        // of the pauses
}

// closed sends with users, and returns when they are done.
func (a *attack) closed() {
	a.begin()
	var users sync.WaitGroup
	for i := range a.o.Closed.Users {
		users.Go(func() { a.user(uint64(i)) })
	}
	users.Wait()
	a.cancel(errOver)
}

// errOver ends a closed load: what its plan still has is not due.
var errOver = errors.New("the users have gone")

func (a *attack) user(n uint64) {
	c := a.o.Closed
	r := plan.Rand(c.Seed, "attack/think", n)
	// Users who begin together go on together for long.
	if !a.pause(max(-a.elapsed(), 0) + time.Duration(r.Float64()*float64(c.Think))) {
		return
	}
	for a.elapsed() < c.For {
		s := a.take()
		if s == nil {
			return
		}
		s.entry.At = a.elapsed()
		a.carry(s)
		if !a.pause(time.Duration(r.ExpFloat64() * float64(c.Think))) {
			return
		}
	}
}
