package plan

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Weighted picks an index in proportion to its weight, in constant time: Walker's alias
// method as Vose builds it (https://www.keithschwarz.com/darts-dice-coins/).
type Weighted struct {
	keep  []float64 // chance to stay at the column
	alias []int32   // where to go otherwise
}

// NewWeighted prepares a choice among len(weights) indices. Weights are zero or more, one is more.
func NewWeighted(weights []float64) (Weighted, error) {
	if len(weights) == 0 {
		return Weighted{}, errors.New("no weights")
	}
	sum := 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return Weighted{}, fmt.Errorf("weight %d is %v: must be zero or more", i, w)
		}
		sum += w
	}
	if sum == 0 {
		return Weighted{}, errors.New("all weights are zero")
	}
	n := len(weights)
	out := Weighted{keep: make([]float64, n), alias: make([]int32, n)}
	var small, large []int32
	for i, w := range weights {
		out.keep[i] = w / sum * float64(n)
		out.alias[i] = int32(i)
		if out.keep[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		out.alias[s] = l
		out.keep[l] -= 1 - out.keep[s]
		if out.keep[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	// What rounding leaves over is whole, except a weight of zero, which must never be picked.
	for _, rest := range [][]int32{small, large} {
		for _, i := range rest {
			if weights[i] > 0 {
				out.keep[i] = 1
			} else {
				out.keep[i], out.alias[i] = 0, heaviest(weights)
			}
		}
	}
	return out, nil
}

func heaviest(weights []float64) int32 {
	best := 0
	for i, w := range weights {
		if w > weights[best] {
			best = i
		}
	}
	return int32(best)
}

// Pick draws an index.
func (w Weighted) Pick(r *rand.Rand) int32 {
	i := r.IntN(len(w.keep))
	if r.Float64() < w.keep[i] {
		return int32(i)
	}
	return w.alias[i]
}
