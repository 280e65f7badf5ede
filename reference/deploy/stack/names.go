package stack

import "github.com/retailflow/stampede/reference/api"

// Names of the resources; one account holds one stack.
const (
	Region  = "us-east-1"
	Account = "000000000000"

	CoreTable      = "stampede-core"
	AnalyticsTable = "stampede-analytics"
	RawBucket      = "stampede-raw"
	StateMachine   = "roll-up"
	ScheduleRule   = "roll-up-schedule"
	RestAPI        = "retailflow"
	Alias          = "live"

	IngestEvents     = "ingest-events"
	IngestWebhooks   = "ingest-webhooks"
	ProcessInsights  = "process-insights"
	QueryAnalytics   = "query-analytics"
	maxReceives      = 5
	processBatchSize = 10
)

// StreamName is the delivery stream of a stream of events.
func StreamName(s api.Stream) string { return "stampede-" + string(s) }

// ProcessName is both the queue of a stream and the function behind it.
func ProcessName(s api.Stream) string { return "process-" + string(s) }

// DeadLetterQueue is where a stream's message goes after 5 failures.
func DeadLetterQueue(s api.Stream) string { return ProcessName(s) + "-dlq" }

// FunctionARN names a function, or one of its aliases when qualifier is not "".
func FunctionARN(name, qualifier string) string {
	arn := "arn:aws:lambda:" + Region + ":" + Account + ":function:" + name
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// QueueARN names a queue.
func QueueARN(name string) string { return "arn:aws:sqs:" + Region + ":" + Account + ":" + name }

// StateMachineARN names the roll-up state machine.
func StateMachineARN() string {
	return "arn:aws:states:" + Region + ":" + Account + ":stateMachine:" + StateMachine
}

// RoleARN is the role every function and state machine assumes; the embedded cloud has no IAM.
func RoleARN() string { return "arn:aws:iam::" + Account + ":role/stampede" }
