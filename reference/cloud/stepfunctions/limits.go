package stepfunctions

import "time"

const quotas = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"

// Limits of Step Functions. Zero means none. Source of all:
// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
type Limits struct {
	// StartRate and StartBurst bound StartExecution a second (Standard, us-east-1).
	StartRate  float64 `yaml:"start_rate"`
	StartBurst float64 `yaml:"start_burst"`
	// TransitionRate and TransitionBurst bound state transitions a second of the account; beyond
	// them executions are delayed, not failed.
	TransitionRate  float64 `yaml:"transition_rate"`
	TransitionBurst float64 `yaml:"transition_burst"`
	// OpenExecutions that may run at once.
	OpenExecutions int `yaml:"open_executions"`
	// HistoryEvents of one execution; it fails when they are used up.
	HistoryEvents int64 `yaml:"history_events"`
	// PayloadBytes of any input or output.
	PayloadBytes int `yaml:"payload_bytes"`
	// DefinitionBytes of a state machine.
	DefinitionBytes int `yaml:"definition_bytes"`
	// Retention of an ended execution and its name.
	Retention time.Duration `yaml:"retention"`
}

// AWSLimits are Amazon's documented ones for us-east-1.
func AWSLimits() Limits {
	return Limits{
		StartRate: 300, StartBurst: 1300, TransitionRate: 5000, TransitionBurst: 5000,
		OpenExecutions: 1_000_000, HistoryEvents: 25_000, PayloadBytes: 262_144, DefinitionBytes: 1 << 20,
		Retention: 90 * 24 * time.Hour,
	}
}

// NoLimits gives raw speed; what bounds memory and disk stays.
func NoLimits() Limits {
	l := AWSLimits()
	l.StartRate, l.StartBurst, l.TransitionRate, l.TransitionBurst, l.OpenExecutions = 0, 0, 0, 0, 0
	return l
}
