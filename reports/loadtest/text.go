package loadtest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// width of the text in columns.
const width = 100

// mostEndpoints that a terminal shows apart; the other outputs have all.
const mostEndpoints = 12

// WriteText writes the tables that end a load on a terminal, 100 columns wide. Colours are those of
// ANSI terminals.
func WriteText(w io.Writer, r *Result, colours bool) error {
	t := text{r: r, colours: colours}
	t.head()
	t.counts()
	t.latencies()
	t.errors()
	t.facts()
	t.workers()
	t.thresholds()
	t.verdict()
	if _, err := t.b.WriteTo(w); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

type text struct {
	r       *Result
	colours bool
	b       bytes.Buffer
}

func (t *text) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	t.b.WriteByte('\n')
}

// The colours.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	purple = "35"
)

func (t *text) paint(s string, codes ...string) string {
	if !t.colours {
		return s
	}
	return "\033[" + strings.Join(codes, ";") + "m" + s + "\033[0m"
}

// workers names those that sent the load together.
func (t *text) workers() {
	if len(t.r.Workers) == 0 {
		return
	}
	t.line("")
	t.line("%-40s %12s %12s  %s", "worker", "requests", "owed", "clock ahead by")
	for _, w := range t.r.Workers {
		note := ""
		switch {
		case w.Cause != "":
			note = t.paint("  "+w.State+": "+w.Cause, red)
		case w.Lagged:
			note = t.paint("  lagged", purple)
		}
		t.line("%-40s %12s %12s  %.2f ms ± %.2f%s", shorten(w.Name, 40), reports.Count(w.Requests), reports.Count(w.Unsent),
			millis(w.ClockAhead), millis(w.ClockWithin), note)
	}
}

func millis(m reports.Millis) float64 { return float64(time.Duration(m).Microseconds()) / 1000 }

func (t *text) head() {
	r := t.r
	name := r.Target
	if r.Name != "" {
		name = r.Name + "  " + r.Target
	}
	t.line("%s", t.paint(shorten(name, width), bold))
	for _, p := range r.Plan {
		t.line("%s", t.paint(shorten(p, width), dim))
	}
}

// Endpoint is what was measured of the requests of one name.
type Endpoint struct {
	Name string
	*measure.Series
}

// Endpoints are those that were met, the busiest first, and all together last.
func (r *Result) Endpoints() []Endpoint {
	var list []Endpoint
	for _, l := range r.Measure.Labels() {
		if !slices.ContainsFunc(list, func(e Endpoint) bool { return e.Name == l.Endpoint }) {
			list = append(list, Endpoint{l.Endpoint, r.Measure.Select(map[string]string{"endpoint": l.Endpoint})})
		}
	}
	slices.SortStableFunc(list, func(a, b Endpoint) int { return cmp.Compare(b.Planned, a.Planned) })
	all := Endpoint{"all", r.Measure.Select(nil)}
	if len(list) < 2 {
		all.Name = ""
		for _, e := range list {
			all.Name = e.Name
		}
		return []Endpoint{all}
	}
	return append(list, all)
}

// shown leaves out endpoints beyond mostEndpoints, and says how many.
func shown(all []Endpoint) (list []Endpoint, left int) {
	if left = len(all) - 1 - mostEndpoints; left <= 0 {
		return all, 0
	}
	return append(slices.Clone(all[:mostEndpoints]), all[len(all)-1]), left
}

func (t *text) counts() {
	t.title("requests", []string{"planned", "sent", "good", "errors", "dropped", "retries"})
	list, left := shown(t.r.Endpoints())
	for _, e := range list {
		row := row(shorten(e.Name, 32), 34)
		for _, n := range []int64{e.Planned, e.Planned - e.Dropped, e.Good, e.Planned - e.Good, e.Dropped, e.Retries} {
			row += column(reports.Count(n), 11)
		}
		t.line("%s", row)
	}
	if left > 0 {
		t.line("  … and %d endpoints more: --out result.json has them", left)
	}
}

func (t *text) title(name string, columns []string) {
	head := row(name, 34)
	for _, c := range columns {
		head += column(c, 11)
	}
	t.line("")
	t.line("%s", t.paint(strings.TrimRight(head, " "), bold))
}

