package measure_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
)

const timeout = 5 * time.Second

// TestMain plays fewer cases than rapid's hundred: each makes and writes out megabytes of
// histograms.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var outcomes = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) measure.Outcome {
	at := func(name string) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, name)).Truncate(time.Microsecond)
	}
	o := measure.Outcome{
		Labels: measure.Labels{
			Endpoint: rapid.SampledFrom([]string{"events", "summary"}).Draw(t, "endpoint"),
			Class:    rapid.SampledFrom([]string{"", "small"}).Draw(t, "class"),
			Status:   rapid.SampledFrom([]string{"202", "503", "late"}).Draw(t, "status"),
		},
		Planned: at("planned"), Retries: rapid.IntRange(0, 2).Draw(t, "retries"), In: 10, Out: 20, Trace: measure.NoTrace,
	}
	o.Sent, o.Good = o.Status != "late", o.Status == "202"
	o.Start = o.Planned + at("lag")
	o.End = o.Start
	if o.Sent {
		o.End += at("service")
		o.Trace.Wait, o.Trace.FirstByte = at("wait"), at("first byte")
	}
	return o
}), 1, 16)

// A set must say what sorting all outcomes says, to the resolution of its histograms.
func TestAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := outcomes.Draw(t, "outcomes")
		labels := rapid.SampledFrom([]map[string]string{nil, {"endpoint": "summary"}, {"status": "503"}, {"class": "small", "status": "202"}}).Draw(t, "labels")
		set := measure.New(timeout)
		var latencies []time.Duration
		var errors, dropped, retries, planned int64
		for _, o := range all {
			set.Add(&o)
			if e, ok := labels["endpoint"]; ok && e != o.Endpoint {
				continue
			}
			if c, ok := labels["class"]; ok && c != o.Class {
				continue
			}
			planned++
			if s, ok := labels["status"]; ok && s != o.Status {
				continue
			}
			waited := o.End - o.Planned
			if o.Status != "202" {
				errors++
				waited = max(waited, timeout)
			}
			if o.Status == "late" {
				dropped++
			}
			retries += int64(o.Retries)
			latencies = append(latencies, waited)
		}
		slices.Sort(latencies)
		for _, q := range []float64{0.01, 0.5, 0.99} {
			got, n := set.Duration(threshold.Quantile, q, threshold.Latency, labels)
			if n != int64(len(latencies)) {
				t.Fatalf("%d requests, want %d", n, len(latencies))
			}
			if n == 0 {
				continue
			}
			want := latencies[max(int(math.Ceil(q*float64(n))), 1)-1].Seconds()
			if got < want-1e-9 || got > want*1.001+1e-6 {
				t.Fatalf("quantile %v is %v, want %v", q, got, want)
			}
		}
		for m, want := range map[threshold.Metric]int64{threshold.Errors: errors, threshold.Dropped: dropped,
			threshold.Retries: retries, threshold.Requests: int64(len(latencies))} {
			got, of := set.Counted(m, labels)
			if got != want || of != planned {
				t.Fatalf("%s: %d of %d, want %d of %d", m, got, of, want, planned)
			}
		}
	})
}

// However outcomes are spread over workers, their sets add up to the one of a single worker.
func TestMergedIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := measure.New(timeout)
		parts := []*measure.Set{measure.New(timeout), measure.New(timeout), measure.New(timeout)}
		for _, o := range outcomes.Draw(t, "outcomes") {
			whole.Add(&o)
			parts[rapid.IntRange(0, 2).Draw(t, "worker")].Add(&o)
		}
		sum := measure.New(timeout)
		for _, part := range parts {
			text, err := json.Marshal(part)
			if err != nil {
				t.Fatal(err)
			}
			var back measure.Set
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if err := sum.Merge(&back); err != nil {
				t.Fatal(err)
			}
		}
		got, err := json.Marshal(sum)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("merged:\n%s\nwhole:\n%s", got, want)
		}
	})
}

func TestMergeRefusesOtherTimeouts(t *testing.T) {
	require.ErrorContains(t, measure.New(time.Second).Merge(measure.New(2*time.Second)), "timeouts 1s and 2s differ")
}

