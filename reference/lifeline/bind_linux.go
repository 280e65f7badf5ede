package lifeline

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

func bind(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

func closeOnExec(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	return err
}

// lower gives the calling thread, and what it starts, a lower priority; a refusal costs only
// the priority. On Linux the call is about the thread (setpriority(2), NOTES).
func lower(nice int) { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, nice) }
