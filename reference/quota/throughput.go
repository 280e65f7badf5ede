package quota

import (
	"math"
	"time"
)

// What DynamoDB grants: a partition, the unused capacity it keeps, a new on-demand table, and
// how fast that grows.
const (
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
	PartitionReadUnits  = 3000
	PartitionWriteUnits = 1000
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
	BurstCapacity = 300 * time.Second
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
	OnDemandReadUnits  = 12000
	OnDemandWriteUnits = 4000
	DoublingTime       = 30 * time.Minute
	// A partition is split before it holds more.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.Partitions.html
	PartitionBytes = 10 << 30
	// "Several minutes" until sustained heat has split a partition, AWS says; it gives no number.
	// https://aws.amazon.com/blogs/database/part-3-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance/
	SplitTime = 5 * time.Minute
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

// Limit is one of the limits that can refuse work on a table or an index.
type Limit int

// The limits, in the order in which they are asked.
const (
	PartitionLimit   Limit = iota // what one partition serves
	ProvisionedLimit              // what is provisioned for the whole, with its burst
	GrowthLimit                   // what an on-demand table has grown to: double its previous peak
	AccountLimit                  // what the account may draw from one table
	MaximumLimit                  // the maximum that the user set for an on-demand table
	limits
)

// String names the limit as a report does.
func (l Limit) String() string {
	return [...]string{"partition", "provisioned", "on-demand growth", "account", "on-demand maximum"}[l]
}

// Throughput says what a table or an index may do. Units are capacity units a second; the index
// of arrays is a Capacity. A rate of zero or less is no limit.
type Throughput struct {
	Partition [2]float64    // what each partition serves
	Peak      time.Duration // how much of a rate may come at once, but for Provisioned; zero is one second

	// Warm is what the whole can serve at once: it sizes the partitions. Where it Grows, it is
	// also a limit, and becomes double of a minute's traffic Doubling after that minute: the
	// traffic can double in every such span and is refused beyond.
	Warm     [2]float64
	Grows    bool
	Doubling time.Duration

	Provisioned [2]float64    // what all partitions together may serve
	Burst       time.Duration // how much unused Provisioned is kept; less than a second counts as one
	Account     [2]float64
	Maximum     [2]float64

	SplitAfter time.Duration // how long a partition must be hot before it is split; zero: never
	SplitBytes int64         // above which a partition is split for its size; zero: never
	// Divisible says that one partition key's items may be parted by their sort key: there is
	// one, and no local index, whose entries must stay together.
	Divisible bool
}

// whole is the rate of a limit of the whole.
func (t *Throughput) whole(l Limit, c Capacity) float64 {
	switch l {
	case ProvisionedLimit:
		return t.Provisioned[c]
	case GrowthLimit:
		if t.Grows {
			return t.Warm[c]
		}
	case AccountLimit:
		return t.Account[c]
	case MaximumLimit:
		return t.Maximum[c]
	}
	return 0
}

// burst is how many seconds of its rate a limit saves.
func (t *Throughput) burst(l Limit) float64 {
	d := t.Peak
	if l == ProvisionedLimit {
		d = t.Burst
	}
	return max(1, d.Seconds())
}

// partitions is the number of partitions that can serve warm.
func (t *Throughput) partitions(warm [2]float64) int {
	n := 1
	for c, each := range t.Partition {
		if each > 0 {
			n = max(n, int(math.Ceil(warm[c]/each)))
		}
	}
	return min(n, maxPartitions)
}

// maxPartitions bounds the memory of one table.
const maxPartitions = 1 << 14

// Shortage says which limit lacks what.
type Shortage struct {
	Limit      Limit
	Capacity   Capacity      // of which kind
	Partition  int           // the partition that was asked, whichever limit refused
	Range      KeyRange      // and the keys it serves
	Allowed    float64       // units a second that the limit grants
	Burst      float64       // units the limit's bucket holds when full
	Level      float64       // units that were left, negative while more was taken than was there
	RetryAfter time.Duration // until the same request would pass with no other in between
}

// Fill is how much of the bucket was left: 1 is full, 0 empty, below that it is being paid back.
func (s *Shortage) Fill() float64 {
	if s.Burst <= 0 {
		return 0
	}
	return s.Level / s.Burst
}
