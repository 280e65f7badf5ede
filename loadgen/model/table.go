package model

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Table is a discrete distribution: values in rising order and how often each was seen.
type Table struct {
	Values []int64 `json:"values"`
	Counts []int64 `json:"counts"`
}

// Mean of the values.
func (t Table) Mean() float64 {
	sum, n := 0.0, 0.0
	for i, v := range t.Values {
		sum += float64(v) * float64(t.Counts[i])
		n += float64(t.Counts[i])
	}
	return sum / n
}

// Validate says what is wrong with a table.
func (t Table) Validate() error {
	if len(t.Values) == 0 || len(t.Values) != len(t.Counts) || len(t.Values) > math.MaxUint16 {
		return fmt.Errorf("table of %d values and %d counts: want as many of each, 1 to %d", len(t.Values), len(t.Counts), math.MaxUint16)
	}
	for i := range t.Values {
		if i > 0 && t.Values[i] <= t.Values[i-1] {
			return fmt.Errorf("table: value %d after %d: must rise", t.Values[i], t.Values[i-1])
		}
		if t.Counts[i] <= 0 {
			return errors.New("table: a count must be positive")
		}
	}
	return nil
}

// dist draws from a table in constant time. Its quantile function is monotone, so that a point of
// the unit interval can stand for a value.
type dist struct {
	steps
	values []int64
}

func (t Table) compile() dist {
	weights := make([]float64, len(t.Counts))
	for i, c := range t.Counts {
		weights[i] = float64(c)
	}
	return dist{steps: newSteps(weights), values: t.Values}
}

// at is the quantile of u in [0, 1).
func (d *dist) at(u float64) int64 { return d.values[d.find(u)] }

func (d *dist) draw(r *rand.Rand) int64 { return d.at(r.Float64()) }

// steps cuts the unit interval into pieces as long as their weights, and finds the piece of a
// point: a guide says where to begin, so that a step or two is left to go.
type steps struct {
	end   []float64 // of each piece, rising to 1
	guide []uint16
}

func newSteps(weights []float64) steps {
	s := steps{end: make([]float64, len(weights)), guide: make([]uint16, max(len(weights), 64))}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := 0.0
	for i, w := range weights {
		at += w
		s.end[i] = at / sum
	}
	s.end[len(weights)-1] = 1
	i := 0
	for g := range s.guide {
		for s.end[i] <= float64(g)/float64(len(s.guide)) {
			i++
		}
		s.guide[g] = uint16(i)
	}
	return s
}

// find is the piece that u in [0, 1) lies in.
func (s *steps) find(u float64) int {
	i := int(s.guide[int(u*float64(len(s.guide)))])
	for s.end[i] <= u {
		i++
	}
	return i
}

// piece is where a piece begins and how long it is.
func (s *steps) piece(i int) (begin, length float64) {
	if i > 0 {
		begin = s.end[i-1]
	}
	return begin, s.end[i] - begin
}
