package eventbridge

import (
	"strconv"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// Defaults are the settings of rules and their targets.
func Defaults() []wire.Setting {
	const (
		rule  = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"
		retry = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html"
	)
	limits := AWSLimits()
	return []wire.Setting{
		{Operation: "PutRule", Member: "State", Name: "state of rules", AWS: "ENABLED", Source: rule},
		{Operation: "PutTargets", Member: "Targets.RetryPolicy.MaximumRetryAttempts", Name: "retries of deliveries", AWS: strconv.Itoa(limits.Retries), Source: retry},
		{Operation: "PutTargets", Member: "Targets.RetryPolicy.MaximumEventAgeInSeconds", Name: "age of deliveries", AWS: strconv.Itoa(int(limits.EventAge / time.Second)), Unit: "s", Source: retry},
		{Operation: "PutTargets", Member: "Targets.DeadLetterConfig.Arn", Name: "dead letters of rules", AWS: "", Source: retry},
	}
}
