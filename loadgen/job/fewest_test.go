package job

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
)

func TestABusyProcessorGetsTheOthersBack(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	old := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(old)
	rate, err := arrival.New(arrival.Constant(100, time.Second))
	require.NoError(t, err)
	look, restore := (&Job{Target: "http://127.0.0.1"}).fewest(rate)
	defer restore()
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
	look(attack.Sample{Span: time.Second, CPU: 600 * time.Millisecond})
	require.Equal(t, 1, runtime.GOMAXPROCS(0))
	look(attack.Sample{Span: time.Second, CPU: 800 * time.Millisecond})
	require.Equal(t, 3, runtime.GOMAXPROCS(0))
}
