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
	now func() time.Duration

	get, got, wrote, first               atomic.Int64 // elapsed; 0 until it happened
	dns, dnsEnd, connect, connectEnd     atomic.Int64
	handshake, handshakeEnd, connections atomic.Int64
}

func (t *trace) hooks() *httptrace.ClientTrace {
	mark := func(at *atomic.Int64) { at.Store(max(int64(t.now()), 1)) }
	return &httptrace.ClientTrace{
		GetConn:              func(string) { mark(&t.get) },
		GotConn:              func(httptrace.GotConnInfo) { t.connections.Add(1); mark(&t.got) },
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
	return measure.Trace{
		Wait: between(&t.get, &t.got), DNS: dialled(&t.dns, &t.dnsEnd), Connect: dialled(&t.connect, &t.connectEnd),
		TLS: dialled(&t.handshake, &t.handshakeEnd), FirstByte: between(&t.wrote, &t.first),
	}
}