var quantiles = []float64{0.5, 0.9, 0.99, 0.999, 1}

func (t *text) latencies() {
	t.title("latency", []string{"p50", "p90", "p99", "p99.9", "max"})
	list, _ := shown(t.r.Endpoints())
	for i, e := range list {
		name := shorten(e.Name, 22)
		metrics := []threshold.Metric{threshold.Latency, threshold.Service}
		if i == len(list)-1 {
			metrics = threshold.Durations()
		}
		for _, m := range metrics {
			h := e.Histogram(m)
			if h.Count() == 0 {
				continue
			}
			t.line("%s", row(name, 24)+row(Word(m), 10)+cells(h))
			name = ""
		}
	}
	for _, note := range t.r.Notes() {
		t.wrap("  ", note)
	}
}

func cells(h *stat.Histogram) (out string) {
	for _, q := range quantiles {
		d := h.Quantile(q)
		if q == 1 {
			d = h.Max()
		}
		out += column(reports.FormatDuration(d), 11)
	}
	return out
}

// Word is a metric as people read it.
func Word(m threshold.Metric) string {
	switch m {
	case threshold.Latency:
		return "response"
	case threshold.FirstByte:
		return "first byte"
	case threshold.DNS, threshold.TLS:
		return strings.ToUpper(string(m))
	}
	return string(m)
}

// Notes say what a reader of the latencies should know; none if there is nothing.
func (r *Result) Notes() []string {
	var notes []string
	all := r.Measure.Select(nil)
	response, service, lag := all.Latency.Quantile(0.99), all.Service.Quantile(0.99), all.Lag.Quantile(0.99)
	apart := response > service+service/2 && response > service+5*time.Millisecond
	switch {
	case r.Closed:
		notes = append(notes, "Users waited for their answers: a slow target was asked less, so these figures flatter it. --rate asks whatever it answers.")
	case lag > service/2 && lag > 5*time.Millisecond:
		notes = append(notes, fmt.Sprintf("Response counts from the planned time, service from sending: p99 %s against %s. Requests stood in line before they could be sent (lag p99 %s), as users would have; service alone hides that.",
			reports.FormatDuration(response), reports.FormatDuration(service), reports.FormatDuration(lag)))
	case apart:
		notes = append(notes, "Response is longer than service because a request without a good answer counts at the timeout: a fast refusal is no fast answer.")
	}
	return notes
}

// Cause is what requests without a good answer have in common.
type Cause struct {
	Status, Endpoint string
	Count            int64
	Planned          int64 // of the endpoint
}

