package arrival

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Record is a trace as it was recorded: counts or moments, the other is nil.
type Record struct {
	Counts []float64       // events in each interval
	Times  []time.Duration // since the first moment
}

// maxFaults is how many faults of a trace are named before reading is given up.
const maxFaults = 10

// ParseTrace reads a trace: one number a line, the events of an interval, or one moment a line, as
// RFC 3339 or as seconds since 1970 under the heading "time". Of a line with several columns the
// one under the heading "count" or "time" counts, without a heading the first. Empty lines and
// lines that begin with # are left out. The error joins faults as name:line: message.
func ParseTrace(name string, text []byte) (Record, error) {
	p := traceParser{name: name}
	for line := range bytes.Lines(text) {
		p.line++
		if p.read(strings.TrimSpace(string(line))); len(p.faults) >= maxFaults {
			break
		}
	}
	if len(p.faults) == 0 && len(p.Counts) == 0 && len(p.Times) == 0 {
		p.faults = append(p.faults, fmt.Errorf("%s: the trace is empty", name))
	}
	return p.Record, errors.Join(p.faults...)
}

type traceParser struct {
	Record
	name    string
	line    int
	started bool
	column  int
	times   bool // moments, not counts
	first   time.Time
	last    time.Duration
	faults  []error
}

func (p *traceParser) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s:%d: %s", p.name, p.line, fmt.Sprintf(format, args...)))
}

func (p *traceParser) read(line string) {
	if line == "" || line[0] == '#' {
		return
	}
	cells := strings.Split(line, ",")
	if !p.started {
		p.started = true
		for i, cell := range cells {
			if heading := strings.ToLower(strings.TrimSpace(cell)); heading == "count" || heading == "time" && !p.heads("count", cells) {
				p.column, p.times = i, heading == "time"
				return
			}
		}
		_, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(cells[0]))
		p.times = err == nil
	}
	if p.column >= len(cells) {
		p.fault("found %d columns, the trace is in column %d", len(cells), p.column+1)
		return
	}
	cell := strings.TrimSpace(cells[p.column])
	if p.times {
		p.moment(cell)
		return
	}
	n, err := strconv.ParseFloat(cell, 64)
	if err != nil || !(n >= 0 && n <= float64(MaxRate)) {
		p.fault("found %q, allowed is a number of events between 0 and %v, or a time as RFC 3339", cell, float64(MaxRate))
		return
	}
	p.Counts = append(p.Counts, n)
}

func (p *traceParser) heads(name string, cells []string) bool {
	for _, cell := range cells {
		if strings.ToLower(strings.TrimSpace(cell)) == name {
			return true
		}
	}
	return false
}

func (p *traceParser) moment(cell string) {
	at, err := time.Parse(time.RFC3339Nano, cell)
	if err != nil {
		seconds, wrong := strconv.ParseFloat(cell, 64)
		if wrong != nil || !(seconds >= 0 && seconds < 1e11) {
			p.fault("found %q, allowed is a time as RFC 3339 or as seconds since 1970", cell)
			return
		}
		whole := int64(seconds)
		at = time.Unix(whole, int64((seconds-float64(whole))*1e9))
	}
	if len(p.Times) == 0 {
		p.first = at
	}
	since := at.Sub(p.first)
	if since < p.last {
		p.fault("found %q, which is before the line above: times must not fall", cell)
		return
	}
	p.last = since
	p.Times = append(p.Times, since)
}
