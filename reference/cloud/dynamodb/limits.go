package dynamodb

import (
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Limits are the numbers the service imposes. A zero throughput is no limit; sizes and counts
// that are part of the protocol are not settings.
type Limits struct {
	// What one partition serves a second.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
	PartitionReadUnits  float64 `yaml:"partition_read_units"`
	PartitionWriteUnits float64 `yaml:"partition_write_units"`
	// How long unused provisioned capacity is kept.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
	Burst time.Duration `yaml:"burst"`
	// What a new on-demand table serves a second before it has grown, which gives it its partitions.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
	OnDemandReadUnits  float64 `yaml:"on_demand_read_units"`
	OnDemandWriteUnits float64 `yaml:"on_demand_write_units"`
	// What an on-demand table may consume a second at most.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
	TableReadUnits  float64 `yaml:"table_read_units"`
	TableWriteUnits float64 `yaml:"table_write_units"`
	// How long after a change of a table's time to live the next is refused.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
	TimeToLiveChange time.Duration `yaml:"time_to_live_change"`
}

// AWSLimits are AWS's numbers.
func AWSLimits() Limits {
	return Limits{
		PartitionReadUnits: quota.PartitionReadUnits, PartitionWriteUnits: quota.PartitionWriteUnits, Burst: quota.BurstCapacity,
		OnDemandReadUnits: 12000, OnDemandWriteUnits: 4000, TableReadUnits: 40000, TableWriteUnits: 40000,
		TimeToLiveChange: time.Hour,
	}
}

// NoLimits lets everything through at the speed of the machine.
func NoLimits() Limits { return Limits{} }

// off says whether nothing is metered.
func (l Limits) off() bool { return l == Limits{} }

// Sizes and counts of the protocol.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxBatchWrite    = 25
	maxBatchGet      = 100
	maxTransact      = 100
	maxPage          = 1 << 20  // bytes of items that one Query or Scan reads
	maxBatchAnswer   = 16 << 20 // bytes of items that one BatchGetItem returns
	maxTransactBytes = 4 << 20
	maxHashKey       = 2048
	maxRangeKey      = 1024
	maxTables        = 2500
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
	maxSegments      = 1_000_000

	// MaxBody is the largest request body the service takes, in bytes.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
	MaxBody = 16 << 20
)

// Where the limits are stated, for the record of refusals.
const (
	sourcePartition = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
	sourceTable     = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"
	sourceProvision = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/provisioned-capacity-mode.html"
)
