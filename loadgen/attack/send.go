package attack

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/measure"
)

// MaxKept bounds a kept body, in bytes; the rest is read and dropped.
const MaxKept = 1 << 20

// carry takes a slot whose time has come to its outcome.
func (a *attack) carry(s *slot) Result {
	r := a.send(s)
	s.request = event.Request{} // the slots around it may live on
	a.watch.note(&r)
	a.report(r)
	return r
}

// send makes one attempt, and further ones as Options.Retry says.
func (a *attack) send(s *slot) Result {
	r := Result{Entry: s.entry, Planned: s.entry.At, Trace: measure.NoTrace}
	leave := func(err error) Result {
		now := a.elapsed()
		r.Start, r.End, r.Err = now, now, err
		return r
	}
	switch {
	case s.err != nil && !errors.Is(s.err, ErrStopped):
		a.cancel(fmt.Errorf("make request %d: %w", s.entry.Seq, s.err))
		return leave(s.err)
	case a.ctx.Err() != nil:
		return leave(ErrStopped)
	case a.elapsed()-s.entry.At > a.o.GiveUp:
		return leave(ErrLate)
	}
	c := a.borrow()
	defer a.giveBack(c)
	for attempt := 1; ; attempt++ {
		if err := a.o.Before(s.entry, &s.request, a.elapsed()); err != nil {
			a.cancel(fmt.Errorf("record request %d before sending: %w", s.entry.Seq, err))
			return a.ended(r, leave, attempt)
		}
		if a.ctx.Err() != nil { // recording may have taken its time
			return a.ended(r, leave, attempt)
		}
		if err := a.attempt(c, s, &r, attempt); err != nil {
			a.cancel(fmt.Errorf("make request %d: %w", s.entry.Seq, err))
			return leave(err)
		}
		wait, again := a.o.Retry.again(&r, attempt, time.Now())
		if !again {
			r.Failed = a.o.Check(&r)
			return r
		}
		a.o.Retried(r)
		if !a.pause(wait) {
			return r
		}
	}
}

// ended is the result at a stop: that of the attempts so far, if there were any.
func (a *attack) ended(r Result, leave func(error) Result, attempt int) Result {
	if attempt == 1 {
		return leave(ErrStopped)
	}
	return r
}

// attempt sends the request once; the error says that it cannot be made.
func (a *attack) attempt(c *client, s *slot, r *Result, n int) error {
	req, err := c.request(a, &s.request)
	if err != nil {
		return err
	}
	if n == 1 {
		a.watch.leaves()
		r.Sent, r.Start = true, a.elapsed()
	}
	if n > 1 {
		r.Retries++
	}
	r.Out += int64(len(s.request.Body))
	a.exchange(req, r)
	r.End = a.elapsed()
	r.Connected = r.Connected || c.trace.connected()
	r.Trace = c.trace.parts()
	// The transport tries again by itself when a connection that was idle turns out to be closed.
	r.Retries += max(int(c.trace.connections.Load())-1, 0)
	r.Err = c.end(r.Err)
	return nil
}

// pause waits before another attempt; false at a stop.
func (a *attack) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// exchange reads the answer to the end. One that breaks off is no answer: its status is not
// reported.
func (a *attack) exchange(req *http.Request, r *Result) {
	r.Status, r.Header, r.Body, r.Err, r.Good = 0, nil, nil, nil, false
	resp, err := a.transport.RoundTrip(req)
	if err != nil {
		r.Err = err
		return
	}
	defer resp.Body.Close()
	r.Header = resp.Header
	if a.o.Keep(r.Entry, resp.StatusCode) {
		if r.Body, r.Err = io.ReadAll(io.LimitReader(resp.Body, MaxKept)); r.Err != nil {
			return
		}
		r.In += int64(len(r.Body))
	}
	n, err := io.Copy(io.Discard, resp.Body)
	r.In += n
	if r.Err = err; err == nil {
		r.Status, r.Good = resp.StatusCode, a.o.Good(resp.StatusCode)
	}
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "server closed idle connection")
}
