package stat

import (
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"
)

// Unbounded is an upper bound that the sample is too small to give.
const Unbounded = time.Duration(math.MaxInt64)

// ProportionBounds is the Clopper-Pearson interval of a proportion of which k in n were seen: it
// covers the true one with at least the given confidence (0.95, say), whatever it is. With n = 0
// it is [0, 1].
//
// Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
// binomial", Biometrika 26 (1934), doi:10.1093/biomet/26.4.404.
func ProportionBounds(k, n int64, confidence float64) (low, high float64) {
	low, high = 0, 1
	tail := (1 - confidence) / 2
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), tail)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-tail)
	}
	return low, high
}

// QuantileRanks gives the ranks, counted from 1, of the two order statistics of a sample of n
// between which the q-quantile of what was sampled lies with at least the given confidence,
// whatever its distribution. low 0 means that the sample gives no lower bound, high n+1 no upper.
//
// David and Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1: the number of samples
// up to the quantile is binomial(n, q).
func QuantileRanks(n int64, q, confidence float64) (low, high int64) {
	tail := (1 - confidence) / 2
	// The largest rank l with P(Binomial(n, q) < l) ≤ tail; that grows with l.
	low = search(0, n, func(l int64) bool { return l == 0 || binomialBelow(l, n, q) <= tail })
	// The smallest rank u with P(Binomial(n, q) ≥ u) ≤ tail; that shrinks as u grows.
	high = search(0, n, func(l int64) bool { return l == 0 || 1-binomialBelow(l, n, q) > tail }) + 1
	return low, high
}

// QuantileBounds is the interval that holds the q-quantile of the durations' distribution with
// at least the given confidence, rounded outwards to bucket ends. low is 0 and high is
// [Unbounded] where the sample is too small. Neighbouring requests of a run are not independent,
// so a caller that can tell blocks of time apart has wider, truer bounds.
func (h *Histogram) QuantileBounds(q, confidence float64) (low, high time.Duration) {
	n := h.Count()
	lowRank, highRank := QuantileRanks(n, q, confidence)
	high = Unbounded
	if lowRank > 0 {
		low, _ = h.Rank(lowRank)
	}
	if highRank <= n {
		_, high = h.Rank(highRank)
	}
	return low, high
}

// binomialBelow is P(Binomial(n, p) < k), for 1 ≤ k ≤ n.
func binomialBelow(k, n int64, p float64) float64 {
	return mathext.RegIncBeta(float64(n-k+1), float64(k), 1-p)
}

// search is the largest x in [from, to] for which ok holds; ok holds at from, and nowhere after
// it has ceased to.
func search(from, to int64, ok func(int64) bool) int64 {
	for from < to {
		middle := from + (to-from+1)/2
		if ok(middle) {
			from = middle
		} else {
			to = middle - 1
		}
	}
	return from
}
