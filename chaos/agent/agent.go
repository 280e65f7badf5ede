package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/chaos/faults"
	"github.com/retailflow/stampede/reference/lifeline"
)

// ErrStopping refuses a fault while the agent goes.
var ErrStopping = errors.New("the agent is stopping")

// Options of [Run]. Dir is required.
type Options struct {
	Dir       string        // run folder: pid files, journal, socket
	Edge      string        // base URL of the cloud process that runs the functions
	AccessKey string        // of the Lambda API; "" is local:local
	Secret    string        //
	Wrapper   []string      // runs releasefunction.Wrap; nil: this executable with runtime-wrapper
	Grace     time.Duration // how long reverting may take at the end; 3 s
	Log       *slog.Logger  // nil discards
}

// agent is a run of the agent.
type agent struct {
	make    func(fault.Fault) (faults.Fault, error)
	elapsed func() time.Duration // of the boot clock
	journal *journal
	grace   time.Duration
	log     *slog.Logger

	base context.Context // of applying and reverting
	stop context.CancelFunc

	mu struct {
		sync.Mutex
		leases   fault.Leases
		holders  map[string]*holder // of ids that were granted
		stopping bool
	}
	wake chan struct{}
	wait sync.WaitGroup // reverting
}

// holder is a lease and its deed.
type holder struct {
	id      string
	fault   faults.Fault
	inverse json.RawMessage
	cancel  context.CancelFunc // of applying
	settled chan struct{}      // closed when nothing is being applied any more
	gone    chan struct{}      // closed when it is reverted

	// Guarded by agent.mu.
	reverting bool
	details   map[string]string
	failure   string
	applied   time.Time
	goneAt    time.Time
}

// Run holds leases until ctx ends or the process's lifeline does, then reverts what is held and
// returns. Whatever an earlier agent of the folder left behind is reverted first. An error names
// the faults that could not be reverted in time.
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = 3 * time.Second
	}
	if o.Wrapper == nil {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("run agent: %w", err)
		}
		o.Wrapper = []string{self, "runtime-wrapper"}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := lifeline.Watch(cancel); err != nil {
		return fmt.Errorf("run agent: %w", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	defer transport.CloseIdleConnections()
	world := faults.World{
		Dir: o.Dir, Edge: o.Edge, AccessKey: o.AccessKey, Secret: o.Secret, Wrapper: o.Wrapper,
		HTTP: &http.Client{Timeout: 2 * time.Second, Transport: transport},
	}
	a := newAgent(o, func(f fault.Fault) (faults.Fault, error) { return faults.New(f, world) })
	if err := a.run(ctx, o.Dir); err != nil {
		return fmt.Errorf("run agent: %w", err)
	}
	return nil
}

func newAgent(o Options, make func(fault.Fault) (faults.Fault, error)) *agent {
	a := &agent{make: make, elapsed: bootClock, grace: o.Grace, log: o.Log, wake: wakeup()}
	a.mu.holders = map[string]*holder{}
	a.base, a.stop = context.WithCancel(context.Background())
	return a
}

func wakeup() chan struct{} { return make(chan struct{}, 1) }

func (a *agent) run(ctx context.Context, dir string) error {
	defer a.stop()
	journal, entries, err := openJournal(dir)
	if err != nil {
		return err
	}
	defer journal.close()
	a.journal = journal
	a.restore(entries)
	left := len(a.mu.holders)

	socket := Socket(dir)
	_ = os.Remove(socket) // of an agent that was killed; we hold the journal
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", socket, err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		_ = listener.Close()
		return fmt.Errorf("listen on %s: %w", socket, err)
	}
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends by Close
	}()
	a.log.Info("agent_ready", "socket", socket, "to_revert", left)

	a.loop(ctx)
	err = a.end()
	// Calls that waited for a heal get their answers.
	closing, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close()
	}
	<-served
	return err
}

// longestSocket is what fits into a socket's address on every system (unix(7): 108 bytes with
// the final zero; fewer elsewhere).
const longestSocket = 100

// Socket is the agent's socket: in the run folder or, if that path is too long for an address,
// under a name derived from it in the folder for temporary files.
func Socket(dir string) string {
	path := filepath.Join(dir, "agent.sock")
	if len(path) <= longestSocket {
		return path
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(path)) // a hash does not fail
	return filepath.Join(os.TempDir(), fmt.Sprintf("stampede-agent-%016x.sock", h.Sum64()))
}

// restore takes over what the journal tells: recorded and not gone is to be reverted, and no id
// is ever used again.
func (a *agent) restore(entries []entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range entries {
		if e.Gone != "" {
			a.mu.leases.Restore(e.ID, fault.Fault{}, true)
			delete(a.mu.holders, e.ID)
			continue
		}
		f, err := fault.Parse(e.Fault)
		var made faults.Fault
		if err == nil {
			made, err = a.make(f)
		}
		if err != nil {
			a.log.Error("journal_not_understood", "id", e.ID, "error", err)
			made = lost{err}
		}
		h := &holder{id: e.ID, fault: made, inverse: e.Inverse, cancel: func() {}, settled: make(chan struct{}), gone: make(chan struct{})}
		close(h.settled)
		a.mu.leases.Restore(e.ID, f, false)
		a.mu.holders[e.ID] = h
	}
}

// loop reverts what expires or is healed, until ctx ends.
func (a *agent) loop(ctx context.Context) {
	// The timer's clock stands still while the machine sleeps; the boot clock does not. So it is
	// looked at once a second while something is held.
	const look = time.Second
	timer := time.NewTimer(look)
	defer timer.Stop()
	for {
		a.mu.Lock()
		next := a.revertDue()
		a.mu.Unlock()
		wait := time.Hour
		if next > 0 {
			wait = min(next, look)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-a.wake:
		}
	}
}

// revertDue starts to revert all that is over. The caller holds mu.
func (a *agent) revertDue() (next time.Duration) {
	ids, next := a.mu.leases.Expire(a.elapsed())
	for _, id := range ids {
		h := a.mu.holders[id]
		if h == nil || h.reverting {
			continue
		}
		h.reverting = true
		h.cancel()
		a.wait.Go(func() { a.revert(h) })
	}
	return next
}

// signal makes the loop look again.
func (a *agent) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// end heals everything and waits for it, for the grace at most.
func (a *agent) end() error {
	a.mu.Lock()
	a.mu.stopping = true
	for id := range a.mu.holders {
		a.mu.leases.Heal(a.elapsed(), id, "agent stopped")
	}
	a.revertDue()
	a.mu.Unlock()
	timer := time.AfterFunc(a.grace, a.stop)
	defer timer.Stop()
	a.wait.Wait()

	var left []error
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, lease := range a.mu.leases.List(a.elapsed()) {
		if lease.State == fault.Reverting {
			left = append(left, fmt.Errorf("fault %s is not reverted: %s", lease.ID, a.mu.holders[lease.ID].failure))
		}
	}
	return errors.Join(left...)
}

// lost stands for a fault that a journal names and this agent does not know.
type lost struct{ err error }

func (l lost) Prepare(context.Context) (json.RawMessage, error) { return nil, l.err }
func (l lost) Apply(context.Context) (map[string]string, error) { return nil, l.err }
func (l lost) Revert(context.Context, json.RawMessage) error    { return l.err }
func (l lost) Hits(context.Context) fault.Hits                  { return fault.Hits{Effect: l.err.Error()} }
