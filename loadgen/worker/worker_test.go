package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/worker"
)

// asWorker is the environment variable that makes this binary a worker of the server it names.
const asWorker = "STAMPEDE_TEST_WORKER"

func TestMain(m *testing.M) {
	if url := os.Getenv(asWorker); url != "" {
		if err := worker.Serve(context.Background(), worker.ServeOptions{URL: url, Version: "v", Once: true, Alone: time.Minute}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// shop counts what arrives, by path and query.
func shop(t *testing.T) (url string, arrived *atomic.Int64) {
	arrived = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(s.Close)
	return s.URL, arrived
}

func broker(t *testing.T) string {
	b, err := worker.OpenBroker("127.0.0.1:0", "")
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b.URL()
}

// process starts a worker of its own.
func process(t *testing.T, url string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asWorker+"="+url)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

func options(url, target, phase string, workers int) worker.Options {
	return worker.Options{URL: url, Version: "v", Workers: workers, Silence: time.Minute, Limits: attack.Limits{LagP99: time.Hour, GCPause: time.Hour}, // a busy machine is not what is tested
		Job: job.Job{Seed: 7, Target: target, Phases: []string{phase}, Requests: []job.Request{{Name: "a", Path: "/a"}}, GiveUp: time.Minute}}
}

func planned(t *testing.T, j job.Job) (n int64) {
	j.EnsureDefaults()
	p, err := j.Plan()
	require.NoError(t, err)
	for range p.Entries() {
		n++
	}
	return n
}

func TestFourProcessesAreOneLoad(t *testing.T) {
	url := broker(t)
	target, arrived := shop(t)
	var processes []*exec.Cmd
	for range 4 {
		processes = append(processes, process(t, url))
	}
	o := options(url, target, "constant 400 for 2s", 4)
	told := map[string]int64{}
	o.OnProgress = func(p worker.Progress) { told[p.Worker.Name] += p.Measure.Select(nil).Planned }
	r, err := worker.Control(t.Context(), o)
	require.NoError(t, err)
	n := planned(t, o.Job)
	require.Equal(t, n, arrived.Load(), "each request is sent once")
	require.Equal(t, n, r.Sent)
	require.Zero(t, r.Unsent)
	require.False(t, r.Stopped)
	require.Empty(t, r.Faults)
	all := r.Measure.Select(nil)
	require.Equal(t, n, all.Planned)
	require.Equal(t, n, all.Latency.Count())
	require.Equal(t, n, r.Watch.Lag.Count)
	require.NotZero(t, r.Watch.CPU)
	require.Len(t, told, 4, "each says each second what it did")
	require.Len(t, r.Workers, 4)
	for i, w := range r.Workers {
		require.Equal(t, worker.Reported, w.State)
		require.Equal(t, i, w.Shard)
		require.Greater(t, w.Planned, n/8)
		// One machine has one clock.
		require.Positive(t, w.Offset.Within)
		require.LessOrEqual(t, w.Offset.Ahead.Abs(), w.Offset.Within+time.Millisecond)
	}
	for _, p := range processes {
		require.NoError(t, p.Wait())
	}
}

func TestAKilledWorkerIsSeenAndItsShareCounted(t *testing.T) {
	for _, policy := range []worker.OnLoss{worker.Continue, worker.Invalid} {
		t.Run(string(policy), func(t *testing.T) {
			url := broker(t)
			target, arrived := shop(t)
			processes := map[int]*exec.Cmd{}
			for range 4 {
				cmd := process(t, url)
				processes[cmd.Process.Pid] = cmd
			}
			// The living may be slow to say so; the plan outlasts the silence of the killed.
			phase := map[worker.OnLoss]string{worker.Continue: "constant 100 for 10s", worker.Invalid: "constant 100 for 2m"}[policy]
			o := options(url, target, phase, 4)
			o.OnLoss, o.Silence = policy, 5*time.Second
			host, err := os.Hostname()
			require.NoError(t, err)
			var victim string
			o.OnProgress = func(p worker.Progress) {
				if victim != "" || p.Measure.Select(nil).Good == 0 {
					return
				}
				victim = p.Worker.Name
				var pid int
				_, err := fmt.Sscanf(victim, host+":%d", &pid)
				if err == nil {
					err = processes[pid].Process.Kill()
				}
				if err != nil {
					t.Error(err)
				}
			}
			r, err := worker.Control(t.Context(), o)
			require.NoError(t, err)
			n := planned(t, o.Job)
			all := r.Measure.Select(nil)
			var lost worker.Member
			for _, w := range r.Workers {
				if w.State == worker.Lost {
					lost = w
				} else {
					require.Equal(t, worker.Reported, w.State)
				}
			}
			require.Equal(t, victim, lost.Name)
			require.Positive(t, lost.Unsent)
			owed := r.Measure.Select(map[string]string{"status": "lost"})
			require.Equal(t, lost.Unsent, owed.Planned)
			require.Equal(t, lost.Unsent, owed.Dropped)
			p50 := owed.Latency.Quantile(0.5)
			require.GreaterOrEqual(t, p50, time.Second, "what was never sent is no quick answer")
			require.GreaterOrEqual(t, arrived.Load(), r.Sent, "what the lost one did not report yet counts as not sent")
			require.False(t, r.Stopped, "nobody interrupted it")
			if policy == worker.Continue {
				require.Empty(t, r.Faults)
				require.Equal(t, n, all.Planned, "the plan, whole")
				return
			}
			require.Len(t, r.Faults, 1)
			require.Contains(t, r.Faults[0], "was lost: not heard for 5s")
			require.Less(t, all.Planned, n, "the rest was stopped")
		})
	}
}

func TestALoadWithoutAnyWorkerLeftIsInvalid(t *testing.T) {
	url := broker(t)
	target, _ := shop(t)
	p := process(t, url)
	o := options(url, target, "constant 100 for 30s", 1)
	o.OnLoss, o.Silence = worker.Continue, 2*time.Second
	kill := sync.OnceFunc(func() { _ = p.Process.Kill() })
	o.OnProgress = func(worker.Progress) { kill() }
	r, err := worker.Control(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{"every worker was lost"}, r.Faults)
	require.Equal(t, planned(t, o.Job), r.Measure.Select(nil).Planned)
}

func TestAnUnreachableTargetIsSaidBeforeTheLoad(t *testing.T) {
	url := broker(t)
	serve(t, worker.ServeOptions{URL: url, Version: "v", Name: "w1", Once: true})
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err := worker.Control(t.Context(), options(url, gone.URL, "constant 100 for 1s", 1))
	require.ErrorIs(t, err, worker.ErrNothingSent)
	require.ErrorContains(t, err, "worker w1: prepare: refused: target "+gone.URL+": not reachable")
}

// Ctrl-C at the controller: no request starts in any worker once Control has returned.
func TestAnInterruptStopsEveryWorker(t *testing.T) {
	url := broker(t)
	target, arrived := shop(t)
	for range 2 {
		process(t, url)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := options(url, target, "constant 300 for 1h", 2)
	o.OnProgress = func(p worker.Progress) {
		if p.Measure.Select(nil).Good > 0 {
			cancel()
		}
	}
	r, err := worker.Control(ctx, o)
	require.NoError(t, err)
	n := arrived.Load()
	require.True(t, r.Stopped)
	require.LessOrEqual(t, n, r.Sent, "all that arrived is in the figures")
	require.Positive(t, n)
	for _, w := range r.Workers {
		require.Equal(t, worker.Reported, w.State)
	}
	time.Sleep(100 * time.Millisecond) // 30 requests' time
	require.Equal(t, n, arrived.Load())
}

// serve runs workers in this process.
func serve(t *testing.T, o worker.ServeOptions) (result func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	if o.Alone == 0 {
		o.Alone = time.Minute // a busy machine is not what is tested
	}
	go func() { done <- worker.Serve(ctx, o) }()
	result = sync.OnceValue(func() error { return <-done })
	t.Cleanup(func() {
		cancel()
		_ = result() // who cares has asked
	})
	return result
}

func TestAWorkerWithAnotherClockStartsWithTheOthers(t *testing.T) {
	url := broker(t)
	target, arrived := shop(t)
	base := time.Now()
	const ahead = 3*time.Hour + 250*time.Millisecond
	serve(t, worker.ServeOptions{URL: url, Version: "v", Name: "right", Once: true})
	serve(t, worker.ServeOptions{URL: url, Version: "v", Name: "wrong", Once: true, Now: func() time.Time { return base.Add(time.Since(base) + ahead) }})
	r, err := worker.Control(t.Context(), options(url, target, "constant 200 for 500ms", 2))
	require.NoError(t, err)
	require.Equal(t, arrived.Load(), r.Sent)
	for _, w := range r.Workers {
		want := map[string]time.Duration{"right": 0, "wrong": ahead}[w.Name]
		require.LessOrEqual(t, (w.Offset.Ahead - want).Abs(), w.Offset.Within+time.Millisecond, w.Name)
	}
	// Else its requests would have started hours early, all at once, or never.
	require.Less(t, r.Length, 20*time.Second)
	require.Equal(t, arrived.Load(), r.Measure.Select(nil).Good)
}

func TestAWorkerLeftAloneStops(t *testing.T) {
	b, err := worker.OpenBroker("127.0.0.1:0", "")
	require.NoError(t, err)
	defer b.Close()
	target, arrived := shop(t)
	gone := make(chan struct{})
	result := serve(t, worker.ServeOptions{URL: b.URL(), Version: "v", Once: true, Alone: 10 * time.Second})
	controlled := make(chan struct{})
	go func() {
		defer close(controlled)
		o := options(b.URL(), target, "constant 300 for 1h", 1)
		o.Silence = 5 * time.Second
		once := sync.OnceFunc(func() { close(gone) })
		o.OnProgress = func(p worker.Progress) {
			if p.Measure.Select(nil).Good > 0 {
				once()
			}
		}
		_, _ = worker.Control(t.Context(), o)
	}()
	<-gone
	b.Close()
	require.ErrorIs(t, result(), worker.ErrAlone, "long before the plan's hour")
	n := arrived.Load()
	require.Positive(t, n)
	time.Sleep(50 * time.Millisecond) // 15 requests' time
	require.Equal(t, n, arrived.Load())
	<-controlled
}

// A job that is longer than a message of the server travels in parts.
func TestALongJobTravelsInParts(t *testing.T) {
	url := broker(t)
	var wrong atomic.Int64
	body := bytes.Repeat([]byte("stampede"), 9<<17)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, body) {
			wrong.Add(1)
		}
	}))
	defer s.Close()
	serve(t, worker.ServeOptions{URL: url, Version: "v", Once: true})
	o := options(url, s.URL, "constant 20 for 200ms", 1)
	o.Job.Requests = []job.Request{{Method: http.MethodPost, Path: "/", Body: body}}
	r, err := worker.Control(t.Context(), o)
	require.NoError(t, err)
	require.Positive(t, r.Sent)
	require.Equal(t, r.Sent, r.Measure.Select(nil).Good)
	require.Zero(t, wrong.Load())
}

