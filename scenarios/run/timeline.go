package run

import (
	"iter"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
)

// observation is one look at the system under test and the machine, taken once a second.
type observation struct {
	at        time.Duration      // since planned time 0
	host      reports.Processors // since the look before
	systemCPU float64            // cores, of our system's processes, since the look before
	memory    float64            // share in use
	waiting   int64              // records, messages and deliveries under way
	weight    float64            // of the version under trial
	known     bool               // false: no process answered, and waiting and systemCPU say nothing
}

// timeline is one bucket for each second of the load, and on until the last thing happened.
func timeline(requests []request, seen []sighting, looks []observation, samples []attack.Sample, timeout time.Duration) []reports.Bucket {
	var buckets []reports.Bucket
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
	for second, h := range bySecond(requests, timeout) {
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
		b.HostCPU, b.RunCPU, b.OthersCPU, b.StealCPU, b.MemoryUsed = &o.host.Busy, &o.host.Run, &o.host.Others, &o.host.Steal, &o.memory
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

// bySecond are the response times of the requests planned in each second, one second after another:
// a histogram is large, and a long run has many seconds.
func bySecond(requests []request, timeout time.Duration) iter.Seq2[int, *stat.Histogram] {
	return func(yield func(int, *stat.Histogram) bool) {
		order := make([]int32, len(requests))
		for i := range order {
			order[i] = int32(i)
		}
		second := func(i int32) int { return int(max(requests[i].planned, 0) / time.Second) }
		slices.SortFunc(order, func(a, b int32) int { return second(a) - second(b) })
		for from := 0; from < len(order); {
			now, h := second(order[from]), new(stat.Histogram)
			for ; from < len(order) && second(order[from]) == now; from++ {
				h.Record(requests[order[from]].response(timeout))
			}
			if !yield(now, h) {
				return
			}
		}
	}
}

func millis(d time.Duration) *reports.Millis {
	m := reports.Millis(d)
	return &m
}
