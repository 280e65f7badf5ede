package run_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
	"github.com/retailflow/stampede/scenarios/run"
)

// harness is `stampede run` as a process of its own, to be hurt.
type harness struct {
	t    *testing.T
	cmd  *exec.Cmd
	dir  string // of everything that it makes; all of its children name it
	done chan error

	mu    sync.Mutex
	lines []string
	more  *sync.Cond
	ended bool
}

func startHarness(t *testing.T, s *scenarios.Scenario) *harness {
	t.Helper()
	p := built(t)
	h := &harness{t: t, dir: t.TempDir(), done: make(chan error, 1)}
	h.more = sync.NewCond(&h.mu)
	file := filepath.Join(h.dir, "drill.yaml")
	require.NoError(t, os.WriteFile(file, []byte(s.Text()), 0o644))
	h.cmd = exec.Command(p.stampede, "run", file, "--out", filepath.Join(h.dir, "out"), "--data-dir", filepath.Join(h.dir, "data"))
	stderr, err := h.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, h.cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			h.mu.Lock()
			h.lines = append(h.lines, scan.Text())
			h.more.Broadcast()
			h.mu.Unlock()
		}
	}()
	go func() {
		<-read
		err := h.cmd.Wait()
		h.mu.Lock()
		h.ended = true
		h.more.Broadcast()
		h.mu.Unlock()
		h.done <- err
	}()
	t.Cleanup(func() {
		_ = h.cmd.Process.Signal(syscall.SIGCONT)
		_ = h.cmd.Process.Kill()
		require.Eventually(t, func() bool { return len(processesOf(h.dir)) == 0 }, 30*time.Second, 50*time.Millisecond)
	})
	return h
}

// await blocks until the harness has said something.
func (h *harness) await(what string) {
	h.t.Helper()
	pattern := regexp.MustCompile(what)
	h.mu.Lock()
	defer h.mu.Unlock()
	for seen := 0; ; h.more.Wait() {
		for ; seen < len(h.lines); seen++ {
			if pattern.MatchString(h.lines[seen]) {
				return
			}
		}
		if h.ended {
			require.Fail(h.t, "the harness ended", "before it said %q:\n%s", what, strings.Join(h.lines, "\n"))
		}
	}
}

// exit is the code that the harness ended with.
func (h *harness) exit(within time.Duration) int {
	h.t.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-h.done:
		return h.cmd.ProcessState.ExitCode()
	case <-limit.C:
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Fail(h.t, "the harness did not end", "within %s:\n%s", within, strings.Join(h.lines, "\n"))
		return 0
	}
}

func (h *harness) report() *reports.Result {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "out", "report.json"))
	require.NoError(h.t, err)
	var r reports.Result
	require.NoError(h.t, json.Unmarshal(text, &r))
	return &r
}

// processesOf finds the processes that were started in or about a folder: cloud processes and
// agents name it in their arguments, functions run a file inside of it. The dead do neither.
func processesOf(dir string) map[int]string {
	out := map[int]string{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		args, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		exe, _ := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if bytes.Contains(args, []byte(dir)) || strings.Contains(exe, dir) {
			out[pid] = strings.ReplaceAll(string(args), "\x00", " ") + " " + exe
		}
	}
	return out
}

// long is a drill that lasts until something is done to it.
func long(t *testing.T) *scenarios.Scenario {
	s := proof(t)
	s.Load.Phases[0].For = time.Minute
	return s
}

func TestInterruptHealsStopsAndReports(t *testing.T) {
	s := long(t)
	s.Faults = []scenarios.Fault{{Name: "bad-query", At: time.Second, For: 15 * time.Second, ReleaseFunction: &scenarios.ReleaseFunction{
		Function: "query-analytics", Defect: scenarios.Defect{Kind: scenarios.Slow, Delay: time.Millisecond},
		Ladder: scenarios.Ladder{First: 0.1, For: time.Hour, Step: 0.9, Every: time.Hour}, TimeScale: 1, Rollback: true}}}
	h := startHarness(t, s)
	h.await("rollout: query-analytics start")
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGINT))
	require.Equal(t, 4, h.exit(45*time.Second))
	require.Empty(t, processesOf(h.dir))

	r := h.report()
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	require.NotEmpty(t, r.Interrupted)
	complete, ok := r.Check("complete")
	require.True(t, ok)
	require.Equal(t, reports.Invalid, complete.Status)
	require.Positive(t, r.Load.Sent, "what was seen is reported")
	require.Len(t, r.Faults, 1)
	require.Positive(t, r.Faults[0].End)
	_, unhealed := r.Check("healed-bad-query")
	require.False(t, unhealed, "the fault is confirmed gone")
	for _, name := range []string{"report.html", "junit.xml", "summary.md"} {
		require.FileExists(t, filepath.Join(h.dir, "out", name))
	}
}

