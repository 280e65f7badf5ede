package attack

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Protocol is the version of HTTP that is spoken.
type Protocol string

// The protocols.
const (
	HTTP1 Protocol = "http1" // HTTP/1.1, over TLS where the target says https
	HTTP2 Protocol = "http2" // HTTP/2: over TLS where the target says https, else with prior knowledge
)

func (p Protocol) check() error {
	if p != HTTP1 && p != HTTP2 {
		return fmt.Errorf("protocol %q: must be %s or %s", p, HTTP1, HTTP2)
	}
	return nil
}

func newTransport(o Options) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(o.Protocol == HTTP1)
	protocols.SetHTTP2(o.Protocol == HTTP2)
	protocols.SetUnencryptedHTTP2(o.Protocol == HTTP2)
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       o.TLS,
		TLSHandshakeTimeout:   o.Timeout,
		Protocols:             protocols,
		MaxIdleConnsPerHost:   o.MaxWorkers,
		MaxConnsPerHost:       o.Connections,
		IdleConnTimeout:       90 * time.Second,
		DisableKeepAlives:     o.NoReuse,
		DisableCompression:    true,
		ExpectContinueTimeout: time.Second,
	}
}
