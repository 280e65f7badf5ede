package attack

import (
	"time"

	"golang.org/x/sys/unix"
)

// preciseSleep sets the calling thread's timer slack, 50 µs by default, to the least and returns a
// sleep for that thread (https://man7.org/linux/man-pages/man2/PR_SET_TIMERSLACK.2const.html).
func preciseSleep() func(time.Duration) {
	return func(d time.Duration) {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		t := unix.NsecToTimespec(d.Nanoseconds())
		_ = unix.Nanosleep(&t, nil) // an interrupted one is followed by another
	}
}
