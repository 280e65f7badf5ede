package attack_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

func TestProtocols(t *testing.T) {
	var protocol atomic.Value
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { protocol.Store(r.Proto) })
	plain := httptest.NewUnstartedServer(handler)
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetHTTP1(true)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	defer plain.Close()
	secure := httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	for _, c := range []struct {
		url      string
		protocol attack.Protocol
		want     string
	}{
		{plain.URL, "", "HTTP/1.1"}, {plain.URL, attack.HTTP2, "HTTP/2.0"},
		{secure.URL, attack.HTTP1, "HTTP/1.1"}, {secure.URL, attack.HTTP2, "HTTP/2.0"},
	} {
		var got collector
		_, err := attack.Run(t.Context(), attack.Options{Target: c.url, Protocol: c.protocol, TLS: &tls.Config{RootCAs: roots},
			Entries: every(1, 0), Make: say, After: got.after})
		require.NoError(t, err)
		require.NoError(t, got.results[0].Err)
		require.Equal(t, c.want, protocol.Load(), "%s over %s", c.protocol, c.url)
		trace := got.results[0].Trace
		require.Positive(t, trace.Connect)
		require.Equal(t, c.url == secure.URL, trace.TLS > 0, "a handshake where there is TLS")
		require.GreaterOrEqual(t, trace.FirstByte, time.Duration(0))
		require.GreaterOrEqual(t, trace.Wait, trace.Connect)
		require.Negative(t, trace.DNS, "an address needs no look-up")
	}

	var got collector
	_, err := attack.Run(t.Context(), attack.Options{Target: secure.URL, Entries: every(1, 0), Make: say, After: got.after})
	require.NoError(t, err)
	require.ErrorContains(t, got.results[0].Err, "certificate", "roots that do not know the server")
	_, err = attack.Run(t.Context(), attack.Options{Target: secure.URL, Protocol: "http3", Entries: every(1, 0), Make: say})
	require.ErrorContains(t, err, `protocol "http3": must be http1 or http2`)
}

func TestConnectionsAreReusedOrNot(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	s.Listener = countingListener{s.Listener, &connections}
	s.Start()
	for _, c := range []struct {
		never bool
		want  int64
	}{{false, 1}, {true, 20}} {
		connections.Store(0)
		var got collector
		_, err := attack.Run(t.Context(), attack.Options{Target: s.URL, Entries: every(20, 0), Make: say, After: got.after,
			NoReuse: c.never, MaxWorkers: 1})
		require.NoError(t, err)
		require.Equal(t, c.want, connections.Load())
		fresh := 0
		for _, r := range got.results {
			if r.Trace.Connect > 0 {
				fresh++
			}
		}
		require.EqualValues(t, c.want, fresh, "only a new connection has a part for connecting")
	}
}

// A client must wait as long as it is told, send the same bytes and the same key, and count what
// it did apart.
func TestRetries(t *testing.T) {
	var mu sync.Mutex
	seen := map[string][]time.Time{}
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key := r.Header.Get("X-Key")
		seen[key] = append(seen[key], time.Now())
		switch n := len(seen[key]); {
		case key == "refused":
			w.WriteHeader(http.StatusBadRequest)
		case key == "never":
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 1:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case n == 2:
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	keys := []string{"heals", "refused", "never"}
	var between []attack.Result
	var betweenMu sync.Mutex
	var got collector
	begin := time.Now()
	s, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(3, 0), After: got.after,
		Make: func(e plan.Entry) (event.Request, error) {
			return event.Request{Method: http.MethodPost, Path: "/", Body: []byte("same"),
				Header: http.Header{"X-Key": {keys[e.Body]}}}, nil
		},
		Retry: attack.Retry{Attempts: 4, Base: time.Millisecond},
		Retried: func(r attack.Result) {
			betweenMu.Lock()
			defer betweenMu.Unlock()
			between = append(between, r)
		},
	})
	require.NoError(t, err)
	require.EqualValues(t, 3, s.Sent, "retries are not requests of the plan")
	byKey := map[string]attack.Result{}
	for _, r := range got.results {
		byKey[keys[r.Entry.Body]] = r
	}
	heals := byKey["heals"]
	require.Equal(t, http.StatusAccepted, heals.Status)
	require.Equal(t, 2, heals.Retries)
	require.EqualValues(t, 3*len("same"), heals.Out)
	require.GreaterOrEqual(t, seen["heals"][1].Sub(seen["heals"][0]), time.Second, "Retry-After is obeyed")
	require.GreaterOrEqual(t, heals.Response(), time.Second, "waiting is part of the response time")
	require.Less(t, time.Since(begin), 30*time.Second)
	require.Len(t, seen["refused"], 1, "a 400 will not change its mind")
	require.Len(t, seen["never"], 4)
	require.Equal(t, http.StatusServiceUnavailable, byKey["never"].Status)
	require.Equal(t, 3, byKey["never"].Retries)
	require.Len(t, between, 2+3)
	require.Equal(t, 2, heals.Outcome("", "").Retries)
}

