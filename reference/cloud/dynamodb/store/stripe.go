package store

import (
	"slices"
	"sync"
	"sync/atomic"
)

// stripes is the number of locks that partition keys share.
const stripes = 4096

// stripe guards the partition keys that fall on it.
type stripe struct {
	mu     sync.Mutex
	last   atomic.Pointer[commit] // the latest commit on it; its sync stands for all before it
	inside map[string]struct{}    // keys of items that a transaction is writing, guarded by mu
}

// commit is a batch on its way to the disk. Its count falls to zero when it is durable.
type commit struct{ pending sync.WaitGroup }

// wait returns when all that was visible on the stripe before the call is durable.
func (s *stripe) wait() {
	if c := s.last.Load(); c != nil {
		c.pending.Wait()
	}
}

func stripeOf(table uint32, hash uint64) uint32 {
	return uint32((hash^uint64(table)*0x9e3779b97f4a7c15)>>32) % stripes
}

// lock takes stripes in their order, each once, and returns them.
func (s *Store) lock(wanted []uint32) []uint32 {
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	for _, i := range wanted {
		s.stripes[i].mu.Lock()
	}
	return wanted
}

func (s *Store) unlock(held []uint32) {
	for _, i := range held {
		s.stripes[i].mu.Unlock()
	}
}
