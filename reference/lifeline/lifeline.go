package lifeline

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Env names the environment variable in which a child finds the descriptor of its read end.
const Env = "STAMPEDE_LIFELINE_FD"

// ExitCode is the status of a child that Watch ends by itself: 128 + SIGHUP, the status of a
// program whose terminal went away.
const ExitCode = 129

// New opens a pipe. childEnd goes to children through Attach and may be shared by any number
// of them; keep is held, unwritten, as long as the children shall live. Both are closed on
// exec, so a child never holds the write end. The caller closes both.
func New() (childEnd, keep *os.File, err error) {
	childEnd, keep, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("open lifeline pipe: %w", err)
	}
	return childEnd, keep, nil
}

// Attach gives cmd the read end and its number, and binds the child to the death of the
// thread that starts it (see [Spawner]). A nil cmd.Env is taken as this process's own. The
// child leads a process group of its own: an interrupt typed at a terminal reaches the parent
// only, which then decides in which order children stop. Call it before cmd.Start.
func Attach(cmd *exec.Cmd, childEnd *os.File) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(without(cmd.Env, Env), Env+"="+strconv.Itoa(3+len(cmd.ExtraFiles)))
	cmd.ExtraFiles = append(cmd.ExtraFiles, childEnd)
	bind(cmd)
}

// Watch calls end once when the parent is gone; a nil end exits the process with ExitCode.
// Without a lifeline in the environment it does nothing and returns nil, so a program may call
// it always. It takes the variable out of the environment, lest a grandchild without the
// descriptor trusts the number.
func Watch(end func()) error {
	value, ok := os.LookupEnv(Env)
	if !ok {
		return nil
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return fmt.Errorf("watch lifeline: %s=%q is no descriptor number above 2", Env, value)
	}
	if err := closeOnExec(fd); err != nil {
		return fmt.Errorf("watch lifeline: descriptor %d of %s: %w", fd, Env, err)
	}
	if err := os.Unsetenv(Env); err != nil {
		return fmt.Errorf("watch lifeline: %w", err)
	}
	if end == nil {
		end = func() { os.Exit(ExitCode) }
	}
	go watch(os.NewFile(uintptr(fd), "lifeline"), end)
	return nil
}

// watch blocks until r ends. Bytes mean nothing; an error is an end, since a child that
// cannot see its parent must not outlive it.
func watch(r *os.File, end func()) {
	_, _ = io.Copy(io.Discard, r)
	_ = r.Close()
	end()
}

func without(env []string, name string) []string {
	kept := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if !strings.HasPrefix(kv, name+"=") {
			kept = append(kept, kv)
		}
	}
	return kept
}
