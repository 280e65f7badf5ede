package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports/stat"
)

// traffic draws increments of two versions side by side.
type traffic struct {
	random         *rand.Rand
	perSecond      int
	weight         float64
	stable, canary func(second int) float64 // rates of bad answers
}

func (tr traffic) second(i int) (canaryBad, canaryTotal, stableBad, stableTotal int64) {
	for range tr.perSecond {
		if tr.random.Float64() < tr.weight {
			canaryTotal++
			if tr.random.Float64() < tr.canary(i) {
				canaryBad++
			}
		} else {
			stableTotal++
			if tr.random.Float64() < tr.stable(i) {
				stableBad++
			}
		}
	}
	return canaryBad, canaryTotal, stableBad, stableTotal
}

func always(rate float64) func(int) float64 { return func(int) float64 { return rate } }

// outage is a fault that strikes both versions for ten seconds of every forty.
func outage(rate float64) func(int) float64 {
	return func(second int) float64 {
		if second%40 < 10 {
			return 0.9
		}
		return rate
	}
}

// At the edge of what is harmless, whoever stops at the worst moment is fooled with at most
// probability alpha; so is whoever reads the smallest excluded harm at the worst moment.
func TestHarmlessReleasesAreSeldomCalledHarmful(t *testing.T) {
	const alpha, runs, seconds = 0.1, 300, 120
	for name, tr := range map[string]traffic{
		"clean, 1 %":            {perSecond: 150, weight: 0.01, stable: always(0.0005), canary: always(0.0005)},
		"equal, 10 %":           {perSecond: 40, weight: 0.1, stable: always(0.03), canary: always(0.03)},
		"at the margin, 50 %":   {perSecond: 40, weight: 0.5, stable: always(0.01), canary: always(0.02)},
		"at the margin, 1 %":    {perSecond: 150, weight: 0.01, stable: always(0.001), canary: always(0.011)},
		"shared outages, 20 %":  {perSecond: 40, weight: 0.2, stable: outage(0.01), canary: outage(0.02)},
		"everything is bad":     {perSecond: 40, weight: 0.3, stable: always(0.98), canary: always(0.99)},
		"thin, one in a second": {perSecond: 3, weight: 0.3, stable: always(0.1), canary: always(0.11)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alarms := 0
			for run := range runs {
				tr.random = rand.New(rand.NewPCG(uint64(run), 7))
				test := stat.NewHarmTest(stat.HarmOptions{Alpha: alpha, MinEffect: 0.01})
				for i := 0; i < seconds && !test.Harm(); i++ {
					test.Observe(tr.second(i))
				}
				if test.Harm() {
					alarms++
				}
			}
			t.Logf("%d alarms in %d runs", alarms, runs)
			require.LessOrEqual(t, float64(alarms), runs*alpha+3*math.Sqrt(runs*alpha*(1-alpha)))
		})
	}
}

func TestExcludedHarmIsSeldomThere(t *testing.T) {
	const alpha, runs, seconds = 0.1, 60, 60
	for name, tr := range map[string]traffic{
		"5 % of extra errors":  {perSecond: 60, weight: 0.2, stable: always(0.001), canary: always(0.051)},
		"20 % of extra errors": {perSecond: 150, weight: 0.01, stable: outage(0.01), canary: func(i int) float64 { return min(outage(0.01)(i)+0.2, 1) }},
	} {
		harm := tr.canary(20) - tr.stable(20)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fooled := 0
			for run := range runs {
				tr.random = rand.New(rand.NewPCG(uint64(run), 9))
				test := stat.NewHarmTest(stat.HarmOptions{Alpha: alpha})
				for i := range seconds {
					if i%40 < 10 { // an outage squeezes the harm below its size; that is not what is bounded here
						continue
					}
					test.Observe(tr.second(i))
					if i%10 == 9 && test.SmallestExcluded() < harm-1e-9 {
						fooled++
						break
					}
				}
			}
			t.Logf("fooled in %d of %d runs", fooled, runs)
			require.LessOrEqual(t, float64(fooled), runs*alpha+3*math.Sqrt(runs*alpha*(1-alpha)))
		})
	}
}

// At 1 % of the traffic beside a clean stable version, a grossly bad one is found after a handful
// of answers.
func TestAHandfulOfBadAnswersIsEnough(t *testing.T) {
	for _, tc := range []struct {
		name   string
		canary float64
		most   int64 // canary answers, in 95 % of the runs
	}{
		{"every answer is bad", 1, 5},
		{"half of them are", 0.5, 16},
		{"one in ten is", 0.1, 150},
	} {
		t.Run(tc.name, func(t *testing.T) {
			late, sum := 0, int64(0)
			const runs = 200
			for run := range runs {
				tr := traffic{random: rand.New(rand.NewPCG(uint64(run), 3)), perSecond: 165, weight: 0.01, stable: always(0.0005), canary: always(tc.canary)}
				test := stat.NewHarmTest(stat.HarmOptions{MinEffect: 0.01})
				for i := 0; i < 400 && !test.Harm(); i++ {
					test.Observe(tr.second(i))
				}
				_, answers, _, _ := test.Counts()
				sum += answers
				if !test.Harm() || answers > tc.most {
					late++
				}
			}
			t.Logf("on average after %.1f canary answers; %d of %d after more than %d", float64(sum)/runs, late, runs, tc.most)
			require.LessOrEqual(t, late, runs/20)
		})
	}
}

