package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reports"
)

func TestParseHostTimes(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       hostTimes
		ok         bool
	}{
		{"waiting for disk is idle, stolen time is busy", "cpu  100 10 50 800 40 5 5 20 0 0\ncpu0 1 2 3", hostTimes{busy: 1900 * ms, total: 10300 * ms, steal: 200 * ms}, true},
		{"an old kernel without stolen time", "cpu  1 2 3 4 5 6 7\n", hostTimes{}, false},
		{"another line", "intr 1 2 3 4 5 6 7 8 9", hostTimes{}, false},
		{"no number", "cpu  1 2 3 x 5 6 7 8", hostTimes{}, false},
		{"empty", "", hostTimes{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := parseHostTimes([]byte(tc.text))
			require.Equal(t, tc.ok, ok)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestParseProcess(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       hostProcess
		ok         bool
	}{
		{"its own and its dead children's time", "24 (stampede) S 7 24 24 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 1 0 1 1 1", hostProcess{parent: 7, used: 1100 * ms}, true},
		{"a command with spaces and parentheses", "24 (a) b (c 1 2) R 9 24 24 0 -1 4194304 100 0 0 0 1 2 3 4 20 0 1 0 1 1 1", hostProcess{parent: 9, used: 100 * ms}, true},
		{"cut short", "24 (stampede) S 7 24 24 0 -1 4194304 100 0 0 0 11 22 33", hostProcess{}, false},
		{"no command", "24 stampede S 7", hostProcess{}, false},
		{"no number", "24 (stampede) S 7 24 24 0 -1 4194304 100 0 0 0 11 x 33 44 20 0 1", hostProcess{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := parseProcess([]byte(tc.text))
			require.Equal(t, tc.ok, ok)
			require.Equal(t, tc.want, got)
		})
	}
}

// golden reads one moment of testdata/proc: the first line of /proc/stat, an empty line, and the
// stat line of each process.
func golden(t *testing.T, moment string) (hostTimes, map[int]hostProcess) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "proc", moment))
	require.NoError(t, err)
	head, table, found := strings.Cut(string(text), "\n\n")
	require.True(t, found)
	times, ok := parseHostTimes([]byte(head))
	require.True(t, ok)
	all := map[int]hostProcess{}
	for line := range strings.Lines(table) {
		var pid int
		for _, c := range strings.Fields(line)[0] {
			pid = 10*pid + int(c-'0')
		}
		p, ok := parseProcess([]byte(line))
		require.True(t, ok, line)
		all[pid] = p
	}
	return times, all
}

// TestWhoUsedTheProcessors: one second on two cores, in which a function process of the run
// (pid 104, below the edge) ended and was waited for, and a neighbour compiled.
func TestWhoUsedTheProcessors(t *testing.T) {
	const harness = 100
	before, table := golden(t, "before")
	before.run = treeTime(table, harness)
	after, table := golden(t, "after")
	after.run = treeTime(table, harness)
	require.Equal(t, 1400*ms, after.run-before.run, "60 ticks of the harness, 50 of data, 30 of the edge and its functions, the dead one included")
	got := after.since(before)
	require.InDelta(t, 0.97, got.Busy, 1e-9)
	require.InDelta(t, 0.70, got.Run, 1e-9)
	require.InDelta(t, 0.25, got.Others, 1e-9)
	require.InDelta(t, 0.02, got.Steal, 1e-9)
	require.Equal(t, "host busy 97 %, of which this run 70 %, others 25 %, steal 2 %", got.String())
	require.Zero(t, before.since(before), "no time between two looks")
}

func TestTreeTimeOfABrokenTable(t *testing.T) {
	require.Zero(t, treeTime(nil, 1))
	circle := map[int]hostProcess{2: {parent: 3, used: second}, 3: {parent: 2, used: second}}
	require.Zero(t, treeTime(circle, 1), "it ends")
}

func TestStretchesJoinNeighbours(t *testing.T) {
	use := func(busy, others float64) reports.Processors {
		return reports.Processors{Busy: busy, Run: busy - others, Others: others}
	}
	looks := []observation{
		{at: 500 * ms, host: use(1, 0.5)}, {at: 1 * second, host: use(0.5, 0)}, {at: 4 * second, host: use(0.92, 0.1)}, {at: 5 * second, host: use(0.98, 0.3)}, {at: 6 * second, host: use(0.9, 0)},
		{at: 9 * second, memory: 0.96, host: use(1, 0)},
	}
	s := func(x float64) reports.Seconds { return reports.Seconds(x * float64(second)) }
	type row struct {
		start, end reports.Seconds
		reason     string
	}
	rows := func(all []reports.Interval) (out []row) {
		for _, i := range all {
			require.NotNil(t, i.Processors)
			out = append(out, row{i.Start, i.End, i.Reason})
		}
		return out
	}
	require.Equal(t, []row{
		{s(0), s(0.5), "processors above 90 %: host busy 100 %, of which this run 50 %, others 50 %, steal 0 %"},
		{s(3), s(5), "processors above 90 %: host busy 95 %, of which this run 75 %, others 20 %, steal 0 %"},
		{s(8), s(9), "memory above 95 %: host busy 100 %, of which this run 100 %, others 0 %, steal 0 %"},
	}, rows(hostLimited(looks, 0.9)))
	require.Empty(t, hostLimited(nil, 0.9))

	o := otherLoad(looks, 10*second)
	require.Equal(t, s(2), o.Took)
	require.InDelta(t, 0.4, o.Mean, 1e-9)
	require.InDelta(t, 0.5, o.Most, 1e-9)
	require.Len(t, o.Intervals, 2)
	require.Equal(t, s(4), o.Intervals[1].Start)
	require.Nil(t, otherLoad(looks[:1], 0*second-2*second), "after the load it spoils nothing")
	require.Nil(t, otherLoad([]observation{{at: second, host: use(1, 0.2)}}, 10*second))
}

// TestNeighboursExcuseNothing: other load is named beside an objective that was missed, and the
// objective stays missed.
func TestNeighboursExcuseNothing(t *testing.T) {
	others := otherLoad([]observation{{at: second, host: reports.Processors{Busy: 0.9, Run: 0.5, Others: 0.3, Steal: 0.1}}}, 10*second)
	checks := []reports.Check{{Name: "latency-p99", Status: reports.Fail, Detail: "Slow."}, {Name: "availability", Status: reports.Pass, Detail: "Fine."}}
	besideOthers(checks, others)
	require.Equal(t, reports.Fail, checks[0].Status)
	require.Equal(t, "Slow. Measured beside other load: during 1 s of 10 s others took more than 20 % of this machine's processors, 40 % on average and 40 % at most. The figures hold for such a machine; the verdict stands.", checks[0].Detail)
	require.Equal(t, "Fine.", checks[1].Detail)
	besideOthers(checks, nil)
	require.NotContains(t, checks[1].Detail, "other load")
}

// TestReadingThisMachine: what a child burns is this run's.
func TestReadingThisMachine(t *testing.T) {
	before, ok := readHostTimes()
	require.True(t, ok)
	require.Greater(t, before.total, before.busy)
	burn := exec.Command("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
	require.NoError(t, burn.Run())
	used := burn.ProcessState.UserTime() + burn.ProcessState.SystemTime()
	after, ok := readHostTimes()
	require.True(t, ok)
	require.GreaterOrEqual(t, after.run-before.run, used-2*clockTick)
	require.Positive(t, time.Duration(after.run))
}
