package attack

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Second counts the requests that were planned for one second, whenever they ended.
type Second struct {
	Planned int64         `json:"planned"` // with an outcome so far
	Sent    int64         `json:"sent"`
	OK      int64         `json:"ok"`      // 2xx
	Refused int64         `json:"refused"` // 3xx and 4xx
	Failed  int64         `json:"failed"`  // 5xx and no answer
	Unsent  int64         `json:"unsent"`
	Events  int64         `json:"events"`  // in requests answered 2xx
	Started int64         `json:"started"` // sent in this second, whenever they were planned
	Ended   int64         `json:"ended"`   // ended in this second
	Slowest time.Duration `json:"slowest"` // highest response time
}

// Totals are counts over a load, with the response times of all planned requests.
type Totals struct {
	Second
	P50, P99 time.Duration
}

// Timeline counts results by the second, for a progress line and a chart. It grows by about
// 100 bytes a second of load. Make one with [NewTimeline]; safe for concurrent use.
type Timeline struct {
	mu struct {
		sync.Mutex
		seconds   []Second
		totals    Second
		responses *hdrhistogram.Histogram // microseconds
	}
	cap time.Duration
}

// NewTimeline counts requests without an answer, and slower ones, at the timeout.
func NewTimeline(timeout time.Duration) *Timeline {
	t := &Timeline{cap: timeout}
	t.mu.responses = hdrhistogram.New(1, max(timeout.Microseconds()*2, 1000), 3)
	return t
}

// Add counts one result.
func (t *Timeline) Add(r *Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	response := r.Response()
	if r.Err != nil {
		response = max(response, t.cap)
	}
	_ = t.mu.responses.RecordValue(min(max(response.Microseconds(), 1), t.mu.responses.HighestTrackableValue()))
	s := t.at(r.Planned)
	for _, s := range []*Second{s, &t.mu.totals} {
		s.Planned++
		s.Slowest = max(s.Slowest, response)
		switch {
		case !r.Sent:
			s.Unsent++
		case r.OK():
			s.OK++
			s.Events += int64(r.Entry.Events)
		case r.Err == nil && r.Status < 500:
			s.Refused++
		default:
			s.Failed++
		}
		if r.Sent {
			s.Sent++
		}
	}
	if r.Sent {
		t.at(r.Start).Started++
		t.mu.totals.Started++
	}
	t.at(r.End).Ended++
	t.mu.totals.Ended++
}

func (t *Timeline) at(elapsed time.Duration) *Second {
	i := max(int(elapsed/time.Second), 0)
	for len(t.mu.seconds) <= i {
		t.mu.seconds = append(t.mu.seconds, Second{})
	}
	return &t.mu.seconds[i]
}

// Seconds returns a copy of the seconds from a given one on.
func (t *Timeline) Seconds(from int) []Second {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Second(nil), t.mu.seconds[min(max(from, 0), len(t.mu.seconds)):]...)
}

// Totals are the counts so far.
func (t *Timeline) Totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	us := func(q float64) time.Duration {
		return time.Duration(t.mu.responses.ValueAtQuantile(q)) * time.Microsecond
	}
	return Totals{Second: t.mu.totals, P50: us(50), P99: us(99)}
}
