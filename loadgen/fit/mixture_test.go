package fit

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/plan"
)

// A population whose rates are known, met for a while: the estimate must bring back how many
// members there are, how often they are met, and what counts they give.
func TestMixtureFindsThePopulation(t *testing.T) {
	r := plan.Rand(1, "test", 0)
	counts, met := histogram{}, 0.0
	for i := range 6000 {
		rate := 1.5
		if i%4 == 0 {
			rate = 12
		}
		n := int64(0)
		for at := r.ExpFloat64(); at < rate; at += r.ExpFloat64() {
			n++
		}
		met += float64(n)
		if n > 0 {
			counts[n]++
		}
	}
	m := mixture(counts, 10)
	members, all := 0.0, 0.0
	for i := range m.Rates {
		members += m.Members[i]
		all += m.Members[i] * m.Rates[i] * 10
	}
	require.InEpsilon(t, 6000, members, 0.1)
	require.InEpsilon(t, met, all, 0.02)
}

// The distance must be that of its definition, evaluated at every value.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) histogram {
			h := histogram{}
			for _, v := range rapid.SliceOfN(rapid.Int64Range(-5, 9), 1, 20).Draw(t, name) {
				h[v]++
			}
			return h
		}
		a, b := draw("a"), draw("b")
		below := func(h histogram, v int64) float64 {
			n := int64(0)
			for value, c := range h {
				if value <= v {
					n += c
				}
			}
			return float64(n) / float64(h.total())
		}
		want := 0.0
		for v := int64(-6); v < 11; v++ {
			want = max(want, math.Abs(below(a, v)-below(b, v)))
		}
		require.InDelta(t, want, a.distance(b), 1e-12)
		require.Zero(t, a.distance(a))
	})
	require.Equal(t, 1.0, histogram{1: 1}.distance(histogram{}))
	require.Zero(t, histogram{}.distance(histogram{}))
}

// However coarse a table is, it is no farther from the values than its steps allow.
func TestTableIsAsNearAsItsSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := histogram{}
		for _, v := range rapid.SliceOfN(rapid.Int64Range(0, 1000), 1, 400).Draw(t, "values") {
			h[v]++
		}
		steps := rapid.Float64Range(2, 50).Draw(t, "steps")
		table := h.table(steps, commonest)
		require.NoError(t, table.Validate())
		coarse := histogram{}
		for i, v := range table.Values {
			coarse[v] = table.Counts[i]
		}
		require.Equal(t, h.total(), coarse.total())
		require.LessOrEqual(t, h.distance(coarse), 2/steps)
	})
}
