package lambda

import (
	"cmp"
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// Stats are the service's counters since Open, for the report.
type Stats struct {
	Functions   []FunctionStats `json:"functions"` // by function and version
	Async       AsyncStats      `json:"async"`
	Mappings    []MappingStats  `json:"mappings"`
	StartsAhead int64           `json:"starts_ahead"` // environments whose invocation was taken by another that became free first
	LimitHits   []quota.Hit     `json:"limit_hits"`
}

// FunctionStats counts what one version did. Died environments are those whose process ended
// without being told to.
type FunctionStats struct {
	Function      string  `json:"function"`
	Version       string  `json:"version"`
	Invocations   int64   `json:"invocations"`   // that an environment ran to an end, timeouts and deaths included
	Errors        int64   `json:"errors"`        // answered with a FunctionError, timeouts and deaths included
	Throttles     int64   `json:"throttles"`     // refused with 429
	Timeouts      int64   `json:"timeouts"`      // killed at the function's timeout
	ColdStarts    int64   `json:"cold_starts"`   // environments that came up
	InitErrors    int64   `json:"init_errors"`   // environments that did not
	DiedBusy      int64   `json:"died_busy"`     // processes that died inside an invocation
	DiedIdle      int64   `json:"died_idle"`     // processes that died between invocations
	BilledMS      int64   `json:"billed_ms"`     // rounded up per invocation, initialisation included
	GBSeconds     float64 `json:"gb_seconds"`    // billed time times MemorySize
	CPUSeconds    float64 `json:"cpu_seconds"`   // user and system time of all processes, the living included
	InitSeconds   float64 `json:"init_seconds"`  // sum over cold starts
	Environments  int     `json:"environments"`  // processes now
	Busy          int     `json:"busy"`          // of them, inside an invocation
	MaxConcurrent int     `json:"max_processes"` // most processes at once
}

// Environment is one execution environment, alive now.
type Environment struct {
	Function    string    `json:"function"`
	Version     string    `json:"version"`
	PID         int       `json:"pid"`
	Busy        bool      `json:"busy"`  // inside an invocation
	Since       time.Time `json:"since"` // of the current state
	Invocations int64     `json:"invocations"`
}

// counters are FunctionStats in the making, kept beyond the life of a pool.
type counters struct {
	FunctionStats
	deadCPU time.Duration
}

// countersKey names the counters of a version.
type countersKey struct{ function, version string }

// billed is AWS's rounding: up to the millisecond.
// https://aws.amazon.com/lambda/pricing/
func billed(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

func (c *counters) bill(d time.Duration, memoryMB int) {
	ms := billed(d)
	c.BilledMS += ms
	c.GBSeconds += float64(ms) / 1000 * float64(memoryMB) / 1024
}

// Stats returns a copy of all counters. It reads the CPU time of living processes from the
// kernel: some 20 µs a process.
func (s *Service) Stats() Stats {
	functions, ahead, hits := s.scheduler.stats()
	slices.SortFunc(functions, func(a, b FunctionStats) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(len(a.Version), len(b.Version)), cmp.Compare(a.Version, b.Version))
	})
	return Stats{Functions: functions, Async: s.async.stats(), Mappings: s.mappings.stats(), StartsAhead: ahead, LimitHits: hits}
}

// Environments lists the living execution environments, by function, version and pid.
func (s *Service) Environments() []Environment {
	all := s.scheduler.environments()
	slices.SortFunc(all, func(a, b Environment) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Version, b.Version), cmp.Compare(a.PID, b.PID))
	})
	return all
}
