package scenarios

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/threshold"
)

// Target is what a scenario drives.
type Target string

// TargetEmbedded is the reference as supervised processes on this machine.
const TargetEmbedded Target = "embedded"

// Scenario is a drill. [Default] gives what its YAML leaves out.
type Scenario struct {
	File        string // where it was read; "" for a shipped one
	Name        string
	Description string
	Target      Target
	Seed        uint64 // 0 is none: the run draws one, and prints it
	Tenants     Tenants
	Load        Load
	Delivery    Delivery
	RollUp      RollUp
	Release     Release
	Faults      []Fault
	Objectives  Objectives
	Thresholds  []threshold.Threshold // over what was planned outside fault windows
	Drain       time.Duration         // how long after the load everything under way may take to settle
	RealOrders  RealOrders
	Limits      Limits
	SelfWatch   SelfWatch

	where map[any]Position
	whole Position
}

// Check finds mistakes that only those who carry a scenario out can see.
type Check struct {
	Reads []string // the scenario's keys that it looks at: if one of them is wrong already, it is not asked
	Find  func(*Scenario) Diagnostics
}

// At is where a value stands in the text, given its address in the scenario, or the first of
// several that stands there; the scenario's beginning if none does.
func (s *Scenario) At(values ...any) Position {
	for _, v := range values {
		if p, ok := s.where[v]; ok {
			return p
		}
	}
	if s.whole != (Position{}) {
		return s.whole
	}
	return Position{File: cmp.Or(s.File, s.Name)}
}

// Tenants is how many retailers there are and how unequal they are.
type Tenants struct {
	Count    int
	Sizes    Sizes
	Sigma    float64 // of lognormal sizes; 0 makes all equal
	Exponent float64 // of Zipf sizes; 0 makes all equal
	Plans    Plans
}

// Plans are what tenants' API keys may ask of the gateway, by how large a tenant is: below the mean,
// up to five times it, above.
type Plans struct{ Starter, Growth, Enterprise UsagePlan }

// UsagePlan is a limit of each key by itself, above which the gateway answers 429.
type UsagePlan struct {
	Rate       PerSecond // requests
	Burst      int       // requests
	DailyQuota int       // requests; 0: none
}

// Sizes names a distribution of tenants' sizes.
type Sizes string

// The distributions.
const (
	Lognormal Sizes = "lognormal"
	Zipf      Sizes = "zipf"
)

// Load is what is sent.
type Load struct {
	Phases  []Phase
	Speed   float64 // divides the planned times of requests, and nothing else; 1 is real time
	Volume  Share   // of the phases' and the mix's rates
	Mix     plan.Mix
	Timeout time.Duration // of a request; what was not answered by then counts as this slow
}

// Phase is a stretch of load whose event rate moves evenly from From to To.
type Phase struct {
	Name     string
	For      time.Duration
	From, To PerSecond // events
}

// Delivery is when a delivery buffer is written out: whichever comes first.
type Delivery struct {
	Buffer     time.Duration
	BufferSize Bytes
}

// RollUp is how often passes over the dirty markers are made.
type RollUp struct {
	Every  time.Duration
	Passes int // in one execution
}

// Release is how a new version goes live, unless a fault says otherwise.
type Release struct {
	Ladder    Ladder
	TimeScale float64 // divides the waiting on a rung, and nothing else; 1 is real time
	MinEffect Share   // extra bad answers that are not yet harm
	MinJudged int     // requests that a step must have judged before it is left
}

// Ladder is a first weight held for a while, then equal steps to all of the traffic.
type Ladder struct {
	First Share
	For   time.Duration
	Step  Share
	Every time.Duration
}

// Rung is one weight of a ladder and how long it is held at least, unscaled.
type Rung struct {
	Weight Share
	For    time.Duration
}

// Rungs lists the ladder's weights below 100 %; past the last one the release is done.
func (l Ladder) Rungs() []Rung {
	var rungs []Rung
	wait := l.For
	// Whole steps are counted, so that ten additions of 0.1 do not end a hair below 1.
	for i := 0; ; i++ {
		weight := l.First + Share(i)*l.Step
		if weight > 1-1e-9 || i > 0 && l.Step <= 0 {
			return rungs
		}
		rungs = append(rungs, Rung{weight, wait})
		wait = l.Every
	}
}

