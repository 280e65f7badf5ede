package attack

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/retailflow/stampede/loadgen/measure"
)

// trace takes the moments of one attempt. A connection is dialled by a goroutine of the
// transport's, which may go on after the attempt has found another: hence the atomics.
type trace struct {
	now    func() time.Duration
	shared bool // the protocol sends several requests over one connection

	get, got, wrote, first               atomic.Int64 // elapsed; 0 until it happened
	dns, dnsEnd, connect, connectEnd     atomic.Int64
	handshake, handshakeEnd, connections atomic.Int64
	idle                                 atomic.Bool // the connection was there at once: none was dialled
}

// clear forgets an attempt that is over.
func (t *trace) clear() {
	for _, at := range []*atomic.Int64{&t.get, &t.got, &t.wrote, &t.first, &t.dns, &t.dnsEnd, &t.connect, &t.connectEnd,
		&t.handshake, &t.handshakeEnd, &t.connections} {
		at.Store(0)
	}
	t.idle.Store(false)
}

// over says whether every hook that the attempt may call has been called: on one connection that was
// at rest, writing ends once and an answer begins once. False if that cannot be known, as of a
// connection that is shared by requests.
func (t *trace) over() bool {
	return t.idle.Load() && t.connections.Load() == 1 && t.wrote.Load() > 0 && t.first.Load() > 0
}

func (t *trace) hooks() *httptrace.ClientTrace {
	mark := func(at *atomic.Int64) { at.Store(max(int64(t.now()), 1)) }
	return &httptrace.ClientTrace{
		GetConn: func(string) { mark(&t.get) },
		GotConn: func(c httptrace.GotConnInfo) {
			t.connections.Add(1)
			t.idle.Store(c.WasIdle && !t.shared)
			mark(&t.got)
		},
		DNSStart:             func(httptrace.DNSStartInfo) { mark(&t.dns) },
		DNSDone:              func(httptrace.DNSDoneInfo) { mark(&t.dnsEnd) },
		ConnectStart:         func(string, string) { mark(&t.connect) },
		ConnectDone:          func(string, string, error) { mark(&t.connectEnd) },
		TLSHandshakeStart:    func() { mark(&t.handshake) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { mark(&t.handshakeEnd) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { mark(&t.wrote) },
		GotFirstResponseByte: func() { mark(&t.first) },
	}
}

// connected says whether a connection was found, so that the request may have arrived.
func (t *trace) connected() bool { return t.connections.Load() > 0 }

// parts are the times between the moments; negative for what did not happen within the attempt.
func (t *trace) parts() measure.Trace {
	between := func(from, to *atomic.Int64) time.Duration {
		a, b, got := from.Load(), to.Load(), t.got.Load()
		if a == 0 || b < a || got == 0 {
			return -1
		}
		return time.Duration(b - a)
	}
	// What was dialled after a connection was found is another request's.
	dialled := func(from, to *atomic.Int64) time.Duration {
		if to.Load() > t.got.Load() {
			return -1
		}
		return between(from, to)
	}
	firstByte := between(&t.wrote, &t.first)
	if firstByte < 0 && t.first.Load() > 0 { // the answer was there before the writer had looked up
		firstByte = 0
	}
	return measure.Trace{
		Wait: between(&t.get, &t.got), DNS: dialled(&t.dns, &t.dnsEnd), Connect: dialled(&t.connect, &t.connectEnd),
		TLS: dialled(&t.handshake, &t.handshakeEnd), FirstByte: firstByte,
	}
}