func TestAnotherVersionIsRefused(t *testing.T) {
	url := broker(t)
	target, arrived := shop(t)
	result := serve(t, worker.ServeOptions{URL: url, Version: "v0", Name: "old"})
	o := options(url, target, "constant 100 for 1s", 1)
	o.Within = 2 * time.Second
	_, err := worker.Control(t.Context(), o)
	const want = "worker old has version v0, the controller has v: both must be the same"
	require.ErrorContains(t, err, "workers: 0 of 1 joined within 2s: "+want)
	require.ErrorIs(t, err, worker.ErrNothingSent)
	require.ErrorContains(t, result(), want)
	require.Zero(t, arrived.Load())
}

func TestFaultsBeforeTheLoad(t *testing.T) {
	url := broker(t)
	o := options(url, "http://127.0.0.1:1", "jump 1 for 1s", 0)
	o.OnLoss, o.Group = "shrug", "a.b"
	_, err := worker.Control(t.Context(), o)
	for _, want := range []string{"0 workers", `"shrug": must be invalid or continue`, `group "a.b"`, `"jump 1 for 1s"`} {
		require.ErrorContains(t, err, want)
	}
	o = options(url, "http://127.0.0.1:1", "constant 1 for 1s", 2)
	o.Job.Phases, o.Job.Closed = nil, &job.Closed{Users: 1, For: time.Second}
	_, err = worker.Control(t.Context(), o)
	require.ErrorContains(t, err, "1 users for 2 workers: each needs one at least")
	o = options("nats://secret@127.0.0.1:1", "http://127.0.0.1:1", "constant 1 for 1s", 1)
	_, err = worker.Control(t.Context(), o)
	require.ErrorContains(t, err, "connect to nats://127.0.0.1:1: ")
	require.NotContains(t, err.Error(), "secret")
	err = worker.Serve(t.Context(), worker.ServeOptions{URL: "nats://guessed@" + url[len(url)-len("127.0.0.1:00000"):], Version: "v"})
	require.ErrorContains(t, err, "Authorization Violation")
}

// A worker that may have one request under way, to a target that answers slower than it is asked,
// cannot start on time. The controller must see that while the load runs, and call it invalid.
func TestALaggingWorkerIsSeenWhileItLags(t *testing.T) {
	url := broker(t)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) }))
	defer s.Close()
	process(t, url)
	o := options(url, s.URL, "constant 30 for 1500ms", 1)
	o.Job.MaxWorkers, o.Limits = 1, attack.Limits{LagP99: 200 * time.Millisecond, GCPause: time.Hour}
	seen := 0
	o.OnProgress = func(p worker.Progress) {
		if !p.Worker.Lagging.IsZero() && p.Worker.State == worker.Running {
			seen++
		}
	}
	r, err := worker.Control(t.Context(), o)
	require.NoError(t, err)
	require.Positive(t, seen, "it was said while the worker was running")
	require.False(t, r.Workers[0].Lagging.IsZero())
	require.Len(t, r.Faults, 1)
	require.Contains(t, r.Faults[0], "requests started late")
}
