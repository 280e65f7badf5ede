package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// measured is a row on one server.
type measured struct {
	server string
	peer   bool // no build of ours
	driven driven
	cpu    time.Duration
	syncs  int64
	mean   float64 // microseconds of CPU an item over all runs, of which this is the median
}

// result is a row on all servers, ours first.
type result struct {
	row      row
	measured []measured
}

// median is the run with the middle of CPU; one with a wrong answer comes before all. It bears the
// mean of all: what happens in few runs, as compactions do, the median does not show.
func median(runs []measured, r *row) measured {
	var cpu time.Duration
	items := 0
	for i := range runs {
		cpu += runs[i].cpu
		items += runs[i].driven.calls * r.items
	}
	slices.SortFunc(runs, func(a, b measured) int { return cmp.Compare(a.micros(r), b.micros(r)) })
	for _, m := range runs {
		if m.driven.fault != nil {
			return m
		}
	}
	m := runs[len(runs)/2]
	m.mean = float64(cpu.Nanoseconds()) / 1e3 / float64(max(1, items))
	return m
}

// micros is the server's CPU an item.
func (m *measured) micros(r *row) float64 {
	return float64(m.cpu.Nanoseconds()) / 1e3 / float64(max(1, m.driven.calls*r.items))
}

// rate is items a second.
func (m *measured) rate(r *row) float64 {
	return float64(m.driven.calls*r.items) / max(m.driven.elapsed.Seconds(), 1e-9)
}

// best are the least CPU and the most throughput of the peers that answered the row rightly;
// both zero without such a peer.
func (r *result) best() (micros, rate float64) {
	for i := range r.measured {
		m := &r.measured[i]
		if !m.peer || m.driven.fault != nil || m.driven.calls == 0 {
			continue
		}
		if u := m.micros(&r.row); micros == 0 || u < micros {
			micros = u
		}
		rate = max(rate, m.rate(&r.row))
	}
	return micros, rate
}

// verdict is how a row stands to its targets, in words. A target against peers is not judged
// where there are none.
func (r *result) verdict() (words string, missed int) {
	ours := &r.measured[0]
	if ours.driven.fault != nil {
		return "MISS wrong answer", 1
	}
	var all []string
	say := func(pass bool, format string, args ...any) {
		mark := "PASS"
		if !pass {
			mark, missed = "MISS", missed+1
		}
		all = append(all, mark+" "+fmt.Sprintf(format, args...))
	}
	u, bestU, bestRate := ours.micros(&r.row), 0.0, 0.0
	bestU, bestRate = r.best()
	if t := r.row.target.micros; t > 0 {
		say(u <= t, "%.1f of at most %.0f µs", u, t)
	}
	if t := r.row.target.ofPeer; t > 0 && bestU > 0 {
		say(u <= t*bestU, "%.2f of at most %.1f of the best peer's CPU", u/bestU, t)
	}
	if bestRate > 0 {
		say(ours.rate(&r.row) > bestRate, "%.1f of the best peer's throughput", ours.rate(&r.row)/bestRate)
	}
	return strings.Join(all, "; "), missed
}

// flat is how much more memory than at half of a load a server may hold at its end.
const flat = 1.3

// memory judges the memory of our server while its table was filled: with ten times the cache
// and more, the second half of the load must not cost memory.
func (l *load) memory() (words string, missed int) {
	if len(l.Resident) < 10 {
		return "too small a load to tell", 0
	}
	half, end := l.Resident[len(l.Resident)/2], l.Resident[len(l.Resident)-1]
	words = fmt.Sprintf("%s resident at half of %s, %s at the end", size(half), size(l.Bytes), size(end))
	switch {
	case l.Bytes < cacheTimesTen:
		return words + " (not judged below " + size(cacheTimesTen).String() + ")", 0
	case float64(end) > flat*float64(half):
		return "MISS " + words, 1
	}
	return "PASS " + words, 0
}

// cacheTimesTen is ten times the block cache of a server that was told nothing else.
const cacheTimesTen = 10 * 64 << 20

// report prints all results as markdown and returns how many targets were missed.
func report(w io.Writer, l load, results []result) (missed int) {
	fmt.Fprintln(w, "| row | server | server CPU µs an item | mean of rounds | items/s | p50 ms | p99 ms | syncs | targets |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|---:|---:|---|")
	for i := range results {
		r := &results[i]
		words, n := r.verdict()
		missed += n
		for j := range r.measured {
			m := &r.measured[j]
			name, targets, syncs := r.row.name, words, fmt.Sprint(m.syncs)
			if j > 0 {
				name, targets, syncs = "", "", ""
			}
			if m.driven.fault != nil {
				fmt.Fprintf(w, "| %s | %s | | | | | | | %s wrong answer: %.80s |\n", name, m.server, targets, strings.ReplaceAll(m.driven.fault.Error(), "\n", " "))
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %.1f | %.1f | %.0f | %.2f | %.2f | %s | %s |\n", name, m.server, m.micros(&r.row), m.mean, m.rate(&r.row),
				m.driven.percentile(0.5).Seconds()*1e3, m.driven.percentile(0.99).Seconds()*1e3, syncs, targets)
		}
	}
	words, n := l.memory()
	fmt.Fprintf(w, "\nMemory: %s. Loading took %.1f µs of server CPU an item of 1 KB.\n", words, float64(l.CPU.Microseconds())/float64(max(1, l.Bytes/itemBytes)))
	return missed + n
}
