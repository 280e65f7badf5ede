package stat

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The exact expectation of a bet, summed over every outcome of a small increment, is at most 1
// for all rates in the null. This is what every guarantee of HarmTest rests on.
func TestABetNeverWinsOnAverageUnderTheNull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.0005, 0.9995)
		h := null{margin: rapid.Float64Range(0, 0.9).Draw(t, "margin"), atLeast: rapid.Bool().Draw(t, "at least")}
		alternative := rates{rate.Draw(t, "stable bet"), rate.Draw(t, "canary bet")}
		truth := rates{rapid.Float64Range(0, 1).Draw(t, "stable"), rapid.Float64Range(0, 1).Draw(t, "canary")}
		if h.holds(alternative) || !h.holds(truth) {
			return
		}
		stable := rapid.IntRange(1, 12).Draw(t, "stable answers")
		canary := rapid.IntRange(1, 12).Draw(t, "canary answers")
		nearest := h.project(alternative, float64(stable), float64(canary))
		require.InDelta(t, h.margin, nearest.canary-nearest.stable, 1e-12)
		expectation := 0.0
		for sb := range stable + 1 {
			for cb := range canary + 1 {
				expectation += binomial(sb, stable, truth.stable) * binomial(cb, canary, truth.canary) *
					math.Exp(bet(alternative, nearest, float64(cb), float64(canary), float64(sb), float64(stable)))
			}
		}
		require.LessOrEqual(t, expectation, 1+1e-7)
	})
}

func TestExpertsWeightsStayADistribution(t *testing.T) {
	p := newEProcess(null{margin: 0.01}, harmful(0.01))
	for range 50 {
		p.observe(1, 2, 3, 300)
		sum := 0.0
		for _, w := range p.weights {
			require.Positive(t, w)
			sum += w
		}
		require.InDelta(t, 1, sum, 1e-9)
	}
}

func binomial(k, n int, p float64) float64 {
	logChoose := lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
	return math.Exp(logChoose) * math.Pow(p, float64(k)) * math.Pow(1-p, float64(n-k))
}

func lgamma(n int) float64 {
	v, _ := math.Lgamma(float64(n))
	return v
}
