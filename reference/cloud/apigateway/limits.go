package apigateway

import "time"

// Sources of the limits.
const (
	quotas     = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
	planQuotas = "https://docs.aws.amazon.com/apigateway/latest/api/API_QuotaSettings.html"
	throttling = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html"
)

// Limits are the quotas that API Gateway imposes. The zero value of a field is no limit at all;
// AWSLimits has AWS's numbers.
type Limits struct {
	// RequestsPerSecond is the account's steady rate over all APIs: 10,000.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	RequestsPerSecond float64 `yaml:"requests_per_second"`
	// Burst is the account's token bucket: 5,000 requests.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
	Burst float64 `yaml:"burst"`
	// PayloadBytes is the largest request body: 10 MB.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	PayloadBytes int64 `yaml:"payload_bytes"`
	// IntegrationTimeout is how long a function may take: 29 s. A document may ask for less.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	IntegrationTimeout time.Duration `yaml:"integration_timeout"`
	// UsagePlans says that the throttles and quotas of usage plans are imposed on their keys; without,
	// plans are only kept, and no quota is used.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
	UsagePlans bool `yaml:"usage_plans"`
}

// AWSLimits are AWS's defaults.
func AWSLimits() Limits {
	return Limits{RequestsPerSecond: 10_000, Burst: 5_000, PayloadBytes: 10 << 20, IntegrationTimeout: 29 * time.Second, UsagePlans: true}
}

// NoLimits imposes nothing.
func NoLimits() Limits { return Limits{} }
