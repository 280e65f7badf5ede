package killprocess

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/chaos/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// sleeper runs a process and writes its pid file, as a supervisor does.
func sleeper(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "60")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.pid"), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o644))
	return cmd
}

func TestHitIsAProcessThatCameBack(t *testing.T) {
	dir := t.TempDir()
	first := sleeper(t, dir)
	k := New(fault.Fault{Target: "data"}, dir, nil)
	inverse, err := k.Prepare(ctx)
	require.NoError(t, err)
	require.Contains(t, k.Hits(ctx).Effect, "was not killed")
	details, err := k.Apply(ctx)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(first.Process.Pid), details["pid"])
	var exit *exec.ExitError
	require.ErrorAs(t, first.Wait(), &exit)
	require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
	require.Equal(t, fault.Hits{Effect: "process data (pid " + details["pid"] + ") killed, not yet started again"}, k.Hits(ctx))
	require.NoError(t, k.Revert(ctx, inverse))

	second := sleeper(t, dir)
	hits := k.Hits(ctx)
	require.EqualValues(t, 1, hits.Count)
	require.Contains(t, hits.Effect, "started again as pid "+strconv.Itoa(second.Process.Pid))
	require.NoError(t, syscall.Kill(second.Process.Pid, 0), "it strikes once")
}

func TestRestartTimeIsFromTheKill(t *testing.T) {
	dir := t.TempDir()
	sleeper(t, dir)
	killed := time.Now().Add(-1234 * time.Millisecond)
	k := New(fault.Fault{Target: "data"}, dir, func() time.Time { return killed })
	_, err := k.Apply(ctx)
	require.NoError(t, err)
	sleeper(t, dir)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "data.pid"), killed, killed.Add(345*time.Millisecond)))
	require.Contains(t, k.Hits(ctx).Effect, "after 345ms")
}

func TestNoProcessIsAnError(t *testing.T) {
	dir := t.TempDir()
	k := New(fault.Fault{Target: "data"}, dir, nil)
	_, err := k.Prepare(ctx)
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, text := range []string{"", "x", "0", "1", "-5"} { // signals to 0, 1 and below reach more than one process
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data.pid"), []byte(text), 0o644))
		_, err = k.Apply(ctx)
		require.ErrorContains(t, err, "no process id", "%q", text)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.pid"), []byte(strconv.Itoa(1<<22+1)), 0o644))
	_, err = k.Prepare(ctx)
	require.ErrorIs(t, err, syscall.ESRCH)
}
