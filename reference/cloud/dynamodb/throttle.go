package dynamodb

import (
	"fmt"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/quota"
)

// Where throttled requests can be read, as JSON and as metrics in Prometheus' text form;
// stampede-only.
const (
	ThrottlesPath = "/_stampede/dynamodb/throttles"
	MetricsPath   = "/_stampede/dynamodb/metrics"
)

// Throttle is one request, or one item of it, that was refused for lack of capacity.
type Throttle struct {
	At             time.Time `json:"at"`
	RequestID      string    `json:"request_id"`
	Operation      string    `json:"operation"`
	Table          string    `json:"table"`
	Index          string    `json:"index,omitempty"`
	Partition      int       `json:"partition"` // the partition of the item, whichever limit refused
	Keys           string    `json:"keys"`      // the range of positions that it serves: hash, and the rest of the key
	Limit          string    `json:"limit"`     // as LimitHits name it
	Reason         string    `json:"reason"`    // as AWS names it in ThrottlingReasons
	Metric         string    `json:"metric"`    // of CloudWatch
	Allowed        float64   `json:"allowed"`   // units a second
	Fill           float64   `json:"fill"`      // of the limit's bucket: 1 is full, below 0 it is being paid back
	RecoverSeconds float64   `json:"recover_seconds"`
	Source         string    `json:"source"`
}

// ThrottleCount counts the events of a CloudWatch metric on a table or an index.
type ThrottleCount struct {
	Table  string `json:"table"`
	Index  string `json:"index,omitempty"`
	Metric string `json:"metric"`
	Count  int64  `json:"count"`
}

// PartitionReport is one partition of a table or an index.
type PartitionReport struct {
	Table string `json:"table"`
	Index string `json:"index,omitempty"`
	quota.PartitionState
}

// LimitReport is a limit that has refused requests: of a partition, or, with the partition -1, of
// a whole table or index.
type LimitReport struct {
	Count int64    `json:"count"`
	Last  Throttle `json:"last"`
}

// ThrottleReport is the answer at ThrottlesPath.
type ThrottleReport struct {
	Limits     []LimitReport     `json:"limits"`     // those that refused, the worst first
	Recent     []Throttle        `json:"recent"`     // the last ones, newest first
	Counts     []ThrottleCount   `json:"counts"`     // since the service was opened
	Partitions []PartitionReport `json:"partitions"` // of each table and index those that refused most
}

// limitTypes are AWS's names. It has none for growth, which shows as too hot partitions there.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html
var limitTypes = map[quota.Limit]string{
	quota.PartitionLimit: "KeyRangeThroughput", quota.GrowthLimit: "KeyRangeThroughput", quota.ProvisionedLimit: "ProvisionedThroughput",
	quota.AccountLimit: "AccountLimit", quota.MaximumLimit: "MaxOnDemandThroughput",
}

// throttled notes a refusal and is its fault.
func (c *call) throttled(t *table, short *shortage) *fault {
	d := t.definition
	r := refusal{
		at: c.now, requestID: c.r.RequestID, action: c.r.Action, table: d.TableName, onDemand: d.onDemand(), short: short.Shortage,
		limit: fmt.Sprintf("%s %s capacity", short.Limit, short.Capacity),
	}
	kind, arn := "Table", c.s.arn(d.TableName)
	for i := range t.schema.Indexes {
		if x := &t.schema.Indexes[i]; x.ID == short.space && short.space != 0 {
			r.index, kind = x.Name, "Index"
			arn += "/index/" + x.Name
		}
	}
	operation := "Read"
	if short.Capacity == quota.WriteCapacity {
		operation = "Write"
	}
	r.reason = kind + operation + limitTypes[short.Limit] + "Exceeded"
	r.metric = operation + limitTypes[short.Limit] + "ThrottleEvents"
	c.s.throttles.note(r)
	f := r.fault()
	f.members = append(f.members, `,"`...)
	f.members = append(f.members, reasonsMember(f.code)...)
	f.members = append(f.members, `":[{"reason":`...)
	f.members = item.AppendJSONString(f.members, r.reason)
	f.members = item.AppendJSONString(append(f.members, `,"resource":`...), arn)
	f.members = append(f.members, `}]`...)
	return f
}

// reasonsMember is where an error keeps its reasons: AWS spells it in two ways.
func reasonsMember(code string) string {
	if code == codeThrottling {
		return "throttlingReasons"
	}
	return "ThrottlingReasons"
}

// fault is the error in AWS's words. Which one an exhausted partition is answered with depends on
// the capacity mode.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing-workflow.html
func (r *refusal) fault() *fault {
	switch {
	case r.short.Limit == quota.AccountLimit:
		return refuse(codeRequests, "Throughput exceeds the current throughput limit for your account. Please contact AWS Support at https://aws.amazon.com/support request a limit increase")
	case r.short.Limit == quota.MaximumLimit:
		return refuse(codeThrottling, "Throughput exceeds the maximum OnDemandThroughput configured on table or index")
	case r.onDemand && r.index != "" && r.short.Capacity == quota.WriteCapacity:
		return refuse(codeThrottling, "Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is automatically scaling your index so please try again shortly.")
	case r.onDemand:
		return refuse(codeThrottling, "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html")
	case r.index != "" && r.short.Capacity == quota.WriteCapacity:
		return refuse(codeThroughput, "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API")
	}
	return refuse(codeThroughput, "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")
}

// asReason is a throttled action's share in the cancellation of its transaction.
func (f *fault) asReason() reason {
	if f.code == codeThroughput {
		return reason{code: "ProvisionedThroughputExceeded", message: f.message}
	}
	return reason{code: "ThrottlingError", message: f.message}
}
