package run

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/attack"
)

var line = progressLine{elapsed: 12 * second, length: 100 * second, requested: 3472, achieved: 3401, p99: 96 * ms, errors: 3, faults: []string{"kill-data"}, verdict: "PASS"}

func TestProgressLineSaysItAll(t *testing.T) {
	text := line.String()
	for _, want := range []string{"12 of 100 s", "3,472 events/s asked", "3,401 accepted", "96 ms", "errors 3", "faults: kill-data", "so far: PASS"} {
		require.Contains(t, text, want)
	}
	require.Contains(t, progressLine{}.String(), "faults: none")
}

func TestProgressOnATerminalRewritesItsLine(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, true)
	p.update(time.Unix(0, 0), line)
	p.update(time.Unix(1, 0), line)
	p.say("fault: %s", "over")
	p.say("next")
	rewrite := "\r\033[K" + line.String()
	require.Equal(t, rewrite+rewrite+"\nfault: over\nnext\n", out.String())
}

func TestProgressElsewhereIsAFewLinesAMinute(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, false)
	for i := range 60 {
		p.update(time.Unix(int64(1000+i), 0), line)
	}
	require.Equal(t, 12, strings.Count(out.String(), "\n"))
	require.NotContains(t, out.String(), "\r")
}

func TestQuietProgress(t *testing.T) {
	p := newProgress(nil, true)
	p.update(time.Unix(0, 0), line)
	p.say("nothing")
}

func TestVerdictSoFarSeesTheWholeObjective(t *testing.T) {
	o := scenario(time.Minute).Objectives
	of := func(fast, slow, failed, unsent int64) string {
		r := newRecorder(10*second, func() (string, string) { return "", "" }, func(planned time.Duration) bool { return planned >= second })
		add := func(n int64, res attack.Result) {
			for range n {
				res.Sent = true
				r.add(res)
			}
		}
		add(fast, attack.Result{Status: 202, End: 20 * ms})
		add(slow, attack.Result{Status: 202, End: o.P99 * 12 / 10})
		add(failed, attack.Result{Status: 503, End: ms})
		add(500, attack.Result{Status: 503, Planned: second, End: second + ms}) // a fault's
		r.mu.seen.unsent = unsent
		return r.soFar(o)
	}
	require.Equal(t, "nothing yet", of(0, 0, 0, 0))
	require.Equal(t, "PASS", of(20_000, 0, 0, 0))
	require.Equal(t, "PASS", of(20_000, 100, 0, 0), "half a per cent may be slow")
	require.Equal(t, "FAIL (p99 170 ms)", of(20_000, 600, 0, 0), "20 % over, 3 % of requests")
	require.Equal(t, "FAIL (p99 10 s, 98.04 % answered 2xx)", of(20_000, 0, 400, 0), "what failed counts at the timeout")
	require.Equal(t, "INVALID (3 unsent)", of(20_000, 0, 0, 3))
	require.Contains(t, of(20, 0, 0, 0), "INCONCLUSIVE", "too few to say")
}

func TestExcusedIsWhatAFaultMayExplain(t *testing.T) {
	c := &chaos{}
	require.False(t, c.excused(5*second))
	c.mu.struck = []struck{{start: 5 * second}}
	require.False(t, c.excused(4*second))
	require.True(t, c.excused(50*second), "it lasts")
	c.mu.struck[0].end = 7 * second
	require.True(t, c.excused(16*second))
	require.False(t, c.excused(17*second))
}
