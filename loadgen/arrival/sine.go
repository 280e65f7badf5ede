package arrival

import (
	"fmt"
	"math"
	"time"
)

// Sine swings around a mean: mean × (1 + swing × sin(2π(t+shift)/period)).
type Sine struct {
	For    time.Duration `json:"for"`
	Mean   PerSecond     `json:"mean"`
	Swing  float64       `json:"swing"`  // 0 is constant, 1 goes down to zero
	Period time.Duration `json:"period"` // 24h for a day
	Shift  time.Duration `json:"shift"`  // where in the period the phase begins; at 0 the rate is the mean and rises
}

// Length is For.
func (s Sine) Length() time.Duration { return s.For }

// Rate is on the wave.
func (s Sine) Rate(in time.Duration) PerSecond {
	return s.Mean * PerSecond(1+s.Swing*math.Sin(s.angle(in)))
}

// Total is the area under the wave.
func (s Sine) Total(in time.Duration) float64 {
	in = min(in, s.For)
	wave := (math.Cos(s.angle(0)) - math.Cos(s.angle(in))) * s.Period.Seconds() / (2 * math.Pi)
	return float64(s.Mean) * (in.Seconds() + s.Swing*wave)
}

// Peak is the crest's, whether the phase is long enough to reach it or not.
func (s Sine) Peak() PerSecond { return s.Mean * PerSecond(1+s.Swing) }

func (s Sine) angle(in time.Duration) float64 {
	return 2 * math.Pi * float64((in+s.Shift)%s.Period) / float64(s.Period)
}

func (s Sine) faults() []error {
	faults := append(checkLength(s.For), checkRate(s.Mean, s.Peak())...)
	if !(s.Swing >= 0 && s.Swing <= 1) {
		faults = append(faults, fmt.Errorf("swing %v: must be between 0 and 1", s.Swing))
	}
	if s.Period <= 0 || s.Shift < 0 {
		faults = append(faults, fmt.Errorf("period %s, shift %s: must be more than zero, and zero or more", s.Period, s.Shift))
	}
	return faults
}

// Day is a part of a day whose hours have the given shares of its events, as a constant rate for
// each hour: length from the time of day begin on, at mean events/s over a whole day. Shares are
// relative to one another.
func Day(mean PerSecond, shares [24]float64, begin, length time.Duration) ([]Curve, error) {
	sum := 0.0
	for hour, share := range shares {
		if !(share >= 0) || math.IsInf(share, 1) {
			return nil, fmt.Errorf("hour %d has share %v: must be zero or more", hour, share)
		}
		sum += share
	}
	if sum == 0 {
		return nil, fmt.Errorf("every hour has share 0: nothing would be sent")
	}
	if begin < 0 || begin >= 24*time.Hour {
		return nil, fmt.Errorf("a day begins at %s: must be between 0 and 24h", begin)
	}
	var out []Curve
	for at := begin; at < begin+length; {
		end := min((at/time.Hour+1)*time.Hour, begin+length)
		share := shares[(at/time.Hour)%24] / sum * 24
		out = append(out, Constant(mean*PerSecond(share), end-at))
		at = end
	}
	return out, nil
}
