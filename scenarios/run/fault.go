package run

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
	"github.com/retailflow/stampede/scenarios"
)

// faults are what struck, with their windows as they turned out.
func (d *drill) faults(requests []request, windows []window) []reports.Fault {
	var out []reports.Fault
	for _, s := range d.chaos.struck() {
		f := reports.Fault{Name: s.fault.Name, Line: s.line, Start: reports.Seconds(s.start), End: reports.Seconds(s.end), Hits: s.hits, HitsWant: s.want, Effect: s.effect, Healthy: s.fault.Healthy()}
		if f.Healthy {
			f.WindowEnd = f.End // it has none: the objectives hold all along
		}
		for _, w := range windows {
			if w.fault != s.fault.Name {
				continue
			}
			f.WindowEnd = reports.Seconds(w.end)
			f.Answers = answersTo(requests, func(q request) bool { return inside([]window{w}, q.planned) })
			f.UnderWay = answersTo(requests, func(q request) bool { return q.planned < w.start && q.end > w.start })
			f.Limits = faultLimits(d.s.LimitsOf(s.fault), w, requests, d.s.Load.Timeout)
			if s.killed > 0 {
				f.Recovery = recovery(s.killed, s.answered, requests)
				f.Effect += "; it " + f.Recovery.String()
			}
		}
		out = append(out, f)
	}
	return out
}

// answersTo counts some requests by what came of them.
func answersTo(requests []request, some func(request) bool) reports.Answers {
	var a reports.Answers
	for _, q := range requests {
		if !some(q) {
			continue
		}
		switch {
		case !q.sent:
			a.Unsent++
		case q.timedOut:
			a.TimedOut++
		case q.status == 0:
			a.Cut++
		case q.ok():
			a.OK++
		case q.status == http.StatusTooManyRequests:
			a.Throttled++
		case q.status == http.StatusServiceUnavailable:
			a.Unavailable++
		case q.status >= 500:
			a.Failed++
		default:
			a.Refused++
		}
	}
	return a
}

// recovery is how long after the kill the process answered again; 0 is never. Requests that were
// under way when it died may have been answered by it, and reads by a cache: neither counts.
func recovery(killed, answered time.Duration, requests []request) *reports.Recovery {
	r := &reports.Recovery{}
	after := func(at time.Duration) *reports.Millis {
		m := reports.Millis(at - killed)
		return &m
	}
	if answered > 0 {
		r.Probe = after(answered)
	}
	for _, q := range requests {
		if q.kind == plan.Read || q.start < killed || !q.ok() {
			continue
		}
		if m := after(q.end); r.Planned == nil || *m < *r.Planned {
			r.Planned = m
		}
	}
	return r
}

// recoveryProbe is the pause between two questions whether a killed process answers again.
const recoveryProbe = 20 * time.Millisecond

// answersAgain asks the data process until another one than pid answers, and says when that was;
// 0 when ctx ended first. To answer it must have opened all of its services.
func (w *world) answersAgain(ctx context.Context, pid int, since func() time.Duration) time.Duration {
	for {
		ask, cancel := context.WithTimeout(ctx, time.Second)
		stats, err := w.stats(ask, w.dataURL)
		cancel()
		if err == nil && stats.Process.PID != pid {
			return since()
		}
		if !sleep(ctx, recoveryProbe) {
			return 0
		}
	}
}

// faultChecks say for each fault whether it struck, and whether the limits of its window held; for
// a healthy release, whether its version answered anybody.
func faultChecks(faults []reports.Fault) []reports.Check {
	var out []reports.Check
	for _, f := range faults {
		c := reports.Check{Name: "fault-" + f.Name, Group: reports.GroupFaults, Status: reports.Pass, Required: true,
			Objective: fmt.Sprintf("strikes at least %d times, and its limits hold", f.HitsWant), Observed: f.Effect,
			Numbers: map[string]float64{"hits": float64(f.Hits), "hits_wanted": float64(f.HitsWant)}}
		nothing := "A fault that did not strike proves nothing."
		if f.Healthy {
			c.Objective, nothing = fmt.Sprintf("its version answers at least %d requests", f.HitsWant), "A version that answered nobody proves nothing."
		}
		for _, l := range f.Limits {
			c.Observed += fmt.Sprintf("; %s %s", l.Name, l.Observed)
			if l.Status != reports.Pass {
				c.Status = l.Status
				c.Examples = append(c.Examples, fmt.Sprintf("%s: %s, allowed %s", l.Name, l.Observed, l.Limit))
			}
		}
		if f.Hits < f.HitsWant {
			c.Status = reports.Invalid
			c.Detail = nothing
		}
		out = append(out, c)
	}
	return out
}

// faultLimits hold the requests planned inside one window against its limits.
func faultLimits(limits scenarios.FaultLimits, w window, requests []request, timeout time.Duration) []reports.FaultLimit {
	var h stat.Histogram
	var good, all int64
	for _, q := range requests {
		if !inside([]window{w}, q.planned) {
			continue
		}
		all++
		if q.ok() {
			good++
		}
		h.Record(q.response(timeout))
	}
	if all == 0 {
		return []reports.FaultLimit{{Name: "requests", Limit: "at least one in the window", Observed: "none", Status: reports.Invalid}}
	}
	at, share := h.Quantile(0.99), float64(good)/float64(all)
	out := []reports.FaultLimit{
		{Name: "p99", Limit: "≤ " + reports.FormatDuration(limits.P99), Observed: reports.FormatDuration(at), Status: reports.Pass},
		{Name: "availability", Limit: "≥ " + reports.Percent(float64(limits.Availability)), Observed: reports.Percent(share), Status: reports.Pass},
	}
	if at > limits.P99 {
		out[0].Status = reports.Fail
	}
	if share < float64(limits.Availability) {
		out[1].Status = reports.Fail
	}
	return out
}
