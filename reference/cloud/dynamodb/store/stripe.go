package store

import (
	"slices"
	"sync/atomic"
)

// stripes is the number of locks that partition keys share.
const stripes = 4096

// stripe guards the partition keys that fall on it.
type stripe struct {
	turn   chan struct{}          // holds one while the stripe is locked
	last   atomic.Pointer[commit] // the latest commit on it; its sync stands for all before it
	inside map[string]struct{}    // keys of items that a transaction is writing, guarded by turn
}

func stripeOf(table uint32, hash uint64) uint32 {
	return uint32((hash^uint64(table)*0x9e3779b97f4a7c15)>>32) % stripes
}

// lock takes stripes in their order, each once, and returns them. It fails, with none, if one
// is held by a commit that waits for a sick disk.
func (s *Store) lock(wanted []uint32) ([]uint32, error) {
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	for n, i := range wanted {
		select {
		case s.stripes[i].turn <- struct{}{}:
			continue
		default:
		}
		select {
		case s.stripes[i].turn <- struct{}{}:
		case <-s.disk.Sick():
			s.unlock(wanted[:n])
			return wanted[:0], ErrUnavailable
		}
	}
	return wanted, nil
}

func (s *Store) unlock(held []uint32) {
	for _, i := range held {
		<-s.stripes[i].turn
	}
}
