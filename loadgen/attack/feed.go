package attack

import (
	"sync"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

// slot is an entry on its way: planned, being made, ready, sent.
type slot struct {
	entry   plan.Entry
	request event.Request
	err     error
}

// batch is what travels from the plan to the pacer at once: a channel's cost is shared by its slots.
type batch struct {
	slots []slot
	ready chan struct{} // closed when every slot has its request or err
}

// batches is how many of them LookAhead is cut into.
const batches = 8

// supply is where senders take slots from, in order.
type supply struct {
	sync.Mutex
	rest  []slot
	queue chan *batch
}

// feed walks through the plan, LookAhead entries in front of the pacer.
func (a *attack) feed() {
	defer close(a.supply.queue)
	defer close(a.make)
	size := max(a.o.LookAhead/batches, 1)
	b := &batch{}
	for e := range a.o.Entries {
		if b.slots = append(b.slots, slot{entry: e}); len(b.slots) < size {
			continue
		}
		if !a.hand(b) && !a.unsentOf(b.slots) {
			return
		}
		b = &batch{slots: make([]slot, 0, size)}
		if a.ctx.Err() != nil {
			size = 1 // what is due is reported, and no more of the plan is drawn than that
		}
	}
	if len(b.slots) > 0 && !a.hand(b) {
		a.unsentOf(b.slots)
	}
}

// hand gives a batch to the makers and the pacer; false at a stop.
func (a *attack) hand(b *batch) bool {
	if a.ctx.Err() != nil {
		return false
	}
	b.ready = make(chan struct{})
	select {
	case a.make <- b:
	case <-a.ctx.Done():
		return false
	}
	select {
	case a.supply.queue <- b:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// makeBodies makes requests until there are no more.
func (a *attack) makeBodies() {
	for b := range a.make {
		for i := range b.slots {
			s := &b.slots[i]
			if a.ctx.Err() != nil {
				s.err = ErrStopped
				continue
			}
			s.request, s.err = a.o.Make(s.entry)
		}
		close(b.ready)
	}
}

// take is the next slot of the plan, made; nil at its end, or when the load is stopped.
func (a *attack) take() *slot {
	s := &a.supply
	s.Lock()
	defer s.Unlock()
	if a.ctx.Err() != nil {
		return nil
	}
	if len(s.rest) == 0 {
		select {
		case b := <-s.queue:
			if b == nil {
				return nil
			}
			<-b.ready
			s.rest = b.slots
		case <-a.ctx.Done():
			return nil
		}
	}
	next := &s.rest[0]
	s.rest = s.rest[1:]
	return next
}

// stopped is when the load was stopped, as the first caller after that saw it.
func (a *attack) stopped() time.Duration {
	a.halt.Do(func() { a.halted = a.elapsed() })
	return a.halted
}

// unsent reports a request that was due but not sent when the load was stopped. It is false for one
// that was not due yet: that one, and all behind it, are no part of the load.
func (a *attack) unsent(at time.Duration, r Result) bool {
	now := a.elapsed()
	if at > a.stopped() || a.o.Closed.Users > 0 {
		return false
	}
	r.Planned, r.Start, r.End = at, now, now
	a.report(r)
	return true
}

// unsentOf reports slots that a stop has left; false as [attack.unsent].
func (a *attack) unsentOf(slots []slot) bool {
	for i := range slots {
		if e := slots[i].entry; !a.unsent(e.At, Result{Entry: e, Err: ErrStopped}) {
			return false
		}
	}
	return true
}

// unsentRest reports what a stop left in front of the pacer.
func (a *attack) unsentRest() {
	if a.ctx.Err() == nil {
		return
	}
	a.unsentOf(a.supply.rest)
	for b := range a.supply.queue {
		a.unsentOf(b.slots)
	}
}
