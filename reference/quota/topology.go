package quota

import "slices"

// Topology is what has become of a table's partitions, to be kept over a restart: all but the
// levels of their buckets, their heat and the traffic of the last minutes.
type Topology struct {
	Warm       [2]float64
	Partitions []PartitionStart
	NextID     int
}

// PartitionStart is a partition and where it begins.
type PartitionStart struct {
	ID   int
	From Position
}

// Changes counts the cuts and the growth so far: a topology is stale when it has changed.
func (p *Partitions) Changes() int { return p.changes }

// Topology is what to keep.
func (p *Partitions) Topology() Topology {
	t := Topology{Warm: p.limit.Warm, NextID: p.nextID}
	for i := range p.partitions {
		t.Partitions = append(t.Partitions, PartitionStart{p.partitions[i].id, p.partitions[i].from})
	}
	return t
}

// RestorePartitions makes partitions as they were kept, with full buckets, and adds what t asks
// for beyond. A topology that is none is as good as a new table.
func RestorePartitions(t Throughput, kept Topology) *Partitions {
	for c := range t.Warm {
		t.Warm[c] = max(t.Warm[c], kept.Warm[c])
	}
	p := NewPartitions(t)
	sorted := slices.IsSortedFunc(kept.Partitions, func(a, b PartitionStart) int { return a.From.Compare(b.From) })
	if len(kept.Partitions) == 0 || !sorted || kept.Partitions[0].From.Compare(Position{}) != 0 {
		return p
	}
	full := p.partitions[0].buckets
	p.partitions, p.nextID = nil, kept.NextID
	for _, k := range kept.Partitions {
		p.partitions = append(p.partitions, partition{id: k.ID, from: k.From, buckets: full})
	}
	p.widen()
	return p
}
