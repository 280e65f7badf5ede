package job_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop answers as its paths say, and counts.
func shop(t *testing.T) (url string, counts func() map[string]int64) {
	var a, b, other atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			a.Add(1)
			_, _ = w.Write([]byte(`{"ok":true,"n":3,"items":[{"id":"x"}]}`))
		case "/b":
			b.Add(1)
			w.WriteHeader(http.StatusNotFound)
		default:
			other.Add(1)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() map[string]int64 {
		return map[string]int64{"a": a.Load(), "b": b.Load(), "other": other.Load()}
	}
}

func holds(t *testing.T, r job.Result, text string) {
	t.Helper()
	one, err := threshold.Parse(text)
	require.NoError(t, err)
	j := one.Judge(r.Measure)
	require.True(t, j.Holds, "%s", j)
}

func TestRun(t *testing.T) {
	url, counts := shop(t)
	j := job.Job{Seed: 1, Target: url, Phases: []string{"constant 1000 for 300ms"}, Arrivals: job.Even,
		Requests: []job.Request{{Name: "a", Path: "/a?x=1", Weight: 3}, {Method: http.MethodPost, Path: "/b", Body: []byte("hello"), Weight: 1}}}
	r, err := job.Run(t.Context(), j, job.Options{})
	require.NoError(t, err)
	require.EqualValues(t, 300, r.Sent)
	seen := counts()
	require.EqualValues(t, 300, seen["a"]+seen["b"])
	require.Zero(t, seen["other"])
	require.InDelta(t, 225, seen["a"], 40)
	holds(t, r, fmt.Sprintf("count(requests{endpoint=a,status=200}) == %d", seen["a"]))
	holds(t, r, fmt.Sprintf("count(errors{endpoint=POST /b}) == %d", seen["b"]))
	holds(t, r, "p50(first_byte{endpoint=a}) > 0s")
	require.EqualValues(t, 5*seen["b"], r.Measure.Select(map[string]string{"status": "404"}).Out)

	j.Check.Status = []string{"200", "404"}
	r, err = job.Run(t.Context(), j, job.Options{})
	require.NoError(t, err)
	holds(t, r, "count(errors) == 0")
}

func TestChecks(t *testing.T) {
	url, _ := shop(t)
	const schema = `{"type":"object","required":["ok"],"properties":{"n":{"type":"integer","maximum":2}}}`
	for _, c := range []struct {
		check job.Check
		says  string // "" if all is well
	}{
		{job.Check{JSON: []string{"ok", "ok == true", "n >= 3", "items.0.id == \"x\"", "items == [ {\"id\" : \"x\"} ]", "items.#(id==\"x\").id"}}, ""},
		{job.Check{JSON: []string{"missing"}}, "missing: not there"},
		{job.Check{JSON: []string{"missing != 3"}}, ""},
		{job.Check{JSON: []string{"n < 3"}}, "n < 3: found 3"},
		{job.Check{JSON: []string{"ok != true"}}, "ok != true: found true"},
		{job.Check{JSON: []string{"ok > 1"}}, "ok > 1: found true"},
		{job.Check{JSON: []string{`n == "3"`}}, `n == "3": found 3`},
		{job.Check{Schema: schema}, "the body is not as the schema says"},
	} {
		c.check.Share = 1
		r, err := job.Run(t.Context(), job.Job{Target: url, Phases: []string{"constant 100 for 50ms"}, Arrivals: job.Even,
			Requests: []job.Request{{Path: "/a"}}, Check: c.check}, job.Options{})
		require.NoError(t, err)
		if c.says == "" {
			holds(t, r, "count(failures) == 0")
			require.Empty(t, r.Failures)
			continue
		}
		holds(t, r, "count(failures) == 5")
		holds(t, r, "rate(errors) == 100%")
		require.Len(t, r.Failures, 1)
		for text, n := range r.Failures {
			require.Contains(t, text, c.says)
			require.EqualValues(t, 5, n)
		}
	}
}

// A share of bodies is looked at, the same ones each time.
func TestChecksAreSampled(t *testing.T) {
	url, _ := shop(t)
	failures := func() int64 {
		r, err := job.Run(t.Context(), job.Job{Seed: 3, Target: url, Phases: []string{"constant 2000 for 300ms"}, Arrivals: job.Even,
			Requests: []job.Request{{Path: "/a"}}, Check: job.Check{JSON: []string{"missing"}, Share: 0.2}}, job.Options{})
		require.NoError(t, err)
		return r.Measure.Select(nil).Failed
	}
	first := failures()
	require.InDelta(t, 120, first, 45)
	require.Equal(t, first, failures())
}

