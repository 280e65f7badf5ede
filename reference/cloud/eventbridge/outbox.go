package eventbridge

import (
	"container/heap"
	"time"
)

// delivery is what the outbox knows of an event on its way to a target.
type delivery struct {
	seq      uint64
	rule     string
	accepted time.Time
	attempts int           // failed so far
	retries  int           // most retries
	age      time.Duration // most time since accepted
	due      time.Time
}

// outbox is the pure core of delivery: what is to be delivered, when to try
// again and when to give up. It holds no payloads, reads no clock and does no
// I/O. It is not safe for concurrent use.
type outbox struct {
	waiting deliveries // soonest first
	flying  map[uint64]*delivery
}

const (
	firstPause = 500 * time.Millisecond
	lastPause  = 8 * time.Minute // 185 retries then take about a day
)

func newOutbox() *outbox { return &outbox{flying: make(map[uint64]*delivery)} }

// add takes in a delivery, to be tried when it is due.
func (o *outbox) add(d delivery) { heap.Push(&o.waiting, &d) }

// take returns a delivery that is due at now; ok is false if there is none. It
// is under way until done or failed.
func (o *outbox) take(now time.Time) (d delivery, ok bool) {
	if len(o.waiting) == 0 || o.waiting[0].due.After(now) {
		return delivery{}, false
	}
	p := heap.Pop(&o.waiting).(*delivery)
	o.flying[p.seq] = p
	return *p, true
}

// done forgets a delivery that is under way.
func (o *outbox) done(seq uint64) { delete(o.flying, seq) }

// failed plans the next try of a delivery that is under way. It reports false if
// there is none, and forgets it: all retries are used up, or the next would
// come after the event's time.
func (o *outbox) failed(now time.Time, seq uint64) bool {
	d := o.flying[seq]
	delete(o.flying, seq)
	d.attempts++
	d.due = now.Add(pause(d.attempts, seq))
	if d.attempts > d.retries || d.due.Sub(d.accepted) > d.age {
		return false
	}
	heap.Push(&o.waiting, d)
	return true
}

// pause is how long to wait after a failed attempt: doubling from firstPause to
// lastPause, of which the delivery's number picks a part between a half and all.
func pause(attempts int, seq uint64) time.Duration {
	p := lastPause
	if attempts < 16 {
		p = min(firstPause<<(attempts-1), lastPause)
	}
	// splitmix64, so that deliveries that failed together do not return together.
	z := seq + uint64(attempts)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return p/2 + time.Duration(z%uint64(p/2))
}

// wake is when the next delivery is due; ok is false if none waits.
func (o *outbox) wake() (at time.Time, ok bool) {
	if len(o.waiting) == 0 {
		return time.Time{}, false
	}
	return o.waiting[0].due, true
}

// oldest is when the oldest pending event was accepted, zero if none is.
func (o *outbox) oldest() (at time.Time) {
	note := func(d *delivery) {
		if at.IsZero() || d.accepted.Before(at) {
			at = d.accepted
		}
	}
	for _, d := range o.waiting {
		note(d)
	}
	for _, d := range o.flying {
		note(d)
	}
	return at
}

// deliveries is a heap by due time, then by number.
type deliveries []*delivery

func (h deliveries) Len() int { return len(h) }
func (h deliveries) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
	}
	return h[i].due.Before(h[j].due)
}
func (h deliveries) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *deliveries) Push(x any)   { *h = append(*h, x.(*delivery)) }
func (h *deliveries) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return d
}
