package sqs

import (
	"container/heap"
	"time"
)

// backlog is the pure core of a queue: which messages there are, which of them
// are visible, and when that changes. It holds no bodies, reads no clock and
// does no I/O. It is not safe for concurrent use.
type backlog struct {
	messages map[uint64]*entry
	ready    readyHeap   // visible, oldest first
	waiting  waitingHeap // delayed or in flight, soonest first
	aging    agingHeap   // all, first sent first
	inFlight int
	delayed  int
	moving   int
	stored   int64 // ever added
}

// entry is what the backlog knows of a message.
type entry struct {
	seq      uint64
	sent     time.Time
	first    time.Time // of the first receive
	receives int
	state    state
	due      time.Time // delayed and inFlight: when it becomes visible
}

type state uint8

const (
	visible state = iota
	delayed
	inFlight
	moving // on its way to another queue
)

func newBacklog() *backlog { return &backlog{messages: make(map[uint64]*entry)} }

// add takes in a message. It is visible from due on; a due that is not after
// now makes it visible at once.
func (b *backlog) add(now time.Time, e entry, due time.Time) {
	e.state = visible
	p := &e
	b.messages[e.seq] = p
	b.stored++
	heap.Push(&b.aging, p)
	if due.After(now) {
		b.delayed++
		p.state = delayed
		b.await(p, due)
		return
	}
	heap.Push(&b.ready, p)
}

func (b *backlog) await(e *entry, due time.Time) {
	e.due = due
	heap.Push(&b.waiting, waiter{due: due, entry: e})
}

// settle makes visible what is due at now.
func (b *backlog) settle(now time.Time) {
	for len(b.waiting) > 0 {
		top := b.waiting[0]
		stale := b.stale(top)
		if !stale && top.due.After(now) {
			return
		}
		heap.Pop(&b.waiting)
		if stale {
			continue
		}
		b.count(top.entry, -1)
		top.entry.state = visible
		heap.Push(&b.ready, top.entry)
	}
}

// stale reports whether a waiter is left over from before the message was
// deleted or given another due time.
func (b *backlog) stale(w waiter) bool {
	e := w.entry
	return b.messages[e.seq] != e || (e.state != delayed && e.state != inFlight) || !e.due.Equal(w.due)
}

// count adds n to the counter of the entry's state.
func (b *backlog) count(e *entry, n int) {
	switch e.state {
	case delayed:
		b.delayed += n
	case inFlight:
		b.inFlight += n
	case moving:
		b.moving += n
	}
}

// receive takes up to n visible messages into flight for the time of
// visibility. Messages that were received maxReceives times before (if that is
// above 0) are not delivered but come back as dead, to be moved elsewhere.
func (b *backlog) receive(now time.Time, n int, visibility time.Duration, maxReceives int) (got []entry, dead []uint64) {
	b.settle(now)
	for len(got) < n {
		e := b.next()
		if e == nil {
			return got, dead
		}
		if maxReceives > 0 && e.receives >= maxReceives {
			e.state = moving
			b.moving++
			dead = append(dead, e.seq)
			continue
		}
		e.receives++
		if e.first.IsZero() {
			e.first = now
		}
		e.state = inFlight
		b.inFlight++
		b.await(e, now.Add(visibility))
		got = append(got, *e)
	}
	return got, dead
}

// take puts up to n visible messages aside for moving.
func (b *backlog) take(now time.Time, n int) (seqs []uint64) {
	b.settle(now)
	for len(seqs) < n {
		e := b.next()
		if e == nil {
			break
		}
		e.state = moving
		b.moving++
		seqs = append(seqs, e.seq)
	}
	return seqs
}

// next pops the oldest visible message, nil if there is none.
func (b *backlog) next() *entry {
	for len(b.ready) > 0 {
		e := heap.Pop(&b.ready).(*entry)
		if b.messages[e.seq] == e && e.state == visible {
			return e
		}
	}
	return nil
}

// restore makes a message that was not moved after all visible again.
func (b *backlog) restore(seq uint64) {
	if e, ok := b.messages[seq]; ok && e.state == moving {
		b.moving--
		e.state = visible
		heap.Push(&b.ready, e)
	}
}

// remove forgets a message and reports whether it was there.
func (b *backlog) remove(seq uint64) bool {
	e, ok := b.messages[seq]
	if !ok {
		return false
	}
	b.count(e, -1)
	delete(b.messages, seq)
	b.compact()
	return true
}

