package sqs

import (
	"math"
	"time"
)

// Sources of the limits.
const (
	queueQuotas   = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"
	messageQuotas = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
)

// Limits are the quotas that SQS imposes. The zero value of a field is no
// limit at all; AWSLimits has AWS's numbers.
type Limits struct {
	// InFlight is how many messages of a queue may be received and not yet
	// deleted: about 120,000. A short poll beyond it fails with OverLimit, a
	// long poll returns nothing.
	// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
	InFlight int `yaml:"in_flight"`
	// MessageBytes is the largest message, and the largest sum of a batch, body
	// and attributes together: 1,048,576 bytes.
	// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	MessageBytes int `yaml:"message_bytes"`
	// BatchEntries is the largest number of messages in a call: 10. It also
	// bounds the messages of one receive.
	// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	BatchEntries int `yaml:"batch_entries"`
	// PurgeInterval is how long a queue must rest between two purges: 60 s.
	// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
	PurgeInterval time.Duration `yaml:"purge_interval"`
	// MovesPerSecond is the fastest message move task: 500 messages a second.
	// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
	MovesPerSecond int `yaml:"moves_per_second"`
}

// AWSLimits are AWS's quotas.
func AWSLimits() Limits {
	return Limits{InFlight: 120_000, MessageBytes: 1 << 20, BatchEntries: 10, PurgeInterval: time.Minute, MovesPerSecond: 500}
}

// NoLimits imposes nothing but what the protocol needs: at most ten messages a
// call, which clients rely on.
func NoLimits() Limits { return Limits{BatchEntries: 10} }

// orMax is n, or no limit if n is zero.
func orMax(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}
