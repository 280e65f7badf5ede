package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

// Marks around the part of a report that a README takes as it is.
const (
	summaryBegins = "<!-- bench-dynamodb: begin -->"
	summaryEnds   = "<!-- bench-dynamodb: end -->"
)

// summary prints a run for a README: what was called, a line for each row, the disk, the memory.
func summary(w io.Writer, s settings, l load, f floor, results []result) {
	fmt.Fprintln(w, summaryBegins)
	fmt.Fprintf(w, "`%s`, %d processors with the clients on them; medians, in brackets the mean:\n\n", s.command(), runtime.NumCPU())
	if len(results) > 0 {
		summaryTable(w, results)
	}
	fmt.Fprintf(w, "\nThe disk, alone: fdatasync after %d KB %s.\n", floorBytes>>10, f.bound(s.clients))
	words, _ := l.memory()
	fmt.Fprintf(w, "Memory while loading, MB at each tenth: %s. %s.\n%s\n", l.tenths(), words, summaryEnds)
}

func summaryTable(w io.Writer, results []result) {
	head, rule := "| |", "|---|"
	for _, what := range []string{"CPU µs, ", "items/s, "} {
		for _, m := range results[0].measured {
			head += " " + what + strings.NewReplacer(" (memory)", "", " (disk, synced)", "").Replace(m.server) + " |"
			rule += "---:|"
		}
	}
	fmt.Fprintf(w, "%s p50, p99 ms | items a sync | targets |\n%s---:|---:|---|\n", head, rule)
	for i := range results {
		r := &results[i]
		line := "| " + r.row.name + " |"
		for j := range r.measured {
			m := &r.measured[j]
			switch {
			case m.driven.fault != nil:
				line += " not served |"
			case j == 0:
				line += fmt.Sprintf(" %.1f (%.1f) |", m.micros(&r.row), m.mean)
			default:
				line += fmt.Sprintf(" %.0f |", m.micros(&r.row))
			}
		}
		for j := range r.measured {
			if m := &r.measured[j]; m.driven.fault != nil {
				line += " |"
			} else {
				line += fmt.Sprintf(" %.0f |", m.rate(&r.row))
			}
		}
		ours, perSync := &r.measured[0], ""
		if ours.syncs > 0 {
			perSync = fmt.Sprintf("%.1f", float64(ours.driven.calls*r.row.items)/float64(ours.syncs))
		}
		words, _ := r.verdict()
		fmt.Fprintf(w, "%s %.2f, %.2f | %s | %s |\n", line, ours.driven.percentile(0.5).Seconds()*1e3, ours.driven.percentile(0.99).Seconds()*1e3, perSync, words)
	}
}

// tenths are the samples of memory in megabytes.
func (l *load) tenths() string {
	all := make([]string, len(l.Resident))
	for i, n := range l.Resident {
		all[i] = fmt.Sprintf("%.0f", float64(n)/1e6)
	}
	return strings.Join(all, ", ")
}
