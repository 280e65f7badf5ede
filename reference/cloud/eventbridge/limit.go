package eventbridge

import (
	"math"
	"time"
)

// Sources of the limits.
const (
	busQuotas = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
	entrySize = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"
)

// Limits are the quotas that EventBridge imposes. The zero value of a field is
// no limit at all; AWSLimits has AWS's numbers.
type Limits struct {
	// PutsPerSecond is the rate of PutEvents calls: 10,000/s in us-east-1.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	PutsPerSecond float64 `yaml:"puts_per_second"`
	// InvocationsPerSecond is the rate of deliveries to targets: 18,750/s in
	// us-east-1. Beyond it deliveries wait; none is refused.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	InvocationsPerSecond float64 `yaml:"invocations_per_second"`
	// BatchEntries is the most events in a call: 10.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
	BatchEntries int `yaml:"batch_entries"`
	// EntryBytes is the largest sum of a call's events: 1 MiB.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
	EntryBytes int `yaml:"entry_bytes"`
	// Rules is the most rules on a bus: 300.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	Rules int `yaml:"rules"`
	// TargetsPerRule is the most targets of a rule: 5.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	TargetsPerRule int `yaml:"targets_per_rule"`
	// PatternBytes is the longest event pattern: 2,048 characters.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	PatternBytes int `yaml:"pattern_bytes"`
	// Retries is how often a delivery is retried if its target does not say: 185.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
	Retries int `yaml:"retries"`
	// EventAge is how long a delivery is retried if its target does not say: 24 h.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
	EventAge time.Duration `yaml:"event_age"`
}

// AWSLimits are AWS's quotas in us-east-1.
func AWSLimits() Limits {
	return Limits{PutsPerSecond: 10_000, InvocationsPerSecond: 18_750, BatchEntries: 10, EntryBytes: 1 << 20,
		Rules: 300, TargetsPerRule: 5, PatternBytes: 2048, Retries: 185, EventAge: 24 * time.Hour}
}

// NoLimits imposes nothing: deliveries are retried for ever.
func NoLimits() Limits { return Limits{} }

// orMax is n, or no limit if n is zero.
func orMax(n int) int {
	if n == 0 {
		return math.MaxInt
	}
	return n
}
