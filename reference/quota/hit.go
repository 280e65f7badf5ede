package quota

import (
	"cmp"
	"slices"
	"time"
)

// Hit says that one limit refused work, how often and when. A report lists them all.
type Hit struct {
	Service  string    `json:"service"`            // "dynamodb", "lambda", …
	Limit    string    `json:"limit"`              // what was exceeded, such as "partition write capacity"
	Resource string    `json:"resource,omitempty"` // whose limit: a table and partition, a function, a stream
	Count    int64     `json:"count"`              // refusals
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Allowed  string    `json:"allowed"` // the limit's value with its unit, such as "1000 WCU/s"
	Source   string    `json:"source"`  // address of the AWS page that states it
}

// maxHits bounds the set: beyond it, hits of further resources are counted under the
// resource "(others)" of their limit.
const maxHits = 4096

type hitKey struct{ service, limit, resource string }

// HitSet counts refusals by service, limit and resource. The zero value is empty and ready.
// It is not safe for concurrent use: the service that owns it guards it with its own lock.
type HitSet struct {
	hits map[hitKey]*Hit
}

// Note counts one refusal at now. The latest allowed value and source are kept.
func (s *HitSet) Note(now time.Time, service, limit, resource, allowed, source string) {
	if s.hits == nil {
		s.hits = map[hitKey]*Hit{}
	}
	key := hitKey{service, limit, resource}
	h := s.hits[key]
	if h == nil {
		if len(s.hits) >= maxHits {
			key.resource, resource = "(others)", "(others)"
			h = s.hits[key]
		}
		if h == nil {
			h = &Hit{Service: service, Limit: limit, Resource: resource, First: now, Last: now}
			s.hits[key] = h
		}
	}
	h.Count++
	h.Allowed, h.Source = allowed, source
	if now.Before(h.First) {
		h.First = now
	}
	if now.After(h.Last) {
		h.Last = now
	}
}

// Count is the number of all refusals.
func (s *HitSet) Count() int64 {
	var n int64
	for _, h := range s.hits {
		n += h.Count
	}
	return n
}

// List is a copy of all hits, ordered by service, limit and resource.
func (s *HitSet) List() []Hit {
	out := make([]Hit, 0, len(s.hits))
	for _, h := range s.hits {
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Limit, b.Limit), cmp.Compare(a.Resource, b.Resource))
	})
	return out
}
