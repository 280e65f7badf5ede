package run

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func newSupervisor(t *testing.T, restarts func(string, time.Time)) (*Supervisor, string) {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	dir := t.TempDir()
	s, err := NewSupervisor(dir, restarts)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Stop(time.Second)
		goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
	})
	return s, dir
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

func pidFile(t *testing.T, dir, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name+".pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return pid
}

// gone says whether a process has ended and been waited for.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestSupervisorRestartsWhatItShall(t *testing.T) {
	var restarts atomic.Int64
	s, dir := newSupervisor(t, func(name string, _ time.Time) {
		require.Equal(t, "data", name)
		restarts.Add(1)
	})
	require.NoError(t, s.Start(t.Context(), Program{Name: "data", Restart: true, Command: shell("echo born; exec sleep 60")}))
	log := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "data.log"))
		require.NoError(t, err)
		return string(text)
	}
	require.Eventually(t, func() bool { return log() == "born\n" }, 30*second, ms)
	first := s.PID("data")
	require.Equal(t, first, pidFile(t, dir, "data"))
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	require.Eventually(t, func() bool { pid := s.PID("data"); return pid != 0 && pid != first }, 30*second, ms)
	require.EqualValues(t, 1, restarts.Load())
	require.NoError(t, s.Failed(), "a restarted process has not failed")
	next := s.PID("data")
	require.Eventually(t, func() bool { return pidFile(t, dir, "data") == next }, 30*second, ms)
	require.Eventually(t, func() bool { return log() == "born\nborn\n" }, 30*second, ms, "one log for all lives")

	s.Stop(time.Second)
	require.True(t, gone(next))
	require.NoFileExists(t, filepath.Join(dir, "data.pid"))
	require.EqualValues(t, 1, restarts.Load(), "what is stopped is not started again")
	require.Zero(t, s.PID("data"))
	s.Stop(time.Second) // again does nothing
}

func TestSupervisorDoesNotSpinOnAProgramThatCannotStart(t *testing.T) {
	began := time.Now()
	var restarts atomic.Int64
	s, _ := newSupervisor(t, func(string, time.Time) { restarts.Add(1) })
	require.NoError(t, s.Start(t.Context(), Program{Name: "data", Restart: true, Command: shell("exit 1")}))
	require.Eventually(t, func() bool { return restarts.Load() >= 2 }, 30*second, ms)
	s.Stop(time.Second)
	require.LessOrEqual(t, restarts.Load(), int64(time.Since(began)/restartPause)+4)
}

func TestSupervisorNamesTheChildThatFailed(t *testing.T) {
	s, _ := newSupervisor(t, nil)
	require.NoError(t, s.Start(t.Context(), Program{Name: "edge", Command: shell("sleep 0.05; echo out of ideas >&2; exit 7")}))
	require.Eventually(t, func() bool { return s.Failed() != nil }, 30*second, ms)
	var child *ChildError
	require.ErrorAs(t, s.Failed(), &child)
	require.Equal(t, "edge", child.Name)
	require.Equal(t, "out of ideas", child.Tail)
	require.EqualError(t, child, "edge process: exit status 7; its last lines:\nout of ideas")
	s.Stop(time.Second)
	require.NoError(t, s.Failed(), "once all are stopped, none has failed")
}

func TestSupervisorWaitsUntilAChildIsReady(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	s, _ := newSupervisor(t, nil)
	require.NoError(t, s.Start(t.Context(), Program{Name: "edge", Command: shell("exec sleep 60"), Health: server.URL}))
	require.EqualValues(t, 3, asked.Load())
	http.DefaultClient.CloseIdleConnections()
}

func TestSupervisorReportsAChildThatDiesAtStart(t *testing.T) {
	free, err := freeAddress()
	require.NoError(t, err)
	s, _ := newSupervisor(t, nil)
	err = s.Start(t.Context(), Program{Name: "edge", Command: shell("for i in 1 2 3; do echo line $i; done; exit 2"), Health: "http://" + free})
	require.EqualError(t, err, "edge process: exit status 2; its last lines:\nline 1\nline 2\nline 3")

	err = s.Start(t.Context(), Program{Name: "quiet", Command: shell("exit 0"), Health: "http://" + free})
	require.EqualError(t, err, "quiet process: exited")

	err = s.Start(t.Context(), Program{Name: "absent", Command: []string{"/absent/program"}})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSupervisorKillsWhatDoesNotStop(t *testing.T) {
	s, dir := newSupervisor(t, nil)
	require.NoError(t, s.Start(t.Context(), Program{Name: "deaf", Command: shell("trap '' TERM; echo ready; while :; do sleep 0.05; done")}))
	require.Eventually(t, func() bool {
		log, _ := os.ReadFile(filepath.Join(dir, "deaf.log"))
		return len(log) > 0
	}, 30*second, ms)
	pid := s.PID("deaf")
	s.Stop(50 * ms)
	require.True(t, gone(pid))
}

func TestTailKeepsTheLastLines(t *testing.T) {
	write := func(keep int, parts ...string) string {
		tail := newTail(keep)
		for _, p := range parts {
			n, err := tail.Write([]byte(p))
			require.NoError(t, err)
			require.Equal(t, len(p), n)
		}
		return tail.String()
	}
	require.Empty(t, write(3))
	require.Equal(t, "a", write(3, "a"))
	require.Equal(t, "abc\nd", write(3, "a", "bc\nd"))
	require.Equal(t, "3\n4\n5", write(3, "1\n2\n3\n4\n5\n"))
	require.Equal(t, "4\n5\nopen", write(2, "1\n2\n3\n4\n5\nopen"))
	endless := write(2, "first\n", strings.Repeat("x", 100<<10), strings.Repeat("y", 10))
	require.Less(t, len(endless), 70<<10, "a line without end is cut")
	require.True(t, strings.HasSuffix(endless, "xyyyyyyyyyy"))
}
