package measure

import "time"

// Labels say what a request was and how it ended.
type Labels struct {
	Endpoint string `json:"endpoint"`
	Class    string `json:"class,omitempty"` // of the tenant; "" where there are none
	Status   string `json:"status"`          // of the answer, such as 202, or why there is none: timeout, refused, reset, late …
}

// Outcome is what became of one planned request. Times count from the start of the load.
type Outcome struct {
	Labels
	Seq     uint64        // of the plan's entry
	Planned time.Duration // when it was meant to start
	Start   time.Duration // when it left; when it was given up if it never did
	End     time.Duration // when the last byte came, or the error
	Sent    bool
	Good    bool  // it was answered as it should be
	Checked bool  // assertions looked at the answer
	Failed  bool  // an assertion did not like the answer; then Good is false
	Retries int   // further attempts; Start and End span all of them
	Out, In int64 // bytes of bodies
	Trace   Trace
}

// Trace parts the service time. A part is negative if it did not happen, such as a look-up for a
// connection that was there.
type Trace struct {
	Wait      time.Duration // for a connection; the next three lie within it
	DNS       time.Duration
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration // from the request being written to the first byte of the answer
}

// NoTrace is that of a request which got no connection.
var NoTrace = Trace{Wait: -1, DNS: -1, Connect: -1, TLS: -1, FirstByte: -1}

// Latency is what a user waited, at least the timeout if the answer was not good.
func (o *Outcome) Latency(timeout time.Duration) time.Duration {
	waited := o.End - o.Planned
	if o.Good {
		return waited
	}
	return max(waited, timeout)
}
