package eventbridge

import (
	"cmp"
	"slices"

	"github.com/retailflow/stampede/reference/quota"
)

// Stats are the counters of a Service since it was opened, and what it has to
// deliver now.
type Stats struct {
	Events        int64       `json:"events"`         // accepted, schedules not counted
	Unmatched     int64       `json:"unmatched"`      // accepted events that no rule wanted
	Pending       int         `json:"pending"`        // deliveries not taken by their targets yet
	OldestSeconds float64     `json:"oldest_seconds"` // age of the oldest of them, 0 if there is none
	Rules         []RuleStats `json:"rules"`          // by name
	LimitHits     []quota.Hit `json:"limit_hits"`
}

// RuleStats are the numbers of one rule.
type RuleStats struct {
	Name         string `json:"name"`
	Matched      int64  `json:"matched"`       // events
	Fired        int64  `json:"fired"`         // times its schedule was due
	Delivered    int64  `json:"delivered"`     // to targets and dead-letter queues
	Failures     int64  `json:"failures"`      // attempts that failed
	DeadLettered int64  `json:"dead_lettered"` // given up and sent to a dead-letter queue
	Dropped      int64  `json:"dropped"`       // given up and lost
}

type counters struct {
	events, unmatched int64
	rules             map[string]*ruleCounters
}

type ruleCounters struct{ matched, fired, delivered, failures, deadLettered, dropped int64 }

// rule returns the counters of a rule.
func (c *counters) rule(name string) *ruleCounters {
	r, ok := c.rules[name]
	if !ok {
		r = &ruleCounters{}
		c.rules[name] = r
	}
	return r
}

// Stats returns the current numbers.
func (s *Service) Stats() Stats {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.mu.counters
	out := Stats{Events: c.events, Unmatched: c.unmatched, Pending: len(s.mu.outbox.waiting) + len(s.mu.outbox.flying),
		LimitHits: s.mu.hits.List(), Rules: make([]RuleStats, 0, len(c.rules))}
	if at := s.mu.outbox.oldest(); !at.IsZero() {
		out.OldestSeconds = max(now.Sub(at).Seconds(), 0)
	}
	for name, r := range c.rules {
		out.Rules = append(out.Rules, RuleStats{Name: name, Matched: r.matched, Fired: r.fired, Delivered: r.delivered,
			Failures: r.failures, DeadLettered: r.deadLettered, Dropped: r.dropped})
	}
	slices.SortFunc(out.Rules, func(a, b RuleStats) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
