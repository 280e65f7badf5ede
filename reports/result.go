package reports

import (
	"fmt"
	"time"
)

// Schema names the form of report.json. The number rises when a reader of the old form would
// misread the new one; fields may be added without that.
const Schema = "stampede.report/2"

// Result is everything that a run found; report.json is this value.
// All Seconds are offsets from Load.Start.
type Result struct {
	Schema   string  `json:"schema"`
	Verdict  Verdict `json:"verdict"`
	ExitCode int     `json:"exit_code"`

	Scenario    Scenario    `json:"scenario"`
	Started     time.Time   `json:"started"` // of the command
	Ended       time.Time   `json:"ended"`
	Interrupted string      `json:"interrupted,omitempty"` // why the run was cut short
	Environment Environment `json:"environment"`

	Proved      []string     `json:"proved"`                 // sentences, the strongest first
	HighestRate *HighestRate `json:"highest_rate,omitempty"` // nil if none was held
	FirstLimit  *FirstLimit  `json:"first_limit,omitempty"`  // nil if none was hit

	Objectives Objectives `json:"objectives"`
	Checks     []Check    `json:"checks"`

	Load        Load         `json:"load"`
	Latency     []Latency    `json:"latency"`
	Timeline    []Bucket     `json:"timeline"` // one a second, without holes, from second 0
	Faults      []Fault      `json:"faults"`
	Freshness   Freshness    `json:"freshness"`
	Rollouts    []Rollout    `json:"rollouts"`
	Ledger      Ledger       `json:"ledger"`
	CPU         []Stage      `json:"cpu"`
	CPUBudget   float64      `json:"cpu_budget_us"` // that all stages together should take of an event; 0 is none
	Limits      []LimitHit   `json:"limits"`
	Changed     []AWSDefault `json:"changed"` // AWS defaults that this run did not use
	RealOrders  *RealOrders  `json:"real_orders,omitempty"`
	Self        SelfWatch    `json:"self"`
	HostLimited []Interval   `json:"host_limited"`
	OtherLoad   *OtherLoad   `json:"other_load,omitempty"` // nil if others took little of the machine
	Notes       []Note       `json:"notes"`
}

// Finish fills in the schema, the verdict and the exit code from the checks, and makes lists
// that were left nil empty, so that readers of the JSON find [] and not null.
func (r *Result) Finish() {
	empty(&r.Proved)
	empty(&r.Checks)
	empty(&r.Scenario.Overrides)
	empty(&r.Scenario.Settings)
	empty(&r.Load.Phases)
	empty(&r.Latency)
	empty(&r.Timeline)
	empty(&r.Faults)
	empty(&r.Freshness.Samples)
	empty(&r.Freshness.Settings)
	empty(&r.Rollouts)
	empty(&r.Ledger.Comparisons)
	empty(&r.CPU)
	empty(&r.Limits)
	empty(&r.Changed)
	empty(&r.HostLimited)
	empty(&r.Notes)
	r.Schema = Schema
	r.Verdict = Judge(r.Checks)
	r.ExitCode = r.Verdict.ExitCode()
}

func empty[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}

// Check finds a check by name.
func (r *Result) Check(name string) (Check, bool) {
	for _, c := range r.Checks {
		if c.Name == name {
			return c, true
		}
	}
	return Check{}, false
}

// Scenario says what was run and how to run it again.
type Scenario struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	File        string    `json:"file,omitempty"` // "" for a shipped one
	SHA256      string    `json:"sha256"`         // of the scenario with its overrides applied
	Text        string    `json:"text,omitempty"` // the same, as YAML
	Seed        uint64    `json:"seed"`
	Command     string    `json:"command"`            // repeats the run
	Overrides   []string  `json:"overrides"`          // path=value, as given
	Settings    []Setting `json:"settings"`           // the mix and whatever else a reader must know
	Target      string    `json:"target"`             // embedded, containers, remote
	Epoch       time.Time `json:"epoch,omitzero"`     // of the plan's ids
	Version     string    `json:"version,omitempty"`  // of stampede
	Revision    string    `json:"revision,omitempty"` // of its source
}

// Objectives are what must hold outside fault windows; zero values were not asked for.
type Objectives struct {
	P99          Millis  `json:"p99_ms"`
	Availability float64 `json:"availability"` // share
	FreshnessP99 Millis  `json:"freshness_p99_ms"`
	Rollback     Millis  `json:"rollback_ms"`
	Unknown      float64 `json:"unknown"`  // share
	HostCPU      float64 `json:"host_cpu"` // share; above it a second is HOST-LIMITED
}

// Setting is a name and a value, unit included, to be shown as they are.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Environment is the machine that everything ran on.
type Environment struct {
	Host        string `json:"host"`
	OS          string `json:"os"` // GOOS/GOARCH
	Kernel      string `json:"kernel"`
	CPU         string `json:"cpu,omitempty"` // model
	Cores       int    `json:"cores"`         // usable ones
	MemoryBytes int64  `json:"memory_bytes"`
	Go          string `json:"go"`
	Filesystem  string `json:"filesystem,omitempty"` // of the data directory
}

// HighestRate is the highest rate that a phase held inside all objectives.
type HighestRate struct {
	Phase             string  `json:"phase"`
	EventsPerSecond   float64 `json:"events_per_second"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	For               Seconds `json:"for_s"`
	Qualifier         string  `json:"qualifier,omitempty"` // "all of it between faults", "HOST-LIMITED"
}

// FirstLimit is the limit that was met first, of AWS's, of a setting, or of the host.
type FirstLimit struct {
	What string  `json:"what"` // a sentence
	At   Seconds `json:"at_s"`
}

// Interval is a stretch of the run.
type Interval struct {
	Start      Seconds     `json:"start_s"`
	End        Seconds     `json:"end_s"`
	Reason     string      `json:"reason"`
	Processors *Processors `json:"processors,omitempty"` // mean use in it
}

// Note is a line of the run's diary.
type Note struct {
	At   Seconds `json:"at_s"`
	Kind string  `json:"kind"` // load, fault, rollout, restart, drain, harness, …
	Text string  `json:"text"`
}

// Validate says in which ways a result contradicts itself; nil if it does not.
func (r *Result) Validate() error {
	switch {
	case r.Schema != Schema:
		return fmt.Errorf("schema is %q, this build reads %q", r.Schema, Schema)
	case r.Verdict != Judge(r.Checks):
		return fmt.Errorf("verdict is %s, the checks give %s", r.Verdict, Judge(r.Checks))
	case r.ExitCode != r.Verdict.ExitCode():
		return fmt.Errorf("exit code is %d, verdict %s has %d", r.ExitCode, r.Verdict, r.Verdict.ExitCode())
	}
	for i, b := range r.Timeline {
		if b.At != Seconds(i)*Seconds(time.Second) {
			return fmt.Errorf("timeline bucket %d starts at %s", i, b.At)
		}
	}
	return nil
}
