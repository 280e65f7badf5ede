package dynamodb

import (
	"sync"
	"time"
)

// clock stands still until a test moves it. The service's own goroutines may read it meanwhile.
type clock struct {
	mu struct {
		sync.Mutex
		at time.Time
	}
}

func newClock() *clock {
	c := &clock{}
	c.mu.at = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	return c
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.at = c.mu.at.Add(d)
}
