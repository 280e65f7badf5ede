package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
)

// States of a connection.
const (
	idle   = iota // between requests
	busy          // from a request's first byte to its answer's last
	closed        // closed while idle, by the server
)

// directConn is a connection whose calls are answered without net/http.
type directConn struct {
	server *Server
	conn   net.Conn
	remote string       // its other end
	state  atomic.Int32 // idle, busy or closed
	in     []byte       // read and not yet used
	until  time.Time    // the read deadline that is set
	reply  directReply
}

// Sizes of what is read at once and of what is left to net/http, in bytes.
const (
	firstRead   = 4 << 10
	maxHead     = 16 << 10
	maxBody     = 1 << 20
	bodyStep    = trusted // a body's buffer grows with what has arrived, not with what is promised
	maxKeptRead = 64 << 10
)

func newDirectConn(s *Server, conn net.Conn) *directConn {
	return &directConn{server: s, conn: conn, remote: conn.RemoteAddr().String(), reply: directReply{header: make(http.Header, 8)}}
}

// run answers requests until the connection ends or is handed over.
func (c *directConn) run() {
	defer c.server.forget(c)
	for {
		if !c.awake() {
			_ = c.conn.Close()
			return
		}
		h, whole, err := c.head()
		if err != nil {
			_ = c.conn.Close()
			return
		}
		if !whole || !c.server.takes(h.target) {
			_ = c.conn.SetReadDeadline(time.Time{})
			c.server.rest.give(c.conn, c.in)
			return
		}
		if !c.answer(h) {
			_ = c.conn.Close()
			return
		}
	}
}

// awake waits for the first byte of the next request.
func (c *directConn) awake() bool {
	c.state.Store(idle)
	if c.server.isClosing() { // asked after the connection is idle: whoever closes sees one or the other
		return false
	}
	if len(c.in) == 0 {
		if cap(c.in) > maxKeptRead {
			c.in = nil
		}
		if d := c.server.HTTP.IdleTimeout; d > 0 && time.Until(c.until) < d/2 {
			c.limit(d)
		}
		if c.fill() != nil {
			return false
		}
	}
	return c.state.CompareAndSwap(idle, busy)
}

// limit sets how long reads may take in all from now on.
func (c *directConn) limit(d time.Duration) {
	c.until = time.Now().Add(d)
	_ = c.conn.SetReadDeadline(c.until)
}

// fill reads once.
func (c *directConn) fill() error {
	if len(c.in) == cap(c.in) {
		c.in = slices.Grow(c.in, max(firstRead, len(c.in)))
	}
	n, err := c.conn.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// head reads a request's head. whole is false if it is not one that is answered here.
func (c *directConn) head() (h head, whole bool, err error) {
	for {
		if end := bytes.Index(c.in, []byte("\r\n\r\n")); end >= 0 {
			h, whole = parseHead(string(c.in[:end+2]))
			h.size = end + 4
			return h, whole && h.length <= maxBody, nil
		}
		if len(c.in) >= maxHead || !mayBeDirect(c.in) {
			return h, false, nil
		}
		// The rest of a head is late: from here on there is less time.
		if d := c.server.HTTP.ReadHeaderTimeout; d > 0 && (c.until.IsZero() || time.Until(c.until) > d) {
			c.limit(d)
		}
		if err := c.fill(); err != nil {
			return h, false, err
		}
	}
}

// body reads a request's body, which the caller keeps, and leaves what comes behind it.
func (c *directConn) body(h *head) ([]byte, error) {
	end := min(len(c.in), h.size+h.length)
	body := append(make([]byte, 0, max(end-h.size, min(h.length, bodyStep))), c.in[h.size:end]...)
	c.in = c.in[:copy(c.in, c.in[end:])]
	if len(body) < h.length {
		c.limit(c.server.bodyTime())
	}
	for len(body) < h.length {
		if len(body) == cap(body) {
			body = slices.Grow(body, min(h.length-len(body), len(body)))
		}
		got, err := c.conn.Read(body[len(body):min(cap(body), h.length)])
		if body = body[:len(body)+got]; err != nil && len(body) < h.length {
			return nil, err
		}
	}
	return body, nil
}

// answer serves one request and says whether the connection can be used on.
func (c *directConn) answer(h head) (keep bool) {
	body, err := c.body(&h)
	if err != nil {
		return false
	}
	whole := &wholeBody{rest: body, all: body}
	r := h.request(c.remote, whole)
	c.reply.reset()
	defer func() {
		if fault := recover(); fault != nil {
			if fault != http.ErrAbortHandler {
				c.server.Log.Error("handler_panicked", "error", fmt.Sprint(fault), "stack", string(debug.Stack()))
			}
			keep = false
		}
	}()
	c.server.HTTP.Handler.ServeHTTP(&c.reply, r)
	return c.reply.send(c.conn) == nil
}

// wholeBody is a request's body that lies in memory.
type wholeBody struct{ rest, all []byte }

// Read implements [io.Reader].
func (b *wholeBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close implements [io.Closer].
func (b *wholeBody) Close() error { return nil }
