package selftest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/loadgen/selftest"
)

// asServer makes this test binary behave as the null server.
const asServer = "STAMPEDE_TEST_NULL_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		if err := selftest.Serve(context.Background(), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestRunFindsALimit(t *testing.T) {
	t.Setenv(asServer, "1")
	self, err := os.Executable()
	require.NoError(t, err)
	seen := 0
	measured, enough := context.WithCancel(t.Context())
	defer enough()
	go burn(measured)
	r, err := selftest.Run(t.Context(), selftest.Options{
		Server: []string{self}, Rates: []float64{200}, Step: 200 * time.Millisecond, Start: 100, Most: 400,
		LagP99: time.Second, // a busy machine is not what is tested
		OnStep: func(string, selftest.Step) { seen++; enough() },
	})
	require.NoError(t, err)
	require.Len(t, r.Steps, 1)
	require.EqualValues(t, 40, r.Steps[0].Sent)
	require.EqualValues(t, 40, r.Steps[0].Good)
	require.Positive(t, r.Steps[0].GeneratorCPU)
	require.Len(t, r.Search, 3, "100, 200, 400")
	require.EqualValues(t, 400, r.Highest.Rate)
	require.Equal(t, 4, seen)
	require.Positive(t, r.Clock)
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	require.Contains(t, b.String(), "generates 400 requests/s on time")

	// Nothing is on time within a nanosecond.
	r, err = selftest.Run(t.Context(), selftest.Options{Server: []string{self}, Rates: []float64{}, Step: 50 * time.Millisecond, Start: 800, LagP99: 1})
	require.NoError(t, err)
	require.Zero(t, r.Highest)
	require.Len(t, r.Search, 4)
	b.Reset()
	require.NoError(t, r.WriteText(&b))
	require.Contains(t, b.String(), "No rate was held on time")
}

// burn uses half a processor: a few requests use no time at all where the kernel counts in ticks.
func burn(ctx context.Context) {
	for ctx.Err() == nil {
		for begin := time.Now(); time.Since(begin) < 5*time.Millisecond; {
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAServerThatDoesNotStart(t *testing.T) {
	_, err := selftest.Run(t.Context(), selftest.Options{Server: []string{"/bin/echo", "hello"}})
	require.ErrorContains(t, err, `start null server: it said "hello\n"`)
	_, err = selftest.Run(t.Context(), selftest.Options{Server: []string{"/nonexistent"}})
	require.ErrorContains(t, err, "start null server")
}

func TestAStopEndsIt(t *testing.T) {
	t.Setenv(asServer, "1")
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = selftest.Run(ctx, selftest.Options{Server: []string{self}, Rates: []float64{100}, Step: 100 * time.Millisecond, Start: 100,
		OnStep: func(string, selftest.Step) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
}
