package store

import (
	"sync"
	"sync/atomic"
)

// load is what a carrier carries: it writes, and tells who waits for c.
type load struct {
	c      *commit
	write  func() error
	flying *atomic.Int64
}

func (l load) carry() {
	l.c.err = l.write()
	l.flying.Add(-1)
	close(l.c.done)
}

// maxIdle is how many carriers wait for their next load. They are kept because a fresh
// goroutine would grow its stack anew for each commit.
const maxIdle = 64

// carriers are goroutines that wait for the disk in place of those who asked for a write.
type carriers struct {
	loads   chan load
	idle    atomic.Int64
	running sync.WaitGroup
}

func (p *carriers) open() { p.loads = make(chan load) }

// give hands a load to a carrier that is idle, or to a new one. It does not wait.
func (p *carriers) give(l load) {
	select {
	case p.loads <- l:
	default:
		p.running.Go(func() { p.run(l) })
	}
}

func (p *carriers) run(l load) {
	for ok := true; ok; {
		l.carry()
		if p.idle.Add(1) > maxIdle {
			p.idle.Add(-1)
			return
		}
		l, ok = <-p.loads
		p.idle.Add(-1)
	}
}

// close waits for all carriers, which must have nothing left to carry.
func (p *carriers) close() {
	close(p.loads)
	p.running.Wait()
}
