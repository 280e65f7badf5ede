package quota

import (
	"slices"
	"time"
)

// partition serves a range of positions: from its own until the next one's.
type partition struct {
	id      int // never used twice in a table
	from    Position
	buckets [2]TokenBucket
	used    [2]float64 // units of the running minute
	hot     int        // whole minutes it has been hot without a break
	bytes   int64      // it holds about as many
	samples samples
	refused int64
}

// heatOfLimit is the share of a partition's limit above which a minute counts as hot: AWS speaks
// of traffic "near its throughput capacity limit" and gives no number.
// https://aws.amazon.com/blogs/database/part-3-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance/
const heatOfLimit = 0.9

// minutePassed closes a minute and says for how many the partition has been hot.
func (p *partition) minutePassed() int {
	hot := false
	for c := range p.used {
		rate := p.buckets[c].Rate()
		hot = hot || rate > 0 && p.used[c] >= heatOfLimit*rate*time.Minute.Seconds()
		p.used[c] = 0
	}
	if hot {
		p.hot++
	} else {
		p.hot = 0
	}
	return p.hot
}

// samplesASecond is how often a partition at its limit is looked at, and keptSamples how many
// looks are kept: the last eight seconds.
const (
	samplesASecond = 8
	keptSamples    = 64
)

// samples are the positions a partition was last asked for, taken each time a fixed share of
// its limit has been used, so that they weigh by units. The zero value is ready; memory is taken
// only where there is heat.
type samples struct {
	due  float64 // seconds' worth of the limit until the next one
	next int     // the oldest, once all are there
	ring []Position
}

func (s *samples) note(at Position, share float64) {
	if s.due -= share; s.due > 0 {
		return
	}
	s.due = max(0, s.due+1./samplesASecond)
	if len(s.ring) < keptSamples {
		s.ring = append(s.ring, Position{at.Hash, slices.Clone(at.Rest)})
		return
	}
	p := &s.ring[s.next]
	p.Hash, p.Rest = at.Hash, append(p.Rest[:0], at.Rest...)
	s.next = (s.next + 1) % keptSamples
}

// inOrder are the samples as they came.
func (s *samples) inOrder() []Position {
	return slices.Concat(s.ring[s.next:], s.ring[:s.next])
}
