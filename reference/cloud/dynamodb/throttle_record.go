package dynamodb

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// What is kept and shown at most.
const (
	keptThrottles   = 1000
	keptLimits      = 4096 // further ones are only counted by their table
	shownPartitions = 20
)

// refusal is a Throttle as it is kept: its texts are made when somebody reads it.
type refusal struct {
	at                    time.Time
	requestID, action     string
	table, index          string
	onDemand              bool
	short                 quota.Shortage
	metric, reason, limit string
}

// exhausted names a limit that refused: one of a partition's, or, with partition -1, of the whole.
type exhausted struct {
	table, index string
	partition    int
	limit        quota.Limit
	capacity     quota.Capacity
}

// tally counts what a limit refused.
type tally struct {
	count int64
	last  refusal
}

// throttles remembers refusals. It is safe for concurrent use.
type throttles struct {
	mu struct {
		sync.Mutex
		hits   quota.HitSet
		counts map[ThrottleCount]int64 // their Count is zero
		limits map[exhausted]*tally
		recent []refusal // a ring, once it is full
		next   int
	}
}

func (t *throttles) note(r refusal) {
	resource := r.table
	if r.index != "" {
		resource += "/" + r.index
	}
	if r.short.Limit == quota.PartitionLimit {
		resource = fmt.Sprintf("%s/partition-%d", resource, r.short.Partition)
	}
	unit := "RCU/s"
	if r.short.Capacity == quota.WriteCapacity {
		unit = "WCU/s"
	}
	allowed := fmt.Sprintf("%g %s", r.short.Allowed, unit)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.hits.Note(r.at, "dynamodb", r.limit, resource, allowed, sources[r.short.Limit])
	if t.mu.counts == nil {
		t.mu.counts, t.mu.limits = map[ThrottleCount]int64{}, map[exhausted]*tally{}
	}
	which := exhausted{r.table, r.index, -1, r.short.Limit, r.short.Capacity}
	if r.short.Limit == quota.PartitionLimit {
		which.partition = r.short.Partition
	}
	if t.mu.limits[which] == nil && len(t.mu.limits) < keptLimits {
		t.mu.limits[which] = &tally{}
	}
	if l := t.mu.limits[which]; l != nil {
		l.count++
		l.last = r
	}
	t.mu.counts[ThrottleCount{Table: r.table, Index: r.index, Metric: r.metric}]++
	if len(t.mu.recent) < keptThrottles {
		t.mu.recent = append(t.mu.recent, r)
		return
	}
	t.mu.recent[t.mu.next] = r
	t.mu.next = (t.mu.next + 1) % keptThrottles
}

func (t *throttles) hits() []quota.Hit {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.hits.List()
}

func (t *throttles) counts() []ThrottleCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]ThrottleCount, 0, len(t.mu.counts))
	for c, n := range t.mu.counts {
		c.Count = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b ThrottleCount) int {
		return strings.Compare(a.Table+"/"+a.Index+"/"+a.Metric, b.Table+"/"+b.Index+"/"+b.Metric)
	})
	return out
}

func (t *throttles) recent() []Throttle {
	t.mu.Lock()
	kept := slices.Concat(t.mu.recent[t.mu.next:], t.mu.recent[:t.mu.next])
	t.mu.Unlock()
	out := make([]Throttle, 0, len(kept))
	for _, r := range slices.Backward(kept) {
		out = append(out, r.shown())
	}
	return out
}

// shown is a refusal in words.
func (r *refusal) shown() Throttle {
	return Throttle{
		At: r.at, RequestID: r.requestID, Operation: r.action, Table: r.table, Index: r.index,
		Partition: r.short.Partition, Keys: r.short.Range.String(), Limit: r.limit, Reason: r.reason, Metric: r.metric,
		Allowed: r.short.Allowed, Fill: r.short.Fill(), RecoverSeconds: r.short.RetryAfter.Seconds(), Source: sources[r.short.Limit],
	}
}

// limits are those that refused, the worst first.
func (t *throttles) limits() []LimitReport {
	t.mu.Lock()
	all := make(map[exhausted]tally, len(t.mu.limits))
	for which, l := range t.mu.limits {
		all[which] = *l
	}
	t.mu.Unlock()
	out := make([]LimitReport, 0, len(all))
	for which, l := range all {
		last := l.last.shown()
		if which.partition < 0 { // the whole's, whichever partition was asked last
			last.Partition, last.Keys = which.partition, ""
		}
		out = append(out, LimitReport{l.count, last})
	}
	slices.SortFunc(out, func(a, b LimitReport) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Last.place(), b.Last.place()))
	})
	return out
}

// place names the limit of a throttle as the labels of a metric.
func (t Throttle) place() string {
	return fmt.Sprintf(`{table=%q,index=%q,partition="%d",keys=%q,limit=%q}`, t.Table, t.Index, t.Partition, t.Keys, t.Limit)
}

// Throttles reports what was refused for lack of capacity, and where.
func (s *Service) Throttles() ThrottleReport {
	out := ThrottleReport{Limits: s.throttles.limits(), Recent: s.throttles.recent(), Counts: s.throttles.counts(), Partitions: []PartitionReport{}}
	now := s.now()
	for _, name := range s.tableNames() {
		t := (*s.tables.Load())[name]
		if t == nil {
			continue // dropped since
		}
		for _, x := range append([]indexDefinition{{}}, t.definition.GlobalSecondaryIndexes...) {
			_, states := t.meter.partitions(now, t.definition.IndexIDs[x.IndexName], shownPartitions)
			for _, p := range states {
				out.Partitions = append(out.Partitions, PartitionReport{name, x.IndexName, p})
			}
		}
	}
	return out
}

// WriteMetrics writes what every limit refused, how full it was at the last time and how long it
// needed to recover, with the partition and its keys as labels.
func (s *Service) WriteMetrics(w io.Writer) error {
	limits := s.throttles.limits()
	var b strings.Builder
	for _, m := range []struct {
		name, kind, help string
		value            func(LimitReport) float64
	}{
		{"stampede_dynamodb_throttled_total", "counter", "Requests and items of requests that a limit refused.", func(l LimitReport) float64 { return float64(l.Count) }},
		{"stampede_dynamodb_limit_units", "gauge", "Units a second that the limit grants.", func(l LimitReport) float64 { return l.Last.Allowed }},
		{"stampede_dynamodb_limit_fill", "gauge", "How full the limit's bucket was when it last refused: 1 is full.", func(l LimitReport) float64 { return l.Last.Fill }},
		{"stampede_dynamodb_limit_recover_seconds", "gauge", "How long the request it last refused had to wait.", func(l LimitReport) float64 { return l.Last.RecoverSeconds }},
	} {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.name, m.help, m.name, m.kind)
		for _, l := range limits {
			fmt.Fprintf(&b, "%s%s %g\n", m.name, l.Last.place(), m.value(l))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
