package reports

import (
	"fmt"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Load is what was asked of the generator, and what it did.
type Load struct {
	Start      time.Time `json:"start"`         // planned time 0
	Speed      float64   `json:"speed"`         // that planned times were divided by; all other times are the wall's
	PlannedFor Seconds   `json:"planned_for_s"` // of the plan, before that
	Planned    int64     `json:"planned_requests"`
	Sent       int64     `json:"sent_requests"`
	Unsent     int64     `json:"unsent_requests"` // never sent: counted at their waiting time
	Events     int64     `json:"planned_events"`
	Accepted   int64     `json:"accepted_events"`
	Phases     []Phase   `json:"phases"`
}

// Pace says at which speed the plan was sent; "" if at its own.
func (l *Load) Pace() string {
	if l.Speed == 0 || l.Speed == 1 {
		return ""
	}
	return fmt.Sprintf("%s times: requests planned over %s sent within %s; ids, buffers, passes, objectives and lateness are in wall time",
		Rate(l.Speed), FormatDuration(l.PlannedFor.Duration()), FormatDuration(time.Duration(float64(l.PlannedFor.Duration())/l.Speed)))
}

// Phase is a stretch of the plan. Rates are means over the phase.
type Phase struct {
	Name                string  `json:"name"`
	Start               Seconds `json:"start_s"`
	End                 Seconds `json:"end_s"`
	RequestedEvents     float64 `json:"requested_events_per_second"`
	AchievedEvents      float64 `json:"achieved_events_per_second"` // accepted ones
	PeakRequestedEvents float64 `json:"peak_requested_events_per_second"`
	RequestedRequests   float64 `json:"requested_requests_per_second"`
	AchievedRequests    float64 `json:"achieved_requests_per_second"` // answered 2xx
}

// Part says which requests of the run a figure covers.
type Part string

// The parts.
const (
	Outside Part = "outside" // planned outside every fault window: the objectives apply
	Inside  Part = "inside"  // planned inside one: the scenario's own limits apply
)

// Latency is the latency of one kind of request in one part of the run. Response is counted
// from the planned time (end - planned; unsent requests at their waiting time, failed ones at
// their timeout), service from the send (end - start), lag is start - planned.
type Latency struct {
	Kind     string         `json:"kind"`     // batch, webhook, read; "" is all kinds together
	Endpoint string         `json:"endpoint"` // such as "POST /v1/tenants/{tenant}/events"
	Part     Part           `json:"part"`
	Fault    string         `json:"fault,omitempty"` // inside only: the window's fault; "" is all windows
	Planned  int64          `json:"planned"`
	OK       int64          `json:"ok"`     // 2xx
	Errors   int64          `json:"errors"` // anything else, timeouts included
	Unsent   int64          `json:"unsent"`
	Response stat.Histogram `json:"response"`
	Service  stat.Histogram `json:"service"`
	Lag      stat.Histogram `json:"lag"`
}

// Bucket is one second of the run. Counts of planned and unsent requests, response percentiles
// and errors are by planned time; started, completed and accepted by the moment they happened.
// A pointer is nil where there is nothing to say.
type Bucket struct {
	At        Seconds `json:"t_s"`
	Planned   int64   `json:"planned"` // requests
	Started   int64   `json:"started"`
	Completed int64   `json:"completed"`
	OK        int64   `json:"ok"`     // 2xx
	Errors    int64   `json:"errors"` // answered otherwise, or not at all
	Unsent    int64   `json:"unsent"`

	PlannedEvents  int64 `json:"planned_events"`
	AcceptedEvents int64 `json:"accepted_events"`

	P50 *Millis `json:"p50_ms,omitempty"` // response, from the planned time
	P90 *Millis `json:"p90_ms,omitempty"`
	P99 *Millis `json:"p99_ms,omitempty"`
	Max *Millis `json:"max_ms,omitempty"`

	GeneratorCPU *float64 `json:"generator_cpu,omitempty"` // cores
	SystemCPU    *float64 `json:"system_cpu,omitempty"`    // cores, the system under test
	HostCPU      *float64 `json:"host_cpu,omitempty"`      // share of all cores in use, 0 to 1
	RunCPU       *float64 `json:"run_cpu,omitempty"`       // of it, by this run
	OthersCPU    *float64 `json:"others_cpu,omitempty"`    // by other processes
	StealCPU     *float64 `json:"steal_cpu,omitempty"`     // by other machines
	MemoryUsed   *float64 `json:"memory_used,omitempty"`   // share, 0 to 1

	Freshness    *Millis  `json:"freshness_ms,omitempty"` // the worst sample that was accepted in this second
	Backlog      *int64   `json:"backlog,omitempty"`      // messages waiting in queues
	CanaryWeight *float64 `json:"canary_weight,omitempty"`
	CanaryShare  *float64 `json:"canary_share,omitempty"` // of answers, by executed version
}

// SelfWatch is the harness's own health: a sick generator makes a run INVALID.
type SelfWatch struct {
	CPUCores     float64  `json:"cpu_cores"` // mean over the load
	PeakCPUCores float64  `json:"peak_cpu_cores"`
	LagP50       Millis   `json:"lag_p50_ms"`
	LagP99       Millis   `json:"lag_p99_ms"`
	LagMax       Millis   `json:"lag_max_ms"`
	GCs          int64    `json:"gcs"`
	GCPauseP99   Millis   `json:"gc_pause_p99_ms"`
	GCPauseMax   Millis   `json:"gc_pause_max_ms"`
	MemoryBytes  int64    `json:"memory_bytes"` // highest resident
	Unsent       int64    `json:"unsent"`
	Sick         []string `json:"sick,omitempty"` // why not to trust it
}
