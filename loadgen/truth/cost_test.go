package truth

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCostsAreTheProcessorTimeOfTheTools(t *testing.T) {
	t.Setenv(asTool, "100ms")
	self, err := os.Executable()
	require.NoError(t, err)
	broken := Tool{Name: "broken", Version: "v1.2.3", command: func(Load) command { return command{args: []string{"/nonexistent", "x"}} }}
	runs, served := 0, int64(0)
	count := func(ctx context.Context) (int64, error) {
		served += 50
		return served, ctx.Err()
	}
	costs, err := MeasureCosts(t.Context(), CostOptions{Server: "http://127.0.0.1:1", Served: count, Self: []string{self}, Tools: []Tool{broken},
		Rates: []int{100}, Runs: 3, For: time.Second, Done: func(Cost) { runs++ }})
	require.NoError(t, err)
	require.Equal(t, 6, runs)
	require.Len(t, costs, 2)
	require.NoError(t, costs[0].Err)
	require.GreaterOrEqual(t, costs[0].CPU, time.Millisecond, "100 ms and more over 50 requests")
	require.InDelta(t, 0.5, costs[0].Sent, 1e-9, "half of what was asked for")
	require.Error(t, costs[1].Err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = MeasureCosts(ctx, CostOptions{Served: count, Self: []string{self}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestWriteCosts(t *testing.T) {
	var b strings.Builder
	require.NoError(t, WriteCosts(&b, []Cost{
		{Tool: Tool{Name: "stampede"}, Rate: 2000, Sent: 1, CPU: 100 * time.Microsecond},
		{Tool: Tool{Name: "k6", Version: "v1"}, Rate: 2000, Sent: 0.5, CPU: 450 * time.Microsecond},
		{Tool: Tool{Name: "fortio"}, Rate: 2000, Err: context.Canceled},
	}))
	require.Equal(t, `| tool | rate | sent of it | CPU of a request | of stampede's |
|---|--:|--:|--:|--:|
| stampede | 2000/s | 100 % | 100 µs | 1.00 times |
| k6 v1 | 2000/s | 50 % | 450 µs | 4.50 times |
| fortio | 2000/s | context canceled | | |
`, b.String())
}
