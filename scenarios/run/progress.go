package run

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// progressLine is what a person wants to know while a drill runs.
type progressLine struct {
	elapsed, length time.Duration
	requested       float64 // events/s asked for now
	achieved        float64 // events/s accepted since the last line
	p99             time.Duration
	errors          int64
	faults          []string // active now
	verdict         string   // so far
}

func (l progressLine) String() string {
	faults := "none"
	if len(l.faults) > 0 {
		faults = strings.Join(l.faults, ", ")
	}
	return fmt.Sprintf("%3.0f of %.0f s  %6s events/s asked, %6s accepted  p99 %8s  errors %d  faults: %s  so far: %s",
		l.elapsed.Seconds(), l.length.Seconds(), reports.Rate(l.requested), reports.Rate(l.achieved),
		reports.FormatDuration(l.p99), l.errors, faults, l.verdict)
}

// reading says how far the ledger has come.
type reading struct {
	what string
	rows int64
}

func (r reading) String() string { return "ledger: " + r.what + ", " + reports.Count(r.rows) + " rows" }

// verdictSoFar holds the requests that ended so far, outside of fault windows as far as those are
// known, against the objectives of latency and availability, as the report will. What failed
// counts at its timeout. Ledger and freshness have no say yet.
func verdictSoFar(o scenarios.Objectives, outside *reports.Latency, unsent int64) string {
	switch {
	case unsent > 0:
		return fmt.Sprintf("%s (%d unsent)", reports.VerdictInvalid, unsent)
	case outside.Planned == 0:
		return "nothing yet"
	}
	checks := []reports.Check{
		reports.CheckQuantile("p99", &outside.Response, 0.99, o.P99),
		reports.CheckShare("availability", outside.OK, outside.Planned, float64(o.Availability)),
	}
	seen := []string{"p99 " + reports.FormatDuration(outside.Response.Quantile(0.99)), reports.Percent(float64(outside.OK)/float64(outside.Planned)) + " answered 2xx"}
	var why []string
	for i := range checks {
		checks[i].Required = true
		if checks[i].Status != reports.Pass {
			why = append(why, seen[i])
		}
	}
	verdict := string(reports.Judge(checks))
	if len(why) > 0 {
		verdict += " (" + strings.Join(why, ", ") + ")"
	}
	return verdict
}

// progress writes lines to a terminal, one over the other, or to a file or pipe, a few a minute.
// Safe for concurrent use.
type progress struct {
	out      io.Writer // nil is quiet
	terminal bool
	every    time.Duration // between lines when out is no terminal

	mu   sync.Mutex
	last time.Time
	open bool // a line on the terminal is not ended yet
}

func newProgress(out io.Writer, terminal bool) *progress {
	return &progress{out: out, terminal: terminal, every: 5 * time.Second}
}

// update shows how far something has come.
func (p *progress) update(now time.Time, line fmt.Stringer) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprintf(p.out, "\r\033[K%s", line)
		p.open = true
		return
	}
	if now.Sub(p.last) >= p.every {
		p.last = now
		fmt.Fprintln(p.out, line)
	}
}

// say writes one line about what happens now.
func (p *progress) say(format string, args ...any) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		fmt.Fprintln(p.out) // leave the line that is being rewritten
		p.open = false
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}
