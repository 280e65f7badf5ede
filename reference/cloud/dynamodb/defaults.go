package dynamodb

import (
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// Defaults are the settings of tables and their indexes.
func Defaults() []wire.Setting {
	const (
		table = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"
		warm  = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html"
	)
	of := func(member, name, aws, unit, source string) wire.Setting {
		return wire.Setting{Operation: "CreateTable", Member: member, Name: name, AWS: aws, Unit: unit, Source: source}
	}
	reads, writes := strconv.Itoa(quota.OnDemandReadUnits), strconv.Itoa(quota.OnDemandWriteUnits)
	return []wire.Setting{
		of("BillingMode", "billing of tables", billingProvisioned, "", table),
		of("TableClass", "class of tables", "STANDARD", "", table),
		of("DeletionProtectionEnabled", "protection of tables", "false", "", table),
		of("WarmThroughput.ReadUnitsPerSecond", "warm reads of tables", reads, "units/s", warm),
		of("WarmThroughput.WriteUnitsPerSecond", "warm writes of tables", writes, "units/s", warm),
		of("GlobalSecondaryIndexes.WarmThroughput.ReadUnitsPerSecond", "warm reads of indexes", reads, "units/s", warm),
		of("GlobalSecondaryIndexes.WarmThroughput.WriteUnitsPerSecond", "warm writes of indexes", writes, "units/s", warm),
	}
}
