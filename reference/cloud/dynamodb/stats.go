package dynamodb

import (
	"sync/atomic"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// Stats are numbers for a report, since the service was opened.
type Stats struct {
	Operations map[string]OperationStats `json:"operations"`
	Tables     map[string]TableStats     `json:"tables"`
	Storage    store.Metrics             `json:"storage"`
	LimitHits  []quota.Hit               `json:"limit_hits"`
	Throttles  []ThrottleCount           `json:"throttles"`
	Expired    int64                     `json:"expired_items"` // removed, their time to live being over
}

// OperationStats count the calls of one operation.
type OperationStats struct {
	Calls      int64 `json:"calls"`
	Failed     int64 `json:"failed"`     // answered with an error of any kind
	Throttled  int64 `json:"throttled"`  // of those, for lack of capacity
	Conflicts  int64 `json:"conflicts"`  // of those, because a transaction was being written
	Cancelled  int64 `json:"cancelled"`  // of those, transactions cancelled for any reason
	Conditions int64 `json:"conditions"` // of those, because a condition was not met
	Internal   int64 `json:"internal"`   // of those, by the service's own fault
}

// TableStats are the capacity units a table and its indexes have consumed.
type TableStats struct {
	ReadUnits  float64 `json:"read_units"`
	WriteUnits float64 `json:"write_units"`
	Partitions int     `json:"partitions"` // 0 without limits
}

// counter counts the calls of one operation.
type counter struct {
	calls, failed, throttled, conflicts, cancelled, conditions, internal atomic.Int64
}

// counters count by operation. They are made once; "" is for operations that do not exist.
type counters map[string]*counter

func newCounters() counters {
	c := counters{"": {}}
	for _, all := range []map[string]operation{operations, streamOperations} {
		for name := range all {
			c[name] = &counter{}
		}
	}
	return c
}

func (c counters) note(action string, err error) {
	n := c[action]
	if n == nil {
		n = c[""]
	}
	n.calls.Add(1)
	if err == nil {
		return
	}
	n.failed.Add(1)
	switch f := asFault(err); f.code {
	case codeThroughput, codeThrottling, codeRequests:
		n.throttled.Add(1)
	case codeConflict, codeRunning:
		n.conflicts.Add(1)
	case codeCancelled:
		n.cancelled.Add(1)
	case codeCondition:
		n.conditions.Add(1)
	case codeInternal:
		n.internal.Add(1)
	}
}

// Stats reads all counters.
func (s *Service) Stats() Stats {
	out := Stats{Operations: map[string]OperationStats{}, Tables: map[string]TableStats{}, Storage: s.store.Metrics(), Expired: s.expired.Load()}
	out.LimitHits, out.Throttles = s.throttles.hits(), s.throttles.counts()
	now := s.now()
	for name, n := range s.counters {
		if n.calls.Load() > 0 {
			out.Operations[name] = OperationStats{
				Calls: n.calls.Load(), Failed: n.failed.Load(), Throttled: n.throttled.Load(),
				Conflicts: n.conflicts.Load(), Cancelled: n.cancelled.Load(), Conditions: n.conditions.Load(), Internal: n.internal.Load(),
			}
		}
	}
	for name, t := range *s.tables.Load() {
		partitions, _ := t.meter.partitions(now, 0, 0)
		out.Tables[name] = TableStats{ReadUnits: t.meter.units(quota.ReadCapacity), WriteUnits: t.meter.units(quota.WriteCapacity), Partitions: partitions}
	}
	return out
}
