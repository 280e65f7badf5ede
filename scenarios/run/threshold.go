package run

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// figures are what a drill measured outside fault windows.
type figures struct {
	*measure.Set
	fresh   *stat.Histogram
	windows []window
}

// Span is the part of the load outside fault windows, which rates are over.
func (f figures) Span() time.Duration { return f.Set.Span() - covered(f.windows, 0, f.Set.Span()) }

// Duration is what package threshold asks for.
func (f figures) Duration(fn threshold.Function, quantile float64, m threshold.Metric, labels map[string]string) (float64, int64) {
	if m == threshold.Freshness {
		return measure.Duration(f.fresh, fn, quantile), f.fresh.Count()
	}
	return f.Set.Duration(fn, quantile, m, labels)
}

// thresholdChecks hold the requests planned outside fault windows, and the freshness of events
// accepted there, against a scenario's thresholds; class says a tenant's plan.
func thresholdChecks(all []threshold.Threshold, requests []request, fresh *stat.Histogram, windows []window, timeout time.Duration, class func(tenant int32) string) []reports.Check {
	if len(all) == 0 {
		return nil
	}
	set := measure.New(timeout)
	for _, q := range requests {
		if inside(windows, q.planned) {
			continue
		}
		status := q.cause
		if status == "" {
			status = strconv.Itoa(int(q.status))
		}
		set.Add(&measure.Outcome{
			Labels:  measure.Labels{Endpoint: kindName(q.kind), Class: class(q.tenant), Status: status},
			Planned: q.planned, Start: q.start, End: q.end, Sent: q.sent, Good: q.ok(), Trace: measure.NoTrace,
		})
	}
	var checks []reports.Check
	for _, t := range all {
		j := t.Judge(figures{set, fresh, windows})
		over := "requests planned"
		if t.Metric == threshold.Freshness {
			over = "probes accepted"
		}
		c := reports.Check{Name: thresholdName(t, checks), Group: reports.GroupObjectives, Status: reports.Pass, Required: true, Objective: t.String(),
			Observed: t.Write(j.Value), Detail: fmt.Sprintf("Over %s %s outside fault windows.", reports.Count(j.Requests), over),
			Numbers: map[string]float64{"value": j.Value, "bound": t.Bound, "requests": float64(j.Requests)}}
		if !j.Holds {
			c.Status = reports.Fail
		}
		if j.Requests == 0 {
			c.Observed, c.Detail = "no data", "That nothing was measured is not good news."
		}
		checks = append(checks, c)
	}
	return checks
}

// thresholdName is threshold-p99-latency-endpoint-read, with a number if that stands already.
func thresholdName(t threshold.Threshold, before []reports.Check) string {
	subject, _, _ := strings.Cut(t.String(), ") ")
	words := strings.FieldsFunc(strings.ToLower(subject), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	base := "threshold-" + strings.Join(words, "-")
	name := base
	for i := 2; slices.ContainsFunc(before, func(c reports.Check) bool { return c.Name == name }); i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	return name
}
