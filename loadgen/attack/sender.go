package attack

import "sync"

// Sender is how requests are handed to connections at their times.
type Sender int

// The senders.
const (
	// Direct hands each request to an idle worker, or to a new one up to MaxWorkers.
	Direct Sender = iota
	// Vegeta lets vegeta's attacker do so, with the plan as its Pacer.
	Vegeta
)

// send returns when every entry of the plan has its outcome, or the load was stopped.
func (s Sender) send(a *attack) {
	switch {
	case a.o.Closed.Users > 0:
		a.closed()
	case s == Vegeta:
		a.vegeta()
	default:
		a.direct()
	}
}

func (a *attack) direct() {
	var workers sync.WaitGroup
	defer workers.Wait()
	work := make(chan *slot)
	defer close(work)
	started := 0
	for s := a.next(); s != nil; s = a.next() {
		select {
		case work <- s:
			continue
		default:
		}
		if started < a.o.MaxWorkers {
			started++
			workers.Go(func() {
				a.carry(s)
				for s := range work {
					a.carry(s)
				}
			})
			continue
		}
		work <- s // the wait is the request's lag; after a stop workers come free within Grace
	}
}
