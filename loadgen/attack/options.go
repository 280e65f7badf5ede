package attack

import (
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

// Options of [Run].
type Options struct {
	Target  string                                  // base URL, without a path
	Entries iter.Seq[plan.Entry]                    // by planned time, such as plan.Plan's Entries
	Make    func(plan.Entry) (event.Request, error) // called concurrently, ahead of time

	// Start is the instant of elapsed 0; what is meant to start before now starts late. Zero
	// means the moment at which everything is ready.
	Start time.Time

	// Before is called on the sending goroutine just before a request leaves; it returns when
	// the intention is on record. An error stops the load and is returned by Run.
	Before func(e plan.Entry, r *event.Request, start time.Duration) error
	// Retried is called on the sending goroutine after an attempt that another will follow.
	Retried func(Result)
	// After is called once for every planned request, one call at a time. Results come in
	// the order in which requests ended.
	After func(Result)
	// Good says which statuses are; nil: 2xx.
	Good func(status int) bool
	// Check says what is wrong with an answer; concurrently, on the sending goroutine.
	Check func(*Result) error
	// Keep says whether Result.Body is wanted. Nil: of answers that are 207 or not 2xx.
	Keep func(e plan.Entry, status int) bool

	Sender      Sender        // Direct
	Closed      Closed        // users instead of the plan's times; the zero value is an open load
	Retry       Retry         // the zero value never tries again
	Protocol    Protocol      // "" means HTTP1
	Timeout     time.Duration // from sending to the last byte; 0 means 5 s
	GiveUp      time.Duration // lateness after which a request is not sent any more; 0 means Timeout
	Grace       time.Duration // for what is under way at a stop; 0 means 1 s
	MaxWorkers  int           // requests under way at once; 0 means 4096
	Connections int           // open connections; 0 means no limit
	LookAhead   int           // bodies made ahead; 0 means 512
	Makers      int           // goroutines that make them; 0 means 2

	TLS       *tls.Config   // nil: the host's roots
	NoReuse   bool          // a connection for every request
	WatchEach time.Duration // between samples of the watch; 0 means 1 s
	OnSample  func(Sample)  // called by the watch with each sample; may be nil
}

// EnsureDefaults fills in what is zero.
func (o *Options) EnsureDefaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Timeout, 5*time.Second)
	set(&o.GiveUp, o.Timeout)
	set(&o.Grace, time.Second)
	set(&o.WatchEach, time.Second)
	count := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	count(&o.MaxWorkers, 4096)
	count(&o.LookAhead, 512)
	count(&o.Makers, 2)
	if o.Before == nil {
		o.Before = func(plan.Entry, *event.Request, time.Duration) error { return nil }
	}
	o.Retry.ensureDefaults()
	if o.Protocol == "" {
		o.Protocol = HTTP1
	}
	if o.Retried == nil {
		o.Retried = func(Result) {}
	}
	if o.Good == nil {
		o.Good = func(status int) bool { return status >= 200 && status <= 299 }
	}
	if o.Check == nil {
		o.Check = func(*Result) error { return nil }
	}
	if o.After == nil {
		o.After = func(Result) {}
	}
	if o.Keep == nil {
		o.Keep = func(_ plan.Entry, status int) bool {
			return status < 200 || status > 299 || status == http.StatusMultiStatus
		}
	}
}

// Validate joins all faults.
func (o Options) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	u, err := url.Parse(o.Target)
	check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.TrimRight(u.Path, "/") == "" && u.RawQuery == "",
		"target %q: must be a base URL such as http://127.0.0.1:8080", o.Target)
	check(o.Entries != nil, "no plan")
	check(o.Make != nil, "no maker of requests")
	check(o.Timeout > 0 && o.GiveUp > 0 && o.Grace > 0 && o.WatchEach > 0, "timeout %s, give-up %s, grace %s, watch %s: must be more than zero", o.Timeout, o.GiveUp, o.Grace, o.WatchEach)
	check(o.MaxWorkers > 0 && o.LookAhead > 0 && o.Makers > 0 && o.Connections >= 0, "workers %d, look-ahead %d, makers %d: must be at least 1; connections %d: at least 0", o.MaxWorkers, o.LookAhead, o.Makers, o.Connections)
	check(o.Closed.Users >= 0 && o.Closed.Think >= 0 && (o.Closed.Users == 0 || o.Closed.For > 0),
		"%d users who think for %s, for %s: must be zero or more, and last", o.Closed.Users, o.Closed.Think, o.Closed.For)
	check(o.Retry.Attempts >= 0 && o.Retry.Base > 0 && o.Retry.Most > 0, "retry %d attempts, base %s, most %s: must be zero or more, and times more than zero",
		o.Retry.Attempts, o.Retry.Base, o.Retry.Most)
	if err := o.Protocol.check(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
