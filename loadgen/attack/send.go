package attack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
)

// maxKept bounds a kept body; the rest is read and dropped.
const maxKept = 1 << 20

func newTransport(o Options) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       o.TLS,
		TLSHandshakeTimeout:   o.Timeout,
		MaxIdleConnsPerHost:   o.MaxWorkers,
		MaxConnsPerHost:       o.Connections,
		IdleConnTimeout:       90 * time.Second,
		DisableKeepAlives:     o.NoReuse,
		DisableCompression:    true,
		ExpectContinueTimeout: time.Second,
	}
}

// RoundTrip carries one hit of vegeta's: it finds the entry behind the sequence number, sends
// its request instead of the dummy, reads the answer to the end and reports the result. What
// it returns only tells vegeta that the hit is over.
func (a *attack) RoundTrip(hit *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(hit.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("hit without a sequence number: %w", err)
	}
	s := a.take(seq)
	if s == nil {
		return nil, fmt.Errorf("hit %d was not paced", seq)
	}
	<-s.ready
	r := a.send(s)
	a.watch.note(&r)
	a.report(r)
	if r.Err != nil {
		return nil, r.Err
	}
	return &http.Response{
		StatusCode: r.Status, Status: http.StatusText(r.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: hit,
	}, nil
}

func (a *attack) send(s *slot) (r Result) {
	r = Result{Entry: s.entry, Planned: s.entry.At}
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
	ctx, cancel := context.WithTimeout(a.sendCtx, a.o.Timeout)
	defer cancel()
	req, err := a.request(ctx, &s.request, &r)
	if err != nil {
		a.cancel(fmt.Errorf("make request %d: %w", s.entry.Seq, err))
		return leave(err)
	}
	if err := a.o.Before(s.entry, &s.request, a.elapsed()); err != nil {
		a.cancel(fmt.Errorf("record request %d before sending: %w", s.entry.Seq, err))
		return leave(ErrStopped)
	}
	if a.ctx.Err() != nil { // recording may have taken its time
		return leave(ErrStopped)
	}
	a.watch.leaves()
	r.Sent, r.Start = true, a.elapsed()
	r.Status, r.Header, r.Body, r.Err = a.exchange(s, req)
	r.End = a.elapsed()
	return r
}

func (a *attack) request(ctx context.Context, q *event.Request, r *Result) (*http.Request, error) {
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { r.Connected = true }}
	u, err := url.Parse(a.base + q.Path)
	if err != nil {
		return nil, err
	}
	req := (&http.Request{
		Method: q.Method, URL: u, Host: u.Host, Header: q.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(q.Body)),
	}).WithContext(httptrace.WithClientTrace(ctx, trace))
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if len(q.Body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(q.Body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(q.Body)), nil }
	}
	return req, nil
}

func (a *attack) exchange(s *slot, req *http.Request) (status int, header http.Header, kept []byte, err error) {
	resp, err := a.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	status, header = resp.StatusCode, resp.Header
	if a.o.Keep(s.entry, status) {
		if kept, err = io.ReadAll(io.LimitReader(resp.Body, maxKept)); err != nil {
			return 0, header, kept, err
		}
	}
	// An answer that breaks off is no answer: its status is not reported.
	if _, err = io.Copy(io.Discard, resp.Body); err != nil {
		return 0, header, kept, err
	}
	return status, header, kept, nil
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "server closed idle connection")
}
