package scenarios

import "time"

// Length is how long the load lasts.
func (l Load) Length() time.Duration {
	var sum time.Duration
	for _, p := range l.Phases {
		sum += p.For
	}
	return sum
}

// Events is how many events are sent on average.
func (l Load) Events() float64 {
	var sum float64
	for _, p := range l.Phases {
		sum += p.For.Seconds() * float64(p.From+p.To) / 2
	}
	return sum
}

// Rate is the event rate asked for at a moment of the load; 0 outside of it.
func (l Load) Rate(elapsed time.Duration) PerSecond {
	for _, p := range l.Phases {
		if elapsed >= 0 && elapsed < p.For {
			return p.From + (p.To-p.From)*PerSecond(elapsed)/PerSecond(p.For)
		}
		elapsed -= p.For
	}
	return 0
}

// Peak is the highest event rate asked for.
func (l Load) Peak() PerSecond {
	var peak PerSecond
	for _, p := range l.Phases {
		peak = max(peak, p.From, p.To)
	}
	return peak
}
