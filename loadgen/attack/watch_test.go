package attack_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
)

// grown is a load whose memory rises fast at first and then by perMinute bytes.
func grown(length time.Duration, perMinute float64) (w attack.Watch) {
	for at := time.Second; at <= length; at += time.Second {
		memory := 50e6 + perMinute*at.Minutes() + 1000*float64(at/time.Second%3)
		if at <= length/5 {
			memory /= 2
		}
		w.Samples = append(w.Samples, attack.Sample{At: at, Memory: uint64(memory)})
	}
	return w
}

func TestGrowth(t *testing.T) {
	for _, perMinute := range []float64{0, 1e6, -2e6} {
		slope, ok := grown(10*time.Minute, perMinute).Growth()
		require.True(t, ok)
		require.InDelta(t, perMinute, slope, 1000, "the start is not counted")
	}
	_, ok := grown(70*time.Second, 1e6).Growth()
	require.False(t, ok, "56 s say nothing")
	_, ok = attack.Watch{}.Growth()
	require.False(t, ok)
}
