package measure

import (
	"encoding/json"
	"fmt"
	"time"
)

// Slots is how many parts of a second are told apart where the plan is compared with what was sent.
const Slots = 20

// Second is what happened in one second of a load.
type Second struct {
	Planned int64 // requests that were due; the next lines are about them, whenever they ended
	Good    int64
	Dropped int64         // never sent
	Retries int64         // further attempts
	P50     time.Duration // latency, up to 1.6 % too high
	P90     time.Duration
	P99     time.Duration
	Max     time.Duration

	Started int64 // in this second, whenever they were due
	Ended   int64
}

// Errors are the planned requests without a good answer.
func (s Second) Errors() int64 { return s.Planned - s.Good }

// second is what a Second is computed from.
type second struct {
	planned, started [Slots]uint32
	good, dropped    uint32
	retries, ended   uint32
	latency          sketch
}

// Course is a load second by second. It takes less than a kilobyte a second; courses of equal
// timeouts can be merged exactly. Make one with [NewCourse]; whoever shares it guards it.
type Course struct {
	timeout time.Duration
	seconds []second
}

// NewCourse counts what has no good answer at the timeout at least.
func NewCourse(timeout time.Duration) *Course { return &Course{timeout: timeout} }

// maxSeconds bounds a course, to a week; what comes later counts in its last second.
const maxSeconds = 7 * 24 * 3600

func (c *Course) at(elapsed time.Duration) *second {
	i := min(max(int(elapsed/time.Second), 0), maxSeconds-1)
	for len(c.seconds) <= i {
		c.seconds = append(c.seconds, second{})
	}
	return &c.seconds[i]
}

func slot(elapsed time.Duration) int {
	return int(max(elapsed, 0) % time.Second / (time.Second / Slots))
}

// Add counts one planned request.
func (c *Course) Add(o *Outcome) {
	due := c.at(o.Planned)
	due.planned[slot(o.Planned)]++
	if o.Good {
		due.good++
	}
	due.retries += uint32(o.Retries)
	due.latency.add(o.Latency(c.timeout), 1)
	if !o.Sent {
		due.dropped++
		return
	}
	c.at(o.Start).started[slot(o.Start)]++
	c.at(o.End).ended++
}

// Merge adds what another generator saw of the same seconds.
func (c *Course) Merge(o *Course) error {
	if c.timeout != o.timeout {
		return fmt.Errorf("merge courses: timeouts %s and %s differ", c.timeout, o.timeout)
	}
	for i := range o.seconds {
		into, from := c.at(time.Duration(i)*time.Second), &o.seconds[i]
		for j := range Slots {
			into.planned[j] += from.planned[j]
			into.started[j] += from.started[j]
		}
		into.good += from.good
		into.dropped += from.dropped
		into.retries += from.retries
		into.ended += from.ended
		into.latency.merge(from.latency)
	}
	return nil
}

// Len is the number of seconds until the last outcome.
func (c *Course) Len() int { return len(c.seconds) }

// Second is the i-th, from 0; a second that has not come is empty.
func (c *Course) Second(i int) Second {
	if i < 0 || i >= len(c.seconds) {
		return Second{}
	}
	s := &c.seconds[i]
	return Second{
		Planned: sum(s.planned), Good: int64(s.good), Dropped: int64(s.dropped), Retries: int64(s.retries),
		P50: s.latency.quantile(0.5), P90: s.latency.quantile(0.9), P99: s.latency.quantile(0.99), Max: s.latency.quantile(1),
		Started: sum(s.started), Ended: int64(s.ended),
	}
}

// Recent is the latency's quantile over the n seconds up to and with second i.
func (c *Course) Recent(i, n int, q float64) time.Duration {
	var all sketch
	for j := max(i-n+1, 0); j <= min(i, len(c.seconds)-1); j++ {
		all.merge(c.seconds[j].latency)
	}
	return all.quantile(q)
}

func sum(slots [Slots]uint32) (n int64) {
	for _, one := range slots {
		n += int64(one)
	}
	return n
}

// empty is how many seconds nothing happened in at the beginning: many in what a worker tells of the
// last second.
func (c *Course) empty() int {
	for i := range c.seconds {
		if s := &c.seconds[i]; s.planned != [Slots]uint32{} || s.started != [Slots]uint32{} || s.ended > 0 {
			return i
		}
	}
	return len(c.seconds)
}

// courseWire is a Course as JSON.
type courseWire struct {
	Timeout time.Duration `json:"timeout_ns"`
	From    int           `json:"from,omitempty"` // the second of the first of Seconds
	Seconds []secondWire  `json:"seconds"`
}

type secondWire struct {
	Planned [Slots]uint32 `json:"planned"` // by twentieths of the second
	Started [Slots]uint32 `json:"started"`
	Good    uint32        `json:"good"`
	Dropped uint32        `json:"dropped,omitempty"`
	Retries uint32        `json:"retries,omitempty"`
	Ended   uint32        `json:"ended"`
	P50     float64       `json:"p50_ms"` // for readers; Latency is what counts
	P99     float64       `json:"p99_ms"`
	Latency [][2]uint32   `json:"latency"` // longest µs of a bucket and its count
}

// MarshalJSON writes what UnmarshalJSON reads, and quantiles for other readers.
func (c *Course) MarshalJSON() ([]byte, error) {
	w := courseWire{Timeout: c.timeout, From: c.empty()}
	w.Seconds = make([]secondWire, len(c.seconds)-w.From)
	for i := range w.Seconds {
		s := &c.seconds[w.From+i]
		out := secondWire{Planned: s.planned, Started: s.started, Good: s.good, Dropped: s.dropped, Retries: s.retries, Ended: s.ended,
			P50: ms(s.latency.quantile(0.5)), P99: ms(s.latency.quantile(0.99)), Latency: make([][2]uint32, len(s.latency))}
		for j, one := range s.latency {
			out.Latency[j] = [2]uint32{uint32(bucketEnd(one.bucket).Microseconds()), one.n}
		}
		w.Seconds[i] = out
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Course) UnmarshalJSON(b []byte) error {
	var w courseWire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("read course: %w", err)
	}
	if w.From < 0 || w.From > maxSeconds || len(w.Seconds) > maxSeconds-w.From {
		return fmt.Errorf("read course: %d seconds from %d, at most %d", len(w.Seconds), w.From, maxSeconds)
	}
	*c = Course{timeout: w.Timeout, seconds: make([]second, w.From+len(w.Seconds))}
	for i, s := range w.Seconds {
		into := second{planned: s.Planned, started: s.Started, good: s.Good, dropped: s.Dropped, retries: s.Retries, ended: s.Ended}
		for _, one := range s.Latency {
			into.latency.add(time.Duration(one[0])*time.Microsecond, one[1])
		}
		c.seconds[w.From+i] = into
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
