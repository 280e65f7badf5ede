package quota

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLatencyHasTheQuantilesItIsGiven(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 100_000 {
		all = append(all, Latency{Median: 4 * time.Millisecond, P99: 10 * time.Millisecond}.Draw(rng))
	}
	slices.Sort(all)
	require.InDelta(t, 4, all[50_000].Seconds()*1e3, 0.05)
	require.InDelta(t, 10, all[99_000].Seconds()*1e3, 0.3)
}

func TestLatencyIsTheSameForASeed(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	l := Latency{Median: 4 * time.Millisecond, P99: 10 * time.Millisecond}
	require.Equal(t, []time.Duration{4867126, 3514359, 3194197}, []time.Duration{l.Draw(rng), l.Draw(rng), l.Draw(rng)})
	require.Equal(t, time.Duration(0), Latency{}.Draw(rng))
	require.Equal(t, time.Millisecond, Latency{Median: time.Millisecond}.Draw(rng))
}