// compact drops leftovers of removed messages once they are the larger part.
func (b *backlog) compact() {
	held := len(b.ready) + len(b.waiting) + len(b.aging)
	if held < 4096 || held < 4*len(b.messages) {
		return
	}
	aging := b.aging[:0]
	for _, e := range b.aging {
		if b.messages[e.seq] == e {
			aging = append(aging, e)
		}
	}
	clear(b.aging[len(aging):])
	b.aging = aging
	heap.Init(&b.aging)
	ready := b.ready[:0]
	for _, e := range b.ready {
		if b.messages[e.seq] == e && e.state == visible {
			ready = append(ready, e)
		}
	}
	clear(b.ready[len(ready):])
	b.ready = ready
	heap.Init(&b.ready)
	waiting := b.waiting[:0]
	for _, w := range b.waiting {
		if !b.stale(w) {
			waiting = append(waiting, w)
		}
	}
	clear(b.waiting[len(waiting):])
	b.waiting = waiting
	heap.Init(&b.waiting)
}

// change sets a new visibility timeout, counted from now, for a message that is
// in flight by its receives-th receive. It reports whether there was one.
func (b *backlog) change(now time.Time, seq uint64, receives int, visibility time.Duration) bool {
	b.settle(now)
	e, ok := b.messages[seq]
	if !ok || e.state != inFlight || e.receives != receives {
		return false
	}
	if visibility <= 0 {
		b.inFlight--
		e.state = visible
		heap.Push(&b.ready, e)
		return true
	}
	b.await(e, now.Add(visibility))
	return true
}

// wake is when the next message becomes visible by itself; ok is false if none
// will.
func (b *backlog) wake() (at time.Time, ok bool) {
	for len(b.waiting) > 0 {
		if top := b.waiting[0]; !b.stale(top) {
			return top.due, true
		}
		heap.Pop(&b.waiting)
	}
	return time.Time{}, false
}

// expired lists the messages sent before the time given, and forgets them. One
// that is on its way to another queue is left alone.
func (b *backlog) expired(before time.Time) (seqs []uint64) {
	var kept []*entry
	for b.age() && b.aging[0].sent.Before(before) {
		e := heap.Pop(&b.aging).(*entry)
		if e.state == moving {
			kept = append(kept, e)
			continue
		}
		b.remove(e.seq)
		seqs = append(seqs, e.seq)
	}
	for _, e := range kept {
		heap.Push(&b.aging, e)
	}
	return seqs
}

// age brings the oldest message to the top of aging; false if there is none.
func (b *backlog) age() bool {
	for len(b.aging) > 0 {
		if e := b.aging[0]; b.messages[e.seq] == e {
			return true
		}
		heap.Pop(&b.aging)
	}
	return false
}

// counts are the numbers of messages by state. A message that is being moved
// counts as in flight.
func (b *backlog) counts(now time.Time) (visible, inFlight, delayed int) {
	b.settle(now)
	return len(b.messages) - b.inFlight - b.delayed - b.moving, b.inFlight + b.moving, b.delayed
}

// oldest is when the oldest message was sent, zero if there is none.
func (b *backlog) oldest() time.Time {
	if !b.age() {
		return time.Time{}
	}
	return b.aging[0].sent
}

// readyHeap orders visible messages by sequence.
type readyHeap []*entry

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, j int) bool { return h[i].seq < h[j].seq }
func (h readyHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *readyHeap) Push(x any)        { *h = append(*h, x.(*entry)) }
func (h *readyHeap) Pop() any          { return pop((*[]*entry)(h)) }

// waiter is an entry with the due time it had when it was queued.
type waiter struct {
	due   time.Time
	entry *entry
}

// waitingHeap orders waiters by due time.
type waitingHeap []waiter

func (h waitingHeap) Len() int           { return len(h) }
func (h waitingHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h waitingHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *waitingHeap) Push(x any)        { *h = append(*h, x.(waiter)) }
func (h *waitingHeap) Pop() any          { return pop((*[]waiter)(h)) }

// agingHeap orders messages by when they were sent.
type agingHeap []*entry

func (h agingHeap) Len() int           { return len(h) }
func (h agingHeap) Less(i, j int) bool { return h[i].sent.Before(h[j].sent) }
func (h agingHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *agingHeap) Push(x any)        { *h = append(*h, x.(*entry)) }
func (h *agingHeap) Pop() any          { return pop((*[]*entry)(h)) }

func pop[T any](s *[]T) T {
	var zero T
	last := len(*s) - 1
	x := (*s)[last]
	(*s)[last] = zero
	*s = (*s)[:last]
	return x
}
