package arrival

import (
	"math"
	"time"
)

// Ramp goes in a straight line from From to To within For.
type Ramp struct {
	For  time.Duration `json:"for"`
	From PerSecond     `json:"from"`
	To   PerSecond     `json:"to"` // equal to From: constant
}

// Constant is a phase of one rate.
func Constant(rate PerSecond, length time.Duration) Ramp {
	return Ramp{For: length, From: rate, To: rate}
}

// Steps is a staircase of n constant rates, the first of them from, the last to.
func Steps(from, to PerSecond, n int, length time.Duration) []Curve {
	out := make([]Curve, n)
	for i := range out {
		rate := from
		if n > 1 {
			rate += (to - from) * PerSecond(i) / PerSecond(n-1)
		}
		begin, end := length*time.Duration(i)/time.Duration(n), length*time.Duration(i+1)/time.Duration(n)
		out[i] = Constant(rate, end-begin)
	}
	return out
}

// Length is For.
func (r Ramp) Length() time.Duration { return r.For }

// Rate is on the line.
func (r Ramp) Rate(in time.Duration) PerSecond {
	return r.From + (r.To-r.From)*PerSecond(float64(in)/float64(r.For))
}

// Total is the area under the line.
func (r Ramp) Total(in time.Duration) float64 {
	if in >= r.For {
		return float64(r.From+r.To) / 2 * r.For.Seconds()
	}
	return (float64(r.From) + r.slope()*in.Seconds()/2) * in.Seconds()
}

// Peak is the higher end.
func (r Ramp) Peak() PerSecond { return max(r.From, r.To) }

func (r Ramp) slope() float64 { return float64(r.To-r.From) / r.For.Seconds() }

// inverse is the root of from·t + slope·t²/2 = total, in the form that does not cancel for small
// slopes.
func (r Ramp) inverse(total float64) time.Duration {
	from := float64(r.From)
	root := math.Sqrt(max(from*from+2*r.slope()*total, 0))
	in := time.Duration(2 * total / (from + root) * float64(time.Second))
	return min(max(in, 0), r.For)
}

func (r Ramp) faults() []error { return append(checkLength(r.For), checkRate(r.From, r.To)...) }
