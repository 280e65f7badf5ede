package arrival

import (
	"fmt"
	"time"
)

// PerSecond is a rate of events; requests are said where they are meant.
type PerSecond float64

// MaxRate bounds a rate: what is beyond it is a typing mistake on any machine of today.
const MaxRate PerSecond = 1e7

// Curve is the rate over one phase: a [Ramp], a [Sine] or a [Flash]. Times are elapsed since the
// phase began, from 0 to Length.
type Curve interface {
	Length() time.Duration
	Rate(in time.Duration) PerSecond
	Total(in time.Duration) float64 // the integral of Rate from 0, which never falls
	Peak() PerSecond                // the highest rate
	String() string                 // as ParsePhase reads it
	faults() []error
}

func checkLength(d time.Duration) []error {
	if d > 0 {
		return nil
	}
	return []error{fmt.Errorf("length %s: must be more than zero", d)}
}

func checkRate(rates ...PerSecond) (faults []error) {
	for _, rate := range rates {
		if !(rate >= 0 && rate <= MaxRate) { // also false for NaN
			faults = append(faults, fmt.Errorf("rate %v events/s: must be between 0 and %v", float64(rate), float64(MaxRate)))
		}
	}
	return faults
}

// inverse is the earliest time at which the integral of a curve reaches total, to the nanosecond:
// Newton's steps, kept inside a bracket that halves when they do not help.
func inverse(c Curve, total float64) time.Duration {
	low, high := time.Duration(0), c.Length() // Total(low) < total <= Total(high)
	at := high / 2
	for high-low > 1 {
		over := c.Total(at) - total
		if over < 0 {
			low = at
		} else {
			high = at
		}
		next := low + (high-low)/2
		if rate := float64(c.Rate(at)); rate > 0 {
			// A nanosecond beyond the root, so that the bracket closes from both sides.
			step := time.Duration(over / rate * float64(time.Second))
			if newton := at - step; over >= 0 && newton > low && newton < high {
				next = newton
			} else if newton++; over < 0 && newton > low && newton < high {
				next = newton
			}
		}
		at = next
	}
	return high
}
