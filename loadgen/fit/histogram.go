package fit

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/retailflow/stampede/loadgen/model"
)

// histogram counts values.
type histogram map[int64]int64

func (h histogram) total() (n int64) {
	for _, c := range h {
		n += c
	}
	return n
}

// distance is that of Kolmogorov and Smirnov: the largest difference of the two distributions'
// functions; 1 if one of them has no values.
func (h histogram) distance(other histogram) float64 {
	n, m := float64(h.total()), float64(other.total())
	if n == 0 || m == 0 {
		if n == m {
			return 0
		}
		return 1
	}
	keys := slices.Collect(maps.Keys(h))
	for v := range other {
		if _, both := h[v]; !both {
			keys = append(keys, v)
		}
	}
	slices.Sort(keys)
	far, a, b := 0.0, int64(0), int64(0)
	for _, v := range keys {
		a, b = a+h[v], b+other[v]
		far = max(far, math.Abs(float64(a)/n-float64(b)/m))
	}
	return far
}

// representative says which value stands for several neighbours.
type representative func(h histogram, values []int64) int64

// commonest keeps prices and quantities such as people choose; of equals the largest, so that the
// extremes stay.
func commonest(h histogram, values []int64) int64 {
	return slices.MaxFunc(values, func(a, b int64) int { return cmp.Or(cmp.Compare(h[a], h[b]), cmp.Compare(a, b)) })
}

// quadratic keeps the mean square, on which dispersion depends.
func quadratic(h histogram, values []int64) int64 {
	sum, n := 0.0, 0.0
	for _, v := range values {
		sum += float64(v) * float64(v) * float64(h[v])
		n += float64(h[v])
	}
	return int64(math.Round(math.Sqrt(sum / n)))
}

// table puts neighbours together until each value stands for 1/steps of the whole; for an eighth
// of that among the smallest and the largest hundredth.
func (h histogram) table(steps float64, stand representative) model.Table {
	values := slices.Sorted(maps.Keys(h))
	total, before := float64(h.total()), 0.0
	var t model.Table
	var group []int64
	sum := int64(0)
	for i, v := range values {
		group, sum = append(group, v), sum+h[v]
		smallest := total / steps
		if before < 0.01*total || before > 0.99*total {
			smallest /= 8
		}
		if float64(sum) < smallest && i < len(values)-1 {
			if next := h[values[i+1]]; float64(next) < smallest { // a value that stands alone stays alone
				continue
			}
		}
		t.Values, t.Counts = append(t.Values, stand(h, group)), append(t.Counts, sum)
		before += float64(sum)
		group, sum = group[:0], 0
	}
	return t
}
