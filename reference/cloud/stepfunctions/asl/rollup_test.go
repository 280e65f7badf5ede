package asl

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rollUp runs the shipped roll-up; pass answers one invocation, or fails it by answering "".
func rollUp(t *testing.T, pass func(now time.Time, shard int) string) (*Execution, time.Duration) {
	t.Helper()
	definition, err := os.ReadFile("../../../deploy/rollup.asl.json")
	require.NoError(t, err)
	x, step := begin(t, strings.ReplaceAll(string(definition), "${ProcessInsights}", function), `{}`)
	now, flying := epoch, step.Invoke
	for x.Status == Running {
		if len(flying) == 0 {
			now = step.Wake
			step = x.Tick(now)
			flying = append(flying, step.Invoke...)
			continue
		}
		call := flying[0]
		var in struct{ Shard int }
		require.NoError(t, json.Unmarshal(call.Payload, &in))
		if out := pass(now, in.Shard); out != "" {
			step = x.Succeed(call.Token, json.RawMessage(out), now)
		} else {
			step = x.Fail(call.Token, "Runtime.ExitError", "died", now)
		}
		flying = append(flying[1:], step.Invoke...)
	}
	require.Equal(t, Succeeded, x.Status, "%v %v", x.Error, x.Cause)
	return x, now.Sub(epoch)
}

func TestRollUpPassesEveryFiveSecondsForAMinute(t *testing.T) {
	calls := map[int]int{}
	x, took := rollUp(t, func(_ time.Time, shard int) string {
		calls[shard]++
		return `{"shard":0,"left":0,"markers":3}`
	})
	require.Equal(t, 55*time.Second, took)
	require.Len(t, calls, 8)
	for shard, n := range calls {
		require.Equal(t, 12, n, "shard %d", shard)
	}
	require.Less(t, x.Events, int64(2000))
}

func TestRollUpOutlivesAFailingShard(t *testing.T) {
	good := 0
	x, _ := rollUp(t, func(_ time.Time, shard int) string {
		if shard == 3 {
			return ""
		}
		good++
		return `{"left":0}`
	})
	require.Equal(t, 12*7, good)
	require.Contains(t, x.Output, `"failed":[3]`)
}

func TestRollUpExtendsItselfUnderBacklog(t *testing.T) {
	passes := 0
	x, took := rollUp(t, func(_ time.Time, shard int) string {
		if shard == 0 {
			passes++
		}
		if shard == 5 && passes <= 30 {
			return `{"shard":5,"left":17}`
		}
		return `{"left":0}`
	})
	require.Equal(t, 30+12, passes, "work left is taken up soon and does not shorten the minute")
	require.Equal(t, 85*time.Second, took)
	require.Less(t, x.Events, int64(25_000))

	passes = 0
	x, took = rollUp(t, func(_ time.Time, shard int) string {
		if shard == 0 {
			passes++
		}
		return `{"shard":1,"left":1}`
	})
	require.Equal(t, 120, passes, "but not for ever")
	require.Equal(t, 119*time.Second, took)
	require.Less(t, x.Events, int64(25_000))
}
