package lambda

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/retailflow/stampede/reference/lifeline"
)

// phase is what an environment is doing.
type phase int

const (
	starting  phase = iota // until its first request for an event
	idle                   // waits for an event
	busy                   // has one
	finishing              // has answered it, and not asked for the next
	dead
)

// environment is one process that runs one version of a function, one event at a time.
type environment struct {
	id        uint64
	scheduler *scheduler
	pool      *pool
	output    *output
	work      chan *invocation // the event it is to run next
	gone      chan struct{}    // closed when the process has ended

	// Guarded by scheduler.mu.
	state       phase
	since       time.Time
	pid         int           // zero before the start and after the end
	current     *invocation   // of busy
	lingering   *invocation   // of finishing
	init        time.Duration // how long starting took
	invocations int64
	condemned   bool     // is to end, or has been told to
	initFailure *failure // reported by the runtime itself

	conns struct {
		sync.Mutex
		open   map[net.Conn]struct{}
		closed bool
		wait   sync.WaitGroup
	}
}

func newEnvironment(s *scheduler, p *pool, id uint64, now time.Time) *environment {
	e := &environment{
		id: id, scheduler: s, pool: p, output: newOutput(p.key.function, p.key.version), since: now,
		work: make(chan *invocation, 1), gone: make(chan struct{}),
	}
	e.conns.open = map[net.Conn]struct{}{}
	return e
}

// condemn ends the environment, now or as soon as its process has started. The caller holds
// scheduler.mu.
func (e *environment) condemn() {
	e.condemned = true
	if e.pid != 0 {
		_ = syscall.Kill(-e.pid, syscall.SIGKILL) // the group; gone already is fine
	}
}

// started records the process, and kills it if it is not wanted any more.
func (e *environment) started(pid int) {
	e.scheduler.mu.Lock()
	defer e.scheduler.mu.Unlock()
	e.pid = pid
	if e.condemned {
		e.condemn()
	}
}

// initTimeout kills an environment that never asked for an event.
func (e *environment) initTimeout(limit time.Duration) {
	e.scheduler.mu.Lock()
	defer e.scheduler.mu.Unlock()
	if e.state == starting {
		if e.initFailure == nil {
			e.initFailure = &failure{"Sandbox.Timedout", fmt.Sprintf("Error: Initialization timed out after %.2f seconds", limit.Seconds())}
		}
		e.condemn()
	}
}

// PriorityVariable is a variable of a function's configuration (stampede-only): with the value
// "background" its processes run at a lower scheduling priority. AWS gives every environment
// processors of its own; here they share the machine's with the functions that somebody waits for.
const PriorityVariable = "STAMPEDE_PRIORITY"

// launcher starts environments' processes. One serves all.
type launcher struct {
	spawner  *lifeline.Spawner
	behind   *lifeline.Spawner // of functions in the background
	childEnd *os.File          // of the lifeline
	code     *codeStore
	output   *sink
	region   string
	extra    []string // variables given to every function, as name=value
	initTime time.Duration
}

// run starts an environment's process and returns when it has ended and everything about it
// is put away.
func (l *launcher) run(e *environment) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		l.abandon(e, fmt.Errorf("listen for the runtime: %w", err))
		return
	}
	serving := make(chan struct{})
	go func() {
		defer close(serving)
		e.serve(listener)
	}()
	cmd, drain, err := l.start(e, listener.Addr().String())
	if err != nil {
		_ = listener.Close()
		<-serving
		l.abandon(e, err)
		return
	}
	timer := time.AfterFunc(l.initTime, func() { e.initTimeout(l.initTime) })
	e.started(cmd.Process.Pid)

	waitExit(cmd.Process.Pid)
	timer.Stop()
	e.scheduler.mu.Lock()
	e.pid = 0 // not to be signalled once it is reaped
	initFailure := e.initFailure
	e.scheduler.mu.Unlock()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it has left behind in its group
	err = cmd.Wait()
	close(e.gone)
	_ = listener.Close()
	e.closeConns()
	<-serving
	drain()

	end := "exit status 0"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		end = exit.ProcessState.String()
	}
	why := func(requestID string) failure { return exited(requestID, end) }
	if initFailure != nil {
		why = func(string) failure { return *initFailure }
	}
	e.scheduler.gone(e, why, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
}

// abandon is an environment that never had a process.
func (l *launcher) abandon(e *environment, err error) {
	close(e.gone)
	e.closeConns()
	e.scheduler.gone(e, func(requestID string) failure { return notStarted(requestID, err) }, 0)
}

// start executes the code. drain waits until its output has been read, after its end.
func (l *launcher) start(e *environment, runtimeAPI string) (cmd *exec.Cmd, drain func(), err error) {
	root := l.code.path(e.pool.config.CodeSha256)
	argv := append(wrapper(e.pool.config.variables()["AWS_LAMBDA_EXEC_WRAPPER"]), filepath.Join(root, bootstrap))
	out, in, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("open output pipe: %w", err)
	}
	if err := e.output.pipe.open(out); err != nil {
		_, _ = in.Close(), out.Close()
		return nil, nil, err
	}
	cmd = &exec.Cmd{
		Path: argv[0], Args: argv, Dir: root, Stdout: in, Stderr: in,
		Env: l.environ(e.pool.config, root, runtimeAPI, e.id),
	}
	lifeline.Attach(cmd, l.childEnd)
	spawner := l.spawner
	if e.pool.config.variables()[PriorityVariable] == "background" {
		spawner = l.behind
	}
	err = spawner.Start(cmd)
	_ = in.Close()
	if err != nil {
		_ = out.Close()
		return nil, nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		e.output.drain(l.output)
	}()
	return cmd, func() {
		// Only a grandchild that left the process group can hold the pipe still.
		_ = out.SetReadDeadline(time.Now().Add(lastWords))
		<-drained
	}, nil
}

// wrapper is the command of AWS_LAMBDA_EXEC_WRAPPER, which gets the bootstrap as its argument
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html). A value that names no
// file is split at spaces, so that a program can be wrapper and more; that is stampede-only.
func wrapper(value string) []string {
	if value == "" {
		return nil
	}
	if _, err := os.Stat(value); err == nil {
		return []string{value}
	}
	return strings.Fields(value)
}

// environ is what Lambda defines for a function, the function's own variables, and the
// service's. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (l *launcher) environ(c *Configuration, root, runtimeAPI string, id uint64) []string {
	env := slices.Clone(l.extra)
	for name, value := range c.variables() {
		env = append(env, name+"="+value)
	}
	return append(env,
		"_HANDLER="+c.Handler,
		"AWS_REGION="+l.region, "AWS_DEFAULT_REGION="+l.region,
		"AWS_LAMBDA_FUNCTION_NAME="+c.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION="+c.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(c.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+c.FunctionName,
		fmt.Sprintf("AWS_LAMBDA_LOG_STREAM_NAME=[%s]%032x", c.Version, id),
		"AWS_LAMBDA_RUNTIME_API="+runtimeAPI,
		"LAMBDA_TASK_ROOT="+root, "LAMBDA_RUNTIME_DIR="+root,
		"TZ=:UTC", "LANG=en_US.UTF-8", "PATH=/usr/local/bin:/usr/bin/:/bin",
	)
}

// waitExit returns when the process has ended, leaving it to be reaped.
func waitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
