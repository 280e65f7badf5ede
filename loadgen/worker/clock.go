package worker

import (
	"cmp"
	"slices"
	"time"
)

// Exchange is one question about another's clock, with the times at both ends. Each end's clock
// must be steady: not set while the exchanges go on.
type Exchange struct {
	Asked, Back     time.Time // ours
	Heard, Answered time.Time // theirs
}

// Offset is how far another's clock is ahead of ours.
type Offset struct {
	Ahead  time.Duration `json:"ahead_ns"`
	Within time.Duration `json:"within_ns"` // the truth is at most so far from Ahead
}

// Offset takes the way there to be as long as the way back, as NTP does; it is wrong by half of
// what is left of the exchange at most (RFC 5905, section 8).
func (e Exchange) Offset() Offset {
	there, back := e.Heard.Sub(e.Asked), e.Answered.Sub(e.Back)
	return Offset{Ahead: (there + back) / 2, Within: (there - back + 1) / 2}
}

// Closest is the offset of the exchange that says it most narrowly: the one of least delay. It is
// zero without any.
func Closest(exchanges []Exchange) Offset {
	if len(exchanges) == 0 {
		return Offset{}
	}
	return slices.MinFunc(exchanges, func(a, b Exchange) int { return cmp.Compare(a.Offset().Within, b.Offset().Within) }).Offset()
}

// Theirs is an instant of ours on the other's clock.
func (o Offset) Theirs(ours time.Time) time.Time { return ours.Add(o.Ahead) }
