package attack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/retailflow/stampede/loadgen/measure"
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
	Good      bool // the status is one that Options.Good likes
	Err       error
	Checked   bool        // Options.Check looked at the body, and says so here
	Failed    error       // what Options.Check did not like
	Header    http.Header // of the answer; nil without one
	Body      []byte      // kept only as Options.Keep says

	Retries int           // attempts after the first; Status, Header and Trace are the last one's
	Out, In int64         // bytes of bodies, over all attempts
	Trace   measure.Trace // parts of the last attempt's service time
}

// Response is what a user waited: from the planned start to the end. It is a lower bound for
// what was not answered.
func (r *Result) Response() time.Duration { return r.End - r.Planned }

// Service is the time from sending to the end.
func (r *Result) Service() time.Duration { return r.End - r.Start }

// Lag is how late the generator was.
func (r *Result) Lag() time.Duration { return r.Start - r.Planned }

// OK says whether the answer has a good status and no check found fault with it.
func (r *Result) OK() bool { return r.Err == nil && r.Failed == nil && r.Good }

// Outcome is the result as it is measured, by endpoint and class of tenant.
func (r *Result) Outcome(endpoint, class string) measure.Outcome {
	status := r.Cause()
	if status == "" {
		status = statusText(r.Status)
	}
	return measure.Outcome{
		Labels: measure.Labels{Endpoint: endpoint, Class: class, Status: status}, Seq: r.Entry.Seq,
		Planned: r.Planned, Start: r.Start, End: r.End, Sent: r.Sent, Good: r.OK(), Checked: r.Checked, Failed: r.Failed != nil,
		Retries: r.Retries, Out: r.Out, In: r.In, Trace: r.Trace,
	}
}

// statusTexts are those of 100 to 599, made once.
var statusTexts = func() (texts [500]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(i + 100)
	}
	return texts
}()

func statusText(status int) string {
	if i := status - 100; i >= 0 && i < len(statusTexts) {
		return statusTexts[i]
	}
	return strconv.Itoa(status)
}

// Reasons for which a planned request was not sent.
var (
	// ErrStopped is that of a request which was due when the load had been stopped.
	ErrStopped = errors.New("not sent: the load was stopped")
	// ErrLate is that of a request which could not start within Options.GiveUp of its time.
	ErrLate = errors.New("not sent: the generator was too late")
)

// Cause is one lower-case word for statistics: "" for an answer, or timeout, refused, reset,
// closed, sockets (this machine has no free port or file), stopped, late, other.
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
	case exhausted(err):
		return "sockets"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case isClosed(err):
		return "closed"
	}
	return "other"
}

// exhausted says whether the generator's own machine ran out of ports, files or buffers.
func exhausted(err error) bool {
	for _, want := range []error{syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}
