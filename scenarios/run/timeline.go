package run

import (
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// observation is one look at the system under test and the machine, taken once a second.
type observation struct {
	at        time.Duration // since planned time 0
	hostCPU   float64       // share of all cores since the look before, 0 to 1
	systemCPU float64       // cores, of our system's processes, since the look before
	memory    float64       // share in use
	waiting   int64         // records, messages and deliveries under way
	weight    float64       // of the version under trial
	known     bool          // false: no process answered, and waiting and systemCPU say nothing
}

// timeline is one bucket for each second of the load, and on until the last thing happened.
func timeline(requests []request, seen []sighting, looks []observation, samples []attack.Sample, timeout time.Duration) []reports.Bucket {
	var buckets []reports.Bucket
	latency := map[int]*stat.Histogram{}
	answered, canary := map[int]int64{}, map[int]int64{}
	bucket := func(at time.Duration) *reports.Bucket {
		second := int(max(at, 0) / time.Second)
		for len(buckets) <= second {
			buckets = append(buckets, reports.Bucket{At: reports.Seconds(len(buckets)) * reports.Seconds(time.Second)})
		}
		return &buckets[second]
	}
	for _, q := range requests {
		b := bucket(q.planned)
		b.Planned++
		b.PlannedEvents += int64(q.events)
		second := int(max(q.planned, 0) / time.Second)
		if latency[second] == nil {
			latency[second] = new(stat.Histogram)
		}
		latency[second].Record(q.response(timeout))
		switch {
		case !q.sent:
			b.Unsent++
			continue
		case q.ok():
			b.OK++
		default:
			b.Errors++
		}
		bucket(q.start).Started++
		end := bucket(q.end)
		end.Completed++
		end.AcceptedEvents += int64(q.accepted)
		ended := int(max(q.end, 0) / time.Second)
		answered[ended]++
		if q.canary {
			canary[ended]++
		}
	}
	for second, h := range latency {
		b := &buckets[second]
		b.P50, b.P90 = millis(h.Quantile(0.5)), millis(h.Quantile(0.9))
		b.P99, b.Max = millis(h.Quantile(0.99)), millis(h.Max())
	}
	for _, s := range seen {
		if s.seen == 0 {
			continue
		}
		b := bucket(s.accepted)
		if age := reports.Millis(s.seen - s.accepted); b.Freshness == nil || age > *b.Freshness {
			b.Freshness = &age
		}
	}
	for _, o := range looks {
		if o.at < 0 {
			continue
		}
		b := bucket(o.at)
		b.HostCPU, b.MemoryUsed = &o.hostCPU, &o.memory
		if o.known {
			b.SystemCPU, b.Backlog = &o.systemCPU, &o.waiting
		}
		b.CanaryWeight = &o.weight
	}
	for _, s := range samples {
		if s.At < 0 || s.Span <= 0 {
			continue
		}
		cores := s.CPU.Seconds() / s.Span.Seconds()
		bucket(s.At).GeneratorCPU = &cores
	}
	for second, n := range answered {
		share := float64(canary[second]) / float64(n)
		buckets[second].CanaryShare = &share
	}
	return buckets
}

func millis(d time.Duration) *reports.Millis {
	m := reports.Millis(d)
	return &m
}

// hostLimited lists the stretches in which the host was the bottleneck: with more than the share
// busy of its processors in use, a capacity seen there is not the system's.
func hostLimited(looks []observation, busy float64) []reports.Interval {
	var out []reports.Interval
	for _, o := range looks {
		if o.hostCPU <= busy && o.memory <= 0.95 {
			continue
		}
		reason := "processors above " + reports.Percent(busy)
		if o.memory > 0.95 {
			reason = "memory above 95 %"
		}
		start, end := reports.Seconds(o.at-time.Second), reports.Seconds(o.at)
		if n := len(out); n > 0 && out[n-1].Reason == reason && start-out[n-1].End < reports.Seconds(1500*time.Millisecond) {
			out[n-1].End = end
			continue
		}
		out = append(out, reports.Interval{Start: max(start, 0), End: end, Reason: reason})
	}
	return out
}
