package arrival

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"time"
)

// PerSecond is a rate of events; requests are said where they are meant.
type PerSecond float64

// MaxRate bounds a rate: what is beyond it is a typing mistake on any machine of today.
const MaxRate PerSecond = 1e7

// Phase asks for a rate that goes in a straight line from From to To within For.
type Phase struct {
	For  time.Duration `json:"for"`
	From PerSecond     `json:"from"`
	To   PerSecond     `json:"to"` // equal to From: constant
}

// Constant is a phase of one rate.
func Constant(rate PerSecond, length time.Duration) Phase {
	return Phase{For: length, From: rate, To: rate}
}

// Phases follow one another from elapsed 0 on. The zero value is invalid: make one with [New].
// It is immutable and safe for concurrent use.
type Phases struct {
	phases []Phase
	start  []time.Duration // start[i] is when phase i begins; one more entry for the end
	total  []float64       // total[i] is the mean number of events before phase i
}

// New checks the phases and returns them as an intensity. The error joins all faults.
func New(phases ...Phase) (*Phases, error) {
	if len(phases) == 0 {
		return nil, errors.New("no phases: at least one is needed")
	}
	p := &Phases{phases: phases, start: make([]time.Duration, 1, len(phases)+1), total: make([]float64, 1, len(phases)+1)}
	var faults []error
	for i, phase := range phases {
		if phase.For <= 0 {
			faults = append(faults, fmt.Errorf("phase %d: length %s: must be more than zero", i+1, phase.For))
		}
		for _, rate := range []PerSecond{phase.From, phase.To} {
			if !(rate >= 0 && rate <= MaxRate) { // also false for NaN
				faults = append(faults, fmt.Errorf("phase %d: rate %v events/s: must be between 0 and %v", i+1, float64(rate), float64(MaxRate)))
			}
		}
		p.start = append(p.start, p.start[i]+phase.For)
		p.total = append(p.total, p.total[i]+float64(phase.From+phase.To)/2*phase.For.Seconds())
	}
	if len(faults) == 0 && p.total[len(phases)] == 0 {
		faults = append(faults, errors.New("every phase has rate 0: nothing would be sent"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return p, nil
}

// List returns a copy of the phases.
func (p *Phases) List() []Phase { return append([]Phase(nil), p.phases...) }

// Length is when the last phase ends.
func (p *Phases) Length() time.Duration { return p.start[len(p.phases)] }

// Rate is the intensity at an elapsed time, in events/s; 0 before the start and from the end on.
func (p *Phases) Rate(elapsed time.Duration) PerSecond {
	if elapsed < 0 || elapsed >= p.Length() {
		return 0
	}
	i := sort.Search(len(p.phases), func(i int) bool { return p.start[i+1] > elapsed })
	phase := p.phases[i]
	return phase.From + (phase.To-phase.From)*PerSecond(float64(elapsed-p.start[i])/float64(phase.For))
}

// Peak is the highest rate of all phases.
func (p *Phases) Peak() PerSecond {
	peak := PerSecond(0)
	for _, phase := range p.phases {
		peak = max(peak, phase.From, phase.To)
	}
	return peak
}

// Total is the mean number of events from the start to an elapsed time: the integral of Rate.
func (p *Phases) Total(elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	if elapsed >= p.Length() {
		return p.total[len(p.phases)]
	}
	i := sort.Search(len(p.phases), func(i int) bool { return p.start[i+1] > elapsed })
	phase, in := p.phases[i], (elapsed - p.start[i]).Seconds()
	slope := float64(phase.To-phase.From) / phase.For.Seconds()
	return p.total[i] + (float64(phase.From)+slope*in/2)*in
}

// When is the inverse of Total: the time by which a mean number of events has come. It is the
// end for more events than there are, and the earliest such time where the rate is 0.
func (p *Phases) When(total float64) time.Duration {
	if total <= 0 {
		return 0
	}
	i := sort.Search(len(p.phases), func(i int) bool { return p.total[i+1] >= total })
	if i == len(p.phases) {
		return p.Length()
	}
	phase, rest := p.phases[i], total-p.total[i]
	slope := float64(phase.To-phase.From) / phase.For.Seconds()
	from := float64(phase.From)
	// The root of from·t + slope·t²/2 = rest, in the form that does not cancel for small slopes.
	root := math.Sqrt(max(from*from+2*slope*rest, 0))
	in := time.Duration(2 * rest / (from + root) * float64(time.Second))
	return p.start[i] + min(max(in, 0), phase.For)
}
