package scenarios_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/scenarios"
)

var update = flag.Bool("update", false, "rewrite testdata/err/*.out")

const minimal = `
name: minimal
load:
  phases:
    - {name: one, for: 10s, rate: 5/s}
    - {name: two, for: 40s, from: 5/s, to: 15/s}
`

func equal(t *testing.T, want, got *scenarios.Scenario) {
	t.Helper()
	require.Empty(t, cmp.Diff(want, got, cmpopts.IgnoreUnexported(scenarios.Scenario{}), cmpopts.IgnoreFields(scenarios.Scenario{}, "File"), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(scenarios.LimitSetting{}, "NameAt", "ValueAt")))
}

// Every mistake of every file is reported, at its place.
func TestMistakesAreReportedAllAtOnce(t *testing.T) {
	files, err := filepath.Glob("testdata/err/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			s, err := scenarios.Parse(filepath.Base(file), text, nil)
			require.Nil(t, s)
			var found scenarios.Diagnostics
			require.ErrorAs(t, err, &found)
			golden := strings.TrimSuffix(file, ".yaml") + ".out"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(found.Error()+"\n"), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), found.Error()+"\n")
		})
	}
}

func TestShippedScenariosAreValidAndReadBackAsPrinted(t *testing.T) {
	require.Equal(t, []string{"black-friday", "day", "peak-20x", "smoke"}, scenarios.Names())
	for _, name := range scenarios.Names() {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.Open(name, nil)
			require.NoError(t, err)
			require.Equal(t, name, s.Name)
			require.Empty(t, s.File)
			require.NoError(t, s.Validate())
			require.LessOrEqual(t, s.Covered(), s.Load.Length()/2)
			again, err := scenarios.Parse("printed.yaml", []byte(s.Text()), nil)
			require.NoError(t, err, "%s", s.Text())
			equal(t, s, again)
			require.Equal(t, s.Text(), again.Text())
			require.Equal(t, s.SHA256(), again.SHA256())
		})
	}
}

func TestBlackFriday(t *testing.T) {
	s, err := scenarios.Open("black-friday", nil)
	require.NoError(t, err)
	require.Equal(t, 100*time.Second, s.Load.Length())
	require.EqualValues(t, 174, s.Load.Rate(0))
	require.EqualValues(t, 3472, s.Load.Rate(99*time.Second))
	require.InDelta(t, (174+3472)/2, float64(s.Load.Rate(22500*time.Millisecond)), 0.01)
	require.EqualValues(t, 3472, s.Load.Peak())
	require.Zero(t, s.Load.Rate(100*time.Second))
	require.InDelta(t, 20*174+5*1823+75*3472, s.Load.Events(), 0.01)
	require.Equal(t, plan.DefaultMix(), s.Load.Mix)

	var kinds []string
	for _, f := range s.Faults {
		kinds = append(kinds, f.Kind())
	}
	require.Equal(t, []string{"kill-function", "kill-function", "kill-process", "release-function"}, kinds)
	r := s.Faults[3].ReleaseFunction
	require.Equal(t, scenarios.Defect{Kind: scenarios.Slow, Delay: 400 * time.Millisecond}, r.Defect)
	require.True(t, r.Rollback)
	require.EqualValues(t, 600, r.TimeScale, "taken from release")
	seconds := func(a, b int) scenarios.Window {
		return scenarios.Window{Start: time.Duration(a) * time.Second, End: time.Duration(b) * time.Second}
	}
	require.Equal(t, []scenarios.Window{seconds(28, 41), seconds(52, 64), seconds(74, 94)}, s.Windows())
}

