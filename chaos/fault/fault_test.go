package fault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParsePrintsBack(t *testing.T) {
	for _, line := range []string{
		"kill-ingest: kill-function ingest-events at 28s for 3s hits=3 every=300ms seed=7",
		"kill-data: kill-process data at 0s for 2m",
		"slow-release: release-function ingest-events at 1m14s for 10s defect=slow(400ms)",
		"sound: release-function query-analytics at 2s for 5s defect=none",
		"failing: release-function process-orders at 1h for 1h0m1s defect=failing(0.7%) seed=18446744073709551615",
		"f: release-function process-orders at 1h for 1h0m1s hits=5 defect=failing(100%)",
	} {
		f, err := Parse(line)
		require.NoError(t, err)
		require.Equal(t, line, f.String())
	}
	f, err := Parse("  slow-release:\trelease-function ingest-events at 74s for 10000ms defect=slow(0.4s) ")
	require.NoError(t, err)
	require.Equal(t, Fault{Name: "slow-release", Kind: ReleaseFunction, Target: "ingest-events", At: 74 * time.Second, For: 10 * time.Second,
		Defect: Defect{Kind: Slow, Delay: 400 * time.Millisecond}}, f)
	require.Equal(t, 1, f.Wanted())
}

func TestParseReportsAllThatIsWrong(t *testing.T) {
	for line, want := range map[string][]string{
		"":                                   {"want NAME: KIND TARGET"},
		"a kill-process data at 1s for 1s x": {"want NAME: KIND TARGET"},
		"a: kill-process data at 1 for x hits=y colour=red hits=2":       {`missing unit in duration "1"`, `invalid duration "x"`, `parsing "y"`, `unknown key "colour"`, "second hits"},
		"a: explode data at 1s for 1s":                                   {"unknown kind", "kill-function, kill-process, release-function"},
		"-a: kill-process ../x at -1s for 0s hits=-1":                    {`name "-a"`, `target "../x"`, "before the load", "above zero", "below zero"},
		"a: kill-function f at 1s for 1s":                                {"every=0s is out of range"},
		"a: kill-function f at 1s for 1s every=2s":                       {"every=2s is out of range"},
		"a: kill-process p at 1s for 1s every=2s hits=2 defect=slow(1s)": {"takes no every", "strikes once", "takes no defect"},
		"a: release-function p at 1s for 1s":                             {"unknown defect"},
		"a: release-function p at 1s for 1s defect=slow(1h)":             {"out of range"},
		"a: release-function p at 1s for 1s defect=slow(":                {"want none, slow(DURATION)"},
		"a: release-function p at 1s for 1s defect=failing(0.5)":         {"such as 50%"},
		"a: release-function p at 1s for 1s defect=failing(0%)":          {"out of range"},
		"a: release-function p at 1s for 1s defect=failing(101%)":        {"out of range"},
		"a: release-function p at 1s for 1s defect=none(1s)":             {"takes no argument"},
		"a: release-function p at 1s for 1s defect=leaking(1s)":          {"unknown defect"},
	} {
		_, err := Parse(line)
		require.Error(t, err, line)
		for _, part := range want {
			require.ErrorContains(t, err, part, line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("kill-ingest: kill-function ingest-events at 28s for 3s hits=3 every=300ms seed=7")
	f.Add("slow-release: release-function ingest-events at 74s for 10s defect=failing(33.3%)")
	f.Add("kill-data: kill-process data at 1h2m3.456s for 1ns")
	f.Fuzz(func(t *testing.T, line string) {
		parsed, err := Parse(line)
		if err != nil {
			return
		}
		again, err := Parse(parsed.String())
		require.NoError(t, err)
		require.Equal(t, parsed, again)
		require.Equal(t, parsed.String(), again.String())
	})
}

func TestAnyValidFaultPrintsAndParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Fault{
			Name:   rapid.StringMatching(`[a-z0-9][a-z0-9.-]{0,20}`).Draw(t, "name"),
			Kind:   rapid.SampledFrom(Kinds).Draw(t, "kind"),
			Target: rapid.StringMatching(`[a-z][a-z-]{0,20}`).Draw(t, "target"),
			At:     time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "at")),
			For:    time.Duration(rapid.Int64Range(int64(time.Millisecond), 1<<50).Draw(t, "for")),
			Seed:   rapid.Uint64().Draw(t, "seed"),
		}
		switch f.Kind {
		case KillFunction:
			f.Hits = rapid.IntRange(0, 100).Draw(t, "hits")
			f.Every = time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(f.For)).Draw(t, "every"))
		case ReleaseFunction:
			f.Defect.Kind = rapid.SampledFrom([]DefectKind{None, Slow, Failing}).Draw(t, "defect")
			switch f.Defect.Kind {
			case Slow:
				f.Defect.Delay = time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Minute)).Draw(t, "delay"))
			case Failing:
				f.Defect.Share = rapid.Float64Range(1e-300, 1).Draw(t, "share")
			}
		}
		got, err := Parse(f.String())
		require.NoError(t, err)
		require.Equal(t, f, got)
	})
}

func TestScheduleHealsBeforeItApplies(t *testing.T) {
	parse := func(line string) Fault {
		f, err := Parse(line)
		require.NoError(t, err)
		return f
	}
	a, b := parse("a: kill-process data at 10s for 5s"), parse("b: kill-process edge at 15s for 5s")
	s, err := NewSchedule([]Fault{b, a})
	require.NoError(t, err)
	due, wait, more := s.Next(9 * time.Second)
	require.Empty(t, due)
	require.Equal(t, time.Second, wait)
	require.True(t, more)
	due, _, _ = s.Next(10 * time.Second)
	require.Equal(t, []Step{{10 * time.Second, Apply, a}}, due)
	due, wait, _ = s.Next(16 * time.Second)
	require.Equal(t, []Step{{15 * time.Second, Heal, a}, {15 * time.Second, Apply, b}}, due)
	require.Equal(t, 4*time.Second, wait)
	due, _, more = s.Next(time.Hour)
	require.Len(t, due, 1)
	require.False(t, more)

	_, err = NewSchedule([]Fault{a, a, {Name: "x"}})
	require.ErrorContains(t, err, "second of this name")
	require.ErrorContains(t, err, "unknown kind")
}

func TestStrikesArePinnedByTheSeed(t *testing.T) {
	f := Fault{Name: "kill-ingest", Every: time.Second, Seed: 1}
	r := f.Stream()
	var got []time.Duration
	for i := range 4 {
		got = append(got, f.Strike(r, i).Round(time.Millisecond))
	}
	require.Equal(t, []time.Duration{66 * time.Millisecond, 1097 * time.Millisecond, 2361 * time.Millisecond, 3142 * time.Millisecond}, got)
	for i := range 1000 {
		at := f.Strike(r, i)
		require.GreaterOrEqual(t, at, time.Duration(i)*time.Second)
		require.Less(t, at, time.Duration(i)*time.Second+500*time.Millisecond)
	}
}
