package junit_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/junit"
	"github.com/retailflow/stampede/reports/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden.xml")

func TestSuitesReadAsBefore(t *testing.T) {
	for name, r := range map[string]*reports.Result{"black-friday": reporttest.BlackFriday(), "broken": reporttest.Broken()} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, junit.Write(&b, r))
			golden := "testdata/" + name + ".golden.xml"
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

// A CI system must colour a run red exactly if its verdict is not PASS.
func TestACISystemSeesTheVerdict(t *testing.T) {
	for _, required := range []bool{true, false} {
		for _, status := range []reports.Status{reports.Pass, reports.Fail, reports.Inconclusive, reports.Unknown, reports.Invalid, ""} {
			r := &reports.Result{Checks: []reports.Check{{Name: "sound", Status: reports.Pass, Required: true}, {Name: "asked", Status: status, Required: required}}}
			r.Finish()
			var b bytes.Buffer
			require.NoError(t, junit.Write(&b, r))
			var read struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Errors   int `xml:"errors,attr"`
			}
			require.NoError(t, xml.Unmarshal(b.Bytes(), &read))
			require.Equal(t, 2, read.Tests)
			require.Equal(t, r.Verdict == reports.VerdictPass, read.Failures+read.Errors == 0, "%q, required %v: %s", status, required, b.String())
		}
	}
}

// A broken child's last words may hold anything.
func TestWhatXMLCannotCarryIsReplaced(t *testing.T) {
	r := &reports.Result{Checks: []reports.Check{{Name: "a", Status: reports.Fail, Examples: []string{"\x1b[31m]]> \xff & <b>\x00"}}}}
	r.Finish()
	var b bytes.Buffer
	require.NoError(t, junit.Write(&b, r))
	require.NoError(t, xml.Unmarshal(b.Bytes(), new(struct{})))
}
