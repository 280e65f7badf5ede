package loadtest

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
)

// Schema names the form of result.json. The number rises when a reader of the old form would
// misread the new one; fields may be added without that.
const Schema = "stampede.load/1"

// Result is what a load came to; result.json is this value.
type Result struct {
	Schema   string          `json:"schema"`
	Verdict  reports.Verdict `json:"verdict"`
	ExitCode int             `json:"exit_code"`
	Invalid  []string        `json:"invalid"` // why the figures cannot be trusted

	Name        string    `json:"name"`
	Target      string    `json:"target"`
	Plan        []string  `json:"plan"` // what was asked for, in words
	Closed      bool      `json:"closed,omitempty"`
	Seed        uint64    `json:"seed"`
	Command     string    `json:"command"` // repeats the load
	Version     string    `json:"version"`
	Started     time.Time `json:"started"`     // instant of planned time 0
	Interrupted bool      `json:"interrupted"` // before the plan's end

	Asked    float64         `json:"asked"` // requests that the plan has on average; 0 of users who wait for answers
	Length   reports.Seconds `json:"length_s"`
	Sent     int64           `json:"sent"`
	Measure  *measure.Set    `json:"measure"`
	Course   *measure.Course `json:"course"`
	Fit      measure.Fit     `json:"fit"`
	Failures []Failure       `json:"failures"` // the most frequent first

	Thresholds []Threshold `json:"thresholds"`
	Self       Self        `json:"generator"`
	Workers    []Worker    `json:"workers,omitempty"` // that sent it together
}

// Worker is one of the processes that sent a load together.
type Worker struct {
	Name        string         `json:"name"`
	State       string         `json:"state"`           // reported or lost
	Cause       string         `json:"cause,omitempty"` // of its loss
	Requests    int64          `json:"requests"`        // whose outcome it told
	Unsent      int64          `json:"unsent"`          // that it owed when it was lost; they count as never sent
	Lagged      bool           `json:"lagged"`          // it found at some time that it was too slow
	ClockAhead  reports.Millis `json:"clock_ahead_ms"`  // of the controller's, as measured before the load
	ClockWithin reports.Millis `json:"clock_within_ms"` // of which it is true
}

// Failure is one complaint of a check or a connection.
type Failure struct {
	Text  string `json:"text"`
	Count int64  `json:"count"`
}

// Threshold is one limit and what was found.
type Threshold struct {
	Text     string  `json:"threshold"`
	Value    string  `json:"value"`    // as people read it; "no data" without
	Number   float64 `json:"number"`   // in seconds, as a share of 1, a second, or a count
	Requests int64   `json:"requests"` // that it is over
	Holds    bool    `json:"holds"`
}

// Self is the generator's watch on itself.
type Self struct {
	CPU        reports.Seconds `json:"cpu_s"` // user and system time
	GCPauseMax reports.Millis  `json:"gc_pause_max_ms"`
	LagP50     reports.Millis  `json:"lag_p50_ms"`
	LagP99     reports.Millis  `json:"lag_p99_ms"`
	LagMax     reports.Millis  `json:"lag_max_ms"`
	Heap       uint64          `json:"heap_max_bytes"`
	Memory     uint64          `json:"memory_max_bytes"`                     // from the system, not given back
	Growth     *float64        `json:"memory_growth_bytes_minute,omitempty"` // slope of memory after the first fifth; nil of loads that are too short, or of workers
	Goroutines int             `json:"goroutines_max"`
	UnderWay   int64           `json:"under_way_max"` // requests without an answer at once
}

// MicrosRequest is the generator's CPU a request in µs; 0 if none was sent.
func (r *Result) MicrosRequest() float64 {
	if r.Sent == 0 {
		return 0
	}
	return float64(time.Duration(r.Self.CPU).Microseconds()) / float64(r.Sent)
}

// Cores is how many processors the generator used.
func (r *Result) Cores() float64 {
	if r.Length <= 0 {
		return 0
	}
	return float64(r.Self.CPU) / float64(r.Length)
}

// Judge holds the thresholds against what was measured.
func (r *Result) Judge(all []threshold.Threshold) {
	r.Thresholds = []Threshold{}
	for _, t := range all {
		j := t.Judge(r.Measure)
		value := t.Write(j.Value)
		switch {
		case j.Requests == 0:
			value = "no data"
		case t.Unit == threshold.Seconds:
			value = reports.FormatDuration(time.Duration(j.Value * float64(time.Second)))
		}
		r.Thresholds = append(r.Thresholds, Threshold{Text: t.String(), Value: value, Number: j.Value, Requests: j.Requests, Holds: j.Holds})
	}
}

// Finish fills in the schema, the fit and the verdict: INVALID if there is a reason, an interruption,
// no request or no good answer to anybody who set no threshold among them; else FAIL if a threshold does not hold; else PASS.
func (r *Result) Finish() {
	r.Schema = Schema
	r.Fit = r.Course.Fit()
	all := r.Measure.Select(nil)
	if r.Interrupted {
		r.Invalid = append([]string{fmt.Sprintf("interrupted after %s: the figures are of what was sent until then", r.Length)}, r.Invalid...)
	}
	switch {
	case all.Planned == 0:
		r.Invalid = append(r.Invalid, "no request was due: nothing was measured")
	case all.Good == 0 && len(r.Thresholds) == 0: // with thresholds it is theirs to say
		r.Invalid = append(r.Invalid, "no request was answered well: is it the right address, protocol and credential?")
	}
	r.Verdict = reports.VerdictPass
	for _, t := range r.Thresholds {
		if !t.Holds {
			r.Verdict = reports.VerdictFail
		}
	}
	if len(r.Invalid) > 0 {
		r.Verdict = reports.VerdictInvalid
	}
	r.ExitCode = r.Verdict.ExitCode()
	for _, list := range []*[]string{&r.Invalid, &r.Plan} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Failures == nil {
		r.Failures = []Failure{}
	}
	if r.Thresholds == nil {
		r.Thresholds = []Threshold{}
	}
}

// WriteJSON writes result.json.
func WriteJSON(w io.Writer, r *Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(rd io.Reader) (*Result, error) {
	r := &Result{}
	if err := json.NewDecoder(rd).Decode(r); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("read JSON: schema %q, expected %q", r.Schema, Schema)
	}
	return r, nil
}
