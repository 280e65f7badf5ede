package lambda

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

// doomed is a service in a process that a test kills: it prints the pids of two environments,
// one busy and one idle, and waits.
func doomed(dir string) {
	db, err := pebble.Open(dir+"/db", &pebble.Options{Logger: quiet{}})
	if err != nil {
		panic(err)
	}
	s, err := Open(Options{DB: db, Dir: dir + "/code", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		panic(err)
	}
	self, _ := os.Executable()
	for _, name := range []string{"busy", "idle"} {
		c := newConfiguration(name, s.arn(name, ""))
		c.Timeout = 60
		stored, err := s.code.addFile(self)
		if err != nil {
			panic(err)
		}
		c.CodeSha256 = stored.sum
		f := &function{versions: map[string]*Configuration{latest: c}}
		if err := s.state.put(name, f); err != nil {
			panic(err)
		}
	}
	if _, err := s.Invoke(context.Background(), "idle", "", []byte(`{}`), nil); err != nil {
		panic(err)
	}
	go func() { _, _ = s.Invoke(context.Background(), "busy", "", []byte(`{"Sleep":60000000000}`), nil) }()
	for len(s.Environments()) < 2 {
		time.Sleep(time.Millisecond)
	}
	for _, e := range s.Environments() {
		fmt.Println(e.PID)
	}
	select {}
}

func TestNoEnvironmentSurvivesAKilledService(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LAMBDA_TEST_DOOMED="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	in := bufio.NewScanner(out)
	var pids []int
	for len(pids) < 2 && in.Scan() {
		pid, err := strconv.Atoi(in.Text())
		require.NoError(t, err)
		require.True(t, alive(pid))
		pids = append(pids, pid)
	}
	require.Len(t, pids, 2)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	for _, pid := range pids {
		require.Eventually(t, func() bool { return !alive(pid) }, eventually, tick)
	}
}

func TestCloseKillsBusyEnvironments(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	done := make(chan error)
	go func() {
		r, err := b.Invoke(context.Background(), "f", "", encode(t, job{Sleep: time.Minute}), nil)
		if err == nil && r.FunctionError == "" {
			err = fmt.Errorf("it succeeded")
		}
		done <- err
	}()
	pid := b.busy("f", 1)[0]
	require.Equal(t, 1, b.stat("f", "$LATEST").Busy)
	require.NoError(t, b.Close())
	require.NoError(t, <-done, "its minute was not waited for")
	require.False(t, alive(pid))
	require.Zero(t, b.stat("f", "$LATEST").DiedBusy, "our own doing is no death")
	require.NoError(t, b.Close(), "a second Close is nothing")
}

func TestOutputKeepsTheLastLines(t *testing.T) {
	o := newOutput("f", "1")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	var all lines
	done := make(chan struct{})
	require.NoError(t, o.pipe.open(r))
	go func() { defer close(done); o.drain(&sink{w: &all}) }()
	for i := range 50 {
		_, err := fmt.Fprintf(w, "line %d\r\n\n", i)
		require.NoError(t, err)
	}
	_, err = fmt.Fprint(w, strings.Repeat("y", maxLine+10), "\nend without a newline")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	<-done
	tail := o.tail()
	require.Len(t, tail, tailLines)
	require.Equal(t, "line 33", tail[0])
	require.Equal(t, "end without a newline", tail[tailLines-1])
	require.Len(t, tail[tailLines-3], tailLine)
	require.Equal(t, 50+2+1, strings.Count(all.String(), "\n"), "a long line is broken, none is empty")
	require.Equal(t, 53, strings.Count(all.String(), "f/1 "))
}

// slowLog takes a line when it is allowed to.
type slowLog struct{ allow chan struct{} }

func (s slowLog) Write(p []byte) (int, error) {
	<-s.allow
	return len(p), nil
}

func TestSettleWaitsForWhatWasPrinted(t *testing.T) {
	o := newOutput("f", "1")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, o.pipe.open(r))
	log, done := slowLog{make(chan struct{})}, make(chan struct{})
	go func() { defer close(done); o.drain(&sink{w: log}) }()
	<-o.pipe.empty() // nothing was printed
	for i := range 100 {
		_, err := fmt.Fprintf(w, "%d\nand %d\n", i, i)
		require.NoError(t, err)
		settled := o.pipe.empty()
		for range 2 {
			select {
			case <-settled:
				t.Fatal("settled before the log had the line")
			case log.allow <- struct{}{}:
			}
		}
		<-settled
		tail := o.tail()
		require.Equal(t, fmt.Sprint("and ", i), tail[len(tail)-1])
	}
	settled := o.pipe.empty()
	require.NoError(t, w.Close())
	<-settled
	<-done
	o.settle() // after the end there is nothing to wait for
}

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]time.Duration{
		"12 (a b) c) S 1 12 12 0 -1 4194560 2000 0 0 0 7 3 2 1 20 0 8 0 100": 130 * time.Millisecond,
		"12 (x":      0,
		"12 (x) S 1": 0,
		"":           0,
	} {
		require.Equal(t, want, parseStat([]byte(stat)), stat)
	}
	require.Zero(t, processCPU(0))
	require.Zero(t, processCPU(1<<22+1))
}
