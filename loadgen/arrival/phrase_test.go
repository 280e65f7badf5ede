package arrival_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/arrival"
)

func TestPhrases(t *testing.T) {
	for text, want := range map[string][]arrival.Curve{
		"constant 1000 for 1m":                             {arrival.Constant(1000, time.Minute)},
		"ramp 0 to 1.5e3 for 90s":                          {arrival.Ramp{To: 1500, For: 90 * time.Second}},
		"steps 10 to 30 in 3 for 3s":                       {arrival.Constant(10, time.Second), arrival.Constant(20, time.Second), arrival.Constant(30, time.Second)},
		"sine 5 swing 0.5 period 24h shift 6h for 1h":      {arrival.Sine{Mean: 5, Swing: 0.5, Period: 24 * time.Hour, Shift: 6 * time.Hour, For: time.Hour}},
		"sine 5 swing 1 for 1h period 24h":                 {arrival.Sine{Mean: 5, Swing: 1, Period: 24 * time.Hour, For: time.Hour}},
		"flash 1 to 20 rise 0s plateau 3s decay 4s for 1m": {arrival.Flash{Base: 1, Top: 20, Plateau: 3 * time.Second, Decay: 4 * time.Second, For: time.Minute}},
	} {
		got, err := arrival.ParsePhase(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"":                                "empty; write one of:\nconstant 1000 for 1m",
		"constant 1000 for":               `"for" has no value`,
		"constant 1000":                   "for is missing",
		"constant fast for 1m":            `constant "fast" is no number`,
		"constant 10 for 5":               `for "5" is no duration such as 90s or 5m`,
		"constant 10 for 1m to 5":         `"to" is not known here`,
		"constant 10 for 1m for 2m":       `"for" stands twice`,
		"constant -1 for 1m":              "rate -1 events/s: must be between 0 and",
		"jump 10 for 1m":                  `"jump" is no kind of phase`,
		"steps 1 to 2 in 2.5 for 1m":      "in 2.5: must be a whole number of steps",
		"sine 5 swing 2 period 1m for 1m": "swing 2: must be between 0 and 1",
	} {
		_, err := arrival.ParsePhase(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestPhrasesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := curves.Draw(t, "curve")
		again, err := arrival.ParsePhase(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if len(again) != 1 || again[0] != c {
			t.Fatalf("%s came back as %v", c, again)
		}
	})
}

func FuzzParsePhase(f *testing.F) {
	f.Add("constant 1000 for 1m")
	f.Add("steps 100 to 1000 in 5 for 5m")
	f.Fuzz(func(t *testing.T, text string) {
		curves, err := arrival.ParsePhase(text)
		if err != nil {
			return
		}
		for _, c := range curves {
			again, err := arrival.ParsePhase(c.String())
			require.NoError(t, err, "%s from %q", c, text)
			require.Equal(t, []arrival.Curve{c}, again)
		}
	})
}
