package scenarios

import "time"

// What a speed must leave: less is over before anything can be seen of it.
const shortest = time.Second

// Planned is how long the load lasts as it is written: its phases together.
func (l Load) Planned() time.Duration {
	var sum time.Duration
	for _, p := range l.Phases {
		sum += p.For
	}
	return sum
}

// Length is how long the load takes: the planned time divided by the speed.
func (l Load) Length() time.Duration { return l.Sped(l.Planned()) }

// Sped is the wall time of a planned time.
func (l Load) Sped(planned time.Duration) time.Duration {
	if l.Speed == 1 {
		return planned
	}
	return time.Duration(float64(planned) / l.Speed)
}

// Unsped is the planned time of a wall time.
func (l Load) Unsped(wall time.Duration) time.Duration {
	if l.Speed == 1 {
		return wall
	}
	return time.Duration(float64(wall) * l.Speed)
}

// Events is how many events are sent on average, whatever the speed.
func (l Load) Events() float64 {
	var sum float64
	for _, p := range l.Phases {
		sum += p.For.Seconds() * float64(p.From+p.To) / 2
	}
	return sum * float64(l.Volume)
}

// Rate is the event rate asked for at a moment of the load, in wall time; 0 outside of it.
func (l Load) Rate(elapsed time.Duration) PerSecond {
	for _, p := range l.Spans() {
		if elapsed >= p.Start && elapsed < p.End {
			return p.From + (p.To-p.From)*PerSecond(elapsed-p.Start)/PerSecond(p.End-p.Start)
		}
	}
	return 0
}

// Peak is the highest event rate asked for, in wall time.
func (l Load) Peak() PerSecond {
	var peak PerSecond
	for _, p := range l.Spans() {
		peak = max(peak, p.From, p.To)
	}
	return peak
}

// Reads are the dashboard reads asked for, in wall time.
func (l Load) Reads() PerSecond { return l.quick(PerSecond(l.Mix.ReadRate)) }

// Span is a phase in wall time.
type Span struct {
	Name       string
	Start, End time.Duration // since the start of the load
	From, To   PerSecond     // events
}

// Spans are the phases as the clock on the wall sees them.
func (l Load) Spans() []Span {
	spans := make([]Span, len(l.Phases))
	var at time.Duration
	for i, p := range l.Phases {
		spans[i] = Span{p.Name, l.Sped(at), l.Sped(at + p.For), l.quick(p.From), l.quick(p.To)}
		at += p.For
	}
	return spans
}

// quick is the wall's rate of a planned one.
func (l Load) quick(r PerSecond) PerSecond { return r * PerSecond(float64(l.Volume)*l.Speed) }
