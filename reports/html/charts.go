package html

import (
	"math"
	"time"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// mostPoints bounds what a chart draws: a screen has no more columns, and a report of a whole day
// stays small.
const mostPoints = 1200

// perNine is how many points the latency-by-percentile plot has for each further nine.
const perNine = 8

// charts is the data behind all plots, by columns, as uPlot takes it. nil is a gap.
type charts struct {
	Step float64 `json:"step"` // seconds that a point stands for

	T         []float64  `json:"t"` // seconds
	Requested []*float64 `json:"requested"`
	Accepted  []*float64 `json:"accepted"`
	Requests  []*float64 `json:"requests"`
	P50       []*float64 `json:"p50"` // ms
	P90       []*float64 `json:"p90"`
	P99       []*float64 `json:"p99"`
	Max       []*float64 `json:"max"`
	Errors    []*float64 `json:"errors"`
	Unsent    []*float64 `json:"unsent"`
	Weight    []*float64 `json:"weight"` // %
	Share     []*float64 `json:"share"`
	Freshness []*float64 `json:"freshness"` // s
	Backlog   []*float64 `json:"backlog"`
	Host      []*float64 `json:"host"` // % of the machine
	System    []*float64 `json:"system"`
	Generator []*float64 `json:"generator"`
	Others    []*float64 `json:"others"` // other processes and machines

	// Of a load against one address.
	Planned []*float64 `json:"planned,omitempty"` // requests/s
	Started []*float64 `json:"started,omitempty"`
	Ended   []*float64 `json:"ended,omitempty"`
	Behind  []*float64 `json:"behind,omitempty"` // requests due and not started at the end of the second

	Faults      []shade `json:"faults"`
	HostLimited []shade `json:"hostLimited"`

	P99Objective       float64 `json:"p99Objective"`       // ms; 0 is none
	FreshnessObjective float64 `json:"freshnessObjective"` // s
	HostObjective      float64 `json:"hostObjective"`      // %

	Nines       []float64    `json:"nines"` // -log10(1-quantile)
	Percentiles []percentile `json:"percentiles"`
}

// shade is a stretch of time that every chart shows.
type shade struct {
	Letter string  `json:"letter"`
	Name   string  `json:"name"`
	Start  float64 `json:"start"`
	End    float64 `json:"end"`
	Window float64 `json:"window"`
	Lane   int     `json:"lane"` // such that no two in one lane overlap
}

// percentile is one line of the latency-by-percentile plot.
type percentile struct {
	Label  string     `json:"label"`
	Inside bool       `json:"inside"`
	Values []*float64 `json:"values"` // ms
}

func chartsOf(r *reports.Result) charts {
	step := max(1, (len(r.Timeline)+mostPoints-1)/mostPoints)
	c := charts{
		Step: float64(step), P99Objective: ms(time.Duration(r.Objectives.P99)),
		FreshnessObjective: time.Duration(r.Objectives.FreshnessP99).Seconds(), HostObjective: 100 * r.Objectives.HostCPU,
	}
	cores := float64(max(r.Environment.Cores, 1))
	for from := 0; from < len(r.Timeline); from += step {
		c.point(r.Timeline[from:min(from+step, len(r.Timeline))], cores)
	}
	c.shades(r)
	c.percentiles(r)
	return c
}

// point folds some seconds into one: rates are averaged, the rest shows its worst second.
func (c *charts) point(seconds []reports.Bucket, cores float64) {
	var requested, accepted, requests, errors, unsent float64
	for _, b := range seconds {
		requested += float64(b.PlannedEvents)
		accepted += float64(b.AcceptedEvents)
		requests += float64(b.Planned)
		errors += float64(b.Errors)
		unsent += float64(b.Unsent)
	}
	n := float64(len(seconds))
	c.T = append(c.T, time.Duration(seconds[0].At).Seconds())
	for column, x := range map[*[]*float64]float64{&c.Requested: requested, &c.Accepted: accepted, &c.Requests: requests, &c.Errors: errors, &c.Unsent: unsent} {
		*column = append(*column, rounded(x/n))
	}
	millis := func(get func(reports.Bucket) *reports.Millis, unit time.Duration) *float64 {
		return worst(seconds, func(b reports.Bucket) *float64 {
			if m := get(b); m != nil {
				x := float64(*m) / float64(unit)
				return &x
			}
			return nil
		})
	}
	c.P50 = append(c.P50, millis(func(b reports.Bucket) *reports.Millis { return b.P50 }, time.Millisecond))
	c.P90 = append(c.P90, millis(func(b reports.Bucket) *reports.Millis { return b.P90 }, time.Millisecond))
	c.P99 = append(c.P99, millis(func(b reports.Bucket) *reports.Millis { return b.P99 }, time.Millisecond))
	c.Max = append(c.Max, millis(func(b reports.Bucket) *reports.Millis { return b.Max }, time.Millisecond))
	c.Freshness = append(c.Freshness, millis(func(b reports.Bucket) *reports.Millis { return b.Freshness }, time.Second))
	scaled := func(get func(reports.Bucket) *float64, factor float64) *float64 {
		return worst(seconds, func(b reports.Bucket) *float64 {
			if p := get(b); p != nil {
				x := *p * factor
				return &x
			}
			return nil
		})
	}
	c.Weight = append(c.Weight, scaled(func(b reports.Bucket) *float64 { return b.CanaryWeight }, 100))
	c.Share = append(c.Share, scaled(func(b reports.Bucket) *float64 { return b.CanaryShare }, 100))
	c.Host = append(c.Host, scaled(func(b reports.Bucket) *float64 { return b.HostCPU }, 100))
	c.System = append(c.System, scaled(func(b reports.Bucket) *float64 { return b.SystemCPU }, 100/cores))
	c.Generator = append(c.Generator, scaled(func(b reports.Bucket) *float64 { return b.GeneratorCPU }, 100/cores))
	c.Others = append(c.Others, worst(seconds, func(b reports.Bucket) *float64 {
		if b.OthersCPU == nil || b.StealCPU == nil {
			return nil
		}
		x := 100 * (*b.OthersCPU + *b.StealCPU)
		return &x
	}))
	c.Backlog = append(c.Backlog, worst(seconds, func(b reports.Bucket) *float64 {
		if b.Backlog == nil {
			return nil
		}
		x := float64(*b.Backlog)
		return &x
	}))
}

// shades puts faults into lanes, so that names can be written beside each other.
func (c *charts) shades(r *reports.Result) {
	var lanes []float64 // where each one is free again
	for i, f := range r.Faults {
		s := shade{Letter: letter(i), Name: f.Name, Start: time.Duration(f.Start).Seconds(), End: time.Duration(f.End).Seconds(), Window: time.Duration(f.WindowEnd).Seconds()}
		for s.Lane < len(lanes) && lanes[s.Lane] > s.Start {
			s.Lane++
		}
		if s.Lane == len(lanes) {
			lanes = append(lanes, 0)
		}
		lanes[s.Lane] = max(s.Window, s.End)
		c.Faults = append(c.Faults, s)
	}
	for _, h := range r.HostLimited {
		c.HostLimited = append(c.HostLimited, shade{Name: h.Reason, Start: time.Duration(h.Start).Seconds(), End: time.Duration(h.End).Seconds()})
	}
}

// percentiles draws each kind outside fault windows, and all kinds together inside.
func (c *charts) percentiles(r *reports.Result) {
	for i := range r.Latency {
		l := &r.Latency[i]
		if l.Response.Count() == 0 || l.Part == reports.Inside && (l.Kind != "" || l.Fault != "") {
			continue
		}
		label := l.Kind
		if l.Kind == "" {
			label = "all requests"
		}
		if l.Part == reports.Inside {
			label += ", inside fault windows"
		}
		c.curve(label, &l.Response)
		c.Percentiles[len(c.Percentiles)-1].Inside = l.Part == reports.Inside
	}
	c.align()
}

// curve adds a line of the latency-by-percentile plot.
func (c *charts) curve(label string, h *stat.Histogram) {
	line := percentile{Label: label}
	for _, p := range h.Percentiles(perNine) {
		line.Values = append(line.Values, rounded(max(ms(p.Value), 0.001)))
	}
	c.Percentiles = append(c.Percentiles, line)
}

// align gives all lines of the latency-by-percentile plot the same points.
func (c *charts) align() {
	longest := 0
	for _, line := range c.Percentiles {
		longest = max(longest, len(line.Values))
	}
	for i := range longest {
		c.Nines = append(c.Nines, float64(i)/perNine)
	}
	for i := range c.Percentiles {
		for line := &c.Percentiles[i]; len(line.Values) < longest; {
			line.Values = append(line.Values, nil)
		}
	}
}

// worst is the largest value of some seconds; nil if none has one.
func worst(seconds []reports.Bucket, get func(reports.Bucket) *float64) *float64 {
	var most *float64
	for _, b := range seconds {
		if x := get(b); x != nil && (most == nil || *x > *most) {
			most = x
		}
	}
	if most == nil {
		return nil
	}
	return rounded(*most)
}

// rounded keeps five digits, which is more than a plot shows.
func rounded(x float64) *float64 {
	if x != 0 && !math.IsInf(x, 0) && !math.IsNaN(x) {
		scale := math.Pow(10, 4-math.Floor(math.Log10(math.Abs(x))))
		x = math.Round(x*scale) / scale
	}
	return &x
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
