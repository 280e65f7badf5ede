package run

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
	"github.com/retailflow/stampede/scenarios"
)

// request is one planned request and what became of it. Times count from planned time 0.
type request struct {
	planned, start, end time.Duration
	status              int16 // 0 without an answer
	kind                plan.Kind
	sent                bool
	timedOut            bool   // no answer came in time
	cause               string // why there is no answer, as attack.Result.Cause says it
	tenant              int32  // of the population
	replay              bool   // sent a second time, on purpose
	canary              bool   // answered by a version under trial
	events              int32
	accepted            int32 // events that a 2xx took
}

func (r request) ok() bool { return r.status >= 200 && r.status < 300 }

// response is what the request counts for: what was not answered 2xx counts at the timeout at
// least, so that a fast refusal never looks like a fast answer.
func (r request) response(timeout time.Duration) time.Duration {
	waited := r.end - r.planned
	if r.ok() {
		return waited
	}
	return max(waited, timeout)
}

// recorder keeps every result of the load, about 90 bytes each. Safe for concurrent use.
type recorder struct {
	timeout time.Duration
	canary  func() (function, version string) // the version under trial, "" if none
	excused func(planned time.Duration) bool  // whether a request is a fault's, by what is known when it ends

	mu struct {
		sync.Mutex
		requests []request
		recent   *stat.Histogram // since the last look
		seen     progressCounts
		outside  reports.Latency // of what was not excused
	}
}

// progressCounts are totals so far.
type progressCounts struct {
	ended, ok, failed, unsent, accepted int64
}

func newRecorder(timeout time.Duration, canary func() (string, string), excused func(time.Duration) bool) *recorder {
	r := &recorder{timeout: timeout, canary: canary, excused: excused}
	r.mu.recent = new(stat.Histogram)
	return r
}

// add takes one result; attack calls it once for every planned request.
func (r *recorder) add(res attack.Result) {
	q := request{
		planned: res.Planned, start: res.Start, end: res.End, status: int16(res.Status),
		kind: res.Entry.Kind, sent: res.Sent, cause: res.Cause(), tenant: res.Entry.Tenant, replay: res.Entry.Replay(), events: res.Entry.Events,
	}
	q.timedOut = q.cause == "timeout"
	if q.ok() {
		q.accepted = acceptedOf(res.Status, res.Body, q.events)
	}
	if function, version := r.canary(); function != "" {
		name, executed, _ := strings.Cut(res.Header.Get("X-Stampede-Version"), ":")
		q.canary = name == function && executed == version
	}
	excused := r.excused(q.planned)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.requests = append(r.mu.requests, q)
	r.mu.recent.Record(q.response(r.timeout))
	if !excused {
		addLatency(&r.mu.outside, q, r.timeout)
	}
	seen := &r.mu.seen
	seen.ended++
	seen.accepted += int64(q.accepted)
	switch {
	case !q.sent:
		seen.unsent++
	case q.ok():
		seen.ok++
	default:
		seen.failed++
	}
}

// acceptedOf counts the events that an answer took: all of them unless it is mixed.
func acceptedOf(status int, body []byte, events int32) int32 {
	if status != 207 {
		return events
	}
	var answer api.BatchAnswer
	if json.Unmarshal(body, &answer) != nil {
		return 0
	}
	return int32(answer.Accepted)
}

// look returns the totals so far and the latencies since the last look.
func (r *recorder) look() (progressCounts, *stat.Histogram) {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := r.mu.recent
	r.mu.recent = new(stat.Histogram)
	return r.mu.seen, recent
}

// soFar is the verdict that the load so far would give.
func (r *recorder) soFar(o scenarios.Objectives) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return verdictSoFar(o, &r.mu.outside, r.mu.seen.unsent)
}

// list returns all requests; the load is over by then.
func (r *recorder) list() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.requests
}

// latencies sorts requests into kinds and parts of the run: all kinds together first.
func latencies(requests []request, windows []window, timeout time.Duration) []reports.Latency {
	type key struct {
		kind plan.Kind
		part reports.Part
	}
	kinds := []plan.Kind{0, plan.Batch, plan.Webhook, plan.Read, plan.Prepared}
	parts := []reports.Part{reports.Outside, reports.Inside}
	byKey := map[key]*reports.Latency{}
	for _, kind := range kinds {
		for _, part := range parts {
			byKey[key{kind, part}] = &reports.Latency{Kind: kindName(kind), Endpoint: endpoint(kind), Part: part}
		}
	}
	for _, q := range requests {
		part := reports.Outside
		if inside(windows, q.planned) {
			part = reports.Inside
		}
		for _, kind := range [...]plan.Kind{0, q.kind} {
			addLatency(byKey[key{kind, part}], q, timeout)
		}
	}
	var out []reports.Latency
	for _, kind := range kinds {
		for _, part := range parts {
			if l := byKey[key{kind, part}]; l.Planned > 0 {
				out = append(out, *l)
			}
		}
	}
	return out
}

func addLatency(l *reports.Latency, q request, timeout time.Duration) {
	l.Planned++
	switch {
	case !q.sent:
		l.Unsent++
	case q.ok():
		l.OK++
	default:
		l.Errors++
	}
	l.Response.Record(q.response(timeout))
	if q.sent {
		l.Service.Record(q.end - q.start)
	}
	l.Lag.Record(q.start - q.planned)
}

func kindName(k plan.Kind) string {
	switch k {
	case 0:
		return ""
	case plan.Prepared:
		return scenarios.RealOrdersEndpoint
	}
	return k.String()
}

func endpoint(k plan.Kind) string {
	switch k {
	case plan.Batch, plan.Prepared:
		return "POST /v1/tenants/{tenant}/events"
	case plan.Webhook:
		return "POST /v1/tenants/{tenant}/webhooks/{platform}"
	case plan.Read:
		return "GET /v1/tenants/{tenant}/analytics/summary"
	}
	return ""
}
