package worker

import (
	"iter"
	"sync"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/plan"
)

// tally gathers a shard's outcomes between two messages. Safe for concurrent use. Close it.
type tally struct {
	timeout time.Duration
	mu      struct {
		sync.Mutex
		walk *walk
		next progress
	}
}

func newTally(timeout time.Duration, shard iter.Seq[plan.Entry]) *tally {
	t := &tally{timeout: timeout}
	t.mu.walk = newWalk(shard)
	t.mu.next = t.empty(1)
	return t
}

func (t *tally) empty(n int64) progress {
	return progress{N: n, Measure: measure.New(t.timeout), Course: measure.NewCourse(t.timeout)}
}

func (t *tally) add(o *measure.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.walk.done(o.Seq)
	t.mu.next.Measure.Add(o)
	t.mu.next.Course.Add(o)
}

func (t *tally) sample(s attack.Sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.next.Samples = append(t.mu.next.Samples, s)
}

// take returns what came since the last time.
func (t *tally) take() progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.mu.next
	p.Standing = t.mu.walk.standing()
	t.mu.next = t.empty(p.N + 1)
	return p
}

func (t *tally) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.walk.close()
}