// Objectives are what must hold outside fault windows.
type Objectives struct {
	P99          time.Duration // of all planned requests, from the planned time
	Availability Share         // 2xx of planned
	FreshnessP99 time.Duration // 2xx → visible in a summary
	Rollback     time.Duration // first bad answer → traffic safe
	Unknown      Share         // of requests whose fate the client cannot know
}

// RealOrders replays a real day for one tenant.
type RealOrders struct {
	On     bool
	File   string // "": the excerpt that comes with stampede
	Tenant string // "": the first tenant of the plan
	Day    string // yyyy-mm-dd of File; "": its busiest
}

// Limits says which of AWS's limits bite.
type Limits struct {
	Mode     LimitMode
	Services []ServiceLimits // those that differ from Mode
}

// LimitMode is all of AWS's limits or none.
type LimitMode string

// The modes.
const (
	LimitsAWS LimitMode = "aws"
	LimitsOff LimitMode = "off"
)

// ServiceLimits overrides the limits of one service. Settings are checked by the service, which
// knows them.
type ServiceLimits struct {
	Service  string
	Mode     LimitMode
	Settings []LimitSetting
}

// LimitSetting is one number, as it was written, and where.
type LimitSetting struct {
	Name, Value     string
	NameAt, ValueAt Position
}

// SelfWatch says when the harness or its machine is too sick to be believed.
type SelfWatch struct {
	LagP99  time.Duration // of requests' start behind their planned time
	GCPause time.Duration // the longest that a garbage collection may stop the generator
	Unsent  Share         // of planned requests
	CPU     Share         // of the machine: above it a second is HOST-LIMITED
}

// Default is a scenario with everything but its name and its load.
func Default() Scenario {
	return Scenario{
		Target:   TargetEmbedded,
		Tenants:  Tenants{Count: 2400, Sizes: Lognormal, Sigma: 1.5, Exponent: 0.99, Plans: defaultPlans()},
		Load:     Load{Speed: 1, Volume: 1, Mix: plan.DefaultMix(), Timeout: 10 * time.Second},
		Delivery: Delivery{Buffer: 60 * time.Second, BufferSize: 5e6},
		RollUp:   RollUp{Every: 5 * time.Second, Passes: 12},
		Release: Release{
			Ladder:    Ladder{First: 0.01, For: 30 * time.Minute, Step: 0.1, Every: 15 * time.Minute},
			TimeScale: 1, MinEffect: 0.01, MinJudged: 300,
		},
		Objectives: Objectives{P99: 142 * time.Millisecond, Availability: 0.999, FreshnessP99: 15 * time.Second, Rollback: 5 * time.Minute, Unknown: 0.001},
		Drain:      time.Minute,
		Limits:     Limits{Mode: LimitsAWS},
		SelfWatch:  SelfWatch{LagP99: 20 * time.Millisecond, GCPause: 50 * time.Millisecond, Unsent: 0.001, CPU: 0.9},
	}
}

// defaultPlans are the platform's own; a test of scenarios/run holds them against it.
func defaultPlans() Plans {
	return Plans{Starter: UsagePlan{Rate: 100, Burst: 200}, Growth: UsagePlan{Rate: 500, Burst: 1000}, Enterprise: UsagePlan{Rate: 2000, Burst: 4000}}
}

// Text is the whole scenario as YAML, defaults and overrides included. [Parse] reads it back to
// an equal one.
func (s *Scenario) Text() string {
	same := *s
	same.Faults = slices.Clone(s.Faults)
	for i, f := range same.Faults {
		same.Faults[i].Limits = s.LimitsOf(f)
	}
	var b strings.Builder
	emitPairs(&b, shown(same.fields()), "", "")
	return b.String()
}

// SHA256 is the hash of [Scenario.Text], without the seed: two runs with equal hashes asked for the
// same drill.
func (s *Scenario) SHA256() string {
	same := *s
	same.Seed = 0
	sum := sha256.Sum256([]byte(same.Text()))
	return hex.EncodeToString(sum[:])
}
