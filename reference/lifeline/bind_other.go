//go:build unix && !linux

package lifeline

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// bind has no parent-death signal to ask for here; the pipe alone must do.
func bind(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}

func closeOnExec(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	return err
}

// lower does nothing: priorities belong to processes here.
func lower(int) {}
