package dynamodb

import (
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
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
	// How soon a minute's traffic lets an on-demand table serve double of it; zero: it does not grow
	// and is held back by its partitions only.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
	Doubling time.Duration `yaml:"doubling"`
	// How long a partition must be hot, in whole minutes, until it is split; zero: never. AWS says
	// "several minutes".
	// https://aws.amazon.com/blogs/database/part-3-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance/
	SplitAfter time.Duration `yaml:"split_after"`
	// Above how many bytes a partition is split; zero: never.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.Partitions.html
	SplitBytes int64 `yaml:"split_bytes"`
	// What a table may be provisioned with, or, on demand, consume a second at most; an index alike.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
	TableReadUnits  float64 `yaml:"table_read_units"`
	TableWriteUnits float64 `yaml:"table_write_units"`
	// What all tables and indexes together may be provisioned with.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
	AccountReadUnits  float64 `yaml:"account_read_units"`
	AccountWriteUnits float64 `yaml:"account_write_units"`
	// Time that answers take at least. Not a limit of AWS's: off.
	Latency LatencyProfile `yaml:"latency"`
	// How long after a change of a table's time to live the next is refused.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
	TimeToLiveChange time.Duration `yaml:"time_to_live_change"`
}

// AWSLimits are AWS's numbers.
func AWSLimits() Limits {
	return Limits{
		PartitionReadUnits: quota.PartitionReadUnits, PartitionWriteUnits: quota.PartitionWriteUnits, Burst: quota.BurstCapacity,
		OnDemandReadUnits: quota.OnDemandReadUnits, OnDemandWriteUnits: quota.OnDemandWriteUnits, Doubling: quota.DoublingTime,
		SplitAfter: quota.SplitTime, SplitBytes: quota.PartitionBytes,
		TableReadUnits: 40000, TableWriteUnits: 40000, AccountReadUnits: 80000, AccountWriteUnits: 80000,
		TimeToLiveChange: time.Hour,
	}
}

// NoLimits lets everything through at the speed of the machine.
func NoLimits() Limits { return Limits{} }

// off says whether nothing is metered.
func (l Limits) off() bool {
	return l.PartitionReadUnits <= 0 && l.PartitionWriteUnits <= 0 && l.OnDemandReadUnits <= 0 && l.OnDemandWriteUnits <= 0 &&
		l.TableReadUnits <= 0 && l.TableWriteUnits <= 0
}

// Sizes and counts of the protocol.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxBatchWrite    = 25
	maxBatchGet      = 100
	maxTransact      = 100
	maxPage          = 1 << 20  // bytes of items that one Query or Scan reads
	maxBatchAnswer   = 16 << 20 // bytes of items that one BatchGetItem returns
	maxTransactBytes = 4 << 20
	maxHashKey       = store.MaxHash
	maxRangeKey      = store.MaxRange
	maxTables        = 2500
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
	maxSegments      = 1_000_000

	// MaxBody is the largest request body the service takes, in bytes.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
	MaxBody = 16 << 20
)

// sources are where the limits are stated, for the record of refusals.
var sources = map[quota.Limit]string{
	quota.PartitionLimit:   "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html",
	quota.ProvisionedLimit: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/provisioned-capacity-mode.html",
	quota.GrowthLimit:      "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
	quota.AccountLimit:     "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
	quota.MaximumLimit:     "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html",
}
