package attack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// every is a plan of n requests, one each gap.
func every(n int, gap time.Duration) iter.Seq[plan.Entry] {
	return func(yield func(plan.Entry) bool) {
		for i := range n {
			if !yield(plan.Entry{Seq: uint64(i) * 10, At: time.Duration(i) * gap, Kind: plan.Batch, Events: 1, Body: uint64(i)}) {
				return
			}
		}
	}
}

func say(e plan.Entry) (event.Request, error) {
	return event.Request{Method: http.MethodPost, Path: fmt.Sprintf("/say?seq=%d", e.Seq), Header: http.Header{"X-Seq": {fmt.Sprint(e.Seq)}},
		Body: fmt.Appendf(nil, "body of %d", e.Seq)}, nil
}

// serve starts a server and counts what arrives.
func serve(t testing.TB, h http.HandlerFunc) (url string, arrived *atomic.Int64) {
	arrived = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, arrived
}

type collector struct{ results []attack.Result }

func (c *collector) after(r attack.Result) { c.results = append(c.results, r) }

func TestEveryEntryIsSentOnceAndAnswersAreItsOwn(t *testing.T) {
	url, arrived := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "body of "+r.URL.Query().Get("seq") || r.Header.Get("X-Seq") != r.URL.Query().Get("seq") || r.Header.Get("X-Vegeta-Seq") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("X-Echo", r.Header.Get("X-Seq"))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "seen")
	})
	var c collector
	var recorded sync.Map
	good := 0
	s, err := attack.Run(t.Context(), attack.Options{
		Target: url, Entries: every(2000, 200*time.Microsecond), Make: say, Timeout: time.Minute,
		Before: func(e plan.Entry, r *event.Request, _ time.Duration) error {
			_, twice := recorded.LoadOrStore(e.Seq, true)
			if twice {
				return fmt.Errorf("%d twice", e.Seq)
			}
			return nil
		},
		After: func(r attack.Result) {
			if _, ok := recorded.Load(r.Entry.Seq); !ok {
				t.Errorf("result of %d was not recorded before sending", r.Entry.Seq)
			}
			if r.OK() {
				good++
			}
			c.after(r)
		},
	})
	require.NoError(t, err)
	require.EqualValues(t, 2000, arrived.Load())
	require.EqualValues(t, 2000, s.Sent)
	require.Zero(t, s.Unsent)
	require.False(t, s.Stopped)
	seen := map[uint64]bool{}
	for _, r := range c.results {
		require.NoError(t, r.Err)
		require.Equal(t, http.StatusAccepted, r.Status)
		require.Equal(t, fmt.Sprint(r.Entry.Seq), r.Header.Get("X-Echo"))
		require.Nil(t, r.Body)
		require.Equal(t, r.Entry.At, r.Planned)
		require.GreaterOrEqual(t, r.Start, r.Planned, "never early")
		require.GreaterOrEqual(t, r.End, r.Start)
		require.True(t, r.Sent && r.Connected && r.OK())
		require.False(t, seen[r.Entry.Seq])
		seen[r.Entry.Seq] = true
	}
	require.Len(t, seen, 2000)
	require.Equal(t, 2000, good)
	require.EqualValues(t, 2000, s.Watch.Lag.Count)
	require.NotEmpty(t, s.Watch.Samples)
	require.NotZero(t, s.Watch.CPU)
}

// The mistake of most load tools: a server that stalls makes them send less, and what they did
// not send is missing from the statistics. Here one connection's worth of workers meets a
// service of 20 ms with 10 requests that are due at once: they wait 20, 40, … 200 ms.
func TestResponseCountsFromThePlannedTime(t *testing.T) {
	url, _ := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(20 * time.Millisecond) })
	var c collector
	_, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(10, 0), Make: say, After: c.after, MaxWorkers: 1})
	require.NoError(t, err)
	require.Len(t, c.results, 10)
	slices.SortFunc(c.results, func(a, b attack.Result) int { return int(a.End - b.End) })
	for i, r := range c.results {
		require.GreaterOrEqual(t, r.Response(), time.Duration(i+1)*20*time.Millisecond, "request %d", i)
		require.Equal(t, r.Response(), r.Lag()+r.Service())
		require.Less(t, r.Service(), r.Response()+time.Nanosecond)
	}
}

