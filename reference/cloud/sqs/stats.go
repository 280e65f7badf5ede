package sqs

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Stats are the counters of a Service since it was opened, and what is in its
// queues now.
type Stats struct {
	Queues    []QueueStats `json:"queues"` // by name
	LimitHits []quota.Hit  `json:"limit_hits"`
}

// QueueStats are the numbers of one queue.
type QueueStats struct {
	Name          string  `json:"name"`
	Visible       int     `json:"visible"`
	InFlight      int     `json:"in_flight"`
	Delayed       int     `json:"delayed"`
	OldestSeconds float64 `json:"oldest_seconds"` // age of the oldest message, 0 if there is none
	Sent          int64   `json:"sent"`
	Received      int64   `json:"received"`
	Deleted       int64   `json:"deleted"`
	DeadLettered  int64   `json:"dead_lettered"` // moved from here to a dead-letter queue
	Expired       int64   `json:"expired"`       // deleted since nobody took them in time
}

// Stats returns the current numbers.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	queues := slices.Collect(maps.Values(s.mu.queues))
	out := Stats{Queues: make([]QueueStats, 0, len(queues)), LimitHits: s.mu.hits.List()}
	s.mu.Unlock()
	now := s.now()
	for _, q := range queues {
		out.Queues = append(out.Queues, q.stats(now))
	}
	slices.SortFunc(out.Queues, func(a, b QueueStats) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (q *queue) stats(now time.Time) QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.mu.counters
	st := QueueStats{Name: q.name, Sent: c.sent, Received: c.received, Deleted: c.deleted, DeadLettered: c.deadLettered, Expired: c.expired}
	st.Visible, st.InFlight, st.Delayed = q.mu.backlog.counts(now)
	if sent := q.mu.backlog.oldest(); !sent.IsZero() {
		st.OldestSeconds = max(now.Sub(sent).Seconds(), 0)
	}
	return st
}
