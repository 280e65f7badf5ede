package arrival

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"
)

// Warp changes a recorded trace. The zero value changes nothing.
type Warp struct {
	Speed  float64 // 2 replays it in half the time; 0 means 1
	Volume float64 // 2 asks for twice as many events; 0 means 1
}

func (w Warp) ensureDefaults() (Warp, error) {
	for _, v := range []*float64{&w.Speed, &w.Volume} {
		if *v == 0 {
			*v = 1
		}
		if !(*v > 0 && *v <= 1e6) {
			return w, fmt.Errorf("a trace's speed or volume is %v: must be more than zero and at most 1e6", *v)
		}
	}
	return w, nil
}

func (w Warp) warp(d time.Duration) time.Duration { return time.Duration(float64(d) / w.Speed) }

// Counts is a recorded rate: how many events came in each of equal intervals. Within an interval
// the rate is constant. It takes 8 bytes an interval, and is immutable and safe for concurrent use.
type Counts struct {
	interval time.Duration // warped
	total    []float64     // total[i] is the mean number of events before interval i
}

// NewCounts replays the counts of intervals, which are nowhere negative and somewhere more than 0.
func NewCounts(counts []float64, interval time.Duration, w Warp) (*Counts, error) {
	w, err := w.ensureDefaults()
	if err != nil {
		return nil, err
	}
	c := &Counts{interval: w.warp(interval), total: make([]float64, 1, len(counts)+1)}
	if c.interval <= 0 {
		return nil, fmt.Errorf("a trace's interval is %s: must be more than zero after its speed", interval)
	}
	sum := 0.0
	for i, n := range counts {
		if !(n >= 0 && n*w.Volume/c.interval.Seconds() <= float64(MaxRate)) {
			return nil, fmt.Errorf("interval %d of the trace: %v events: must be zero or more, and at most %v a second", i+1, n, float64(MaxRate))
		}
		sum += n * w.Volume
		c.total = append(c.total, sum)
	}
	if sum == 0 {
		return nil, errors.New("the trace has no events")
	}
	return c, nil
}

// Length is that of all intervals.
func (c *Counts) Length() time.Duration { return c.interval * time.Duration(len(c.total)-1) }

// Rate is the interval's.
func (c *Counts) Rate(elapsed time.Duration) PerSecond {
	if elapsed < 0 || elapsed >= c.Length() {
		return 0
	}
	i := int(elapsed / c.interval)
	return PerSecond((c.total[i+1] - c.total[i]) / c.interval.Seconds())
}

// Peak is the highest interval's rate.
func (c *Counts) Peak() PerSecond {
	peak := 0.0
	for i := range len(c.total) - 1 {
		peak = max(peak, c.total[i+1]-c.total[i])
	}
	return PerSecond(peak / c.interval.Seconds())
}

// Total is the mean number of events from the start to an elapsed time.
func (c *Counts) Total(elapsed time.Duration) float64 {
	switch {
	case elapsed <= 0:
		return 0
	case elapsed >= c.Length():
		return c.total[len(c.total)-1]
	}
	i := int(elapsed / c.interval)
	return c.total[i] + (c.total[i+1]-c.total[i])*float64(elapsed-c.interval*time.Duration(i))/float64(c.interval)
}

// When is the inverse of Total.
func (c *Counts) When(total float64) time.Duration {
	if total <= 0 {
		return 0
	}
	i := sort.Search(len(c.total)-1, func(i int) bool { return c.total[i+1] >= total })
	if i == len(c.total)-1 {
		return c.Length()
	}
	in := (total - c.total[i]) / (c.total[i+1] - c.total[i])
	return c.interval*time.Duration(i) + min(time.Duration(in*float64(c.interval)), c.interval)
}

// Times are recorded moments. As an intensity they are a staircase: a plan whose arrivals are even
// starts a request at exactly each of them (twice with volume 2, every other one with 0.5), and
// one whose arrivals are random draws from them. Immutable and safe for concurrent use.
type Times struct {
	at     []time.Duration
	volume float64
	length time.Duration
}

// NewTimes replays moments that do not fall, counted from the start of the trace, which ends at
// length (zero: with the last of them).
func NewTimes(at []time.Duration, length time.Duration, w Warp) (*Times, error) {
	w, err := w.ensureDefaults()
	if err != nil {
		return nil, err
	}
	if len(at) == 0 {
		return nil, errors.New("the trace has no events")
	}
	if i := slices.IndexFunc(at, func(d time.Duration) bool { return d < 0 }); i >= 0 || !slices.IsSorted(at) {
		return nil, errors.New("the moments of a trace must not fall, nor be negative")
	}
	t := &Times{at: make([]time.Duration, len(at)), volume: w.Volume, length: w.warp(length)}
	for i, d := range at {
		t.at[i] = w.warp(d)
	}
	// What comes at the very end still belongs to the trace.
	t.length = max(t.length, t.at[len(at)-1]+time.Microsecond)
	return t, nil
}

// Length is that of the trace.
func (t *Times) Length() time.Duration { return t.length }

// Total is the number of moments from the start to an elapsed time, times the volume.
func (t *Times) Total(elapsed time.Duration) float64 {
	i := sort.Search(len(t.at), func(i int) bool { return t.at[i] >= elapsed })
	return float64(i) * t.volume
}

// When is the moment of the event in which a total lies: the first up to 1, the second up to 2.
func (t *Times) When(total float64) time.Duration {
	i := int(total / t.volume)
	return t.at[min(max(i, 0), len(t.at)-1)]
}
