package arrival

import (
	"fmt"
	"math"
	"time"
)

// Flash is a flash crowd on top of a base rate: it climbs to the peak within Rise, stays there for
// Plateau, and then loses half of what it is above the base every Decay. The climb is half a
// cosine, so that it begins and ends smoothly.
//
// The parts are those of Ari et al., Managing flash crowds on the Internet, MASCOTS 2003
// (https://doi.org/10.1109/MASCOT.2003.1240667).
type Flash struct {
	For     time.Duration `json:"for"`
	Base    PerSecond     `json:"base"`
	Top     PerSecond     `json:"peak"`
	Rise    time.Duration `json:"rise"` // 0: at once
	Plateau time.Duration `json:"plateau"`
	Decay   time.Duration `json:"decay"` // half-life
}

// Length is For.
func (f Flash) Length() time.Duration { return f.For }

// Rate is on the curve.
func (f Flash) Rate(in time.Duration) PerSecond {
	return f.Base + (f.Top-f.Base)*PerSecond(f.shape(in))
}

// shape goes from 0 to 1 and back.
func (f Flash) shape(in time.Duration) float64 {
	switch {
	case in < f.Rise:
		return (1 - math.Cos(math.Pi*float64(in)/float64(f.Rise))) / 2
	case in < f.Rise+f.Plateau:
		return 1
	}
	return math.Exp2(-float64(in-f.Rise-f.Plateau) / float64(f.Decay))
}

// Total is the area under the curve.
func (f Flash) Total(in time.Duration) float64 {
	in = min(in, f.For)
	rise := min(in, f.Rise).Seconds()
	area := rise / 2
	if f.Rise > 0 {
		whole := f.Rise.Seconds()
		area -= whole / (2 * math.Pi) * math.Sin(math.Pi*rise/whole)
	}
	area += min(max(in-f.Rise, 0), f.Plateau).Seconds()
	if fading := in - f.Rise - f.Plateau; fading > 0 {
		area -= f.Decay.Seconds() / math.Ln2 * math.Expm1(-math.Ln2*float64(fading)/float64(f.Decay))
	}
	return float64(f.Base)*in.Seconds() + float64(f.Top-f.Base)*area
}

// Peak is the plateau's rate.
func (f Flash) Peak() PerSecond { return max(f.Base, f.Top) }

func (f Flash) faults() []error {
	faults := append(checkLength(f.For), checkRate(f.Base, f.Top)...)
	if f.Rise < 0 || f.Plateau < 0 || f.Decay <= 0 {
		faults = append(faults, fmt.Errorf("rise %s, plateau %s, decay %s: must be zero or more, and the decay more than zero", f.Rise, f.Plateau, f.Decay))
	}
	if f.Top < f.Base {
		faults = append(faults, fmt.Errorf("peak %v events/s is below the base %v", float64(f.Top), float64(f.Base)))
	}
	return faults
}
