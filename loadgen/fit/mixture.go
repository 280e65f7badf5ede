package fit

import (
	"maps"
	"math"
	"slices"

	"github.com/retailflow/stampede/loadgen/model"
)

// mixture finds, of all populations whose members are met at fixed rates, one most likely to give
// the counts: how many members were met so often in so many weeks. Those never met are unseen, so
// the Poisson distributions are those without zero. It is the nonparametric maximum-likelihood
// estimate (Kiefer and Wolfowitz 1956) on a grid of rates, by expectation-maximization.
func mixture(counts histogram, weeks int) model.Mixture {
	const points, rounds, lowest = 40, 400, 0.3
	values := slices.Sorted(maps.Keys(counts))
	most := math.Max(float64(values[len(values)-1]), 1)
	rates, share := make([]float64, points), make([]float64, points)
	likely := make([][]float64, len(values)) // of a count, by rate
	for j := range rates {
		rates[j] = lowest * math.Pow(most/lowest, float64(j)/(points-1))
		share[j] = 1.0 / points
	}
	for i, k := range values {
		likely[i] = make([]float64, points)
		factorial, _ := math.Lgamma(float64(k) + 1)
		for j, rate := range rates {
			likely[i][j] = math.Exp(float64(k)*math.Log(rate)-rate-factorial) / -math.Expm1(-rate)
		}
	}
	total := float64(counts.total())
	for range rounds {
		next := make([]float64, points)
		for i, k := range values {
			sum := 0.0
			for j := range share {
				sum += share[j] * likely[i][j]
			}
			if sum == 0 {
				continue
			}
			for j := range share {
				next[j] += share[j] * likely[i][j] / sum * float64(counts[k]) / total
			}
		}
		share = next
	}
	var m model.Mixture
	for j, rate := range rates {
		if members := total * share[j] / -math.Expm1(-rate); members >= 0.5 {
			m.Rates = append(m.Rates, round(rate/float64(weeks), 5))
			m.Members = append(m.Members, round(members, 1))
		}
	}
	return m
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
