package truth

import (
	"slices"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Quantiles are those that are compared.
var Quantiles = []float64{0.5, 0.9, 0.99, 0.999, 1}

// tolerance is by how much a tool may be off at a quantile: 2 % or 2 ms up to p99, 10 % above,
// where a single request decides.
func tolerance(q float64, truth time.Duration) time.Duration {
	if q <= 0.99 {
		return max(truth/50, 2*time.Millisecond)
	}
	return max(truth/10, 2*time.Millisecond)
}

// Verdict is what a quantile came to.
type Verdict string

// The verdicts.
const (
	True    Verdict = "true"
	Untrue  Verdict = "UNTRUE"
	Invalid Verdict = "INVALID" // the run without trouble was off by more than the tolerance already
	Skipped Verdict = "-"       // nothing is claimed: p99.9 and max without a stall of 100 ms
)

// Cell is one quantile of one row, in medians over the runs.
type Cell struct {
	Quantile float64
	Truth    time.Duration
	Said     time.Duration
	Verdict  Verdict
}

// quantiles are a histogram's, by [Quantiles].
func quantiles(h *stat.Histogram) []time.Duration {
	out := make([]time.Duration, len(Quantiles))
	for i, q := range Quantiles {
		out[i] = h.Quantile(q)
	}
	return out
}

// pair is what a tool said in one run, and the truth of that run, by [Quantiles].
type pair struct{ said, truth []time.Duration }

// judge compares the medians of several runs. floor is by how much the tool was off at each of
// the quantiles when nothing was wrong; nil for the floor's own row.
func judge(pairs []pair, s Schedule, floor []Cell) []Cell {
	out := make([]Cell, len(Quantiles))
	for i, q := range Quantiles {
		said, truth, off := make([]time.Duration, len(pairs)), make([]time.Duration, len(pairs)), make([]time.Duration, len(pairs))
		for j, p := range pairs {
			said[j], truth[j] = p.said[i], p.truth[i]
			off[j] = abs(said[j] - truth[j])
		}
		c := Cell{Quantile: q, Truth: median(truth), Said: median(said)}
		allowed := tolerance(q, c.Truth)
		switch {
		case q > 0.99 && !s.longStall():
			c.Verdict = Skipped
		case floor != nil && abs(floor[i].Said-floor[i].Truth) > allowed:
			c.Verdict = Invalid
		case median(off) > allowed && len(s.Episodes) == 0: // such a row is its own floor
			c.Verdict = Invalid
		case median(off) > allowed:
			c.Verdict = Untrue
		default:
			c.Verdict = True
		}
		out[i] = c
	}
	return out
}

// longStall says whether something of at least 100 ms decides the highest quantiles.
func (s Schedule) longStall() bool {
	return slices.ContainsFunc(s.Episodes, func(e Episode) bool {
		return e.Trouble == Stall && e.To-e.From >= 100*time.Millisecond
	})
}

func median(list []time.Duration) time.Duration {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

func abs(d time.Duration) time.Duration { return max(d, -d) }
