package attack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
)

// client is what one request at a time is sent with: a context with its timer and its trace. All
// three serve the next request if nothing is left of this one that could still touch them.
type client struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	trace  *trace
	blank  *http.Request // with the context, to be copied
	path   string        // of url
	url    *url.URL      // of the request before; many ask for the same again
}

// clients are those at rest; the last one back is the next to go, since its memory is warm.
type clients struct {
	sync.Mutex
	idle []*client
}

func (a *attack) borrow() *client {
	a.clients.Lock()
	defer a.clients.Unlock()
	n := len(a.clients.idle)
	if n == 0 {
		return &client{}
	}
	c := a.clients.idle[n-1]
	a.clients.idle = a.clients.idle[:n-1]
	return c
}

func (a *attack) giveBack(c *client) {
	a.clients.Lock()
	defer a.clients.Unlock()
	a.clients.idle = append(a.clients.idle, c)
}

// request makes the one of an attempt, whose time to answer begins now.
func (c *client) request(a *attack, q *event.Request) (*http.Request, error) {
	if c.url == nil || c.path != q.Path {
		u, err := url.Parse(a.base + q.Path)
		if err != nil {
			return nil, err
		}
		c.url, c.path = u, q.Path
	}
	if c.ctx == nil {
		ctx, cancel := context.WithCancelCause(a.sendCtx)
		c.trace = &trace{now: a.elapsed, shared: a.o.Protocol != HTTP1}
		c.ctx, c.cancel = httptrace.WithClientTrace(ctx, c.trace.hooks()), cancel
		c.timer = time.AfterFunc(a.o.Timeout, func() { cancel(context.DeadlineExceeded) })
		c.blank = (&http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(c.ctx)
	} else {
		c.trace.clear()
		c.timer.Reset(a.o.Timeout)
	}
	req := new(http.Request)
	*req = *c.blank
	req.Method, req.URL, req.Host, req.Header, req.ContentLength = q.Method, c.url, c.url.Host, q.Header, int64(len(q.Body))
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if len(q.Body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(q.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(q.Body)), nil }
	}
	return req, nil
}

// end is the attempt's, with its error if the timeout has not caused it.
func (c *client) end(err error) error {
	inTime := c.timer.Stop()
	if err != nil && errors.Is(context.Cause(c.ctx), context.DeadlineExceeded) {
		err = context.DeadlineExceeded
	}
	if !inTime || err != nil || !c.trace.over() {
		c.cancel(nil)
		*c = client{}
	}
	return err
}
