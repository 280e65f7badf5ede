package truth

import (
	"slices"
	"time"

	"github.com/retailflow/stampede/reports/stat"
)

// Planned is a request of the plan.
type Planned struct {
	Seq uint64
	At  time.Duration
}

// Logged is what the server saw of a request.
type Logged struct {
	Seq      uint64        `json:"seq"`
	Arrival  time.Duration `json:"arrival"`
	LastByte time.Duration `json:"last_byte"`
}

// Ideal are the response times that an open-loop generator without any flaw would have measured:
// what the schedule says of each planned time, plus what the server was off by when it answered
// that request. Of a request that never arrived, the server's usual error is taken. What is not
// answered well counts at the timeout, as does what takes longer.
func Ideal(s Schedule, plan []Planned, log []Logged, timeout time.Duration) *stat.Histogram {
	off := make(map[uint64]time.Duration, len(log))
	errors := make([]time.Duration, 0, len(log))
	for _, l := range log {
		delay, good := s.Delay(l.Arrival, l.Seq)
		if !good {
			continue
		}
		off[l.Seq] = l.LastByte - l.Arrival - delay
		errors = append(errors, off[l.Seq])
	}
	slices.Sort(errors)
	usual := time.Duration(0)
	if len(errors) > 0 {
		usual = errors[len(errors)/2]
	}
	ideal := &stat.Histogram{}
	for _, p := range plan {
		delay, good := s.Delay(p.At, p.Seq)
		mine, seen := off[p.Seq]
		if !seen {
			mine = usual
		}
		if response := delay + max(mine, 0); good && response < timeout {
			ideal.Record(response)
		} else {
			ideal.Record(timeout)
		}
	}
	return ideal
}