// Causes are those of all errors, the most frequent first.
func (r *Result) Causes() []Cause {
	var list []Cause
	for _, l := range r.Measure.Labels() {
		s := r.Measure.Select(map[string]string{"endpoint": l.Endpoint, "class": l.Class, "status": l.Status})
		if n := s.Planned - s.Good; n > 0 {
			status := l.Status
			if s.Failed == n {
				status += ", by check"
			}
			list = append(list, Cause{status, l.Endpoint, n, r.Measure.Select(map[string]string{"endpoint": l.Endpoint}).Planned})
		}
	}
	slices.SortStableFunc(list, func(a, b Cause) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

func (t *text) errors() {
	causes := t.r.Causes()
	if len(causes) == 0 {
		return
	}
	t.title("errors", []string{"requests", "share"})
	for i, c := range causes {
		if i == mostEndpoints {
			t.line("  … and %d kinds more: --out result.json has them", len(causes)-i)
			break
		}
		t.line("%s", row(shorten(c.Endpoint, 22), 24)+row(c.Status, 16)+column(reports.Count(c.Count), 5)+column(reports.Percent(float64(c.Count)/float64(c.Planned)), 11))
	}
	for i, f := range t.r.Failures {
		if i == 3 {
			break
		}
		t.line("%s", shorten(fmt.Sprintf("  %s × %s", reports.Count(f.Count), f.Text), width))
	}
}

func (t *text) facts() {
	r := t.r
	all := r.Measure.Select(nil)
	seconds := time.Duration(r.Length).Seconds()
	per := func(n int64) string {
		if seconds <= 0 {
			return "0/s"
		}
		return reports.Rate(float64(n)/seconds) + "/s"
	}
	t.line("")
	t.fact("rate", "%s sent, %s answered well, over %s", per(r.Sent), per(all.Good), r.Length)
	t.fact("bytes", "%s out, %s in", reports.Bytes(all.Out), reports.Bytes(all.In))
	t.fact("generator", "%.0f µs of CPU a request (%.2f cores) · lag p50 %s, p99 %s, max %s · longest GC pause %s · %s heap · at most %s under way",
		r.MicrosRequest(), r.Cores(), r.Self.LagP50, r.Self.LagP99, r.Self.LagMax, r.Self.GCPauseMax, reports.Bytes(int64(r.Self.Heap)), reports.Count(r.Self.UnderWay))
	if g := r.Self.Growth; g != nil {
		sign := "+"
		if *g < 0 {
			sign = "-"
		}
		t.fact("memory", "at most %s, %s%s a minute after the first fifth", reports.Bytes(int64(r.Self.Memory)), sign, reports.Bytes(int64(math.Abs(*g))))
	}
	if !r.Closed && r.Fit.Planned > 0 {
		var clumps []string
		for _, c := range r.Fit.Clumping {
			clumps = append(clumps, fmt.Sprintf("%.2f, sent %.2f in %s", c.Planned, c.Started, reports.FormatDuration(c.Width)))
		}
		text := fmt.Sprintf("Kolmogorov-Smirnov distance of sent from planned %s", reports.Percent(r.Fit.Distance))
		if len(clumps) > 0 {
			text += " · index of dispersion planned " + strings.Join(clumps, "; ")
		}
		t.fact("fit", "%s", text)
	}
}

// fact is a word and a text that is broken between its parts.
func (t *text) fact(name, format string, args ...any) {
	lead := t.paint(row(name, 11), bold)
	line := ""
	for _, part := range strings.SplitAfter(fmt.Sprintf(format, args...), " · ") {
		if utf8.RuneCountInString(line)+utf8.RuneCountInString(strings.TrimRight(part, " ·")) > width-11 {
			t.line("%s%s", lead, strings.TrimRight(line, " ·"))
			lead, line = strings.Repeat(" ", 11), ""
		}
		line += part
	}
	t.line("%s%s", lead, line)
}

func (t *text) thresholds() {
	if len(t.r.Thresholds) == 0 {
		return
	}
	t.line("")
	t.line("%s", t.paint("thresholds", bold))
	for _, j := range t.r.Thresholds {
		mark := t.paint("✓", green)
		if !j.Holds {
			mark = t.paint("✗", red)
		}
		t.line("  %s %s %s", mark, row(j.Text, 56), j.Value)
	}
}

func (t *text) verdict() {
	colour := map[reports.Verdict]string{reports.VerdictPass: green, reports.VerdictFail: red}[t.r.Verdict]
	t.line("")
	failed := 0
	for _, j := range t.r.Thresholds {
		if !j.Holds {
			failed++
		}
	}
	why := fmt.Sprintf("%d of %d thresholds do not hold", failed, len(t.r.Thresholds))
	switch t.r.Verdict {
	case reports.VerdictPass:
		if why = "every threshold holds"; len(t.r.Thresholds) == 0 {
			why = "measured; no threshold was given (--threshold 'p99(latency) < 100ms')"
		}
	case reports.VerdictInvalid:
		colour, why = purple, "the figures cannot be trusted"
	}
	t.line("%s  %s", t.paint(string(t.r.Verdict), bold, colour), why)
	for _, reason := range t.r.Invalid {
		t.wrap("  ", reason)
	}
}

// wrap writes a paragraph.
func (t *text) wrap(indent, text string) {
	line := indent
	for _, w := range strings.Fields(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > width {
			t.line("%s", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += w
	}
	t.line("%s", line)
}

// row is a text that fills n columns from the left, column from the right.
func row(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 1))
}

func column(s string, n int) string {
	return strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 1)) + s
}

func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