func TestNothingIsSentAfterAStop(t *testing.T) {
	url, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var c collector
	begin := time.Now()
	s, err := attack.Run(ctx, attack.Options{
		Target: url, Entries: every(1_000_000, time.Millisecond), Make: say, Grace: time.Minute, // what is under way is to arrive
		MaxWorkers: 1, GiveUp: time.Hour, // the one that stops the load is the one that would go on
		After: func(r attack.Result) {
			if c.after(r); len(c.results) == 100 {
				cancel()
			}
		},
	})
	require.NoError(t, err)
	require.True(t, s.Stopped)
	require.Less(t, time.Since(begin), time.Minute, "a stop does not wait for the plan's 1,000 s")
	before := arrived.Load()
	require.EqualValues(t, 100, s.Sent, "the only worker stopped the load")
	require.EqualValues(t, before, s.Sent, "what arrived was reported")
	require.Len(t, c.results, int(s.Sent+s.Unsent))
	time.Sleep(20 * time.Millisecond) // anything still on its way would come now
	require.Equal(t, before, arrived.Load())
	for _, r := range c.results {
		if !r.Sent {
			require.ErrorIs(t, r.Err, attack.ErrStopped)
			require.GreaterOrEqual(t, r.Response(), time.Duration(0), "only what was due")
		}
	}
}

// A stop while every worker is stuck: what was due must be reported unsent with its waiting time.
func TestUnsentIsReportedWithItsWaitingTime(t *testing.T) {
	release := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stuck atomic.Int64
	var stop time.Time
	url, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if stuck.Add(1) == 2 {
			time.AfterFunc(200*time.Millisecond, func() { stop = time.Now(); cancel() })
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	var c collector
	s, err := attack.Run(ctx, attack.Options{Target: url, Entries: every(100, 10*time.Millisecond), Make: say, After: c.after,
		MaxWorkers: 2, LookAhead: 1000, Grace: time.Second})
	require.NoError(t, err)
	require.EqualValues(t, 2, s.Sent)
	stopped := stop.Sub(s.Start)
	for _, r := range c.results {
		require.Error(t, r.Err)
		if r.Sent {
			require.True(t, r.Connected)
			require.Equal(t, "stopped", r.Cause())
			require.GreaterOrEqual(t, r.End, stopped+time.Second, "cut off after the grace")
			continue
		}
		require.GreaterOrEqual(t, r.End, stopped)
		require.LessOrEqual(t, r.Planned, r.End)
		require.Equal(t, r.Start, r.End)
		require.False(t, r.Connected)
	}
	due := func(at time.Duration) int64 { return min(100, int64(at/(10*time.Millisecond))+1) }
	require.GreaterOrEqual(t, s.Sent+s.Unsent, due(stopped), "all that were due at the stop")
	require.LessOrEqual(t, s.Sent+s.Unsent, due(stopped+500*time.Millisecond), "and none that became due in the grace")
}

func TestLateRequestsAreGivenUp(t *testing.T) {
	url, _ := serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(50 * time.Millisecond) })
	var c collector
	s, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(20, 0), Make: say, After: c.after, MaxWorkers: 1, GiveUp: 120 * time.Millisecond})
	require.NoError(t, err)
	require.Len(t, c.results, 20)
	require.Less(t, s.Sent, int64(5))
	require.Equal(t, s.Unsent, s.Watch.Late)
	require.ErrorIs(t, c.results[19].Err, attack.ErrLate)
	require.Equal(t, "late", c.results[19].Cause())
	require.GreaterOrEqual(t, c.results[19].Response(), 120*time.Millisecond)
	require.NotEmpty(t, s.Watch.Faults(attack.Limits{}), "such a generator is ill")
}

func TestTimeoutsAndConnectionErrors(t *testing.T) {
	release := make(chan struct{})
	slow, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	cut, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	short, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "only this")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "http://" + l.Addr().String()
	require.NoError(t, l.Close())

	for _, c := range []struct {
		name, url string
		timeout   time.Duration
		connected bool
		cause     string
	}{
		{"no answer in time", slow, time.Second, true, "timeout"},
		{"connection cut", cut, time.Minute, true, "closed"},
		{"answer breaks off", short, time.Minute, true, "closed"},
		{"nobody listens", nobody, time.Minute, false, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got collector
			_, err := attack.Run(t.Context(), attack.Options{Target: c.url, Entries: every(1, 0), Make: say, After: got.after, Timeout: c.timeout})
			require.NoError(t, err)
			require.Len(t, got.results, 1)
			r := got.results[0]
			require.True(t, r.Sent)
			require.Equal(t, c.connected, r.Connected)
			require.Equal(t, c.cause, r.Cause(), "%v", r.Err)
			require.Zero(t, r.Status, "an answer that broke off is none")
			require.False(t, r.OK())
		})
	}
}

