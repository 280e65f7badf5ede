package apigateway

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// LatencyBoundsMS are the upper bounds of the latency buckets, inclusive, in milliseconds.
// 142 is the SLO, 170 is 20 % above it.
var LatencyBoundsMS = [...]int{5, 10, 20, 30, 50, 75, 100, 142, 170, 200, 300, 500, 1000, 2500, 5000}

// Stats are the service's counters since Open, for the report and for a release's verdict.
type Stats struct {
	LatencyBoundsMS []int            `json:"latency_bounds_ms"`
	SlowAbove       time.Duration    `json:"slow_above_ns"` // an answer that took longer is slow
	Versions        []VersionStats   `json:"versions"`      // by function and executed version
	Operations      []OperationStats `json:"operations"`    // by operation and status
	Throttled       int64            `json:"throttled"`     // refused with 429 by the gateway itself
	LimitHits       []quota.Hit      `json:"limit_hits"`
}

// VersionStats is what one version of a function answered. The version is "" where none
// executed: Lambda refused, did not answer, or its answer came too late.
type VersionStats struct {
	Function    string    `json:"function"`
	Version     string    `json:"version"`
	Requests    int64     `json:"requests"`
	Errors5xx   int64     `json:"errors_5xx"`
	Slow        int64     `json:"slow"`       // slower than SlowAbove, and not an error: none is counted twice
	LatencyLE   []int64   `json:"latency_le"` // requests at most as slow as each of the bounds: cumulative
	FirstServed time.Time `json:"first_served,omitzero"`
	LastServed  time.Time `json:"last_served,omitzero"`
	FirstBad    time.Time `json:"first_bad,omitzero"` // bad: a 5xx, or slow
	LastBad     time.Time `json:"last_bad,omitzero"`
}

// OperationStats counts the answers of an operation, those of the gateway itself included.
// Operation is "" for requests that no route matched.
type OperationStats struct {
	Operation string `json:"operation"`
	Status    int    `json:"status"`
	Count     int64  `json:"count"`
}

// operationCounters counts by status, 100 to 599.
type operationCounters struct{ status [500]atomic.Int64 }

func (c *operationCounters) count(status int) {
	if status >= 100 && status < 600 {
		c.status[status-100].Add(1)
	}
}

type versionKey struct{ function, version string }

// versionCounters are changed by many requests at once; instants are Unix nanoseconds, 0 for never.
type versionCounters struct {
	requests, errors5xx     atomic.Int64
	slow                    atomic.Int64
	latency                 [len(LatencyBoundsMS)]atomic.Int64 // not cumulative
	firstServed, lastServed atomic.Int64
	firstBad, lastBad       atomic.Int64
}

// versions grows by a version now and then and is read by every request.
type versions struct {
	known atomic.Pointer[map[versionKey]*versionCounters]
	grow  sync.Mutex
}

func (v *versions) of(key versionKey) *versionCounters {
	if known := v.known.Load(); known != nil {
		if c := (*known)[key]; c != nil {
			return c
		}
	}
	v.grow.Lock()
	defer v.grow.Unlock()
	bigger := map[versionKey]*versionCounters{}
	if known := v.known.Load(); known != nil {
		if c := (*known)[key]; c != nil {
			return c
		}
		bigger = maps.Clone(*known)
	}
	c := new(versionCounters)
	bigger[key] = c
	v.known.Store(&bigger)
	return c
}

// record counts one answer: at is when it was given, took how long the gateway had the request.
func (c *versionCounters) record(status int, at time.Time, took, slow time.Duration) {
	c.requests.Add(1)
	ms := int((took + time.Millisecond - 1) / time.Millisecond)
	if i, _ := slices.BinarySearch(LatencyBoundsMS[:], ms); i < len(c.latency) {
		c.latency[i].Add(1)
	}
	stamp := at.UnixNano()
	c.firstServed.CompareAndSwap(0, stamp)
	latest(&c.lastServed, stamp)
	switch {
	case status >= 500:
		c.errors5xx.Add(1)
	case took > slow:
		c.slow.Add(1)
	}
	if status >= 500 || took > slow {
		c.firstBad.CompareAndSwap(0, stamp)
		latest(&c.lastBad, stamp)
	}
}

func latest(at *atomic.Int64, stamp int64) {
	for {
		old := at.Load()
		if stamp <= old || at.CompareAndSwap(old, stamp) {
			return
		}
	}
}

func instant(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

// Stats returns a copy of the counters, sorted. It is cheap.
func (s *Service) Stats() Stats {
	out := Stats{LatencyBoundsMS: LatencyBoundsMS[:], SlowAbove: s.slow, Versions: []VersionStats{}, Operations: []OperationStats{}, Throttled: s.throttled.Load()}
	if known := s.versions.known.Load(); known != nil {
		for key, c := range *known {
			v := VersionStats{Function: key.function, Version: key.version, Requests: c.requests.Load(), Errors5xx: c.errors5xx.Load(), Slow: c.slow.Load(),
				FirstServed: instant(c.firstServed.Load()), LastServed: instant(c.lastServed.Load()),
				FirstBad: instant(c.firstBad.Load()), LastBad: instant(c.lastBad.Load())}
			var sum int64
			for i := range c.latency {
				sum += c.latency[i].Load()
				v.LatencyLE = append(v.LatencyLE, sum)
			}
			out.Versions = append(out.Versions, v)
		}
	}
	slices.SortFunc(out.Versions, func(a, b VersionStats) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(len(a.Version), len(b.Version)), cmp.Compare(a.Version, b.Version))
	})
	s.operations.Range(func(name, counters any) bool {
		for i := range counters.(*operationCounters).status {
			if n := counters.(*operationCounters).status[i].Load(); n > 0 {
				out.Operations = append(out.Operations, OperationStats{name.(string), i + 100, n})
			}
		}
		return true
	})
	slices.SortFunc(out.Operations, func(a, b OperationStats) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Status, b.Status))
	})
	s.throttle.Lock()
	defer s.throttle.Unlock()
	out.LimitHits = s.throttle.hits.List()
	return out
}
