package stat

import (
	"fmt"
	"math"
)

// HarmOptions say what harm is and how sure to be of it. The zero value asks for any harm at all,
// with a false alarm in at most 1 % of harmless releases.
type HarmOptions struct {
	// Alpha is the highest probability that a harmless release is ever called harmful, and that
	// [HarmTest.SmallestExcluded] is ever below the true harm. 0 means 0.01.
	Alpha float64
	// MinEffect is the extra share of bad answers that is still accepted: harm is canary rate -
	// stable rate > MinEffect. A new version's cold starts are why it is seldom 0.
	MinEffect float64
}

// EnsureDefaults fills in what zero values mean.
func (o HarmOptions) EnsureDefaults() HarmOptions {
	if o.Alpha == 0 {
		o.Alpha = 0.01
	}
	return o
}

// Validate says which option is out of range.
func (o HarmOptions) Validate() error {
	switch {
	case !(o.Alpha >= 0 && o.Alpha < 1):
		return fmt.Errorf("alpha is %v, want from 0 to below 1", o.Alpha)
	case !(o.MinEffect >= 0 && o.MinEffect < 1):
		return fmt.Errorf("smallest effect is %v, want from 0 to below 1", o.MinEffect)
	}
	return nil
}

// HarmTest compares the bad answers of a new version with those of the stable one beside it, and
// may be asked after every increment: its guarantees hold at whatever moment one stops. What a
// bad answer is, an error or one slower than the objective, is the caller's choice.
//
// It is a mixture of the e-variables for two samples of Turner, Ly and Grünwald, "Generic
// E-variables for exact sequential k-sample tests that allow for optional stopping", Journal of
// Statistical Planning and Inference 230 (2024), arXiv:2106.02693, with the differences of Turner
// and Grünwald, "Exact anytime-valid confidence intervals for contingency tables and beyond",
// Statistics & Probability Letters 198 (2023), arXiv:2203.09785, mixed over alternatives by the
// fixed share of Herbster and Warmuth, "Tracking the best expert", Machine Learning 32 (1998).
// The bound on the false alarms is Ville's inequality: Ramdas, Grünwald, Vovk and Shafer,
// "Game-theoretic statistics and safe anytime-valid inference", arXiv:2210.01948.
//
// The rates of both versions may change together from increment to increment, as they do when a
// fault hits both; within one, the versions must get the same kind of traffic.
type HarmTest struct {
	options    HarmOptions
	harm       *eprocess
	exclusions []*eprocess // "harm is at least d", rising in d
	increments [][4]int64  // not yet seen by the exclusions, which are the dearer part
	canary     int64
	canaryBad  int64
	stable     int64
	stableBad  int64
}

// NewHarmTest starts a comparison. It panics if the options are not valid.
func NewHarmTest(o HarmOptions) *HarmTest {
	if err := o.Validate(); err != nil {
		panic("stat.NewHarmTest: " + err.Error())
	}
	o = o.EnsureDefaults()
	t := &HarmTest{options: o, harm: newEProcess(null{margin: o.MinEffect}, harmful(o.MinEffect))}
	for _, d := range effects {
		t.exclusions = append(t.exclusions, newEProcess(null{margin: d, atLeast: true}, harmless(d)))
	}
	return t
}

// Observe adds an increment: what each version answered since the last one, and how much of that
// was bad. About a second of traffic is a good increment. One without answers of both versions
// teaches nothing. Counts out of range, as racing counters may give, are moved inside.
func (t *HarmTest) Observe(canaryBad, canaryTotal, stableBad, stableTotal int64) {
	canaryTotal, stableTotal = max(canaryTotal, 0), max(stableTotal, 0)
	canaryBad, stableBad = min(max(canaryBad, 0), canaryTotal), min(max(stableBad, 0), stableTotal)
	t.canary += canaryTotal
	t.canaryBad += canaryBad
	t.stable += stableTotal
	t.stableBad += stableBad
	if canaryTotal == 0 || stableTotal == 0 {
		return
	}
	t.harm.observe(canaryBad, canaryTotal, stableBad, stableTotal)
	t.increments = append(t.increments, [4]int64{canaryBad, canaryTotal, stableBad, stableTotal})
}

// EValue is the evidence of harm now: 1 is none, 1/Alpha is proof.
func (t *HarmTest) EValue() float64 { return math.Exp(min(t.harm.log, 700)) }

// Harm says whether harm was proved, now or at any moment before.
func (t *HarmTest) Harm() bool { return t.harm.highest >= math.Log(1/t.options.Alpha) }

// Counts are all answers so far.
func (t *HarmTest) Counts() (canaryBad, canaryTotal, stableBad, stableTotal int64) {
	return t.canaryBad, t.canary, t.stableBad, t.stable
}

// SmallestExcluded is the smallest harm that the answers so far rule out: with confidence
// 1-Alpha, fewer extra answers than this share are bad. 1 rules out nothing.
func (t *HarmTest) SmallestExcluded() float64 {
	for _, in := range t.increments {
		for _, p := range t.exclusions {
			p.observe(in[0], in[1], in[2], in[3])
		}
	}
	t.increments = t.increments[:0]
	for i, p := range t.exclusions {
		if p.log >= math.Log(1/t.options.Alpha) {
			return effects[i]
		}
	}
	return 1
}

// baseRates are the stable rates that the bets cover; between two of them little is lost.
var baseRates = []float64{1e-4, 1e-3, 5e-3, 0.02, 0.1, 0.3, 0.6}

// effects are the extra shares of bad answers that the bets cover and the bounds resolve.
var effects = func() []float64 {
	var all []float64
	for _, decade := range []float64{0.0001, 0.001, 0.01, 0.1} {
		for _, step := range []float64{1, 1.5, 2, 3, 4, 5, 6, 7, 8.5} {
			all = append(all, decade*step)
		}
	}
	return all
}()

// harmful lists alternatives whose canary is worse than the stable version by more than margin.
func harmful(margin float64) []rates {
	var all []rates
	for _, base := range baseRates {
		for _, effect := range []float64{0.0005, 0.002, 0.005, 0.015, 0.04, 0.1, 0.2, 0.4, 0.65, 0.9, 0.99} {
			// An alternative right at the margin could never win a bet worth making.
			if canary := base + effect; effect > 1.3*margin && canary < 0.999 {
				all = append(all, rates{base, canary})
			}
		}
	}
	return all
}

// harmless lists alternatives whose canary is less than effect worse than the stable version.
func harmless(effect float64) []rates {
	var all []rates
	for _, base := range baseRates {
		all = append(all, rates{base, base})
		if canary := base + effect/2; canary < 0.999 {
			all = append(all, rates{base, canary})
		}
	}
	return all
}
