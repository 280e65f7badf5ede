package measure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports/stat"
)

// MaxSeries bounds the sets of labels that are told apart, and with them the memory, to about a
// megabyte each. The requests of further ones are counted under [Others]; figures by label are not
// given any more then.
const MaxSeries = 128

// Others is the endpoint of what came after the first [MaxSeries] sets of labels.
const Others = "others"

// Set is what was measured of a load. Make one with [New].
type Set struct {
	timeout time.Duration
	end     time.Duration // of the load: the last planned start or outcome
	series  map[Labels]*Series
}

// New counts what has no good answer at the timeout at least.
func New(timeout time.Duration) *Set {
	return &Set{timeout: timeout, series: map[Labels]*Series{}}
}

// Add counts one planned request.
func (s *Set) Add(o *Outcome) {
	s.end = max(s.end, o.Planned, o.End)
	s.at(o.Labels).add(o, s.timeout)
}

func (s *Set) at(l Labels) *Series {
	series, ok := s.series[l]
	if !ok && len(s.series) >= MaxSeries {
		l = Labels{Endpoint: Others}
		series, ok = s.series[l]
	}
	if !ok {
		series = &Series{}
		s.series[l] = series
	}
	return series
}

// Merge adds what another generator measured of its part of the same load. Sets of different
// timeouts count failures differently and are refused.
func (s *Set) Merge(o *Set) error {
	if s.timeout != o.timeout {
		return fmt.Errorf("merge measurements: timeouts %s and %s differ", s.timeout, o.timeout)
	}
	s.end = max(s.end, o.end)
	for _, l := range o.Labels() {
		s.at(l).Merge(o.series[l])
	}
	return nil
}

// Labels are those that were seen, in order.
func (s *Set) Labels() []Labels {
	out := make([]Labels, 0, len(s.series))
	for l := range s.series {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Labels) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Status, b.Status))
	})
	return out
}

// Select adds up the series whose labels match all that are given; nil matches everything. The
// result is the caller's.
func (s *Set) Select(labels map[string]string) *Series {
	sum := &Series{}
	for l, series := range s.series {
		if l.match(labels) {
			sum.Merge(series)
		}
	}
	return sum
}

func (l Labels) match(labels map[string]string) bool {
	for name, want := range labels {
		var has string
		switch name {
		case "endpoint":
			has = l.Endpoint
		case "class":
			has = l.Class
		case "status":
			has = l.Status
		}
		if has != want {
			return false
		}
	}
	return true
}

// Span is the length of the load.
func (s *Set) Span() time.Duration { return s.end }

// Duration is what package threshold asks for.
func (s *Set) Duration(f threshold.Function, quantile float64, m threshold.Metric, labels map[string]string) (float64, int64) {
	h := s.Select(labels).Histogram(m)
	if h == nil || s.blurred(labels) { // not a duration of requests, or not all of them
		return 0, 0
	}
	return Duration(h, f, quantile), h.Count()
}

// Duration is a function of the durations in a histogram, in seconds; 0 of an empty one.
func Duration(h *stat.Histogram, f threshold.Function, quantile float64) float64 {
	if h.Count() == 0 {
		return 0
	}
	var d time.Duration
	switch f {
	case threshold.Quantile:
		d = h.Quantile(quantile)
	case threshold.Min:
		d, _ = h.Rank(1)
	case threshold.Mean:
		d = h.Mean()
	case threshold.Max:
		d = h.Max()
	case threshold.Count, threshold.Rate: // of counters only
	}
	return d.Seconds()
}

// Counted is what package threshold asks for: n of so many requests, which are those that were
// planned, and for failures those whose answer was looked at.
func (s *Set) Counted(m threshold.Metric, labels map[string]string) (n, of int64) {
	if s.blurred(labels) {
		return 0, 0
	}
	for l, series := range s.series {
		any := l
		any.Status = labels["status"]
		if any.match(labels) {
			if m == threshold.Failures {
				of += series.Checked
			} else {
				of += series.Planned
			}
			if l.match(labels) {
				n += series.Counter(m)
			}
		}
	}
	return n, of
}

// blurred says that some requests lost their labels, so that figures of one label would leave some
// out; there are none then, and a threshold over them fails.
func (s *Set) blurred(labels map[string]string) bool {
	_, more := s.series[Labels{Endpoint: Others}]
	return more && len(labels) > 0 && labels["endpoint"] != Others
}

// wire is a Set as JSON.
type wire struct {
	Timeout time.Duration `json:"timeout_ns"`
	End     time.Duration `json:"end_ns"`
	Series  []labelled    `json:"series"`
}

type labelled struct {
	Labels
	*Series
}

// MarshalJSON writes the series by their labels, with mergeable histograms.
func (s *Set) MarshalJSON() ([]byte, error) {
	w := wire{Timeout: s.timeout, End: s.end, Series: make([]labelled, 0, len(s.series))}
	for _, l := range s.Labels() {
		w.Series = append(w.Series, labelled{l, s.series[l]})
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Set) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("read measurements: %w", err)
	}
	if len(w.Series) > MaxSeries+1 {
		return fmt.Errorf("read measurements: %d series, at most %d", len(w.Series), MaxSeries+1)
	}
	*s = *New(w.Timeout)
	s.end = w.End
	for _, l := range w.Series {
		if l.Series == nil {
			l.Series = &Series{}
		}
		s.series[l.Labels] = l.Series
	}
	return nil
}

var _ threshold.Figures = (*Set)(nil)
