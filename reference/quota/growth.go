package quota

import (
	"math"
	"time"
)

// Growth follows the traffic of an on-demand table, to know what it can serve: a start, and
// double of every minute's traffic as soon as that minute is as long ago as the doubling time.
// So traffic may double in that time and no faster. What was granted is never taken back. The
// zero value knows no minute.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
type Growth struct {
	peak    [2]float64   // the highest minute that is long enough ago, in units a second
	minutes [][2]float64 // the younger ones, in units a second
	oldest  int          // of minutes
}

// NewGrowth makes one that doubles within d, in whole minutes; at least one.
func NewGrowth(d time.Duration) Growth {
	return Growth{minutes: make([][2]float64, max(1, int(d.Minutes())))}
}

// Minute notes the traffic of a minute that has ended, in units a second.
func (g *Growth) Minute(traffic [2]float64) {
	aged := g.minutes[g.oldest]
	for c := range g.peak {
		g.peak[c] = max(g.peak[c], aged[c])
	}
	g.minutes[g.oldest] = traffic
	g.oldest = (g.oldest + 1) % len(g.minutes)
}

// Capacity is double the previous peak, at least start, where start is a limit at all. Whole
// units, since a peak just below the limit must not lose a fraction in every doubling.
func (g *Growth) Capacity(start [2]float64) [2]float64 {
	for c := range start {
		if start[c] > 0 {
			start[c] = max(start[c], math.Ceil(2*g.peak[c]))
		}
	}
	return start
}