// Go's transport sends a request again by itself if a connection that it had kept breaks and the
// request looks idempotent. That must be seen.
func TestRetriesOfTheTransportAreCounted(t *testing.T) {
	var n atomic.Int64
	url, arrived := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 2 {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Close()
		}
	})
	var got collector
	_, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(2, 0), After: got.after, MaxWorkers: 1,
		Make: func(plan.Entry) (event.Request, error) { return event.Request{Method: http.MethodGet, Path: "/"}, nil }})
	require.NoError(t, err)
	require.EqualValues(t, 3, arrived.Load())
	require.Equal(t, 0, got.results[0].Retries)
	require.Equal(t, 1, got.results[1].Retries)
	require.True(t, got.results[1].OK())
}

func TestAStopEndsTheWaitForARetry(t *testing.T) {
	url, arrived := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	ctx, cancel := newStop(t)
	begin := time.Now()
	var got collector
	_, err := attack.Run(ctx, attack.Options{Target: url, Entries: every(1, 0), Make: say, After: got.after,
		Retry: attack.Retry{Attempts: 2, Most: time.Hour}, Retried: func(attack.Result) { cancel() }})
	require.NoError(t, err)
	require.Less(t, time.Since(begin), time.Minute)
	require.EqualValues(t, 1, arrived.Load())
	require.Equal(t, http.StatusServiceUnavailable, got.results[0].Status, "the answer it had")
}

func TestChecksMakeAnswersBad(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"ok":false}`)) })
	wrong := errors.New("ok is false")
	var got collector
	_, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(2, 0), Make: say, After: got.after,
		Keep: func(plan.Entry, int) bool { return true },
		Check: func(r *attack.Result) error {
			if r.Entry.Body == 1 && string(r.Body) == `{"ok":false}` {
				return wrong
			}
			return nil
		}})
	require.NoError(t, err)
	for _, r := range got.results {
		o := r.Outcome("GET /", "small")
		require.Equal(t, r.Entry.Body == 0, r.OK())
		require.Equal(t, r.OK(), o.Good)
		require.Equal(t, !r.OK(), o.Failed)
		require.Equal(t, "200", o.Status)
	}
}

// What a closed loop hides: the server stalls for 300 ms once, and its user notices it just once:
// what it asks next is due only when it has its answer.
func TestClosedLoop(t *testing.T) {
	var once sync.Once
	url, arrived := serve(t, func(http.ResponseWriter, *http.Request) {
		once.Do(func() { time.Sleep(300 * time.Millisecond) })
	})
	var got collector
	s, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(1_000_000, time.Millisecond), Make: say, After: got.after,
		Closed: attack.Closed{Users: 1, Think: time.Millisecond, For: 2 * time.Second}})
	require.NoError(t, err)
	require.False(t, s.Stopped)
	require.Zero(t, s.Unsent)
	require.EqualValues(t, arrived.Load(), s.Sent)
	require.Greater(t, s.Sent, int64(1))
	slices.SortFunc(got.results, func(a, b attack.Result) int { return cmp.Compare(a.Planned, b.Planned) })
	for i, r := range got.results {
		require.Less(t, r.Planned, 2*time.Second)
		if i == 0 {
			require.GreaterOrEqual(t, r.Response(), 300*time.Millisecond)
			continue
		}
		require.GreaterOrEqual(t, r.Planned, got.results[i-1].End, "nothing is due while the user waits")
	}
}

func TestBothSendersSayTheSame(t *testing.T) {
	for name, sender := range map[string]attack.Sender{"direct": attack.Direct, "vegeta": attack.Vegeta} {
		t.Run(name, func(t *testing.T) {
			url, arrived := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
			var got collector
			s, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(500, 500*time.Microsecond), Make: say, After: got.after, Sender: sender})
			require.NoError(t, err)
			require.EqualValues(t, 500, s.Sent)
			require.EqualValues(t, 500, arrived.Load())
			for _, r := range got.results {
				require.True(t, r.OK())
				require.GreaterOrEqual(t, r.Start, r.Planned, "never early")
			}
		})
	}
}

func TestSocketsRunOut(t *testing.T) {
	r := attack.Result{Sent: true, Err: &wrapped{syscall.EADDRNOTAVAIL}}
	require.Equal(t, "sockets", r.Cause())
	require.Contains(t, attack.Watch{Lag: attack.Lag{Count: 1}, Sockets: 2}.Faults(attack.Limits{})[0], "2 requests found no free port")
}

type wrapped struct{ error }

func (w *wrapped) Unwrap() error { return w.error }

// countingListener counts connections.
type countingListener struct {
	net.Listener
	n *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.n.Add(1)
	}
	return c, err
}

func newStop(t *testing.T) (context.Context, func()) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
