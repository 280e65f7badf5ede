package attack_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

// One worker sends with one context, timer and trace as long as nothing is left of the request
// before. What a timeout, a cut connection or a new one leaves must not reach the next request.
func TestNothingIsLeftOfTheRequestBefore(t *testing.T) {
	paths := []string{"/ok", "/ok", "/hang", "/ok", "/ok", "/cut", "/ok", "/ok"}
	for _, protocol := range []attack.Protocol{attack.HTTP1, attack.HTTP2} {
		t.Run(string(protocol), func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/hang":
					<-r.Context().Done()
				case "/cut":
					panic(http.ErrAbortHandler)
				}
			}))
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP1(true)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.Start()
			defer s.Close()
			var c collector
			_, err := attack.Run(t.Context(), attack.Options{
				Target: s.URL, Protocol: protocol, Entries: every(len(paths), 0), After: c.after, MaxWorkers: 1,
				Timeout: 500 * time.Millisecond, GiveUp: time.Minute,
				Make: func(e plan.Entry) (event.Request, error) {
					return event.Request{Method: http.MethodPost, Path: paths[e.Seq/10]}, nil
				},
			})
			require.NoError(t, err)
			require.Len(t, c.results, len(paths))
			for i, r := range c.results {
				require.EqualValues(t, i*10, r.Entry.Seq)
				switch paths[i] {
				case "/ok":
					require.NoError(t, r.Err, "request %d", i)
					require.True(t, r.OK())
					require.Zero(t, r.Retries)
					require.GreaterOrEqual(t, r.Trace.Wait, time.Duration(0))
					require.GreaterOrEqual(t, r.Trace.FirstByte, time.Duration(0))
					require.LessOrEqual(t, r.Trace.Wait+r.Trace.FirstByte, r.Service())
				case "/hang":
					require.Equal(t, "timeout", r.Cause(), "%v", r.Err)
					require.GreaterOrEqual(t, r.Service(), 500*time.Millisecond)
				case "/cut":
					require.Error(t, r.Err)
					require.NotContains(t, []string{"timeout", "stopped"}, r.Cause())
				}
			}
			if protocol == attack.HTTP1 {
				require.Positive(t, c.results[0].Trace.Connect)
				require.Negative(t, c.results[1].Trace.Connect, "the connection was there")
				require.Positive(t, c.results[3].Trace.Connect, "the one before was given up with its request")
				require.Positive(t, c.results[6].Trace.Connect)
			}
		})
	}
}

func TestAStopEndsThePacersSleep(t *testing.T) {
	url, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := attack.Run(ctx, attack.Options{Target: url, Entries: every(2, time.Hour), Make: say, After: func(attack.Result) { cancel() }})
	require.NoError(t, err)
	require.True(t, s.Stopped)
	require.EqualValues(t, 1, arrived.Load())
	require.EqualValues(t, 1, s.Sent)
	require.Zero(t, s.Unsent, "the second was not due")
}

// Entries travel in batches; none may be lost, doubled or sent out of turn, whatever the size.
func TestBatchesOfAnySize(t *testing.T) {
	url, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, ahead := range []int{1, 7, 8, 9, 100, 4096} {
		for _, n := range []int{1, 12, 13, 100} {
			var c collector
			s, err := attack.Run(t.Context(), attack.Options{Target: url, Entries: every(n, 0), Make: say, After: c.after, LookAhead: ahead, MaxWorkers: 1})
			require.NoError(t, err)
			require.EqualValues(t, n, s.Sent)
			for i, r := range c.results {
				require.EqualValues(t, i*10, r.Entry.Seq, "look-ahead %d, %d entries", ahead, n)
				require.True(t, r.OK())
			}
		}
	}
}
