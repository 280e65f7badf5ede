package arrival

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

// Intensity is what [NewBursty] modulates: [Phases], [Counts] or [Times].
type Intensity interface {
	Length() time.Duration
	Total(elapsed time.Duration) float64
	When(total float64) time.Duration
}

// Burst says how arrivals clump.
type Burst struct {
	// Dispersion is the index of dispersion of the arrivals, variance over mean of their number in
	// a window that spans many bursts: 1 is Poisson.
	Dispersion float64
	// Ratio is how much higher the rate is inside a burst than outside; 0 means 4.
	Ratio float64
	// PerArrival is the mean number of events an arrival brings; 0 means 1. Bursts are of arrivals.
	PerArrival float64
}

// maxSwitching bounds the memory of a burst's states: one switch for ten arrivals at most.
const maxSwitching = 0.1

// Bursty is an intensity whose rate switches between two states at random moments, the two-state
// Markov-modulated Poisson process. Both states last equally long on average, counted in arrivals
// and not in seconds, so that a phase of a higher rate has more bursts and not larger ones. The
// mean number of events over the whole is the base's. Immutable and safe for concurrent use.
type Bursty struct {
	base Intensity
	// The states as they follow one another, in the base's mean number of events.
	begin []float64 // of each state
	total []float64 // modulated events before it
	factor
}

// factor is what the rate is multiplied with in each of the states.
type factor struct{ first, second float64 }

func (f factor) of(state int) float64 {
	if state%2 == 0 {
		return f.first
	}
	return f.second
}

// NewBursty draws the states from r, which it uses up.
//
// Counted in arrivals, a process of mean rate 1 that switches at rate s between 1+d and 1-d has
// the index of dispersion 1 + d²/s in windows much longer than 1/s (Fischer and Meier-Hellstern,
// The Markov-modulated Poisson process cookbook, 1993, https://doi.org/10.1016/0166-5316(93)90035-S).
func NewBursty(base Intensity, burst Burst, r *rand.Rand) (*Bursty, error) {
	if burst.Ratio == 0 {
		burst.Ratio = 4
	}
	if burst.PerArrival == 0 {
		burst.PerArrival = 1
	}
	switch {
	case !(burst.Dispersion > 1 && burst.Dispersion <= 1e6):
		return nil, fmt.Errorf("index of dispersion %v: must be above 1, which is Poisson, and at most 1e6", burst.Dispersion)
	case !(burst.Ratio > 1):
		return nil, fmt.Errorf("rate in a burst %v times that outside: must be above 1", burst.Ratio)
	case !(burst.PerArrival >= 1):
		return nil, fmt.Errorf("%v events an arrival: must be at least 1", burst.PerArrival)
	}
	swing := (burst.Ratio - 1) / (burst.Ratio + 1)
	switching := swing * swing / (burst.Dispersion - 1)
	if switching > maxSwitching { // smaller bursts do as well, and take less memory
		switching = maxSwitching
		swing = math.Sqrt((burst.Dispersion - 1) * switching)
	}
	switching /= burst.PerArrival

	end := base.Total(base.Length())
	b := &Bursty{base: base, factor: factor{1 + swing, 1 - swing}}
	if r.IntN(2) == 1 {
		b.factor = factor{1 - swing, 1 + swing}
	}
	sum := 0.0
	for at := 0.0; at < end; {
		b.begin, b.total = append(b.begin, at), append(b.total, sum)
		next := min(at+r.ExpFloat64()/switching, end)
		sum += (next - at) * b.of(len(b.begin)-1)
		at = next
	}
	if sum == 0 {
		return nil, errors.New("bursts of nothing: the base has no events")
	}
	// Keep the mean of the whole: a plan says how many events there will be.
	scale := end / sum
	b.factor = factor{b.first * scale, b.second * scale}
	for i := range b.total {
		b.total[i] *= scale
	}
	return b, nil
}

// Length is the base's.
func (b *Bursty) Length() time.Duration { return b.base.Length() }

// Total is the mean number of events from the start to an elapsed time.
func (b *Bursty) Total(elapsed time.Duration) float64 {
	at := b.base.Total(elapsed)
	i := max(sort.Search(len(b.begin), func(i int) bool { return b.begin[i] > at })-1, 0)
	return b.total[i] + (at-b.begin[i])*b.of(i)
}

// When is the inverse of Total.
func (b *Bursty) When(total float64) time.Duration {
	i := max(sort.Search(len(b.total), func(i int) bool { return b.total[i] > total })-1, 0)
	at := b.begin[i]
	if f := b.of(i); f > 0 {
		at += (total - b.total[i]) / f
	}
	return b.base.When(at)
}
