package load_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/loadgen/worker"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/loadtest"
	"github.com/retailflow/stampede/scenarios/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func options(t *testing.T, url, phase string, limits ...string) load.Options {
	o := load.Options{Job: job.Job{Seed: 1, Target: url, Phases: []string{phase}, Arrivals: job.Even, Requests: []job.Request{{Path: "/"}}},
		Limits: attack.Limits{LagP99: time.Second, GCPause: time.Second}} // a busy machine is not what is tested
	for _, text := range limits {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		o.Thresholds = append(o.Thresholds, one)
	}
	return o
}

func output(t *testing.T, text string) load.Output {
	t.Helper()
	o, err := load.ParseOutput(text)
	require.NoError(t, err)
	return o
}

func TestALoadIsReported(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	o := options(t, url, "constant 400 for 500ms", "count(errors) == 0", "rate(requests) >= 100/s")
	dir := filepath.Join(t.TempDir(), "new")
	for _, name := range []string{"r.json", "r.csv", "r.hgrm"} {
		o.Outputs = append(o.Outputs, output(t, filepath.Join(dir, name)))
	}
	var said bytes.Buffer
	o.Progress = &said
	r, err := load.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, reports.VerdictPass, r.Verdict, "%v", r.Invalid)
	require.EqualValues(t, 200, r.Sent)
	require.InDelta(t, 200, r.Asked, 1e-6)
	require.EqualValues(t, 5*200, r.Measure.Select(nil).In)
	require.Contains(t, said.String(), "answered")
	file, err := os.Open(filepath.Join(dir, "r.json"))
	require.NoError(t, err)
	defer file.Close()
	again, err := loadtest.ReadJSON(file)
	require.NoError(t, err)
	require.EqualValues(t, 200, again.Measure.Select(nil).Good)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, names, 3)
	hidden, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	require.Empty(t, hidden, "what outputs were begun in is gone")
}

func TestAFailedThresholdAndASickGenerator(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	r, err := load.Run(t.Context(), options(t, url, "constant 100 for 100ms", "rate(errors) < 50%"))
	require.NoError(t, err)
	require.Equal(t, reports.VerdictFail, r.Verdict)

	slow := serve(t, func(_ http.ResponseWriter, _ *http.Request) { time.Sleep(100 * time.Millisecond) })
	o := options(t, slow, "constant 100 for 1s", "count(errors) == 0")
	o.Job.MaxWorkers, o.Limits.LagP99 = 1, 50*time.Millisecond
	o.Job.GiveUp = 500 * time.Millisecond
	r, err = load.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	all := strings.Join(r.Invalid, "\n")
	require.Contains(t, all, "requests started late")
	require.Contains(t, all, "given up because the generator was too late")
	require.Contains(t, all, "1 requests were waiting for answers at once")
}

// Ctrl-C: nothing starts afterwards, and what was seen is kept and marked.
func TestAnInterruptedLoadIsKeptAndMarked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var arrived atomic.Int64
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		if arrived.Add(1) == 100 {
			cancel()
		}
	})
	o := options(t, url, "constant 500 for 1h", "count(errors) == 0")
	name := filepath.Join(t.TempDir(), "r.csv")
	o.Outputs = []load.Output{output(t, name)}
	r, err := load.Run(ctx, o)
	require.NoError(t, err)
	after := arrived.Load()
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	require.True(t, r.Interrupted)
	require.Contains(t, r.Invalid[0], "interrupted")
	require.GreaterOrEqual(t, r.Sent, int64(100))
	require.FileExists(t, name)
	require.Equal(t, after, arrived.Load())
}

// Figures are published before, while and after.
func TestStreams(t *testing.T) {
	var pushed atomic.Int64
	receiver := serve(t, func(http.ResponseWriter, *http.Request) { pushed.Add(1) })
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		if pushed.Load() != 1 {
			t.Error("the receiver was not tried before the load")
		}
	})
	o := options(t, url, "constant 100 for 200ms", "count(errors) == 0")
	o.Outputs = []load.Output{output(t, "remote-write+"+receiver)}
	r, err := load.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, reports.VerdictPass, r.Verdict)
	require.EqualValues(t, 2, pushed.Load())
}

