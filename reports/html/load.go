package html

import (
	"io"
	"time"

	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports/loadtest"
	"github.com/retailflow/stampede/reports/stat"
)

// loadPage is what load.tmpl sees.
type loadPage struct {
	*loadtest.Result
	drawing
	Response  *stat.Histogram // of all requests
	Latencies []latencyRow
}

// latencyRow is one line of the table of latencies.
type latencyRow struct {
	Endpoint string // "" as in the row above
	Metric   string
	Count    int64
	Values   []time.Duration // p50, p90, p99, p99.9, max
}

// WriteLoad writes the page of a load against one address.
func WriteLoad(w io.Writer, r *loadtest.Result) error {
	p := loadPage{Result: r, drawing: draw(loadCharts(r)), Response: &r.Measure.Select(nil).Latency}
	for _, e := range r.Endpoints() {
		name := e.Name
		for _, m := range threshold.Durations() {
			h := e.Histogram(m)
			if h.Count() == 0 {
				continue
			}
			p.Latencies = append(p.Latencies, latencyRow{Endpoint: name, Metric: loadtest.Word(m), Count: h.Count(),
				Values: []time.Duration{h.Quantile(0.5), h.Quantile(0.9), h.Quantile(0.99), h.Quantile(0.999), h.Max()}})
			name = ""
		}
	}
	return fill(w, "load.tmpl", p)
}

func loadCharts(r *loadtest.Result) charts {
	n := r.Course.Len()
	step := max(1, (n+mostPoints-1)/mostPoints)
	c := charts{Step: float64(step)}
	behind := int64(0)
	for from := 0; from < n; from += step {
		var planned, started, ended, errors, dropped int64
		var p50, p90, p99, most time.Duration
		to := min(from+step, n)
		for i := from; i < to; i++ {
			s := r.Course.Second(i)
			planned += s.Planned
			started += s.Started
			ended += s.Ended
			errors += s.Errors() - s.Dropped
			dropped += s.Dropped
			p50, p90, p99, most = max(p50, s.P50), max(p90, s.P90), max(p99, s.P99), max(most, s.Max)
		}
		behind += planned - started - dropped
		mean := func(x int64) *float64 { return rounded(float64(x) / float64(to-from)) }
		millis := func(d time.Duration) *float64 {
			if planned == 0 {
				return nil
			}
			return rounded(ms(d))
		}
		c.T = append(c.T, float64(from))
		c.Planned, c.Started, c.Ended = append(c.Planned, mean(planned)), append(c.Started, mean(started)), append(c.Ended, mean(ended))
		c.Errors, c.Unsent = append(c.Errors, mean(errors)), append(c.Unsent, mean(dropped))
		c.P50, c.P90, c.P99, c.Max = append(c.P50, millis(p50)), append(c.P90, millis(p90)), append(c.P99, millis(p99)), append(c.Max, millis(most))
		if !r.Closed {
			c.Behind = append(c.Behind, rounded(float64(behind)))
		}
	}
	all := r.Measure.Select(nil)
	c.curve("response", &all.Latency)
	c.curve("service", &all.Service)
	c.align()
	return c
}
