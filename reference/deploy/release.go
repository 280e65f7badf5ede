package deploy

import (
	"errors"
	"fmt"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Release is a set of functions that move together. The zero value of every field but Functions
// means its default.
type Release struct {
	Functions []FunctionRelease `json:"functions"`
	Ladder    []Rung            `json:"ladder"`     // empty: DefaultLadder
	TimeScale float64           `json:"time_scale"` // divides the holds of rungs; 0: 1

	// Alpha is the highest probability that a healthy release is rolled back; 0: 0.01. It is
	// shared among the tests of all functions.
	Alpha float64 `json:"alpha"`
	// MinEffect is the extra share of bad answers that is not yet harm, such as cold starts.
	MinEffect float64 `json:"min_effect"`
	// MinJudged is how many requests of each judged function a rung needs; 0: 300.
	MinJudged int64 `json:"min_judged"`
}

// FunctionRelease moves one function's alias from the stable to the canary version.
type FunctionRelease struct {
	Name     string `json:"name"`
	Alias    string `json:"alias"` // empty: live
	Stable   string `json:"stable"`
	Canary   string `json:"canary"`
	Unjudged bool   `json:"unjudged,omitempty"` // moves with the others, but answers no requests
}

// Rung is a weight of the canary, above 0 and below 1, and how long it is held at least, unscaled.
type Rung struct {
	Weight float64       `json:"weight"`
	Hold   time.Duration `json:"hold"`
}

// DefaultLadder is 1 % for 30 minutes, then 10 % more every 15 minutes.
func DefaultLadder() []Rung { return Ladder(0.01, 30*time.Minute, 0.10, 15*time.Minute) }

// Ladder lists rungs from the first weight in steps up to below 1. A step of zero is one rung.
func Ladder(first float64, hold time.Duration, step float64, every time.Duration) []Rung {
	rungs := []Rung{{first, hold}}
	for i := 1; step > 0; i++ {
		weight := first + float64(i)*step // not a sum of steps, which would drift
		if weight > 1-1e-9 {
			break
		}
		rungs = append(rungs, Rung{weight, every})
	}
	return rungs
}

// EnsureDefaults fills what is empty.
func (r *Release) EnsureDefaults() {
	if len(r.Ladder) == 0 {
		r.Ladder = DefaultLadder()
	}
	if r.TimeScale == 0 {
		r.TimeScale = 1
	}
	if r.Alpha == 0 {
		r.Alpha = 0.01
	}
	if r.MinJudged == 0 {
		r.MinJudged = 300
	}
	for i := range r.Functions {
		if r.Functions[i].Alias == "" {
			r.Functions[i].Alias = "live"
		}
	}
}

// Validate reports all that is wrong at once.
func (r *Release) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(r.Functions) == 0 {
		fault("release has no functions")
	}
	seen, judged := map[string]bool{}, 0
	for _, f := range r.Functions {
		switch {
		case f.Name == "" || f.Stable == "" || f.Canary == "":
			fault("function %q: name, stable and canary version are required", f.Name)
		case f.Stable == f.Canary:
			fault("function %s: stable and canary are both version %s", f.Name, f.Stable)
		case seen[f.Name+":"+f.Alias]:
			fault("function %s: alias %s is released twice", f.Name, f.Alias)
		}
		seen[f.Name+":"+f.Alias] = true
		if !f.Unjudged {
			judged++
		}
	}
	if judged == 0 && len(r.Functions) > 0 {
		fault("no function of the release is judged")
	}
	last := 0.0
	for i, rung := range r.Ladder {
		if rung.Weight <= last || rung.Weight >= 1 {
			fault("rung %d: weight %g is not above %g and below 1", i, rung.Weight, last)
		}
		if rung.Hold < 0 {
			fault("rung %d: hold is %s", i, rung.Hold)
		}
		last = rung.Weight
	}
	if r.TimeScale < 1 {
		fault("time scale %g is below 1", r.TimeScale)
	}
	if r.MinJudged < 1 {
		fault("at least one request must be judged, not %d", r.MinJudged)
	}
	if err := (stat.HarmOptions{Alpha: r.Alpha, MinEffect: r.MinEffect}).Validate(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// hold of a rung in wall time.
func (r *Release) hold(rung int) time.Duration {
	return time.Duration(float64(r.Ladder[rung].Hold) / r.TimeScale)
}

// harmOptions of each single test: alpha is divided among them.
func (r *Release) harmOptions() stat.HarmOptions {
	tests := 0
	for _, f := range r.Functions {
		if !f.Unjudged {
			tests += len(signals)
		}
	}
	return stat.HarmOptions{Alpha: r.Alpha / float64(max(tests, 1)), MinEffect: r.MinEffect}
}

// RungPlan says what a rung can see.
type RungPlan struct {
	Weight     float64       `json:"weight"`
	Hold       time.Duration `json:"hold"`       // in wall time
	Requests   int64         `json:"requests"`   // of the canary until its end, from the first rung on
	Judged     int64         `json:"judged"`     // of the canary on this rung
	Enough     bool          `json:"enough"`     // MinJudged will be reached within Hold
	Detectable float64       `json:"detectable"` // extra share of bad answers proved 9 times in 10; 1: none
}

// Plan says before a run what the ladder can detect, at a rate of requests a second to one function
// whose stable version answers the share stableBad badly.
func (r *Release) Plan(requestsPerSecond, stableBad float64) []RungPlan {
	var plan []RungPlan
	total := 0.0
	for i, rung := range r.Ladder {
		hold := r.hold(i)
		here := requestsPerSecond * rung.Weight * hold.Seconds()
		total += here
		plan = append(plan, RungPlan{
			Weight: rung.Weight, Hold: hold, Requests: int64(total), Judged: int64(here), Enough: int64(here) >= r.MinJudged,
			Detectable: r.harmOptions().Detectable(int64(total), rung.Weight, stableBad),
		})
	}
	return plan
}
