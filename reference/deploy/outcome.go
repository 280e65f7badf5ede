package deploy

import "time"

// Stopwatch has the moments of a rollback in wall time, each zero until it came. TrafficSafe is the
// last bad answer of a canary, or the end of the watch if it never gave one.
type Stopwatch struct {
	FirstBad     time.Time `json:"first_bad,omitzero"`
	Detected     time.Time `json:"detected,omitzero"`
	Decided      time.Time `json:"decided,omitzero"`
	Reverted     time.Time `json:"reverted,omitzero"`
	TrafficSafe  time.Time `json:"traffic_safe,omitzero"`
	DataRepaired time.Time `json:"data_repaired,omitzero"`
}

// Decision is one step of a rollout for a timeline.
type Decision struct {
	At               time.Time `json:"at"`
	Action           string    `json:"action"` // start, resume, advance, hold, promote, roll back, reverted, safe
	Rung             int       `json:"rung"`
	Weight           float64   `json:"weight"` // of the canary after it
	Reason           string    `json:"reason"`
	CanaryRequests   int64     `json:"canary_requests"`
	CanaryBad        int64     `json:"canary_bad"` // errors and slow answers
	EValue           float64   `json:"e_value"`    // the strongest evidence of harm; 1 is none
	SmallestExcluded float64   `json:"smallest_excluded"`
	NeedRequests     int64     `json:"need_requests,omitempty"`
}

// Result is how a rollout ended.
type Result string

// The results.
const (
	Promoted    Result = "promoted"
	RolledBack  Result = "rolled back"
	Interrupted Result = "interrupted" // by the context or an error; Run again continues
)

// Outcome is what came of a rollout, with this controller's part of the timeline.
type Outcome struct {
	Result         Result     `json:"result"`
	Reason         string     `json:"reason"`
	Decisions      []Decision `json:"decisions"`
	Stopwatch      *Stopwatch `json:"stopwatch,omitempty"` // of a rollback
	CanaryRequests int64      `json:"canary_requests"`
	CanaryBad      int64      `json:"canary_bad"`
	StableRequests int64      `json:"stable_requests"`
	StableBad      int64      `json:"stable_bad"`
	ControlCalls   int64      `json:"control_calls"`
}
