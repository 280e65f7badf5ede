package reports_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
)

func TestJudge(t *testing.T) {
	required := func(s reports.Status) reports.Check { return reports.Check{Status: s, Required: true} }
	optional := func(s reports.Status) reports.Check { return reports.Check{Status: s} }
	for _, tc := range []struct {
		name   string
		checks []reports.Check
		want   reports.Verdict
		exit   int
	}{
		{"nothing was checked", nil, reports.VerdictInvalid, 4},
		{"only optional checks", []reports.Check{optional(reports.Pass)}, reports.VerdictInvalid, 4},
		{"all pass", []reports.Check{required(reports.Pass), optional(reports.Pass)}, reports.VerdictPass, 0},
		{"optional and open", []reports.Check{required(reports.Pass), optional(reports.Unknown), optional(reports.Inconclusive)}, reports.VerdictPass, 0},
		{"required and inconclusive", []reports.Check{required(reports.Pass), required(reports.Inconclusive)}, reports.VerdictInconclusive, 3},
		{"required and unknown", []reports.Check{required(reports.Unknown)}, reports.VerdictInconclusive, 3},
		{"a failure beats an open question", []reports.Check{required(reports.Unknown), required(reports.Fail)}, reports.VerdictFail, 99},
		{"an optional failure fails", []reports.Check{required(reports.Pass), optional(reports.Fail)}, reports.VerdictFail, 99},
		{"invalid beats a failure", []reports.Check{required(reports.Fail), optional(reports.Invalid)}, reports.VerdictInvalid, 4},
		{"no status", []reports.Check{required(reports.Pass), optional("")}, reports.VerdictInvalid, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := reports.Judge(tc.checks)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.exit, got.ExitCode())
		})
	}
}

func TestUnitsSurviveJSON(t *testing.T) {
	type both struct {
		M reports.Millis
		S reports.Seconds
	}
	in := both{reports.Millis(142*time.Millisecond + 1500*time.Microsecond), reports.Seconds(-2500 * time.Millisecond)}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.Equal(t, `{"M":143.5,"S":-2.5}`, string(text))
	var out both
	require.NoError(t, json.Unmarshal(text, &out))
	require.Equal(t, in, out)
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0": 0, "12 ns": 12, "870 µs": 870 * time.Microsecond, "1 ms": 999_900 * time.Nanosecond,
		"9.5 ms": 9500 * time.Microsecond, "142 ms": 142 * time.Millisecond, "142 ms ": 142400 * time.Microsecond,
		"1.24 s": 1240 * time.Millisecond, "60 s": time.Minute, "2 m 18 s": 138 * time.Second, "5 m": 5 * time.Minute,
		"1 h": time.Hour - time.Millisecond, "26 h 05 m": 26*time.Hour + 5*time.Minute, "-1.5 s": -1500 * time.Millisecond,
	} {
		if want[len(want)-1] == ' ' {
			want = want[:len(want)-1]
		}
		require.Equal(t, want, reports.FormatDuration(d), "%d ns", d)
	}
}

func TestStopwatchAddsUp(t *testing.T) {
	s := func(x float64) reports.Seconds { return reports.Seconds(x * float64(time.Second)) }
	w := reports.NewStopwatch(reports.Millis(5*time.Minute), s(60), s(62.5), s(62.6), s(63), s(70))
	var counted reports.Millis
	for _, p := range w.Parts {
		if p.Counted {
			counted += p.Took
		}
	}
	require.Equal(t, "3 s", w.Total.String())
	require.Equal(t, w.Total, counted)
	require.Equal(t, "7 s", w.Parts[3].Took.String())

	thin := reports.NewStopwatch(0, s(60), s(62), s(63), s(61), 0)
	require.Equal(t, "3 s", thin.Total.String(), "safe no earlier than decided")
	require.Len(t, thin.Parts, 3, "nothing to repair")
}
