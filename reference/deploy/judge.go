package deploy

import (
	"fmt"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Version is a published version of a function.
type Version struct{ Function, Version string }

// String is function:version.
func (v Version) String() string { return v.Function + ":" + v.Version }

// Counts are what a version has answered, cumulatively; they may begin again at zero when the
// observer restarts.
type Counts struct {
	Requests int64     `json:"requests"`
	Errors   int64     `json:"errors"`
	Slow     int64     `json:"slow"` // slower than the objective, and no error
	FirstBad time.Time `json:"first_bad,omitzero"`
	LastBad  time.Time `json:"last_bad,omitzero"`
}

// since is the increment from an earlier reading.
func (c Counts) since(old Counts) Counts {
	if c.Requests < old.Requests || c.Errors < old.Errors || c.Slow < old.Slow {
		old = Counts{} // the observer began again
	}
	return Counts{Requests: c.Requests - old.Requests, Errors: c.Errors - old.Errors, Slow: c.Slow - old.Slow}
}

// signals are what a version is judged by.
var signals = []struct {
	name string
	bad  func(Counts) int64
}{
	{"errors", func(c Counts) int64 { return c.Errors }},
	{"slow answers", func(c Counts) int64 { return c.Slow }},
}

// judge compares canaries with the stable versions beside them.
type judge struct {
	release *Release
	tests   map[string][]*stat.HarmTest // by function, one for each signal
	last    map[Version]Counts
	here    map[string]int64 // canary requests judged on this rung, by function

	canary, stable         Counts // sums of increments
	canaryWrong, stableBad int64  // errors and slow answers together
}

func newJudge(r *Release) *judge {
	j := &judge{release: r, tests: map[string][]*stat.HarmTest{}, last: map[Version]Counts{}, here: map[string]int64{}}
	for _, f := range r.Functions {
		if f.Unjudged {
			continue
		}
		for range signals {
			j.tests[f.Name] = append(j.tests[f.Name], stat.NewHarmTest(r.harmOptions()))
		}
	}
	return j
}

// baseline takes a first reading, whose counts lie before the release.
func (j *judge) baseline(sample map[Version]Counts) {
	for _, f := range j.release.Functions {
		for _, v := range []string{f.Stable, f.Canary} {
			j.last[Version{f.Name, v}] = sample[Version{f.Name, v}]
		}
	}
}

// observe takes a reading.
func (j *judge) observe(sample map[Version]Counts) {
	for _, f := range j.release.Functions {
		if f.Unjudged {
			continue
		}
		canary, stable := j.increment(Version{f.Name, f.Canary}, sample), j.increment(Version{f.Name, f.Stable}, sample)
		for i, s := range signals {
			j.tests[f.Name][i].Observe(s.bad(canary), canary.Requests, s.bad(stable), stable.Requests)
		}
		if stable.Requests > 0 {
			j.here[f.Name] += canary.Requests
		}
		j.canary.Requests += canary.Requests
		j.stable.Requests += stable.Requests
		j.canaryWrong += canary.Errors + canary.Slow
		j.stableBad += stable.Errors + stable.Slow
	}
}

func (j *judge) increment(v Version, sample map[Version]Counts) Counts {
	now, ok := sample[v]
	if !ok {
		return Counts{}
	}
	d := now.since(j.last[v])
	j.last[v] = now
	return d
}

// climb begins the count of a rung.
func (j *judge) climb() { clear(j.here) }

// harm names the first proved harm.
func (j *judge) harm() (why string, proved bool) {
	for _, f := range j.release.Functions {
		for i, test := range j.tests[f.Name] {
			if test.Harm() {
				bad, asked, stableBad, stableAsked := test.Counts()
				return fmt.Sprintf("%s: %s in %d of %d requests to version %s, in %d of %d to version %s beside it",
					f.Name, signals[i].name, bad, asked, f.Canary, stableBad, stableAsked, f.Stable), true
			}
		}
	}
	return "", false
}

// evidence is the strongest against the release: 1 is none.
func (j *judge) evidence() float64 {
	e := 0.0
	for _, tests := range j.tests {
		for _, t := range tests {
			e = max(e, t.EValue())
		}
	}
	return e
}

// excluded is the smallest harm that every test rules out.
func (j *judge) excluded() float64 {
	worst := 0.0
	for _, tests := range j.tests {
		for _, t := range tests {
			worst = max(worst, t.SmallestExcluded())
		}
	}
	return worst
}

// missing is how many requests the least judged function lacks on this rung.
func (j *judge) missing() (function string, requests int64) {
	for _, f := range j.release.Functions {
		if lacks := j.release.MinJudged - j.here[f.Name]; !f.Unjudged && lacks > requests {
			function, requests = f.Name, lacks
		}
	}
	return function, requests
}
