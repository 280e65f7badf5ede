package lifeline_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/lifeline"
)

// role makes the test binary play one of the processes of a test.
const role = "LIFELINE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		goleak.VerifyTestMain(m)
	case "child":
		child()
	case "parent":
		parent()
	}
}

// child says its pid and waits for the lifeline, which exits it.
func child() {
	if err := lifeline.Watch(nil); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, inherited := os.LookupEnv(lifeline.Env)
	fmt.Println(os.Getpid(), inherited)
	select {}
}

// parent starts a child on a spawner, passes its line on and blocks until it is killed. With
// LIFELINE_TEST_SIGNAL=off the child is without parent-death signal: the pipe alone must do.
func parent() {
	spawner := lifeline.NewSpawner()
	childEnd, _, err := lifeline.New()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=child")
	cmd.Stdout = os.Stdout
	lifeline.Attach(cmd, childEnd)
	if os.Getenv("LIFELINE_TEST_SIGNAL") == "off" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	if err := spawner.Start(cmd); err != nil {
		panic(err)
	}
	select {}
}

func TestChildDiesWithAKilledParent(t *testing.T) {
	for _, signal := range []string{"on", "off"} {
		t.Run("parent-death signal "+signal, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), role+"=parent", "LIFELINE_TEST_SIGNAL="+signal)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			fields := strings.Fields(line)
			require.Len(t, fields, 2, "child said %q", line)
			pid, err := strconv.Atoi(fields[0])
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(pid, 0), "the child lives before its parent is killed")

			require.NoError(t, cmd.Process.Kill())
			// The child, which does not end by itself, holds the other end of this pipe: it ends
			// when the child is gone.
			_, err = io.Copy(io.Discard, out)
			require.NoError(t, err)
			require.Error(t, cmd.Wait())
		})
	}
}

func TestChildDiesWhenItsParentLetsGo(t *testing.T) {
	childEnd, keep, err := lifeline.New()
	require.NoError(t, err)
	defer childEnd.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=child", lifeline.Env+"=99")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	lifeline.Attach(cmd, childEnd)
	spawner := lifeline.NewSpawner()
	defer spawner.Close()
	require.NoError(t, spawner.Start(cmd))
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%d false\n", cmd.Process.Pid), line, "pid, and no variable left for grandchildren")

	require.NoError(t, keep.Close())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, lifeline.ExitCode, exit.ExitCode())
}

func TestWatchWithoutALifelineIsNothing(t *testing.T) {
	require.NoError(t, lifeline.Watch(func() { t.Error("end was called") }))
}

func TestWatchRefusesAWrongDescriptor(t *testing.T) {
	for _, value := range []string{"", "x", "2", "-1", "1000000"} {
		t.Setenv(lifeline.Env, value)
		err := lifeline.Watch(func() { t.Error("end was called") })
		require.Error(t, err, "value %q", value)
		require.Contains(t, err.Error(), "watch lifeline")
	}
}

func TestClosedSpawnerStartsNothingAndKillsNothing(t *testing.T) {
	childEnd, keep, err := lifeline.New()
	require.NoError(t, err)
	defer childEnd.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=child")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	lifeline.Attach(cmd, childEnd)
	spawner := lifeline.NewSpawner()
	require.NoError(t, spawner.Start(cmd))
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)

	require.NoError(t, spawner.Close())
	require.NoError(t, spawner.Close(), "a second Close is nothing")
	require.ErrorIs(t, spawner.Start(exec.Command("/bin/true")), lifeline.ErrSpawnerClosed)
	require.NoError(t, keep.Close())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, lifeline.ExitCode, exit.ExitCode(), "ended by its lifeline, not by the spawner")
}
