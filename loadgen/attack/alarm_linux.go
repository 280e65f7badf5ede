package attack

import (
	"context"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fine is an alarm that the kernel rings to the microsecond: a timer that is a file
// (https://man7.org/linux/man-pages/man2/timerfd_create.2.html), waited for by the runtime's poller.
// A thread that slept by itself would be as precise, but each of its sleeps would cost the scheduler
// a processor to be handed over and a thread to be woken.
type fine struct {
	file *os.File
	conn syscall.RawConn
	step func(fd uintptr) bool // arm or look, made once
	stop func() bool

	d     time.Duration // to sleep
	armed bool
	err   error
}

// newAlarm falls back to the runtime's timers where the kernel has no files that are timers.
func newAlarm(a *attack) alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return timer{a}
	}
	f := &fine{file: os.NewFile(uintptr(fd), "timerfd")}
	f.conn, err = f.file.SyscallConn()
	if err != nil || f.file.SetReadDeadline(time.Time{}) != nil { // the runtime cannot wait for it
		_ = f.file.Close()
		return timer{a}
	}
	f.step = f.armOrLook
	f.stop = context.AfterFunc(a.ctx, func() { _ = f.file.SetReadDeadline(time.Unix(1, 0)) })
	return f
}

func (f *fine) sleep(d time.Duration) bool {
	f.d, f.armed = d, false
	return f.conn.Read(f.step) == nil && f.err == nil
}

// armOrLook sets the timer before the first wait, and is content with being called again: setting
// it anew takes back what it has rung, so that nothing needs to be read.
func (f *fine) armOrLook(fd uintptr) (over bool) {
	if f.armed {
		return true
	}
	f.armed = true
	f.err = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(f.d.Nanoseconds())}, nil)
	return f.err != nil
}

func (f *fine) close() {
	f.stop()
	_ = f.file.Close()
}