func TestHarmThatBeginsLateOrAfterAnOutageIsFound(t *testing.T) {
	const begins = 612 // seconds; the last outage of both ends at 610
	for name, before := range map[string]func(int) float64{"late": always(0.0005), "after outages of both": outage(0.0005)} {
		t.Run(name, func(t *testing.T) {
			version := func(after float64) func(int) float64 {
				return func(second int) float64 {
					if second < begins {
						return before(second)
					}
					return after
				}
			}
			tr := traffic{random: rand.New(rand.NewPCG(1, 5)), perSecond: 100, weight: 0.05, stable: version(0.0005), canary: version(0.5)}
			test := stat.NewHarmTest(stat.HarmOptions{MinEffect: 0.01})
			second := 0
			for ; second < begins+12 && !test.Harm(); second++ {
				test.Observe(tr.second(second))
			}
			require.True(t, test.Harm(), "not found in 12 seconds")
			require.Greater(t, second, begins, "found before it began")
		})
	}
}

func TestSmallestExcludedShrinksAsCleanAnswersArrive(t *testing.T) {
	tr := traffic{random: rand.New(rand.NewPCG(1, 11)), perSecond: 165, weight: 0.1, stable: always(0.001), canary: always(0.001)}
	test := stat.NewHarmTest(stat.HarmOptions{MinEffect: 0.01})
	require.EqualValues(t, 1, test.SmallestExcluded(), "nothing seen, nothing excluded")
	for i := range 20 { // about 330 canary answers
		test.Observe(tr.second(i))
	}
	after20 := test.SmallestExcluded()
	require.LessOrEqual(t, after20, 0.05)
	for i := range 180 {
		test.Observe(tr.second(i))
	}
	require.Less(t, test.SmallestExcluded(), after20/3)
	require.Less(t, test.EValue(), 2.0)
}

func TestNothingToCompareWithTeachesNothing(t *testing.T) {
	test := stat.NewHarmTest(stat.HarmOptions{})
	test.Observe(50, 50, 0, 0)
	test.Observe(0, 0, 0, 50)
	test.Observe(9, 3, -1, 0) // racing counters
	require.EqualValues(t, 1, test.EValue())
	require.False(t, test.Harm())
	bad, total, _, stable := test.Counts()
	require.Equal(t, []int64{53, 53, 50}, []int64{bad, total, stable})
}

// The number said before a run is enough in 9 runs of 10, and not ten times too high.
func TestNeedRequestsIsEnoughAndNotFarTooMany(t *testing.T) {
	for _, tc := range []struct {
		name                   string
		weight, stable, effect float64
	}{
		{"1 %, gross", 0.01, 0.0005, 0.5},
		{"10 %, one in ten", 0.1, 0.001, 0.1},
		{"50 %, one in twenty", 0.5, 0.01, 0.05},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := stat.HarmOptions{MinEffect: 0.01}
			need := o.NeedRequests(tc.weight, tc.stable, tc.effect)
			require.Positive(t, need)
			const runs = 100
			found, foundEarly := 0, 0
			for run := range runs {
				tr := traffic{random: rand.New(rand.NewPCG(uint64(run), 13)), perSecond: 160, weight: tc.weight, stable: always(tc.stable), canary: always(tc.stable + tc.effect)}
				test := stat.NewHarmTest(o)
				for i := 0; ; i++ {
					if _, n, _, _ := test.Counts(); n >= need {
						break
					} else if n < need/4 && test.Harm() {
						foundEarly++
						break
					}
					test.Observe(tr.second(i))
				}
				if test.Harm() {
					found++
				}
			}
			t.Logf("need %d: found in %d of %d runs, %d of them with a quarter", need, found, runs, foundEarly)
			require.GreaterOrEqual(t, found, 85)
			require.LessOrEqual(t, foundEarly, 50)
			require.InEpsilon(t, tc.effect, o.Detectable(need, tc.weight, tc.stable), 0.1)
		})
	}
}

func TestNeedRequestsKnowsWhatCannotBeShown(t *testing.T) {
	o := stat.HarmOptions{MinEffect: 0.01}
	require.EqualValues(t, -1, o.NeedRequests(0.1, 0.001, 0.005), "inside the margin")
	require.EqualValues(t, -1, o.NeedRequests(1, 0.001, 0.5), "nothing beside it")
	require.EqualValues(t, 1, o.Detectable(1, 0.01, 0.001))
	require.Greater(t, o.NeedToExclude(0.1, 0.001, 0.01), o.NeedToExclude(0.1, 0.001, 0.05))
}

func TestHarmOptionsValidate(t *testing.T) {
	require.NoError(t, stat.HarmOptions{}.Validate())
	require.Error(t, stat.HarmOptions{Alpha: 1}.Validate())
	require.Error(t, stat.HarmOptions{MinEffect: math.NaN()}.Validate())
	require.Panics(t, func() { stat.NewHarmTest(stat.HarmOptions{Alpha: -1}) })
}

func BenchmarkHarmObserve(b *testing.B) {
	test := stat.NewHarmTest(stat.HarmOptions{MinEffect: 0.01})
	for b.Loop() {
		test.Observe(0, 2, 1, 163)
		test.SmallestExcluded()
	}
}
