package markdown_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/markdown"
	"github.com/retailflow/stampede/reports/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden.md")

func TestSummariesReadAsBefore(t *testing.T) {
	for name, r := range map[string]*reports.Result{"black-friday": reporttest.BlackFriday(), "broken": reporttest.Broken()} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, markdown.Write(&b, r))
			golden := "testdata/" + name + ".golden.md"
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String())
		})
	}
}

func TestForeignTextStaysInItsCell(t *testing.T) {
	r := reporttest.Broken()
	r.Checks[0].Observed = "a | b\n| c | <script>"
	var b bytes.Buffer
	require.NoError(t, markdown.Write(&b, r))
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| FAIL | latency") {
			require.Equal(t, 5, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
			return
		}
	}
	t.Fatal("no line for the check")
}

// Who reads events/s must see that a day was sent faster than it comes, and what that divides.
func TestSpeedIsShown(t *testing.T) {
	r := reporttest.BlackFriday()
	var b strings.Builder
	require.NoError(t, markdown.Write(&b, r))
	require.NotContains(t, b.String(), "| speed |")
	r.Load.Speed, r.Load.PlannedFor = 36, reports.Seconds(24*time.Hour)
	b.Reset()
	require.NoError(t, markdown.Write(&b, r))
	require.Contains(t, b.String(), "| speed | 36 times: requests planned over 24 h sent within 40 m; ids, buffers, passes, objectives and lateness are in wall time |\n")
}
