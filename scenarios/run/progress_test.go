package run

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
