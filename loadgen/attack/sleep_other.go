//go:build !linux

package attack

import "time"

// preciseSleep is the runtime's sleep where no finer one is known.
func preciseSleep() func(time.Duration) { return coarseSleep }
