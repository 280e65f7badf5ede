package attack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/retailflow/stampede/loadgen/plan"
)

// Result is the outcome of one plan entry. Times are elapsed since the start of the load.
type Result struct {
	Entry   plan.Entry
	Planned time.Duration // when it was meant to start
	Start   time.Duration // when it was handed to the network; for an unsent one, when it was given up
	End     time.Duration // when the last byte of the answer was read, or the error came

	Sent      bool // false: it never left, and Err says why
	Connected bool // a connection was found: an unanswered request may have arrived
	Status    int  // HTTP status; 0 without an answer
	Err       error
	Header    http.Header // of the answer; nil without one
	Body      []byte      // kept only as Options.Keep says
}

// Response is what a user waited: from the planned start to the end. It is a lower bound for
// what was not answered.
func (r *Result) Response() time.Duration { return r.End - r.Planned }

// Service is the time from sending to the end.
func (r *Result) Service() time.Duration { return r.End - r.Start }

// Lag is how late the generator was.
func (r *Result) Lag() time.Duration { return r.Start - r.Planned }

// OK says whether the answer is a 2xx.
func (r *Result) OK() bool { return r.Err == nil && r.Status >= 200 && r.Status < 300 }

// Reasons for which a planned request was not sent.
var (
	// ErrStopped is that of a request which was due when the load had been stopped.
	ErrStopped = errors.New("not sent: the load was stopped")
	// ErrLate is that of a request which could not start within Options.GiveUp of its time.
	ErrLate = errors.New("not sent: the generator was too late")
)

// Cause is one lower-case word for statistics: "" for an answer, or timeout, refused, reset,
// closed, stopped, late, other.
func (r *Result) Cause() string {
	var timeout net.Error
	switch err := r.Err; {
	case err == nil:
		return ""
	case errors.Is(err, ErrStopped), errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, ErrLate):
		return "late"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case isClosed(err):
		return "closed"
	}
	return "other"
}