func TestBodiesAreKeptWhereTheyMatter(t *testing.T) {
	status := []int{200, 202, 207, 302, 400, 503}
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var i int
		_, _ = fmt.Sscan(r.URL.Query().Get("seq"), &i)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status[i/10])
		_, _ = io.WriteString(w, "why")
	})
	kept := map[int]string{}
	_, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(6, 0), Make: say, After: func(r attack.Result) { kept[r.Status] = string(r.Body) }})
	require.NoError(t, err)
	require.Equal(t, map[int]string{200: "", 202: "", 207: "why", 302: "why", 400: "why", 503: "why"}, kept)
}

func TestFailingHooksStopTheLoad(t *testing.T) {
	url, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	full := errors.New("no space left on device")
	var c collector
	_, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(1000, time.Millisecond), Make: say, After: c.after,
		Before: func(e plan.Entry, _ *event.Request, _ time.Duration) error {
			if e.Seq >= 50 {
				return full
			}
			return nil
		}})
	require.ErrorIs(t, err, full)
	require.LessOrEqual(t, arrived.Load(), int64(5), "nothing leaves that is not on record")

	_, err = attack.Run(t.Context(), attack.Options{Target: url, Entries: every(3, 0), Make: func(plan.Entry) (event.Request, error) { return event.Request{}, full }})
	require.ErrorIs(t, err, full)
}

func TestStartIsAgreed(t *testing.T) {
	url, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	start := time.Now().Add(150 * time.Millisecond)
	var first time.Time
	s, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(1, 0), Make: say, Start: start,
		Before: func(plan.Entry, *event.Request, time.Duration) error { first = time.Now(); return nil }})
	require.NoError(t, err)
	require.False(t, first.Before(start))
	require.True(t, start.Equal(s.Start))
}

func TestOptionsAreRefusedAllAtOnce(t *testing.T) {
	_, err := attack.Run(t.Context(), attack.Options{Target: "127.0.0.1:80", Timeout: -1, MaxWorkers: -1})
	for _, want := range []string{"must be a base URL", "no plan", "no maker", "timeout -1ns", "workers -1"} {
		require.ErrorContains(t, err, want)
	}
}

func TestWatchFaults(t *testing.T) {
	require.Equal(t, []string{"no request was sent"}, attack.Watch{}.Faults(attack.Limits{}))
	ill := attack.Watch{Lag: attack.Lag{Count: 1, P99: time.Second}, Late: 3, Samples: []attack.Sample{{GCPause: time.Second}}}
	require.Len(t, ill.Faults(attack.Limits{}), 3)
	require.Empty(t, ill.Faults(attack.Limits{LagP99: time.Second, GCPause: time.Second, Late: 3}))
	busy := attack.Watch{Lag: attack.Lag{Count: 1}, Cores: 2, CPU: 3700 * time.Millisecond, Samples: []attack.Sample{{Span: 2 * time.Second}}}
	require.Equal(t, []string{"the generator used 3.7s of processor time in 2s on 2 processors, allowed 3.6s"}, busy.Faults(attack.Limits{}))
	require.Empty(t, busy.Faults(attack.Limits{CPU: 0.95}))
}

// CPU of a request, server included.
func BenchmarkRun(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer s.Close()
	for _, rate := range []int{2000, 5000} {
		for name, sender := range map[string]attack.Sender{"direct": attack.Direct, "vegeta": attack.Vegeta} {
			b.Run(fmt.Sprintf("rate=%d/sender=%s", rate, name), func(b *testing.B) {
				sum, err := attack.Run(b.Context(), attack.Options{Target: s.URL, Entries: every(b.N, time.Second/time.Duration(rate)), Make: say, Sender: sender})
				if err != nil || sum.Sent != int64(b.N) {
					b.Fatal(err, sum.Sent)
				}
				b.ReportMetric(float64(sum.Watch.CPU.Microseconds())/float64(b.N), "cpu-µs/request")
				b.ReportMetric(float64(sum.Watch.Lag.P50.Microseconds()), "lag-p50-µs")
				b.ReportMetric(float64(sum.Watch.Lag.P99.Microseconds()), "lag-p99-µs")
			})
		}
	}
}
