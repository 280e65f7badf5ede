package firehose

import (
	"cmp"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Stats are the counters of a Service since it was opened, and what its streams
// hold now.
type Stats struct {
	Streams   []StreamStats `json:"streams"` // by name
	LimitHits []quota.Hit   `json:"limit_hits"`
}

// StreamStats are the numbers of one stream.
type StreamStats struct {
	Name             string  `json:"name"`
	HintBytes        int64   `json:"hint_bytes"`   // size at which a buffer is delivered
	HintSeconds      float64 `json:"hint_seconds"` // time after which it is, in effect here
	BufferedRecords  int64   `json:"buffered_records"`
	BufferedBytes    int64   `json:"buffered_bytes"`
	OldestSeconds    float64 `json:"oldest_seconds"` // age of the oldest buffered record, 0 if there is none
	Requests         int64   `json:"requests"`
	Records          int64   `json:"records"` // accepted
	Bytes            int64   `json:"bytes"`   // accepted
	ThrottledRecords int64   `json:"throttled_records"`
	Objects          int64   `json:"objects"` // delivered
	DeliveredRecords int64   `json:"delivered_records"`
	DeliveredBytes   int64   `json:"delivered_bytes"`
	DeliveryFailures int64   `json:"delivery_failures"`
	LastError        string  `json:"last_error,omitempty"` // of a delivery that is being retried
}

// Stats returns the current numbers.
func (s *Service) Stats() Stats {
	s.hits.Lock()
	out := Stats{LimitHits: s.hits.set.List()}
	s.hits.Unlock()
	s.mu.RLock()
	streams := make([]*stream, 0, len(s.mu.streams))
	for _, st := range s.mu.streams {
		streams = append(streams, st)
	}
	s.mu.RUnlock()
	now := s.now()
	out.Streams = make([]StreamStats, 0, len(streams))
	for _, st := range streams {
		out.Streams = append(out.Streams, st.stats(now))
	}
	slices.SortFunc(out.Streams, func(a, b StreamStats) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (st *stream) stats(now time.Time) StreamStats {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.mu.counters
	r := StreamStats{Name: st.Name, HintBytes: st.mu.buffer.hints.Bytes, HintSeconds: st.mu.buffer.hints.Interval.Seconds(),
		Requests: c.requests, Records: c.records, Bytes: c.bytes, ThrottledRecords: c.throttledRecords,
		Objects: c.objects, DeliveredRecords: c.deliveredRecords, DeliveredBytes: c.deliveredBytes,
		DeliveryFailures: c.fails, LastError: c.lastError}
	var oldest time.Time
	r.BufferedRecords, r.BufferedBytes, oldest = st.mu.buffer.held()
	if !oldest.IsZero() {
		r.OldestSeconds = max(now.Sub(oldest).Seconds(), 0)
	}
	return r
}
