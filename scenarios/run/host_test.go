package run

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
