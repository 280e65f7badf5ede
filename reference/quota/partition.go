package quota

import (
	"math"
	"math/bits"
	"time"
)

// What one partition of a DynamoDB table or index serves a second at most, and for how long
// unused provisioned capacity is kept.
const (
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
	PartitionReadUnits  = 3000
	PartitionWriteUnits = 1000
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
	BurstCapacity = 300 * time.Second
)

// Capacity is one of the two kinds of capacity units.
type Capacity int

// Reads and writes draw on capacities of their own.
const (
	ReadCapacity Capacity = iota
	WriteCapacity
)

// String is "read" or "write".
func (c Capacity) String() string {
	if c == ReadCapacity {
		return "read"
	}
	return "write"
}

// Throughput sizes the partitions of a table or an index. Units are capacity units a second;
// the index of arrays is a Capacity. A rate of zero or less is no limit.
type Throughput struct {
	Partitions int           // at least 1 is used
	Partition  [2]float64    // what each partition serves
	Peak       time.Duration // how much of a partition's rate may come at once; zero is one second
	Table      [2]float64    // what all partitions together may serve: provisioned capacity, or a quota
	Burst      time.Duration // how much unused Table rate is kept; less than a second counts as one
}

// PartitionCount is the number of partitions that can serve read and write units a second, at
// PartitionReadUnits and PartitionWriteUnits each; at least 1.
func PartitionCount(read, write float64) int {
	return max(1, int(math.Ceil(read/PartitionReadUnits)), int(math.Ceil(write/PartitionWriteUnits)))
}

// Partitions meters a table or an index: a bucket of each capacity for every partition and one
// for the whole. A partition serves a range of the hashes of partition keys, so one key's heat
// meets one partition's limit while its neighbours have room. Capacity that is provisioned for
// the whole goes wherever it is asked for, up to a partition's own limit: adaptive capacity, at
// once. Not safe for concurrent use.
type Partitions struct {
	limit      Throughput
	partitions []partition
	table      [2]TokenBucket
}

type partition [2]TokenBucket

// NewPartitions makes full buckets.
func NewPartitions(t Throughput) *Partitions {
	p := &Partitions{limit: t, partitions: make([]partition, max(1, t.Partitions))}
	peak := seconds(t.Peak)
	for i := range p.partitions {
		for c, rate := range t.Partition {
			p.partitions[i][c] = NewTokenBucket(rate, rate*peak)
		}
	}
	for c, rate := range t.Table {
		p.table[c] = NewTokenBucket(rate, rate*seconds(t.Burst))
	}
	return p
}

func seconds(d time.Duration) float64 { return max(1, d.Seconds()) }

// Len is the number of partitions.
func (p *Partitions) Len() int { return len(p.partitions) }

// Of is the partition that serves a hash.
func (p *Partitions) Of(hash uint64) int {
	n, _ := bits.Mul64(hash, uint64(len(p.partitions)))
	return int(n)
}

// Shortage says which bucket lacks what.
type Shortage struct {
	Partition  int           // the partition that is too hot, or -1: the whole has no capacity left
	Capacity   Capacity      // of which kind
	Allowed    float64       // units a second the bucket refills by
	Level      float64       // units that were left
	RetryAfter time.Duration // until the same request would pass with no other in between
}

// Fits says whether units for a hash can be served at now, without taking them. What costs more
// than a bucket holds passes when the bucket is full. A nil shortage means yes.
func (p *Partitions) Fits(now time.Time, c Capacity, hash uint64, units float64) *Shortage {
	at := p.Of(hash)
	if r := lacks(now, &p.partitions[at][c], units); r != nil {
		r.Partition, r.Capacity = at, c
		return r
	}
	if r := lacks(now, &p.table[c], units); r != nil {
		r.Partition, r.Capacity = -1, c
		return r
	}
	return nil
}

func lacks(now time.Time, b *TokenBucket, units float64) *Shortage {
	if b.Rate() <= 0 {
		return nil
	}
	units = min(units, b.Burst())
	if b.Level(now) >= units {
		return nil
	}
	return &Shortage{Allowed: b.Rate(), Level: b.Level(now), RetryAfter: b.RetryAfter(now, units)}
}

// Take takes units for a hash, below zero if they are not there: for what Fits has passed, and
// for reads, whose cost shows afterwards.
func (p *Partitions) Take(now time.Time, c Capacity, hash uint64, units float64) {
	for _, b := range []*TokenBucket{&p.partitions[p.Of(hash)][c], &p.table[c]} {
		if b.Rate() > 0 {
			b.Take(now, units)
		}
	}
}

// Resize changes the throughput at now. With another number of partitions every partition
// starts with the level of the one that served the middle of its range: a split or a merge
// neither makes nor loses heat.
func (p *Partitions) Resize(now time.Time, t Throughput) {
	old := *p
	*p = *NewPartitions(t)
	for i := range p.partitions {
		middle, _ := bits.Div64(uint64(i), 1<<63, uint64(len(p.partitions)))
		from := &old.partitions[old.Of(middle)]
		for c := range from {
			b := from[c]
			b.Resize(now, p.partitions[i][c].Rate(), p.partitions[i][c].Burst())
			p.partitions[i][c] = b
		}
	}
	for c := range p.table {
		b := old.table[c]
		if b.Rate() > 0 {
			b.Resize(now, p.table[c].Rate(), p.table[c].Burst())
			p.table[c] = b
		}
	}
}