func TestTheDefaultLadderIsTheRealOne(t *testing.T) {
	rungs := scenarios.Default().Release.Ladder.Rungs()
	require.Len(t, rungs, 10) // 1, 11, 21, …, 91 %
	require.Equal(t, scenarios.Rung{Weight: 0.01, For: 30 * time.Minute}, rungs[0])
	require.InDelta(t, 0.91, float64(rungs[9].Weight), 1e-9)
	require.Equal(t, 15*time.Minute, rungs[9].For)
	require.Len(t, scenarios.Ladder{First: 0.1, Step: 0.1}.Rungs(), 9, "ten tenths are all")
	require.Len(t, scenarios.Ladder{First: 0.5}.Rungs(), 1, "no step: straight to all")
}

func TestDefaultsAreFilledIn(t *testing.T) {
	s, err := scenarios.Parse("minimal.yaml", []byte(minimal), nil)
	require.NoError(t, err)
	want := scenarios.Default()
	want.Name = "minimal"
	want.Load.Phases = []scenarios.Phase{{Name: "one", For: 10 * time.Second, From: 5, To: 5}, {Name: "two", For: 40 * time.Second, From: 5, To: 15}}
	equal(t, &want, s)
	require.Equal(t, 60*time.Second, s.Delivery.Buffer, "AWS's default")
}

func TestOverrides(t *testing.T) {
	s, err := scenarios.Open("black-friday", []string{
		"load.phases.rush.rate=1000/s", "load.phases.0.for=10s", "load.mix.reads=5/s", "faults=[]", "seed=7",
		"limits.sqs.in_flight=1000", "limits.dynamodb=off", "real-orders.day=2011-11-29", "objectives.p99=1s",
		`thresholds=[p99(latency) < 50ms, "rate(errors{class=growth,endpoint=read}) < 0.1%"]`,
	})
	require.NoError(t, err)
	require.EqualValues(t, 1000, s.Load.Phases[2].From)
	require.EqualValues(t, 1000, s.Load.Phases[2].To)
	require.Equal(t, 10*time.Second, s.Load.Phases[0].For)
	require.EqualValues(t, 5, s.Load.Mix.ReadRate)
	require.Empty(t, s.Faults)
	require.EqualValues(t, 7, s.Seed)
	require.Equal(t, time.Second, s.Objectives.P99)
	require.Len(t, s.Thresholds, 2)
	require.Equal(t, "rate(errors{class=growth,endpoint=read}) < 0.1%", s.Thresholds[1].String())
	require.Len(t, s.Limits.Services, 2)
	require.Equal(t, "in_flight", s.Limits.Services[0].Settings[0].Name)
	require.Equal(t, "--set limits.sqs.in_flight=1000", s.Limits.Services[0].Settings[0].ValueAt.String())
	require.Equal(t, scenarios.LimitsOff, s.Limits.Services[1].Mode)

	plain, err := scenarios.Open("black-friday", nil)
	require.NoError(t, err)
	require.NotEqual(t, plain.SHA256(), s.SHA256())
	seeded, err := scenarios.Open("black-friday", []string{"seed=8"})
	require.NoError(t, err)
	require.Equal(t, plain.SHA256(), seeded.SHA256(), "a seed is not another drill")

	again, err := scenarios.Parse("printed.yaml", []byte(s.Text()), nil)
	require.NoError(t, err, "%s", s.Text())
	equal(t, s, again)
}

// A zero that may be written is zero: it is neither the default nor lost in the text.
func TestZeroIsZero(t *testing.T) {
	s, err := scenarios.Parse("zero.yaml", []byte(minimal), []string{
		"tenants.sigma=0", "tenants.exponent=0", "load.mix.webhooks=0%", "load.mix.reads=0/s", "load.mix.replays=0%",
		"release.min-effect=0%", "release.ladder.for=0s", "release.ladder.every=0s",
		"objectives.availability=0%", "objectives.unknown=0%", "self-watch.unsent=0%",
		"faults=[{name: bad, at: 0s, for: 1s, release-function: {function: ingest-events, defect: slow(1s)}}]",
	})
	require.NoError(t, err)
	again, err := scenarios.Parse("printed.yaml", []byte(s.Text()), nil)
	require.NoError(t, err)
	equal(t, s, again)
	for name, zero := range map[string]float64{
		"sigma": again.Tenants.Sigma, "exponent": again.Tenants.Exponent, "webhooks": again.Load.Mix.Webhooks,
		"reads": float64(again.Load.Mix.ReadRate), "replays": again.Load.Mix.ReplayRate, "min-effect": float64(again.Release.MinEffect),
		"for": again.Release.Ladder.For.Seconds(), "every": again.Faults[0].ReleaseFunction.Ladder.Every.Seconds(),
		"availability": float64(again.Objectives.Availability), "unknown": float64(again.Objectives.Unknown), "unsent": float64(again.SelfWatch.Unsent),
		"at": again.Faults[0].At.Seconds(),
	} {
		require.Zero(t, zero, name)
	}
}

