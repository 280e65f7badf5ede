package truth

import (
	"errors"
	"fmt"
	"time"
)

// Trouble is what a server does in an [Episode].
type Trouble string

// The troubles.
const (
	Stall  Trouble = "stall"  // nothing is answered until the episode ends
	Slow   Trouble = "slow"   // each answer takes By longer
	Jitter Trouble = "jitter" // each answer takes up to By longer, evenly, by the request's number
	Errors Trouble = "errors" // 503 at once
	Reset  Trouble = "reset"  // the connection is reset instead of an answer
	Refuse Trouble = "refuse" // connections are reset and new ones refused
)

// Episode is a stretch of trouble. Times count from the start of the load.
type Episode struct {
	Trouble Trouble       `json:"trouble"`
	From    time.Duration `json:"from"`
	To      time.Duration `json:"to"`
	By      time.Duration `json:"by,omitempty"`
}

// Schedule is what a server does: it answers at once but for its episodes, of which at most one
// holds at a time.
type Schedule struct {
	Base     time.Duration `json:"base,omitempty"` // what every answer takes
	Episodes []Episode     `json:"episodes,omitempty"`
}

// Validate joins all faults.
func (s Schedule) Validate() error {
	var faults []error
	for i, e := range s.Episodes {
		switch e.Trouble {
		case Stall, Errors, Reset, Refuse:
		case Slow, Jitter:
			if e.By <= 0 {
				faults = append(faults, fmt.Errorf("episode %d: %s by %s: must be more than zero", i+1, e.Trouble, e.By))
			}
		default:
			faults = append(faults, fmt.Errorf("episode %d: %q is no trouble", i+1, e.Trouble))
		}
		if e.From < 0 || e.To <= e.From || i > 0 && e.From < s.Episodes[i-1].To {
			faults = append(faults, fmt.Errorf("episode %d from %s to %s: must follow the one before and last", i+1, e.From, e.To))
		}
	}
	return errors.Join(faults...)
}

// at is the episode at an elapsed time, nil if there is none.
func (s Schedule) at(elapsed time.Duration) *Episode {
	for i := range s.Episodes {
		if e := &s.Episodes[i]; elapsed >= e.From && elapsed < e.To {
			return e
		}
	}
	return nil
}

// Delay is how long after its arrival a request is answered, and whether well.
func (s Schedule) Delay(arrival time.Duration, seq uint64) (delay time.Duration, good bool) {
	e := s.at(arrival)
	if e == nil {
		return s.Base, true
	}
	switch e.Trouble {
	case Stall:
		return e.To - arrival + s.Base, true
	case Slow:
		return s.Base + e.By, true
	case Jitter:
		return s.Base + time.Duration(spread(seq)*float64(e.By)), true
	case Errors, Reset, Refuse:
	}
	return 0, false
}

// spread is an even number in [0, 1) from a request's number, by the finalizer of SplitMix64
// (https://prng.di.unimi.it/splitmix64.c).
func spread(seq uint64) float64 {
	x := seq + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}
