package loadtest_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/loadtest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// sample is a load of 4 s with a stall of the only worker, refusals, and an endpoint that fails checks.
func sample(t *testing.T, limits ...string) *loadtest.Result {
	t.Helper()
	r := &loadtest.Result{
		Name: "nightly", Target: "http://shop.example", Plan: []string{"constant 100 for 4s, in requests/s, even arrivals", "seed 7, timeout 2s, http1"},
		Seed: 7, Command: "stampede load --target http://shop.example --seed 7", Version: "test", Started: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
		Asked: 400, Length: reports.Seconds(4 * time.Second), Sent: 399,
		Measure: measure.New(2 * time.Second), Course: measure.NewCourse(2 * time.Second),
		Failures: []loadtest.Failure{{Text: "ok == true: found false", Count: 12}},
		Self: loadtest.Self{CPU: reports.Seconds(30 * time.Millisecond), GCPauseMax: reports.Millis(120 * time.Microsecond), LagP50: reports.Millis(80 * time.Microsecond),
			LagP99: reports.Millis(900 * time.Millisecond), LagMax: reports.Millis(990 * time.Millisecond), Heap: 12_300_000, Memory: 31_000_000, Growth: new(-140_000.0), Goroutines: 12, UnderWay: 1},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		o := measure.Outcome{Labels: measure.Labels{Endpoint: "GET /products", Status: "200"}, Planned: time.Duration(i) * 10 * time.Millisecond, Sent: true, Good: true,
			Out: 10, In: 2000, Trace: measure.Trace{Wait: 5 * time.Microsecond, DNS: -1, Connect: -1, TLS: -1, FirstByte: 2 * time.Millisecond}}
		o.Start = o.Planned + 80*time.Microsecond
		if o.Planned >= time.Second && o.Planned < 2*time.Second {
			o.Start = 2 * time.Second
		}
		o.End = o.Start + 2*time.Millisecond + time.Duration(rng.Int64N(1e6))
		switch {
		case i%8 == 3:
			o.Endpoint, o.Retries = "POST /orders", 1
		case i%32 == 4:
			o.Status, o.Good, o.Checked, o.Failed = "200", false, true, true
		case i%50 == 5:
			o.Status, o.Good = "503", false
		case i == 399:
			o.Status, o.Good, o.Sent, o.Trace = "late", false, false, measure.NoTrace
		}
		r.Measure.Add(&o)
		r.Course.Add(&o)
	}
	var all []threshold.Threshold
	for _, text := range limits {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		all = append(all, one)
	}
	r.Judge(all)
	r.Finish()
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestForms(t *testing.T) {
	r := sample(t, "p99(latency) < 142ms", "rate(errors{endpoint=POST /orders}) < 0.1%", "count(dropped) == 0", "max(dns) < 1s")
	require.Equal(t, reports.VerdictFail, r.Verdict)
	for name, write := range map[string]func(io.Writer, *loadtest.Result) error{
		"result.txt":  func(w io.Writer, r *loadtest.Result) error { return loadtest.WriteText(w, r, false) },
		"result.json": loadtest.WriteJSON, "result.csv": loadtest.WriteCSV,
		"result.hgrm": func(w io.Writer, r *loadtest.Result) error {
			return loadtest.WriteHGRM(w, &r.Measure.Select(nil).Latency)
		},
	} {
		var b bytes.Buffer
		require.NoError(t, write(&b, r))
		golden(t, name, b.Bytes())
		require.Error(t, write(full{}, r), name)
	}
}

func TestALoadThatNothingAnsweredWellProvesNothing(t *testing.T) {
	r := &loadtest.Result{Measure: measure.New(time.Second), Course: measure.NewCourse(time.Second)}
	r.Measure.Add(&measure.Outcome{Labels: measure.Labels{Status: "400"}, Sent: true, Trace: measure.NoTrace})
	r.Finish()
	require.Equal(t, reports.VerdictInvalid, r.Verdict)
	require.Contains(t, r.Invalid[0], "no request was answered well")
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestTextFitsTheTerminal(t *testing.T) {
	r := sample(t, "p99(latency) < 142ms")
	r.Target = "http://" + strings.Repeat("a.very.long.name.", 20) + "example"
	for i := range 40 {
		r.Measure.Add(&measure.Outcome{Labels: measure.Labels{Endpoint: strings.Repeat("/x", 30) + string(rune('a'+i)), Status: "other"}, End: time.Hour})
	}
	r.Invalid = []string{strings.Repeat("requests started late ", 20)}
	r.Finish()
	var plain, coloured bytes.Buffer
	require.NoError(t, loadtest.WriteText(&plain, r, false))
	for line := range strings.Lines(plain.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 100, line)
		require.Equal(t, strings.TrimRight(line, " \n")+"\n", line, "no blanks at the end")
	}
	require.Contains(t, plain.String(), "and 30 endpoints more")
	require.NotContains(t, plain.String(), "\033")
	require.NoError(t, loadtest.WriteText(&coloured, r, true))
	require.Contains(t, coloured.String(), "\033[1;35mINVALID\033[0m")
}

func TestVerdicts(t *testing.T) {
	require.Equal(t, reports.VerdictPass, sample(t).Verdict)
	require.Equal(t, reports.VerdictPass, sample(t, "p50(latency) < 10ms").Verdict)
	require.Equal(t, reports.VerdictFail, sample(t, "p99(latency) < 10ms").Verdict)
	require.Equal(t, reports.VerdictFail, sample(t, "p99(latency{endpoint=GET /nowhere}) < 10s").Verdict, "over no data")

	stopped := sample(t, "p50(latency) < 10ms")
	stopped.Interrupted = true
	stopped.Finish()
	require.Equal(t, reports.VerdictInvalid, stopped.Verdict)
	require.Contains(t, stopped.Invalid[0], "interrupted after 4 s")

	empty := &loadtest.Result{Measure: measure.New(time.Second), Course: measure.NewCourse(time.Second)}
	empty.Finish()
	require.Equal(t, reports.VerdictInvalid, empty.Verdict)
	var b bytes.Buffer
	require.NoError(t, loadtest.WriteText(&b, empty, false))
	require.Contains(t, b.String(), "no request was due")
}

func TestNotesExplainWhatIsApart(t *testing.T) {
	note := func(r *loadtest.Result) string { return strings.Join(r.Notes(), " ") }
	refused := &loadtest.Result{Measure: measure.New(time.Second), Course: measure.NewCourse(time.Second)}
	refused.Measure.Add(&measure.Outcome{End: time.Millisecond, Sent: true, Trace: measure.NoTrace})
	require.Contains(t, note(refused), "fast refusal is no fast answer")

	stalled := &loadtest.Result{Measure: measure.New(time.Second), Course: measure.NewCourse(time.Second)}
	for range 100 {
		stalled.Measure.Add(&measure.Outcome{Start: 800 * time.Millisecond, End: 810 * time.Millisecond, Sent: true, Good: true, Trace: measure.NoTrace})
	}
	require.Contains(t, note(stalled), "p99 810 ms against 10 ms. Requests stood in line")
	stalled.Closed = true
	require.Contains(t, note(stalled), "these figures flatter it")

	calm := &loadtest.Result{Measure: measure.New(time.Second), Course: measure.NewCourse(time.Second)}
	calm.Measure.Add(&measure.Outcome{End: time.Millisecond, Sent: true, Good: true, Trace: measure.NoTrace})
	require.Empty(t, note(calm))
}

// What another program adds up from result.json is what was measured.
func TestJSONIsReadBackAndAddsUp(t *testing.T) {
	r := sample(t, "p99(latency) < 142ms")
	var b bytes.Buffer
	require.NoError(t, loadtest.WriteJSON(&b, r))
	again, err := loadtest.ReadJSON(&b)
	require.NoError(t, err)
	require.NoError(t, again.Measure.Merge(r.Measure))
	require.EqualValues(t, 800, again.Measure.Select(nil).Planned)
	require.Equal(t, r.Measure.Select(nil).Latency.Quantile(0.99), again.Measure.Select(nil).Latency.Quantile(0.99))
	require.NoError(t, again.Course.Merge(r.Course))
	require.Equal(t, 2*r.Course.Second(1).Planned, again.Course.Second(1).Planned)
	text, err := r.Measure.Select(nil).Latency.Encode()
	require.NoError(t, err)
	foreign, err := hdrhistogram.Decode([]byte(text))
	require.NoError(t, err)
	require.EqualValues(t, 400, foreign.TotalCount())

	_, err = loadtest.ReadJSON(strings.NewReader(`{"schema":"stampede.load/2"}`))
	require.ErrorContains(t, err, `schema "stampede.load/2", expected "stampede.load/1"`)
	_, err = loadtest.ReadJSON(strings.NewReader(`{`))
	require.Error(t, err)
}
