package apigateway

import "github.com/retailflow/stampede/reference/cloud/wire"

// Defaults are the settings of usage plans.
func Defaults() []wire.Setting {
	of := func(member, name, unit, source string) wire.Setting {
		return wire.Setting{Operation: "CreateUsagePlan", Member: member, Name: name, AWS: "", Unit: unit, Source: source}
	}
	return []wire.Setting{
		of("Throttle.RateLimit", "rate of a usage plan's keys", "requests/s", throttling),
		of("Throttle.BurstLimit", "burst of a usage plan's keys", "requests", throttling),
		of("Quota.Limit", "quota of a usage plan's keys", "requests", planQuotas),
		of("Quota.Period", "period of a usage plan's quota", "", planQuotas),
	}
}
