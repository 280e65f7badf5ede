package truth

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/reports/stat"
)

// asTool makes this test binary a load tool that burns the CPU time that the variable names.
const asTool = "STAMPEDE_TEST_BURN"

func TestMain(m *testing.M) {
	if burn, err := time.ParseDuration(os.Getenv(asTool)); err == nil {
		used := func() time.Duration {
			var u syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			return time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		for begin := used(); used()-begin < burn; {
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const (
	ms      = time.Millisecond
	timeout = 3 * time.Second
)

// even is a plan of n requests, one each gap.
func even(n int, gap time.Duration) []Planned {
	out := make([]Planned, n)
	for i := range out {
		out[i] = Planned{Seq: uint64(i), At: time.Duration(i) * gap}
	}
	return out
}

func TestIdealOfAStall(t *testing.T) {
	// 1,000 requests in 1 s, nothing answered from 300 ms to 500 ms: a fifth waits 200 ms to 1 ms.
	s := Schedule{Base: ms, Episodes: []Episode{{Trouble: Stall, From: 300 * ms, To: 500 * ms}}}
	ideal := Ideal(s, even(1000, ms), nil, timeout)
	require.EqualValues(t, 1000, ideal.Count())
	require.Equal(t, ms, ideal.Quantile(0.8))
	require.InDelta(t, 101, ideal.Quantile(0.9).Seconds()*1000, 1.1)
	require.InDelta(t, 191, ideal.Quantile(0.99).Seconds()*1000, 1.1)
	require.InDelta(t, 201, ideal.Max().Seconds()*1000, 0.3)
}

func TestIdealTakesTheServersErrorFromItsLog(t *testing.T) {
	s := Schedule{Base: 10 * ms}
	ideal := Ideal(s, even(3, 100*ms), []Logged{{Seq: 0, Arrival: 5 * ms, LastByte: 17 * ms}, {Seq: 2, Arrival: 230 * ms, LastByte: 245 * ms}}, timeout)
	// The first was 2 ms late and the last 5; the one that never came is given the usual error, 5.
	require.InDelta(t, 12, ideal.Quantile(0.3).Seconds()*1000, 0.1)
	require.InDelta(t, 15, ideal.Quantile(0.5).Seconds()*1000, 0.1)
	require.InDelta(t, 15, ideal.Max().Seconds()*1000, 0.1, "its arrival 30 ms late is not the server's fault")
}

func TestIdealCountsTroubleAtTheTimeout(t *testing.T) {
	for _, trouble := range []Trouble{Errors, Reset, Refuse} {
		s := Schedule{Base: ms, Episodes: []Episode{{Trouble: trouble, From: 0, To: 20 * ms}}}
		ideal := Ideal(s, even(1000, ms), nil, timeout)
		require.GreaterOrEqual(t, ideal.Quantile(0.981), timeout)
		require.Equal(t, ms, ideal.Quantile(0.98))
	}
}

// The accounting of attack and measure over recorded results is the ideal one, exactly: a request
// has waited since its planned time, whatever the trouble, however late the generator was and
// however often it tried; one that was never sent has waited until it was given up, and what was
// not answered well the timeout at least. No clock, no network.
func TestAccountingIsTheIdeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Schedule
		s.Base = time.Duration(rapid.IntRange(0, 20).Draw(t, "base")) * ms
		at := time.Duration(0)
		for range rapid.IntRange(0, 4).Draw(t, "episodes") {
			at += time.Duration(rapid.IntRange(0, 500).Draw(t, "gap")) * ms
			e := Episode{Trouble: rapid.SampledFrom([]Trouble{Stall, Slow, Jitter, Errors, Reset, Refuse}).Draw(t, "trouble"), From: at,
				By: time.Duration(rapid.IntRange(1, 200).Draw(t, "by")) * ms}
			at += time.Duration(rapid.IntRange(1, 900).Draw(t, "length")) * ms
			e.To = at
			s.Episodes = append(s.Episodes, e)
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		latest := rapid.SampledFrom([]int{0, 5000}).Draw(t, "latest start") // 0: in time, as Ideal takes it
		set, truth := measure.New(timeout), &stat.Histogram{}
		var plan []Planned
		n := rapid.IntRange(1, 300).Draw(t, "requests")
		sent := max(n-rapid.IntRange(0, 50).Draw(t, "unsent tail"), 0)
		end := time.Duration(n*10)*ms + time.Duration(rapid.IntRange(0, 10_000).Draw(t, "given up after"))*ms
		retries := int64(0)
		for i := range n {
			p := Planned{Seq: uint64(i), At: time.Duration(i*10) * ms}
			r := attack.Result{Planned: p.At, Start: end, End: end, Err: attack.ErrLate}
			waited, good := end-p.At, false
			if i < sent {
				lag := time.Duration(rapid.IntRange(0, latest).Draw(t, "lag")) * ms
				r = attack.Result{Planned: p.At, Start: p.At + lag, Sent: true}
				if latest > 0 {
					r.Retries = rapid.IntRange(0, 2).Draw(t, "retries")
					retries += int64(r.Retries)
				}
				// A retry comes 50 ms after the answer before it.
				again := r.Start + time.Duration(r.Retries)*50*ms
				delay, well := s.Delay(again, p.Seq)
				r.End = again + delay
				waited, good = r.End-p.At, well && delay < timeout
				if r.Good = good; !good {
					r.Err = context.DeadlineExceeded
				}
				plan = append(plan, p)
			}
			if !good {
				waited = max(waited, timeout)
			}
			truth.Record(waited)
			o := r.Outcome("", "")
			set.Add(&o)
		}
		all := set.Select(nil)
		said := quantiles(&all.Latency)
		if truth := quantiles(truth); !slices.Equal(said, truth) {
			t.Fatalf("said %v, truth %v", said, truth)
		}
		if all.Retries != retries || all.Planned != int64(n) || all.Dropped != int64(n-sent) {
			t.Fatalf("%d retries of %d, %d planned of %d, %d never sent of %d", all.Retries, retries, all.Planned, n, all.Dropped, n-sent)
		}
		if latest == 0 && sent == n {
			if ideal := quantiles(Ideal(s, plan, nil, timeout)); !slices.Equal(said, ideal) {
				t.Fatalf("said %v, the ideal is %v", said, ideal)
			}
		}
	})
}

func histogram(of ...time.Duration) []time.Duration {
	h := &stat.Histogram{}
	for _, d := range of {
		h.Record(d)
	}
	return quantiles(h)
}

func verdicts(cells []Cell) (out []Verdict) {
	for _, c := range cells {
		out = append(out, c.Verdict)
	}
	return out
}

func TestJudge(t *testing.T) {
	stall := Schedule{Episodes: []Episode{{Trouble: Stall, To: time.Second}}}
	truth := histogram(10*ms, 10*ms, 900*ms)
	ok := judge([]pair{{said: truth, truth: truth}}, stall, nil)
	require.Equal(t, []Verdict{True, True, True, True, True}, verdicts(ok))
	liar := judge([]pair{{said: histogram(10*ms, 10*ms, 20*ms), truth: truth}}, stall, ok)
	require.Equal(t, []Verdict{True, Untrue, Untrue, Untrue, Untrue}, verdicts(liar))
	require.Equal(t, Skipped, judge([]pair{{said: truth, truth: truth}}, Schedule{}, nil)[4].Verdict, "no stall, no claim about the maximum")

	// Two runs of three decide, and the floor's own error is nobody's merit.
	two := []pair{{said: truth, truth: truth}, {said: histogram(ms, ms, ms), truth: truth}, {said: truth, truth: truth}}
	require.Equal(t, True, judge(two, stall, ok)[2].Verdict)
	slow := judge([]pair{{said: histogram(30*ms, 30*ms, 30*ms), truth: histogram(ms, ms, ms)}}, Schedule{}, nil)
	require.Equal(t, Invalid, slow[0].Verdict, "a machine that is off without trouble tells nothing of the tool")
	require.Equal(t, Invalid, judge([]pair{{said: truth, truth: truth}}, stall, slow)[0].Verdict)
}

func TestScheduleIsRefusedAllAtOnce(t *testing.T) {
	err := Schedule{Episodes: []Episode{{Trouble: "nap", To: 1}, {Trouble: Slow, From: 5, To: 5}}}.Validate()
	for _, want := range []string{`episode 1: "nap" is no trouble`, "episode 2: slow by 0s", "episode 2 from 5ns to 5ns"} {
		require.ErrorContains(t, err, want)
	}
}

// A closed loop sees a stall once: such a tool must be found out, and ours not be off by as much.
func TestCalibrateFindsCoordinatedOmission(t *testing.T) {
	server, err := Serve("127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	defer http.DefaultClient.CloseIdleConnections()
	closed := Tool{Name: "closed loop", Even: true, Run: func(ctx context.Context, l Load) ([]time.Duration, error) {
		said := &stat.Histogram{}
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for begin := time.Now(); time.Since(begin) < l.For; time.Sleep(time.Second / time.Duration(l.Rate)) {
			sent := time.Now()
			resp, err := client.Get(l.URL + "/")
			if err != nil {
				return nil, err
			}
			_ = resp.Body.Close()
			said.Record(time.Since(sent))
		}
		return quantiles(said), nil
	}}
	rows := []Row{{"stall", func(time.Duration) Schedule {
		return Schedule{Episodes: []Episode{{Trouble: Stall, From: 300 * ms, To: 800 * ms}}}
	}}}
	table, err := Calibrate(t.Context(), Options{Server: "http://" + server.Address(), Tools: []Tool{closed, Own("ours", attack.Direct)},
		Rates: []int{200}, Rows: rows, Runs: 1, For: 1500 * ms})
	require.NoError(t, err)
	require.Len(t, table, 2)
	require.NoError(t, table[0].Err)
	require.Equal(t, Untrue, table[0].Cells[1].Verdict, "p90: %+v", table[0].Cells)
	require.Less(t, table[0].Cells[1].Said, 100*ms)
	require.NoError(t, table[1].Err)
	require.Greater(t, table[1].Cells[1].Said, 200*ms)
	require.Greater(t, table[1].Cells[1].Said, table[1].Cells[1].Truth*8/10, "a busy machine can only add to it")
}

func TestServerMisbehaves(t *testing.T) {
	server, err := Serve("127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	url := "http://" + server.Address()
	o := Options{Server: url}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	get := func() (int, error) {
		resp, err := client.Get(url + "/?n=7")
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		return resp.StatusCode, nil
	}
	for trouble, want := range map[Trouble]int{Errors: 503, Reset: 0, Slow: 200} {
		by := time.Hour // what errs or breaks does not wait
		if trouble == Slow {
			by = 50 * ms
		}
		require.NoError(t, o.post(t.Context(), begin{Start: time.Now().UnixNano(),
			Schedule: Schedule{Episodes: []Episode{{Trouble: trouble, To: time.Hour, By: by}}}}))
		sent := time.Now()
		status, err := get()
		require.Equal(t, want == 0, err != nil, "%s: %v", trouble, err)
		require.Equal(t, want, status)
		require.True(t, trouble != Slow || time.Since(sent) >= by)
		log, err := o.log(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, log)
		require.EqualValues(t, 7, log[0].Seq)
	}
	require.NoError(t, o.post(t.Context(), begin{Start: time.Now().UnixNano(),
		Schedule: Schedule{Episodes: []Episode{{Trouble: Refuse, To: 2 * time.Second}}}}))
	require.Eventually(t, func() bool { _, err := get(); return err != nil }, 30*time.Second, ms)
	require.Eventually(t, func() bool { status, _ := get(); return status == 200 }, 30*time.Second, 10*ms, "the door opens again")
	require.ErrorContains(t, o.post(t.Context(), begin{Schedule: Schedule{Episodes: []Episode{{Trouble: "nap", To: 1}}}}), `"nap" is no trouble`)
}

func TestTableAndWorst(t *testing.T) {
	cells := []Cell{{0.5, ms, 1020 * time.Microsecond, True}, {0.9, 10 * ms, 11 * ms, True}, {0.99, 900 * ms, 20 * ms, Untrue},
		{0.999, time.Second, time.Second, Skipped}, {1, time.Second, time.Second, Invalid}}
	lines := []Line{{Tool: Tool{Name: "x", Version: "v1"}, Rate: 1000, Row: "stall", Cells: cells}, {Tool: Tool{Name: "y"}, Rate: 5, Row: "none", Err: context.Canceled}}
	var b strings.Builder
	require.NoError(t, WriteTable(&b, lines))
	require.Equal(t, `| tool | rate | trouble | p50 said / true | | p90 said / true | | p99 said / true | | p99.9 said / true | | max said / true | |
|---|--:|---|--:|---|--:|---|--:|---|--:|---|--:|---|
| x v1 | 1000/s | stall | 1.02 ms / 1.00 ms | true | 11.0 ms / 10.0 ms | true | 20.0 ms / 900 ms | UNTRUE | 1000 ms / 1000 ms | - | 1000 ms / 1000 ms | INVALID |
| y | 5/s | none | context canceled |
`, b.String())
	require.Equal(t, Untrue, Worst(lines[:1]))
	require.Equal(t, Untrue, Worst(lines[1:]))
	cells[2].Verdict = True
	require.Equal(t, Invalid, Worst(lines[:1]))
	cells[4].Verdict = True
	require.Equal(t, True, Worst(lines[:1]))
}
