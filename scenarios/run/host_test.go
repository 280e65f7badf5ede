package run

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseHostTimes(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       hostTimes
		ok         bool
	}{
		{"waiting for disk is idle, stolen time is busy", "cpu  100 10 50 800 40 5 5 20 0 0\ncpu0 1 2 3", hostTimes{busy: 1900 * ms, total: 10300 * ms}, true},
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

func TestShareOfHostTimes(t *testing.T) {
	before := hostTimes{busy: 10 * second, total: 40 * second}
	require.InDelta(t, 0.25, hostTimes{busy: 11 * second, total: 44 * second}.share(before), 1e-9)
	require.Zero(t, before.share(before), "no time between two looks")
}

func TestNeedSpace(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, needSpace(dir, 1))
	err := needSpace(dir, math.MaxInt64)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "MB free, a run wants at least")
	require.Error(t, needSpace(dir+"/absent", 1))
}

func TestThisHostCanBeRead(t *testing.T) {
	times, ok := readHostTimes()
	require.True(t, ok)
	require.Greater(t, times.total, times.busy)
	used, ok := memoryUsed()
	require.True(t, ok)
	require.True(t, used > 0 && used < 1, used)
	env := environment(t.TempDir())
	require.NotEmpty(t, env.Kernel)
	require.NotEmpty(t, env.Filesystem)
	require.Positive(t, env.MemoryBytes)
	require.Less(t, time.Duration(0), times.busy)
}
