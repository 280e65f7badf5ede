package quota

import (
	"sort"
	"time"
)

// PartitionState is what one partition serves and has left, for a report.
type PartitionState struct {
	ID      int        `json:"id"`
	Keys    string     `json:"keys"`    // the range of its positions
	Bytes   int64      `json:"bytes"`   // about what it holds
	Fill    [2]float64 `json:"fill"`    // of its buckets, read and write: 1 is full
	Refused int64      `json:"refused"` // requests on its keys, by whichever limit
}

// States are the partitions by how much they refused, the worst first, n at most.
func (p *Partitions) States(now time.Time, n int) []PartitionState {
	order := make([]int, len(p.partitions))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return p.partitions[order[a]].refused > p.partitions[order[b]].refused })
	out := make([]PartitionState, 0, min(n, len(order)))
	for _, i := range order[:min(n, len(order))] {
		part := &p.partitions[i]
		s := PartitionState{ID: part.id, Keys: p.keys(i).String(), Bytes: part.bytes, Fill: [2]float64{1, 1}, Refused: part.refused}
		for c := range part.buckets {
			if b := &part.buckets[c]; b.Rate() > 0 {
				s.Fill[c] = b.Level(now) / b.Burst()
			}
		}
		out = append(out, s)
	}
	return out
}