// Checks of others report beside the parser's own mistakes, unless what they read is wrong already.
func TestChecksReportAtOnce(t *testing.T) {
	asked := 0
	check := scenarios.Check{Reads: []string{"drain"}, Find: func(s *scenarios.Scenario) (found scenarios.Diagnostics) {
		asked++
		found.Report(s.At(&s.Drain), "too long: %s", s.Drain)
		found.Report(s.At(&s.Seed), "no seed")
		return found
	}}
	text := []byte("name: one\ndrain:\n  deadline: 5s\nload: {phases: [{name: a, for: 5s, rate: 5}]}\n")
	_, err := scenarios.Parse("a.yaml", text, nil, check)
	require.EqualError(t, err, `a.yaml:1:1: no seed
a.yaml:3:13: too long: 5s
a.yaml:4:42: rate: rate "5" has no unit: write it with a unit, such as 174/s, 50000/min or 15000000/d`)
	_, err = scenarios.Parse("a.yaml", text, []string{"drain.deadline=6s"}, check)
	require.ErrorContains(t, err, "--set drain.deadline=6s: too long: 6s")
	require.Equal(t, 2, asked)
	_, err = scenarios.Parse("a.yaml", text, []string{"drain.deadline=never"}, check)
	require.Error(t, err)
	require.Equal(t, 2, asked, "what it reads is wrong")
}

func TestMistakesInOverridesNameTheOverride(t *testing.T) {
	for _, tc := range []struct{ set, want string }{
		{"load.mix.reads=5", `--set load.mix.reads=5: reads: rate "5" has no unit: write it with a unit, such as 174/s, 50000/min or 15000000/d`},
		{"load.mix.read=5/s", `--set load.mix.read=5/s: unknown key "read" in mix (did you mean "reads"?); allowed: webhooks, batch-mean, batch-cap, reads, replays`},
		{"load.phases.rsh.rate=5/s", `--set load.phases.rsh.rate=5/s: load.phases has no element "rsh"; it has: ordinary, doors-open, rush`},
		{"load.phases.9.rate=5/s", `--set load.phases.9.rate=5/s: load.phases has no element "9"; it has: ordinary, doors-open, rush`},
		{"name.x=5", `--set name.x=5: name is a single value, it has no "x"`},
		{"seed", `--set seed: write it as path=value, such as load.phases.spike.to=5000/s`},
		{"seed=[", ""},
		{"load.phases.doors-open.rate=9/s", ""},
		{"faults.kill-data.for=10m", ""},
	} {
		s, err := scenarios.Open("black-friday", []string{tc.set})
		require.Nil(t, s, tc.set)
		require.Error(t, err, tc.set)
		require.Contains(t, err.Error(), "--set "+tc.set+": ")
		if tc.want != "" {
			require.EqualError(t, err, tc.want)
		}
	}
}

func TestOpen(t *testing.T) {
	_, err := scenarios.Open("black-fridai", nil)
	require.ErrorIs(t, err, scenarios.ErrNotFound)
	require.ErrorContains(t, err, `did you mean "black-friday"?`)
	_, err = scenarios.Open("./missing.yaml", nil)
	require.ErrorIs(t, err, scenarios.ErrNotFound)
	_, err = scenarios.Source("../go.mod")
	require.ErrorIs(t, err, scenarios.ErrNotFound)

	file := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(file, []byte(minimal), 0o600))
	s, err := scenarios.Open(file, nil)
	require.NoError(t, err)
	require.Equal(t, file, s.File)
}

