package lifeline

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
)

// ErrSpawnerClosed answers a Start after Close.
var ErrSpawnerClosed = errors.New("spawner is closed")

// Spawner starts commands on one operating system thread that nothing else uses until Close.
// Elsewhere a child that Attach bound could be killed early, by a goroutine that ends while
// locked to the thread that happened to start it. Safe for concurrent use.
type Spawner struct {
	requests chan spawn
	closing  chan struct{}
	done     chan struct{}
	once     sync.Once
}

type spawn struct {
	cmd    *exec.Cmd
	result chan error
}

// NewSpawner takes the thread. Close lets go of it.
func NewSpawner() *Spawner { return newSpawner(0) }

// NewBackgroundSpawner starts commands at a lower scheduling priority (nice 10, where the system
// has it by thread): what nobody waits for gives way to what somebody does. Its thread ends
// with Close, and children that were not waited for end with the thread.
func NewBackgroundSpawner() *Spawner { return newSpawner(10) }

func newSpawner(nice int) *Spawner {
	s := &Spawner{requests: make(chan spawn), closing: make(chan struct{}), done: make(chan struct{})}
	go s.run(nice)
	return s
}

func (s *Spawner) run(nice int) {
	defer close(s.done)
	// Unlocked at the end, so that the runtime keeps the thread, and children that were not
	// waited for live as long as the process.
	runtime.LockOSThread()
	if nice == 0 {
		defer runtime.UnlockOSThread()
	} else {
		lower(nice) // the thread stays locked: nobody else shall inherit its priority
	}
	for {
		select {
		case r := <-s.requests:
			r.result <- r.cmd.Start()
		case <-s.closing:
			return
		}
	}
}

// Start starts cmd as cmd.Start does; everything else about cmd stays with the caller.
func (s *Spawner) Start(cmd *exec.Cmd) error {
	r := spawn{cmd: cmd, result: make(chan error, 1)}
	select {
	case s.requests <- r:
		return <-r.result
	case <-s.done:
		return ErrSpawnerClosed
	}
}

// Close waits for a Start under way and ends the spawner's goroutine. It stops no child, never
// fails and may be called twice.
func (s *Spawner) Close() error {
	s.once.Do(func() { close(s.closing) })
	<-s.done
	return nil
}
