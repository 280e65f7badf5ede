package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/retailflow/stampede/reference/lifeline"
)

// Program says how to start one of our processes.
type Program struct {
	Name    string   // "data", "edge", "agent": names its pid file, log file and errors
	Command []string // executable and arguments
	Env     []string // added to this process's environment
	Health  string   // URL that answers 200 once the process is ready; "" if it need not be asked
	Restart bool     // started again when it dies before Stop
	Outlive bool     // not killed with this process: it ends by its lifeline, after it has tidied up
}

// ChildError is a child that died or did not become ready. Tail holds its last lines.
type ChildError struct {
	Name string
	Err  error
	Tail string
}

func (e *ChildError) Error() string {
	if e.Tail == "" {
		return fmt.Sprintf("%s process: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("%s process: %v; its last lines:\n%s", e.Name, e.Err, e.Tail)
}

func (e *ChildError) Unwrap() error { return e.Err }

// restartPause is the wait before a child that lived for less than a second is started again.
const restartPause = 100 * time.Millisecond

// Supervisor starts programs, writes `<dir>/<name>.pid` and `<dir>/<name>.log`, restarts those
// that ask for it, and stops all of them. Children also end by themselves when this process is
// gone. Safe for concurrent use.
type Supervisor struct {
	dir      string
	child    *os.File
	keep     *os.File
	spawner  *lifeline.Spawner
	restarts func(name string, at time.Time) // told of each restart, must not call back; may be nil
	stop     chan struct{}                   // closed when Stop begins

	mu struct {
		sync.Mutex
		children []*child
		stopping bool
	}
	waiters sync.WaitGroup
}

type child struct {
	program Program
	log     *os.File
	tail    *tail

	mu struct {
		sync.Mutex
		cmd   *exec.Cmd
		began time.Time
		dead  chan struct{} // closed when cmd has been waited for
		err   error
	}
}

// NewSupervisor keeps its files in dir, which must exist.
func NewSupervisor(dir string, restarts func(name string, at time.Time)) (*Supervisor, error) {
	childEnd, keep, err := lifeline.New()
	if err != nil {
		return nil, err
	}
	return &Supervisor{dir: dir, child: childEnd, keep: keep, spawner: lifeline.NewSpawner(), restarts: restarts, stop: make(chan struct{})}, nil
}

// Start runs a program and returns when it answers its health URL. The error is a [*ChildError]
// if it died or did not answer within 20 s.
func (s *Supervisor) Start(ctx context.Context, p Program) error {
	log, err := os.OpenFile(filepath.Join(s.dir, p.Name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open log of %s: %w", p.Name, err)
	}
	c := &child{program: p, log: log, tail: newTail(20)}
	if err := s.launch(c); err != nil {
		_ = log.Close()
		return &ChildError{Name: p.Name, Err: err}
	}
	s.mu.Lock()
	s.mu.children = append(s.mu.children, c)
	s.mu.Unlock()
	s.waiters.Go(func() { s.watch(c) })
	return s.ready(ctx, c)
}

func (s *Supervisor) launch(c *child) error {
	cmd := exec.Command(c.program.Command[0], c.program.Command[1:]...)
	cmd.Env = append(os.Environ(), c.program.Env...)
	out := io.MultiWriter(c.log, c.tail)
	cmd.Stdout, cmd.Stderr = out, out
	// A grandchild may hold the output open; the wait for it is bounded.
	cmd.WaitDelay = time.Second
	lifeline.Attach(cmd, s.child)
	if c.program.Outlive {
		cmd.SysProcAttr.Pdeathsig = 0
	}
	if err := s.spawner.Start(cmd); err != nil {
		return err
	}
	c.mu.Lock()
	c.mu.cmd, c.mu.began, c.mu.dead, c.mu.err = cmd, time.Now(), make(chan struct{}), nil
	c.mu.Unlock()
	if err := writePID(filepath.Join(s.dir, c.program.Name+".pid"), cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill() // nobody will watch it
		_ = cmd.Wait()
		c.mu.Lock()
		close(c.mu.dead)
		c.mu.Unlock()
		return err
	}
	return nil
}

// writePID replaces the file in one step: a reader sees the old number or the new one.
func writePID(path string, pid int) error {
	if err := os.WriteFile(path+".new", []byte(strconv.Itoa(pid)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// watch waits for the child and starts it again as long as it shall live.
func (s *Supervisor) watch(c *child) {
	for {
		c.mu.Lock()
		cmd, dead, began := c.mu.cmd, c.mu.dead, c.mu.began
		c.mu.Unlock()
		err := cmd.Wait()
		if errors.Is(err, exec.ErrWaitDelay) {
			err = nil
		}
		c.mu.Lock()
		c.mu.err = err
		c.mu.Unlock()
		close(dead)
		if !c.program.Restart || !s.again(c, began) {
			return
		}
	}
}

// again starts a child once more, unless all are to stop. One that died young waits a little,
// lest a program that cannot start uses up the machine.
func (s *Supervisor) again(c *child, began time.Time) bool {
	if time.Since(began) < time.Second {
		pause := time.NewTimer(restartPause)
		defer pause.Stop()
		select {
		case <-s.stop:
			return false
		case <-pause.C:
		}
	}
	// Under the lock, so that Stop comes before and nothing starts, or after and stops this one.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.stopping {
		return false
	}
	if s.restarts != nil {
		s.restarts(c.program.Name, time.Now())
	}
	if err := s.launch(c); err != nil {
		c.mu.Lock()
		c.mu.err = err
		c.mu.Unlock()
		return false
	}
	return true
}

func (s *Supervisor) ready(ctx context.Context, c *child) error {
	if c.program.Health == "" {
		return nil
	}
	c.mu.Lock()
	dead := c.mu.dead
	c.mu.Unlock()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if healthy(ctx, c.program.Health) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-dead:
			c.mu.Lock()
			err := c.mu.err
			c.mu.Unlock()
			if err == nil {
				err = errors.New("exited")
			}
			return &ChildError{Name: c.program.Name, Err: err, Tail: c.tail.String()}
		case <-limit.C:
			return &ChildError{Name: c.program.Name, Err: errors.New("not ready after 20 s"), Tail: c.tail.String()}
		case <-tick.C:
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// PID is the process id of a running program, 0 if it is not running.
func (s *Supervisor) PID(name string) int {
	s.mu.Lock()
	children := s.mu.children
	s.mu.Unlock()
	for _, c := range children {
		if c.program.Name != name {
			continue
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		select {
		case <-c.mu.dead:
			return 0
		default:
			return c.mu.cmd.Process.Pid
		}
	}
	return 0
}

// Failed returns the first child that died and is not restarted, or nil.
func (s *Supervisor) Failed() error {
	s.mu.Lock()
	children, stopping := s.mu.children, s.mu.stopping
	s.mu.Unlock()
	if stopping {
		return nil
	}
	for _, c := range children {
		c.mu.Lock()
		dead, err := c.mu.dead, c.mu.err
		c.mu.Unlock()
		if c.program.Restart {
			continue
		}
		select {
		case <-dead:
			if err == nil {
				err = errors.New("exited before the drill ended")
			}
			return &ChildError{Name: c.program.Name, Err: err, Tail: c.tail.String()}
		default:
		}
	}
	return nil
}

// Stop ends the children, the last started first: SIGTERM, and SIGKILL after grace. It waits
// for all of them.
func (s *Supervisor) Stop(grace time.Duration) {
	s.mu.Lock()
	already := s.mu.stopping
	s.mu.stopping = true
	if !already {
		close(s.stop)
	}
	children := s.mu.children
	s.mu.Unlock()
	if already {
		return
	}
	for i := len(children) - 1; i >= 0; i-- {
		stopChild(children[i], grace)
	}
	_ = s.keep.Close()
	s.waiters.Wait()
	_ = s.spawner.Close()
	_ = s.child.Close()
	for _, c := range children {
		_ = c.log.Close()
		_ = os.Remove(filepath.Join(s.dir, c.program.Name+".pid"))
	}
}

func stopChild(c *child, grace time.Duration) {
	c.mu.Lock()
	cmd, dead := c.mu.cmd, c.mu.dead
	c.mu.Unlock()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	limit := time.NewTimer(grace)
	defer limit.Stop()
	select {
	case <-dead:
	case <-limit.C:
		_ = cmd.Process.Kill()
		<-dead
	}
}

// freeAddress picks a loopback port that is free now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// tail keeps the last lines written to it.
type tail struct {
	keep int
	mu   struct {
		sync.Mutex
		lines [][]byte
		open  []byte
	}
}

func newTail(lines int) *tail { return &tail{keep: lines} }

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := append(t.mu.open, p...)
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if !found {
			break
		}
		t.mu.lines = append(t.mu.lines, bytes.Clone(line))
		if len(t.mu.lines) > t.keep {
			t.mu.lines = t.mu.lines[1:]
		}
		rest = after
	}
	if len(rest) > 64<<10 {
		rest = rest[len(rest)-64<<10:]
	}
	t.mu.open = bytes.Clone(rest)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.mu.lines
	if len(t.mu.open) > 0 {
		lines = append(lines[:len(lines):len(lines)], t.mu.open)
	}
	return string(bytes.Join(lines, []byte("\n")))
}
