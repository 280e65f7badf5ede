package lambda

import (
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// What a function or a mapping has that does not say otherwise.
const (
	defaultTimeout = 3   // seconds
	defaultMemory  = 128 // MB
	defaultStorage = 512 // MB
	defaultTracing = "PassThrough"
	defaultBatch   = 10 // messages of a queue
)

// Defaults are the settings of functions and mappings.
func Defaults() []wire.Setting {
	const (
		function = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
		mapping  = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
	)
	of := func(member, name, aws, unit string) wire.Setting {
		return wire.Setting{Operation: "CreateFunction", Member: member, Name: name, AWS: aws, Unit: unit, Source: function}
	}
	from := func(member, name, aws, unit string) wire.Setting {
		return wire.Setting{Operation: "CreateEventSourceMapping", Member: member, Name: name, AWS: aws, Unit: unit, Source: mapping}
	}
	return []wire.Setting{
		of("Timeout", "timeout of functions", strconv.Itoa(defaultTimeout), "s"),
		of("MemorySize", "memory of functions (not enforced on this machine)", strconv.Itoa(defaultMemory), "MB"),
		of("EphemeralStorage.Size", "storage of functions", strconv.Itoa(defaultStorage), "MB"),
		of("TracingConfig.Mode", "tracing of functions", defaultTracing, ""),
		of("Architectures", "architecture of functions", "x86_64", ""),
		of("PackageType", "package of functions", "Zip", ""),
		{Operation: "CreateFunction", Member: "Environment.Variables." + PriorityVariable, Name: "priority of function processes", AWS: "", Source: "stampede-only"},
		{Operation: "PutFunctionConcurrency", Member: "ReservedConcurrentExecutions", Name: "reserved concurrency", AWS: "", Source: quotaSource},
		from("BatchSize", "batch of a queue's mapping", strconv.Itoa(defaultBatch), "messages"),
		from("MaximumBatchingWindowInSeconds", "batching window of a queue's mapping", "0", "s"),
		from("Enabled", "mapping is enabled", "true", ""),
		from("FunctionResponseTypes", "answers of functions behind queues", "", ""),
		from("ScalingConfig.MaximumConcurrency", "concurrency of a queue's mapping", "", ""),
	}
}
