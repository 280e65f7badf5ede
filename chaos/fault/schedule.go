package fault

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"
)

// Action is what a schedule asks for.
type Action int

// The actions. Healing comes before applying where both are due.
const (
	Heal Action = iota
	Apply
)

// Step is one thing to do at an elapsed time of the load.
type Step struct {
	At    time.Duration
	Do    Action
	Fault Fault
}

// Schedule is when the faults of a run are applied and healed, in order.
type Schedule struct {
	steps []Step
	next  int
}

// NewSchedule orders the faults. It fails with all that is wrong with them; names must differ.
func NewSchedule(faults []Fault) (*Schedule, error) {
	var bad []error
	names := map[string]bool{}
	s := &Schedule{}
	for _, f := range faults {
		if err := f.Validate(); err != nil {
			bad = append(bad, fmt.Errorf("fault %s: %w", f.Name, err))
		}
		if names[f.Name] {
			bad = append(bad, fmt.Errorf("fault %s: second of this name", f.Name))
		}
		names[f.Name] = true
		s.steps = append(s.steps, Step{f.At, Apply, f}, Step{f.At + f.For, Heal, f})
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	slices.SortStableFunc(s.steps, func(a, b Step) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Do, b.Do)) })
	return s, nil
}

// Next returns the steps due at elapsed, each once, and how long from elapsed until the next;
// more is false when none is left. Elapsed must not run backwards.
func (s *Schedule) Next(elapsed time.Duration) (due []Step, wait time.Duration, more bool) {
	from := s.next
	for s.next < len(s.steps) && s.steps[s.next].At <= elapsed {
		s.next++
	}
	due = s.steps[from:s.next]
	if s.next == len(s.steps) {
		return due, 0, false
	}
	return due, s.steps[s.next].At - elapsed, true
}

// Stream is the fault's own random numbers, from its seed and a stable hash of its name.
func (f Fault) Stream() *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(f.Name)) // a hash does not fail
	return rand.New(rand.NewPCG(f.Seed, h.Sum64()))
}

// Strike is the elapsed time of the fault's i-th strike from 0, counted from its application:
// one in each interval of Every, at a moment in it that r draws, so that strikes do not fall
// into step with anything periodic. Call it with i = 0, 1, 2, … on one stream.
func (f Fault) Strike(r *rand.Rand, i int) time.Duration {
	return time.Duration((float64(i) + r.Float64()/2) * float64(f.Every))
}
