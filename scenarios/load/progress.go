package load

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// progress shows a load while it runs: a line that is rewritten on a terminal, a line every five
// seconds elsewhere. Safe for concurrent use.
type progress struct {
	out      io.Writer // nil is quiet
	terminal bool
	length   time.Duration
	asked    func(elapsed time.Duration) float64 // requests due until then; nil of a closed load

	mu struct {
		sync.Mutex
		last      time.Duration  // elapsed at the last look
		printed   time.Duration  // elapsed at the last line
		latencies stat.Histogram // of what ended since
		ended     int64          // since
		errors    int64          // so far
		dropped   int64
		open      bool // a line on the terminal is not ended yet
	}
}

// between lines that are not rewritten.
const between = 5 * time.Second

func newProgress(out io.Writer, terminal bool, length time.Duration) *progress {
	p := &progress{out: out, terminal: terminal, length: length}
	p.mu.printed = -between
	return p
}

func (p *progress) add(o *measure.Outcome) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !o.Sent {
		p.mu.dropped++
	} else {
		p.mu.ended++
	}
	if !o.Good {
		p.mu.errors++
	}
	p.mu.latencies.Record(o.End - o.Planned)
}

// addSet is add of what a worker told at once.
func (p *progress) addSet(s *measure.Set) {
	if p.out == nil {
		return
	}
	all := s.Select(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.dropped += all.Dropped
	p.mu.ended += all.Planned - all.Dropped
	p.mu.errors += all.Planned - all.Good
	p.mu.latencies.Merge(&all.Latency)
}

// sample is called each second.
func (p *progress) sample(s attack.Sample) {
	if p.out == nil || s.At <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal && s.At-p.mu.printed < between {
		return
	}
	span := s.At - p.mu.last
	if span <= 0 {
		return
	}
	line := fmt.Sprintf("%s of %s ", clock(s.At), clock(p.length))
	if p.asked != nil {
		line += fmt.Sprintf(" asked %s/s ", reports.Rate((p.asked(s.At)-p.asked(p.mu.last))/span.Seconds()))
	}
	quantile := func(q float64) string { return reports.FormatDuration(p.mu.latencies.Quantile(q)) }
	line += fmt.Sprintf(" answered %s/s  p50 %s  p99 %s  errors %s  dropped %s  under way %s", reports.Rate(float64(p.mu.ended)/span.Seconds()),
		quantile(0.5), quantile(0.99), reports.Count(p.mu.errors), reports.Count(p.mu.dropped), reports.Count(s.UnderWay))
	p.mu.last, p.mu.printed, p.mu.ended = s.At, s.At, 0
	p.mu.latencies = stat.Histogram{}
	if p.terminal {
		fmt.Fprintf(p.out, "\r\033[K%s", line)
		p.mu.open = true
		return
	}
	fmt.Fprintln(p.out, line)
}

// end leaves the terminal's line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.open {
		fmt.Fprint(p.out, "\r\033[K")
		p.mu.open = false
	}
}

// clock is minutes and seconds.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