func TestValidateWithoutAText(t *testing.T) {
	s := scenarios.Default()
	s.Name = "made"
	err := s.Validate()
	require.EqualError(t, err, "made: load has no phases: there is nothing to run")
	var found scenarios.Diagnostics
	require.True(t, errors.As(err, &found))
}

// Whatever a file holds, it is a scenario or a list of mistakes, and a scenario prints itself.
func FuzzParse(f *testing.F) {
	for _, name := range scenarios.Names() {
		text, err := scenarios.Source(name)
		require.NoError(f, err)
		f.Add(text)
	}
	files, err := filepath.Glob("testdata/err/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := scenarios.Parse("fuzz.yaml", text, nil)
		if err != nil {
			var found scenarios.Diagnostics
			require.ErrorAs(t, err, &found)
			require.NotEmpty(t, found)
			return
		}
		again, err := scenarios.Parse("printed.yaml", []byte(s.Text()), nil)
		require.NoError(t, err, "%s", s.Text())
		equal(t, s, again)
	})
}

// A fault made in Go may leave its limits out, and a healthy release has none: what is written of
// either is read back.
func TestFaultsWithoutLimitsAreReadBack(t *testing.T) {
	s := scenarios.Default()
	s.Name = "mine"
	s.Load.Phases = []scenarios.Phase{{Name: "one", For: time.Minute, From: 100, To: 100}}
	release := &scenarios.ReleaseFunction{Function: "query-analytics", Ladder: s.Release.Ladder, TimeScale: 1, Rollback: true,
		Defect: scenarios.Defect{Kind: scenarios.None}}
	s.Faults = []scenarios.Fault{
		{Name: "kill", At: time.Second, For: time.Second, KillProcess: &scenarios.KillProcess{Process: "data"}},
		{Name: "sound", At: 10 * time.Second, For: 20 * time.Second, ReleaseFunction: release},
	}
	again, err := scenarios.Parse("mine.yaml", []byte(s.Text()), nil)
	require.NoError(t, err)
	require.Equal(t, s.Text(), again.Text())
	require.Equal(t, s.LimitsOf(s.Faults[0]), again.Faults[0].Limits)
	require.Zero(t, s.Faults[0].Limits, "writing changes nothing")
}

// A speed makes requests denser and leaves their number alone; a volume makes them fewer.
func TestSpeedDividesPlannedTimesAndVolumeRates(t *testing.T) {
	s, err := scenarios.Open("day", nil)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, s.Load.Planned())
	require.Equal(t, 40*time.Minute, s.Load.Length())
	require.InDelta(t, 15_000_000, s.Load.Events(), 0.01)
	require.InDelta(t, 8_000, float64(s.Load.Peak()), 0.01)
	require.InDelta(t, 5_000, float64(s.Load.Rate(0)), 0.01)
	require.InDelta(t, 8_000, float64(s.Load.Rate(20*time.Minute)), 0.01)
	require.Zero(t, s.Load.Rate(40*time.Minute))
	require.EqualValues(t, 36, s.Load.Reads())
	spans := s.Load.Spans()
	require.Equal(t, scenarios.Span{Name: "night", Start: 35 * time.Minute, End: 40 * time.Minute, From: spans[7].From, To: spans[7].To}, spans[7])

	s, err = scenarios.Open("day", []string{"load.volume=1%", "load.speed=1440"})
	require.NoError(t, err)
	require.Equal(t, time.Minute, s.Load.Length())
	require.InDelta(t, 150_000, s.Load.Events(), 0.01)
	require.InDelta(t, 3_200, float64(s.Load.Peak()), 0.01)
	require.EqualValues(t, 14.4, s.Load.Reads())
}
