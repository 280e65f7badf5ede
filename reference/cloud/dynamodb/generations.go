package dynamodb

import (
	"context"
	"sync/atomic"
)

// generations count the calls under way, so that who has changed a table can wait until no call
// is left that may have seen it as it was. Everything that looks up a table and writes by what
// it found enters before and leaves after.
type generations struct {
	current atomic.Uint32 // whose parity calls that begin belong to
	calls   [2]struct {
		n atomic.Int64
		_ [56]byte // a cache line each
	}
	left chan struct{} // holds one if a generation has become empty
}

func newGenerations() *generations { return &generations{left: make(chan struct{}, 1)} }

// enter begins a call; the result is for leave.
func (g *generations) enter() (generation uint32) {
	generation = g.current.Load() & 1
	g.calls[generation].n.Add(1)
	return generation
}

// leave ends a call.
func (g *generations) leave(generation uint32) {
	if g.calls[generation].n.Add(-1) == 0 {
		select {
		case g.left <- struct{}{}:
		default:
		}
	}
}

// pass returns when all calls that had entered before have left. It makes calls wait for
// nothing. One goroutine may be in it at a time.
//
// It goes around twice: a call that was about to enter when the parity changed counts for the
// old one, which the second time is waited for again.
func (g *generations) pass(ctx context.Context) error {
	for range 2 {
		old := (g.current.Add(1) - 1) & 1
		for g.calls[old].n.Load() != 0 {
			select {
			case <-g.left:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
