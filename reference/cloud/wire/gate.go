package wire

import "sync"

// Gate lets work into a service until it is closed, and lets whoever closes it wait for what is
// inside. The zero Gate is open. Its methods may be called by any number of goroutines.
type Gate struct {
	inside sync.WaitGroup

	mu struct {
		sync.RWMutex
		closed bool
	}
}

// Enter reports whether the gate was open; if so, Leave must follow.
func (g *Gate) Enter() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.mu.closed {
		return false
	}
	g.inside.Add(1)
	return true
}

// Leave ends what Enter began.
func (g *Gate) Leave() { g.inside.Done() }

// Go runs work in a goroutine of its own if the gate is open, and reports whether it was.
func (g *Gate) Go(work func()) bool {
	if !g.Enter() {
		return false
	}
	go func() {
		defer g.Leave()
		work()
	}()
	return true
}

// Close lets nothing in any more, and reports whether the gate was open. Wait may follow.
func (g *Gate) Close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := !g.mu.closed
	g.mu.closed = true
	return was
}

// Wait returns when everything inside a closed gate has left.
func (g *Gate) Wait() { g.inside.Wait() }
