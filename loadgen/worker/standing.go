package worker

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/plan"
)

// Standing says which requests of a shard have an outcome: the first Walked ones, but for Open. It
// is small, for as many are open at most as are under way.
type Standing struct {
	Walked int64    `json:"walked"`
	Open   []uint64 `json:"open,omitempty"` // plan.Entry's Seq, in order
}

// walk follows a shard's plan as outcomes come in. Close it.
type walk struct {
	next   func() (plan.Entry, bool)
	stop   func()
	walked int64
	open   map[uint64]struct{}
}

func newWalk(shard iter.Seq[plan.Entry]) *walk {
	w := &walk{open: map[uint64]struct{}{}}
	w.next, w.stop = iter.Pull(shard)
	return w
}

// done notes that a request has its outcome.
func (w *walk) done(seq uint64) {
	if _, known := w.open[seq]; known {
		delete(w.open, seq)
		return
	}
	for e, ok := w.next(); ok; e, ok = w.next() {
		w.walked++
		if e.Seq == seq {
			return
		}
		w.open[e.Seq] = struct{}{}
	}
}

func (w *walk) standing() Standing {
	s := Standing{Walked: w.walked, Open: make([]uint64, 0, len(w.open))}
	for seq := range w.open {
		s.Open = append(s.Open, seq)
	}
	slices.Sort(s.Open)
	return s
}

func (w *walk) close() { w.stop() }

// unsent yields what a lost worker owed of its shard when the load ended: as a living generator
// would, it gave each request up at its lateness limit, or at the end. What was not due by then is
// no part of the load, nor are the times of a closed load's plan.
func unsent(j *job.Job, shard iter.Seq[plan.Entry], s Standing, end time.Duration) iter.Seq[measure.Outcome] {
	return func(yield func(measure.Outcome) bool) {
		if j.Closed != nil {
			return
		}
		giveUp := cmp.Or(j.GiveUp, j.Timeout)
		walked := int64(0)
		for e := range shard {
			if walked++; e.At > end {
				return
			}
			if _, open := slices.BinarySearch(s.Open, e.Seq); walked <= s.Walked && !open {
				continue
			}
			given := max(min(e.At+giveUp, end), e.At)
			if !yield(measure.Outcome{
				Labels: measure.Labels{Endpoint: j.Requests[e.Tenant].Name, Status: "lost"}, Seq: e.Seq,
				Planned: e.At, Start: given, End: given, Trace: measure.NoTrace,
			}) {
				return
			}
		}
	}
}
