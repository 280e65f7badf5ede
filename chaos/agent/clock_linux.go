package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootClock is the time since the machine started, sleep included, which nobody can set
// (clock_gettime(2), CLOCK_BOOTTIME).
func bootClock() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("agent: no boot clock: " + err.Error()) // every Linux since 2.6.39 has it
	}
	return time.Duration(ts.Nano())
}
