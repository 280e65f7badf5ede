package reports

import "fmt"

// Rollout is one release, from its first canary request to promotion or rollback.
type Rollout struct {
	Function     string     `json:"function"`
	From         string     `json:"from"`             // version
	To           string     `json:"to"`               // version
	Defect       string     `json:"defect"`           // "" for a healthy one
	Reason       string     `json:"reason,omitempty"` // of the outcome, or why there is none
	Outcome      string     `json:"outcome"`          // rolled back, promoted, holding, interrupted
	Start        Seconds    `json:"start_s"`
	End          Seconds    `json:"end_s"`
	Ladder       []Rung     `json:"ladder"`
	TimeScale    float64    `json:"time_scale"` // 1 is real time; 1800 makes a rung of 30 min wait 1 s
	Detectable   string     `json:"detectable"` // the effect that the ladder can detect, said before the run
	Decisions    []Decision `json:"decisions"`
	Stopwatch    *Stopwatch `json:"stopwatch,omitempty"` // nil unless there was a rollback
	CanaryAsked  int64      `json:"canary_requests"`
	CanaryBad    int64      `json:"canary_bad"`
	StableAsked  int64      `json:"stable_requests"`
	StableBad    int64      `json:"stable_bad"`
	ControlCalls int64      `json:"control_calls"` // to the Lambda API
}

// Healthy says that the release had no defect: it should not have been rolled back.
func (r *Rollout) Healthy() bool { return r.Defect == "" }

// Excluded is the smallest extra share of bad answers that the last judgement ruled out; 1 is none.
func (r *Rollout) Excluded() float64 {
	if n := len(r.Decisions); n > 0 {
		return r.Decisions[n-1].SmallestExcluded
	}
	return 1
}

// Climb says how far the release came and what its requests proved.
func (r *Rollout) Climb() string {
	reached := 0
	for _, rung := range r.Ladder {
		if rung.Reached {
			reached++
		}
	}
	text := fmt.Sprintf("%d of %d rungs, %s requests judged, %s of them bad", reached, len(r.Ladder), Count(r.CanaryAsked), Count(r.CanaryBad))
	if e := r.Excluded(); e < 1 {
		return text + fmt.Sprintf("; %s more bad answers than the old version's are excluded", Percent(e))
	}
	return text + "; no size of harm is excluded yet"
}

// Rung is one step of a ladder: a weight, held at least Wait, divided by the time scale.
type Rung struct {
	Weight  float64 `json:"weight"` // 0 to 1
	Wait    Seconds `json:"wait_s"` // unscaled
	Reached bool    `json:"reached"`
	At      Seconds `json:"at_s,omitempty"`
}

// Decision is one judgement of a rollout, with what it was based on.
type Decision struct {
	At               Seconds `json:"at_s"`
	Action           string  `json:"action"` // start, advance, hold, roll back, promote
	Weight           float64 `json:"weight"` // after it
	Reason           string  `json:"reason"`
	CanaryRequests   int64   `json:"canary_requests"`
	CanaryBad        int64   `json:"canary_bad"`
	EValue           float64 `json:"e_value"`           // evidence of harm; 1/alpha is proof
	SmallestExcluded float64 `json:"smallest_excluded"` // no more than this share of extra bad answers
	NeedRequests     int64   `json:"need_requests,omitempty"`
}

// Stopwatch is a rollback in wall time, which no scenario scales. Parts follow each other.
type Stopwatch struct {
	Start     Seconds         `json:"start_s"` // the first bad answer
	Parts     []StopwatchPart `json:"parts"`
	Total     Millis          `json:"total_ms"`     // first bad answer → traffic safe
	Objective Millis          `json:"objective_ms"` // for Total
}

// StopwatchPart is a stretch of a rollback.
type StopwatchPart struct {
	Name    string `json:"name"` // such as "bad answer → detected"
	Took    Millis `json:"took_ms"`
	Counted bool   `json:"counted"` // towards Total; repairing data is not
}

// The parts of a rollback, in order.
const (
	PartDetect = "first bad answer → detected"
	PartDecide = "detected → decided"
	PartSafe   = "decided → traffic safe"
	PartRepair = "traffic safe → data repaired"
)

// NewStopwatch measures a rollback from its five moments; repaired at 0 means that the function
// writes nothing, so that there was nothing to repair.
func NewStopwatch(objective Millis, firstBad, detected, decided, lastBad, repaired Seconds) *Stopwatch {
	// The last bad answer may come before the decision when traffic is thin: safe by then.
	safe := max(lastBad, decided)
	w := &Stopwatch{Start: firstBad, Objective: objective, Total: Millis(safe - firstBad)}
	w.Parts = []StopwatchPart{
		{Name: PartDetect, Took: Millis(detected - firstBad), Counted: true},
		{Name: PartDecide, Took: Millis(decided - detected), Counted: true},
		{Name: PartSafe, Took: Millis(safe - decided), Counted: true},
	}
	if repaired > 0 {
		w.Parts = append(w.Parts, StopwatchPart{Name: PartRepair, Took: Millis(max(repaired-safe, 0))})
	}
	return w
}