// A body that was cut off is neither right nor wrong.
func TestABodyCutOffIsNotJudged(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"ok":true,"pad":"` + strings.Repeat("x", attack.MaxKept) + `"}`))
	}))
	defer s.Close()
	r, err := job.Run(t.Context(), job.Job{Target: s.URL, Phases: []string{"constant 100 for 50ms"}, Arrivals: job.Even,
		Requests: []job.Request{{Path: "/"}}, Check: job.Check{JSON: []string{"ok == true"}, Share: 1}}, job.Options{})
	require.NoError(t, err)
	all := r.Measure.Select(nil)
	require.EqualValues(t, 5, all.Good)
	require.Zero(t, all.Checked)
}

// A shard of a closed loop without a user would be an open load at full speed.
func TestAShardWithoutUsersIsRefused(t *testing.T) {
	url, counts := shop(t)
	_, err := job.Run(t.Context(), job.Job{Target: url, Closed: &job.Closed{Users: 1, For: 50 * time.Millisecond}, Requests: []job.Request{{Path: "/a"}}},
		job.Options{Shard: 0, Shards: 2})
	require.ErrorContains(t, err, "1 users in 2 shards: shard 0 has none")
	require.Zero(t, counts()["a"])
}

// The shards of a job are the job: none is sent twice, and their measurements add up.
func TestShards(t *testing.T) {
	url, counts := shop(t)
	j := job.Job{Seed: 9, Target: url, Phases: []string{"constant 1000 for 400ms"}, Requests: []job.Request{{Name: "a", Path: "/a"}}}
	results := make([]job.Result, 3)
	var all sync.WaitGroup
	start := time.Now().Add(50 * time.Millisecond)
	for i := range results {
		all.Go(func() {
			// As it travels to a worker.
			text, err := json.Marshal(j)
			if err != nil {
				t.Error(err)
			}
			var mine job.Job
			if err := json.Unmarshal(text, &mine); err != nil {
				t.Error(err)
			}
			if results[i], err = job.Run(t.Context(), mine, job.Options{Shard: i, Shards: 3, Start: start}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p, err := func() (n int64, err error) {
		j.EnsureDefaults()
		p, err := j.Plan()
		for range p.Entries() {
			n++
		}
		return n, err
	}()
	require.NoError(t, err)
	require.EqualValues(t, p, counts()["a"])
	whole := results[0].Measure
	for _, r := range results[1:] {
		require.Greater(t, r.Sent, p/5)
		require.NoError(t, whole.Merge(r.Measure))
	}
	require.EqualValues(t, p, whole.Select(nil).Planned)
}

func TestTraceAndClosedLoop(t *testing.T) {
	url, counts := shop(t)
	record, err := arrival.ParseTrace("t", []byte("time\n10\n10.05\n10.05\n10.1\n"))
	require.NoError(t, err)
	r, err := job.Run(t.Context(), job.Job{Target: url, Trace: &job.Trace{Record: record, Speed: 0.5}, Requests: []job.Request{{Path: "/a"}}}, job.Options{})
	require.NoError(t, err)
	require.EqualValues(t, 4, r.Sent)
	before := counts()["a"]
	r, err = job.Run(t.Context(), job.Job{Target: url, Closed: &job.Closed{Users: 3, Think: 2 * time.Millisecond, For: 200 * time.Millisecond},
		Requests: []job.Request{{Path: "/a"}}}, job.Options{})
	require.NoError(t, err)
	require.Equal(t, counts()["a"]-before, r.Sent)
	require.Greater(t, r.Sent, int64(3))
	require.Zero(t, r.Unsent)
}

func TestAStopIsMarked(t *testing.T) {
	url, _ := shop(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	r, err := job.Run(ctx, job.Job{Target: url, Phases: []string{"constant 500 for 1h"}, Requests: []job.Request{{Path: "/a"}}}, job.Options{
		OnOutcome: func(*measure.Outcome) {
			if n++; n == 50 {
				cancel()
			}
		}})
	require.NoError(t, err)
	require.True(t, r.Stopped)
	require.GreaterOrEqual(t, r.Sent, int64(50))
}

func TestFaultsAreNamedAllAtOnce(t *testing.T) {
	_, err := job.Run(t.Context(), job.Job{Target: "http://127.0.0.1:1", Phases: []string{"constant 0 for 1s", "jump 1 for 2s"},
		Requests: []job.Request{{Path: "nowhere"}}, Roots: "none",
		Check: job.Check{Status: []string{"20x"}, JSON: []string{"a == b", "a==1", "a > true"}, Schema: "{", Share: 2}}, job.Options{})
	for _, want := range []string{`"jump" is no kind of phase`, `request 1: path "nowhere": must begin with /`, "no PEM certificate", `status "20x"`,
		`assertion "a == b"`, `assertion "a==1"`, `assertion "a > true": > needs a number, found true`, "schema: ", "share 2 of bodies"} {
		require.ErrorContains(t, err, want)
	}
	_, err = job.Run(t.Context(), job.Job{Target: "http://127.0.0.1:1", Phases: []string{"constant 1 for 1s"}, Arrivals: "sometimes"}, job.Options{})
	require.ErrorContains(t, err, `arrivals "sometimes": must be poisson, even or bursty`)
	require.ErrorContains(t, err, "no requests")
}
