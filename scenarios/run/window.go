package run

import (
	"cmp"
	"slices"
	"time"

	"github.com/retailflow/stampede/scenarios"
)

// window is a stretch of the run in which a fault may show: the scenario's own limits apply
// there, the objectives everywhere else.
type window struct {
	fault      string
	start, end time.Duration
}

// inside says whether a moment lies in any window.
func inside(windows []window, at time.Duration) bool {
	return slices.ContainsFunc(windows, func(w window) bool { return at >= w.start && at < w.end })
}

// backlogSample is how much work was waiting in buffers and queues at a moment.
type backlogSample struct {
	at      time.Duration
	waiting int64
}

// windowOf is the injected interval plus the time to settle, longer while the backlog that the
// fault made is above what was usual in the ten seconds before it.
func windowOf(fault string, start, end time.Duration, backlog []backlogSample) window {
	w := window{fault: fault, start: start, end: end + scenarios.Settle}
	var usual int64
	for _, s := range backlog {
		if s.at < start && s.at >= start-scenarios.Settle {
			usual = max(usual, s.waiting)
		}
	}
	for _, s := range backlog {
		if s.at < w.end-time.Second || s.at < end {
			continue
		}
		// Twice the usual is a backlog; less is the ebb and flow of a buffer.
		if s.waiting <= 2*usual {
			break
		}
		w.end = max(w.end, s.at+time.Second)
	}
	return w
}

// covered is how much of [start, end) lies in windows.
func covered(windows []window, start, end time.Duration) time.Duration {
	sorted := slices.Clone(windows)
	slices.SortFunc(sorted, func(a, b window) int { return cmp.Compare(a.start, b.start) })
	var sum time.Duration
	reached := start
	for _, w := range sorted {
		from, to := max(w.start, reached), min(w.end, end)
		if to > from {
			sum += to - from
			reached = to
		}
	}
	return sum
}
