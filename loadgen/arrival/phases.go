package arrival

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// Phases follow one another from elapsed 0 on. The zero value is invalid: make one with [New].
// It is immutable and safe for concurrent use.
type Phases struct {
	phases []Curve
	start  []time.Duration // start[i] is when phase i begins; one more entry for the end
	total  []float64       // total[i] is the mean number of events before phase i
}

// New checks the phases and returns them as an intensity. The error joins all faults.
func New(phases ...Curve) (*Phases, error) {
	if len(phases) == 0 {
		return nil, errors.New("no phases: at least one is needed")
	}
	p := &Phases{phases: phases, start: make([]time.Duration, 1, len(phases)+1), total: make([]float64, 1, len(phases)+1)}
	var faults []error
	for i, phase := range phases {
		wrong := phase.faults()
		for _, fault := range wrong {
			faults = append(faults, fmt.Errorf("phase %d: %w", i+1, fault))
		}
		if len(wrong) == 0 {
			p.start = append(p.start, p.start[len(p.start)-1]+phase.Length())
			p.total = append(p.total, p.total[len(p.total)-1]+phase.Total(phase.Length()))
		}
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
func (p *Phases) List() []Curve { return append([]Curve(nil), p.phases...) }

// Length is when the last phase ends.
func (p *Phases) Length() time.Duration { return p.start[len(p.phases)] }

// Rate is the intensity at an elapsed time, in events/s; 0 before the start and from the end on.
func (p *Phases) Rate(elapsed time.Duration) PerSecond {
	if elapsed < 0 || elapsed >= p.Length() {
		return 0
	}
	i := sort.Search(len(p.phases), func(i int) bool { return p.start[i+1] > elapsed })
	return p.phases[i].Rate(elapsed - p.start[i])
}

// Peak is the highest rate of all phases.
func (p *Phases) Peak() PerSecond {
	peak := PerSecond(0)
	for _, phase := range p.phases {
		peak = max(peak, phase.Peak())
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
	return p.total[i] + p.phases[i].Total(elapsed-p.start[i])
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
	rest := total - p.total[i]
	if ramp, ok := p.phases[i].(Ramp); ok { // the usual case has a closed form
		return p.start[i] + ramp.inverse(rest)
	}
	return p.start[i] + inverse(p.phases[i], rest)
}
