package wire

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server serves HTTP/1.1 on a listener. Calls whose X-Amz-Target begins with one of Direct it
// reads and answers itself, which costs much less (BenchmarkServer): such a call is a POST to / with a
// length, no more, and its handler does not care whether the caller is still there. All else, and
// every request with something unusual in its head, is net/http's: the connection is handed over,
// for good, with what was read of it.
//
// It exists for the CPU of DynamoDB's single writes, whose target is 0.6 of the best stand-in in
// memory: without Direct a PutItem of 1 KB on a table of 1 GB cost 132 µs of server CPU in place of
// 101, a GetItem 65 in place of 60 (means of four rounds of bench-dynamodb with --base). GetItem would
// meet its target on net/http alone, PutItem would be far from it.
//
// Serve starts a goroutine a connection; Shutdown or Close ends them all, Serve returns then.
type Server struct {
	HTTP   *http.Server // its Handler answers everything; its ReadHeaderTimeout and IdleTimeout hold for all
	Direct []string     // beginnings of X-Amz-Target
	Log    *slog.Logger // nil is silence

	bodies time.Duration // in which a body must have arrived; zero is bodyTime
	rest   *handover
	mu     struct {
		sync.Mutex
		listener net.Listener
		conns    map[*directConn]struct{}
		closing  bool
	}
	running sync.WaitGroup // connections that are served here
}

// Serve accepts connections until Shutdown or Close; it then returns [http.ErrServerClosed].
func (s *Server) Serve(l net.Listener) error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	s.mu.Lock()
	if s.mu.closing {
		s.mu.Unlock()
		return errors.Join(http.ErrServerClosed, l.Close())
	}
	s.mu.listener, s.mu.conns = l, map[*directConn]struct{}{}
	s.rest = &handover{listener: l, conns: make(chan net.Conn), closed: make(chan struct{})}
	s.mu.Unlock()

	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.HTTP.Serve(s.rest) // ends when the handover is closed
	}()
	err := s.accept(l)
	s.running.Wait()
	_ = s.rest.Close()
	<-served
	return err
}

// maxAcceptDelay is the longest pause after an accept that failed, as net/http has it.
const maxAcceptDelay = time.Second

func (s *Server) accept(l net.Listener) error {
	var delay time.Duration
	for {
		conn, err := l.Accept()
		if err != nil {
			if s.isClosing() {
				return http.ErrServerClosed
			}
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			// Out of file descriptors, most likely: connections that end give some back.
			delay = min(max(2*delay, 5*time.Millisecond), maxAcceptDelay)
			s.Log.Warn("accept_failed", "error", err, "delay", delay)
			time.Sleep(delay)
			continue
		}
		delay = 0
		c := newDirectConn(s, conn)
		if !s.track(c) {
			_ = conn.Close()
			return http.ErrServerClosed
		}
		s.running.Go(c.run)
	}
}

func (s *Server) bodyTime() time.Duration {
	if s.bodies > 0 {
		return s.bodies
	}
	return bodyTime
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.closing
}

func (s *Server) track(c *directConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.closing {
		s.mu.conns[c] = struct{}{}
	}
	return !s.mu.closing
}

func (s *Server) forget(c *directConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.conns, c)
}

// stop closes the listener and those connections that are idle, or all.
func (s *Server) stop(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.closing && s.mu.listener != nil {
		_ = s.mu.listener.Close()
	}
	s.mu.closing = true
	for c := range s.mu.conns {
		if all || c.state.CompareAndSwap(idle, closed) {
			_ = c.conn.Close()
		}
	}
}

// Shutdown takes no more connections, ends the idle ones and waits for calls under way, at most
// until ctx is done.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(false)
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	err := s.HTTP.Shutdown(ctx)
	select {
	case <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// Close ends all connections.
func (s *Server) Close() error {
	s.stop(true)
	return s.HTTP.Close()
}

func (s *Server) takes(target string) bool {
	for _, d := range s.Direct {
		if strings.HasPrefix(target, d) {
			return true
		}
	}
	return false
}

// handover is the listener of net/http: it accepts the connections that are not served here.
type handover struct {
	listener net.Listener
	conns    chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// Accept implements [net.Listener].
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements [net.Listener].
func (h *handover) Addr() net.Addr { return h.listener.Addr() }

// give hands a connection over, with what was read of it.
func (h *handover) give(c net.Conn, read []byte) {
	if len(read) > 0 {
		c = &readConn{Conn: c, read: read}
	}
	select {
	case h.conns <- c:
	case <-h.closed:
		_ = c.Close()
	}
}

// readConn is a connection of which something was read and is read again first.
type readConn struct {
	net.Conn
	read []byte
}

// Read implements [net.Conn].
func (c *readConn) Read(p []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(p, c.read)
		if c.read = c.read[n:]; len(c.read) == 0 {
			c.read = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}
