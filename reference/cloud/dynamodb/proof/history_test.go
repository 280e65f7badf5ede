package proof

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// step is one write of a writer to keys of its own. Steps are numbered from 1; the number is the
// version of every item that the step puts.
type step struct {
	keys    []int
	deletes []int // of the keys, those that it deletes
	whole   bool  // all or nothing
	acked   bool
	refused bool // known not to have happened
}

// history is what one writer did to its keys, in order. It is safe for concurrent use.
type history struct {
	sync.Mutex
	steps []step
}

// begin notes a step before it is sent and returns its number.
func (h *history) begin(s step) int {
	h.Lock()
	defer h.Unlock()
	h.steps = append(h.steps, s)
	return len(h.steps)
}

func (h *history) end(n int, acked, refused bool) {
	h.Lock()
	defer h.Unlock()
	h.steps[n-1].acked, h.steps[n-1].refused = acked, refused
}

// snapshot is a copy of the steps as they are now.
func (h *history) snapshot() []step {
	h.Lock()
	defer h.Unlock()
	return slices.Clone(h.steps)
}

// acknowledged is how many of the steps are.
func acknowledged(steps []step) (n int) {
	for _, s := range steps {
		if s.acked {
			n++
		}
	}
	return n
}

// check holds what a table was found to hold, versions by key, against what a writer was told
// before the crash and had begun by then. Each key is as its last acknowledged step left it, or
// as a later step that was begun would; a whole step happened to all its keys or to none.
func check(told, begun []step, found map[int]int) error {
	explains := map[int][]int{} // the steps that each key's state may come from
	last := map[int]int{}       // the last that was acknowledged
	for i, s := range begun {
		n := i + 1
		for _, k := range s.keys {
			if i < len(told) && told[i].acked {
				last[k] = n
			}
		}
	}
	keys := map[int]bool{}
	for i, s := range begun {
		n := i + 1
		for _, k := range s.keys {
			keys[k] = true
			if n < last[k] || s.refused {
				continue
			}
			version := n
			if slices.Contains(s.deletes, k) {
				version = 0
			}
			if found[k] == version {
				explains[k] = append(explains[k], n)
			}
		}
	}
	var faults []error
	for k := range keys {
		if last[k] == 0 && found[k] == 0 {
			explains[k] = append(explains[k], 0)
		}
		if len(explains[k]) == 0 {
			faults = append(faults, fmt.Errorf("key %d holds version %d, which no step explains; the last acknowledged one is %d", k, found[k], last[k]))
		}
	}
	for k, version := range found {
		if !keys[k] {
			faults = append(faults, fmt.Errorf("key %d, which nobody wrote, holds version %d", k, version))
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	for i, s := range begun {
		n := i + 1
		if !s.whole || s.refused {
			continue
		}
		happened, not := 0, 0 // a key to which it must have, and must not have, happened
		for _, k := range s.keys {
			if slices.Equal(explains[k], []int{n}) {
				happened = k + 1
			}
			if slices.Max(explains[k]) < n {
				not = k + 1
			}
		}
		if happened > 0 && not > 0 {
			faults = append(faults, fmt.Errorf("transaction %d is torn: it happened to key %d and not to key %d", n, happened-1, not-1))
		}
	}
	return errors.Join(faults...)
}
