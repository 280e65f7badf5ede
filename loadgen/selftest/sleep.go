package selftest

import (
	"slices"
	"time"
)

// sleep is how late the runtime's sleep of 1 ms ends, median of 101. The pacer's own sleep is what
// the lags of the steps show.
func sleep() time.Duration {
	late := make([]time.Duration, 101)
	for i := range late {
		from := time.Now()
		time.Sleep(time.Millisecond)
		late[i] = time.Since(from) - time.Millisecond
	}
	slices.Sort(late)
	return late[len(late)/2]
}