func TestWhatCannotWorkIsRefusedBeforeTheLoad(t *testing.T) {
	var arrived atomic.Int64
	url := serve(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	for _, c := range []struct {
		change func(*load.Options)
		want   string
	}{
		{func(o *load.Options) { o.Job.Target = gone.URL }, "not reachable"},
		{func(o *load.Options) { o.Job.Target = "https" + url[4:] }, "does not speak TLS"},
		{func(o *load.Options) { o.Job.Phases = []string{"constant 0 for 1s"} }, "every phase has rate 0"},
		{func(o *load.Options) { o.Job.Phases = []string{"constant 1e12 for 1s"} }, "1e12"},
		{func(o *load.Options) { o.Job.MaxWorkers = -1 }, "workers -1"},
		{func(o *load.Options) { o.Job.Protocol = "http3" }, `protocol "http3"`},
		{func(o *load.Options) {
			o.Workers.Count, o.Outputs = 1, []load.Output{output(t, "prometheus://127.0.0.1:0")}
		}, "not of one with workers"},
		{func(o *load.Options) { o.Outputs = []load.Output{output(t, "otlp+http://127.0.0.1:1")} }, "output otlp+http://127.0.0.1:1: "},
		{func(o *load.Options) { o.Outputs = []load.Output{output(t, filepath.Join(blocked, "r.json"))} }, "not a directory"},
	} {
		o := options(t, url, "constant 100 for 100ms")
		c.change(&o)
		r, err := load.Run(t.Context(), o)
		require.ErrorIs(t, err, load.ErrRefused)
		require.ErrorContains(t, err, c.want)
		require.Nil(t, r)
	}
	require.Zero(t, arrived.Load())
	_, err := load.ParseOutput("result.pdf")
	require.ErrorContains(t, err, "allowed are\n  FILE.json ")
	_, err = load.ParseOutput("statsd://127.0.0.1:1")
	require.ErrorContains(t, err, "unknown scheme \"statsd\"; allowed are\n  FILE.json ")
}

// The load has a server of its own, says how to start workers, and reports what they did.
func TestWorkersSendALoad(t *testing.T) {
	var arrived atomic.Int64
	url := serve(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
	o := options(t, url, "constant 50 for 3s", "count(requests) == 150")
	said, say := io.Pipe()
	var shown bytes.Buffer
	o.Version, o.Progress, o.Workers = "v", &shown, load.Workers{Count: 2, Listen: "127.0.0.1:0", Token: "secret", Say: say}
	var served sync.WaitGroup
	served.Go(func() {
		line, err := bufio.NewReader(said).ReadString('\n')
		if err != nil {
			t.Error(err)
		}
		words := strings.Fields(line)
		for _, name := range []string{"one", "two"} {
			served.Go(func() {
				if err := worker.Serve(t.Context(), worker.ServeOptions{URL: words[len(words)-1], Name: name, Version: "v", Once: true}); err != nil {
					t.Error(err)
				}
			})
		}
	})
	r, err := load.Run(t.Context(), o)
	served.Wait()
	require.NoError(t, err)
	require.Equal(t, reports.VerdictPass, r.Verdict, "%v", r.Invalid)
	require.EqualValues(t, 150, arrived.Load())
	require.EqualValues(t, 150, r.Workers[0].Requests+r.Workers[1].Requests)
	require.Contains(t, shown.String(), "answered")

	o.Workers = load.Workers{Count: 1, Listen: "127.0.0.1:0", Within: time.Millisecond}
	_, err = load.Run(t.Context(), o)
	require.ErrorIs(t, err, load.ErrRefused)
	require.EqualError(t, err, "workers: 0 of 1 joined within 1ms")
}