func TestSeriesAreBounded(t *testing.T) {
	set := measure.New(timeout)
	for i := range 3 * measure.MaxSeries {
		set.Add(&measure.Outcome{Labels: measure.Labels{Endpoint: fmt.Sprint(i), Status: "200"}, Good: true, Sent: true})
	}
	require.Len(t, set.Labels(), measure.MaxSeries+1)
	require.EqualValues(t, 2*measure.MaxSeries, set.Select(map[string]string{"endpoint": measure.Others}).Planned)
	require.EqualValues(t, 3*measure.MaxSeries, set.Select(nil).Planned)
}

// Once labels were lost, figures by label would leave requests out: none are given, and a threshold
// over them fails, however good they were.
func TestAThresholdOverLostLabelsFails(t *testing.T) {
	set := measure.New(timeout)
	add := func(endpoint, status string) {
		set.Add(&measure.Outcome{Labels: measure.Labels{Endpoint: endpoint, Status: status}, Good: status == "200", Sent: true, Trace: measure.NoTrace})
	}
	judge := func(text string) bool {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		return one.Judge(set).Holds
	}
	by := []string{"p99(latency{endpoint=0}) < 1s", "rate(errors{endpoint=0}) < 1%", "count(errors{status=503}) == 0"}
	for i := range measure.MaxSeries {
		add(fmt.Sprint(i), "200")
	}
	for _, text := range by {
		require.True(t, judge(text), text)
	}
	add("0", "503")
	for _, text := range by {
		require.False(t, judge(text), text)
	}
	require.True(t, judge("count(errors) == 1"), "the whole is known")
	require.False(t, judge("count(errors{endpoint="+measure.Others+"}) == 0"))
}

// What assertions found is of the answers that they looked at, not of all.
func TestFailuresAreOfWhatWasLookedAt(t *testing.T) {
	set := measure.New(timeout)
	judge := func(text string) bool {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		return one.Judge(set).Holds
	}
	for i := range 100 {
		set.Add(&measure.Outcome{Labels: measure.Labels{Status: "200"}, Good: true, Sent: true, Trace: measure.NoTrace})
		if i == 0 {
			require.False(t, judge("count(failures) == 0"), "nothing was looked at")
		}
	}
	set.Add(&measure.Outcome{Labels: measure.Labels{Status: "200"}, Good: true, Checked: true, Sent: true, Trace: measure.NoTrace})
	require.True(t, judge("count(failures) == 0"))
	set.Add(&measure.Outcome{Labels: measure.Labels{Status: "200"}, Checked: true, Failed: true, Sent: true, Trace: measure.NoTrace})
	require.True(t, judge("rate(failures) == 50%"))
}

func TestJudged(t *testing.T) {
	set := measure.New(timeout)
	for i := range 1000 {
		o := measure.Outcome{Labels: measure.Labels{Endpoint: "events", Status: "202"}, Good: true, Sent: true,
			Planned: time.Duration(i) * time.Millisecond, Trace: measure.NoTrace}
		o.Start = o.Planned
		o.End = o.Start + 10*time.Millisecond
		if i >= 985 { // unsent ones count at the timeout
			o.Sent, o.Good, o.Status = false, false, "late"
		}
		set.Add(&o)
	}
	for text, holds := range map[string]bool{
		"p98(latency) < 11ms":                 true,
		"p99(latency) < 4.9s":                 false,
		"p99(latency) <= 5.01s":               true,
		"p99(service) < 11ms":                 true, // what a closed-loop tool reports
		"count(dropped) == 15":                true,
		"rate(errors) == 1.5%":                true,
		"rate(errors{status=503}) == 0%":      true,
		"p99(latency{endpoint=summary}) < 1s": false, // no data
		"p50(dns) < 1s":                       false, // no data
		"rate(requests) > 990/s":              true,
	} {
		one, err := threshold.Parse(text)
		require.NoError(t, err)
		require.Equal(t, holds, one.Judge(set).Holds, "%s", one.Judge(set))
	}
}

func BenchmarkAdd(b *testing.B) {
	set := measure.New(timeout)
	o := measure.Outcome{Labels: measure.Labels{Endpoint: "events", Class: "small", Status: "202"}, Good: true, Sent: true,
		End: 12345 * time.Microsecond, Trace: measure.NoTrace}
	o.Trace.Wait, o.Trace.FirstByte = 5*time.Microsecond, 10*time.Millisecond
	for b.Loop() {
		set.Add(&o)
	}
}