func TestInterruptDuringBoot(t *testing.T) {
	h := startHarness(t, long(t))
	h.await("boot: starting the platform")
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGINT))
	require.Equal(t, 4, h.exit(45*time.Second))
	require.Empty(t, processesOf(h.dir))
	r := h.report()
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	require.Equal(t, "interrupted", r.Interrupted)
	require.FileExists(t, filepath.Join(h.dir, "out", "report.html"))
}

func TestInterruptDuringDrain(t *testing.T) {
	s := proof(t)
	s.Load.Phases[0].For = time.Second
	s.Delivery.Buffer = time.Minute // keeps events back for longer than anybody waits
	h := startHarness(t, s)
	h.await("drain: waiting")
	require.NoError(t, h.cmd.Process.Signal(syscall.SIGINT))
	require.Equal(t, 4, h.exit(45*time.Second))
	require.Empty(t, processesOf(h.dir))
	require.Equal(t, reports.Invalid, amiss(h.report())["complete"])
}

func TestKilledHarnessLeavesNothingBehind(t *testing.T) {
	h := startHarness(t, long(t))
	h.await(`of 60 s`)
	var functions int
	require.Eventually(t, func() bool {
		functions = 0
		for _, what := range processesOf(h.dir) {
			if strings.Contains(what, "/data/edge/") && !strings.Contains(what, " cloud ") {
				functions++
			}
		}
		return functions >= 3
	}, 30*time.Second, 50*time.Millisecond, "function processes run: %v", processesOf(h.dir))
	require.GreaterOrEqual(t, len(processesOf(h.dir)), 4+functions, "harness, agent, data, edge and functions")
	require.NoError(t, h.cmd.Process.Kill())
	require.Equal(t, -1, h.exit(30*time.Second))
	require.Eventually(t, func() bool { return len(processesOf(h.dir)) == 0 }, 30*time.Second, 20*time.Millisecond,
		"still there: %v", processesOf(h.dir))
}

// TestStarvedGeneratorIsInvalid gives the harness, and nobody else, a tenth of a processor: it
// is stopped for 90 ms of every 100.
func TestStarvedGeneratorIsInvalid(t *testing.T) {
	s := proof(t)
	s.SelfWatch.LagP99 = 50 * time.Millisecond
	h := startHarness(t, s)
	h.await("load: proof")
	starving := make(chan struct{})
	var starver sync.WaitGroup
	starver.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-starving:
				_ = h.cmd.Process.Signal(syscall.SIGCONT)
				return
			case <-tick.C:
				_ = h.cmd.Process.Signal(map[bool]os.Signal{true: syscall.SIGCONT, false: syscall.SIGSTOP}[i%10 == 0])
			}
		}
	})
	h.await("drain: waiting")
	close(starving)
	starver.Wait()
	require.Equal(t, 4, h.exit(2*time.Minute))
	r := h.report()
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	require.Equal(t, reports.Invalid, amiss(r)["generator"], told(r))
}

// TestDeadProcessIsInvalid kills a process that nothing restarts and no fault asked for.
func TestDeadProcessIsInvalid(t *testing.T) {
	s := proof(t)
	s.Drain = time.Second
	h := startHarness(t, s)
	h.await("of 6 s")
	text, err := os.ReadFile(filepath.Join(h.dir, "data", "run", "edge.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Equal(t, 4, h.exit(2*time.Minute))
	r := h.report()
	c, ok := r.Check("processes")
	require.True(t, ok, told(r))
	require.Equal(t, reports.Invalid, c.Status)
	require.Contains(t, c.Detail, "edge process: signal: killed")
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	require.Empty(t, processesOf(h.dir))
}

func TestChildThatDiesAtStart(t *testing.T) {
	dir := t.TempDir()
	_, err := run.Drill(t.Context(), run.Options{Scenario: proof(t), Seed: 1, Out: dir, FunctionBinary: "/bin/true", Version: "test",
		Self: []string{"/bin/sh", "-c", "echo starting; echo the disk has a hole >&2; exit 3"}})
	require.ErrorContains(t, err, "the disk has a hole")
	require.ErrorContains(t, err, "exit status 3")
	var child *run.ChildError
	require.True(t, errors.As(err, &child))
	require.Contains(t, []string{"data", "edge"}, child.Name)
	require.Empty(t, processesOf(dir))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "the temporary state is removed")
}

func TestCloudOnATakenPort(t *testing.T) {
	p := built(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	dir := t.TempDir()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), p.stampede, "cloud", "--listen", taken.Addr().String(), "--data-dir", dir)
	cmd.Stderr = &stderr
	require.Error(t, cmd.Run())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Regexp(t, `(?m)^error: .*address already in use$`, stderr.String())
	require.Contains(t, stderr.String(), "hint: ")
	require.Empty(t, processesOf(dir))
}
