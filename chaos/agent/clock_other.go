//go:build unix && !linux

package agent

import "time"

var started = time.Now()

// bootClock is a monotonic clock; unlike Linux's it may stop while the machine sleeps.
func bootClock() time.Duration { return time.Since(started) }
