package json_test

import (
	"bytes"
	encoding "encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/json"
	"github.com/retailflow/stampede/reports/reporttest"
)

var update = flag.Bool("update", false, "rewrite testdata/schema.golden")

func TestWhatIsWrittenReadsBack(t *testing.T) {
	for _, r := range []*reports.Result{reporttest.BlackFriday(), reporttest.Broken()} {
		var b bytes.Buffer
		require.NoError(t, json.Write(&b, r))
		text := b.String()
		back, err := json.Read(&b)
		require.NoError(t, err)
		var again bytes.Buffer
		require.NoError(t, json.Write(&again, back))
		require.True(t, text == again.String(), "the second writing differs")
		require.Equal(t, r.Latency[0].Response.Quantile(0.99), back.Latency[0].Response.Quantile(0.99))
	}
}

func TestHistogramsOfTwoReportsAddUp(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, json.Write(&b, reporttest.BlackFriday()))
	r, err := json.Read(&b)
	require.NoError(t, err)
	before := r.Latency[0].Response.Count()
	r.Latency[0].Response.Merge(&reporttest.BlackFriday().Latency[0].Response)
	require.Equal(t, 2*before, r.Latency[0].Response.Count())
}

func TestWhatIsNoReportIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":             "<html>",
		"another document":     `{"schema":"lighthouse/1"}`,
		"an older schema":      `{"schema":"stampede.report/1","verdict":"INVALID","exit_code":4}`,
		"a newer schema":       `{"schema":"stampede.report/3","verdict":"INVALID","exit_code":4}`,
		"a verdict of its own": `{"schema":"stampede.report/2","verdict":"PASS","exit_code":0,"checks":[{"name":"lost","status":"FAIL","required":true}]}`,
		"a wrong exit code":    `{"schema":"stampede.report/2","verdict":"INVALID","exit_code":0}`,
		"a broken histogram":   `{"schema":"stampede.report/2","verdict":"INVALID","exit_code":4,"latency":[{"response":{"count":1,"hdr_v2_us":"HISTFAAAA"}}]}`,
		"a hole in time":       `{"schema":"stampede.report/2","verdict":"INVALID","exit_code":4,"timeline":[{"t_s":0},{"t_s":2}]}`,
	} {
		_, err := json.Read(strings.NewReader(text))
		require.ErrorContains(t, err, "decode report: ", name)
	}
}

func TestNoListIsNull(t *testing.T) {
	r := &reports.Result{}
	r.Finish()
	var b bytes.Buffer
	require.NoError(t, json.Write(&b, r))
	require.NotContains(t, b.String(), "null")
}

// The golden file lists every field and its kind. A changed or missing line breaks readers: it
// takes a new number in reports.Schema.
func TestSchemaIsTheOneThatReadersKnow(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, json.Write(&b, reporttest.Broken()))
	var document any
	require.NoError(t, encoding.Unmarshal(b.Bytes(), &document))
	seen := map[string]bool{}
	list(document, "", seen)
	var lines []string
	for line := range seen {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	got := reports.Schema + "\n" + strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile("testdata/schema.golden", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/schema.golden")
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func list(value any, path string, seen map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, x := range v {
			if strings.HasSuffix(path, "/numbers") { // free names
				key = "*"
			}
			list(x, path+"/"+key, seen)
		}
	case []any:
		for _, x := range v {
			list(x, path+"[]", seen)
		}
		if len(v) == 0 {
			seen[path+"[]"] = true
		}
	default:
		seen[fmt.Sprintf("%s %T", path, v)] = true
	}
}
