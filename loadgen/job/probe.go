package job

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
)

// Probe opens one connection to the target, and closes it, so that an address that does not exist
// or speaks another TLS is said before any load. It sends no request. Where a proxy stands between,
// the proxy is what it reaches.
func (j *Job) Probe(ctx context.Context) error {
	u, err := url.Parse(j.Target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("target %q: must be a URL such as http://127.0.0.1:8080", j.Target)
	}
	ctx, cancel := context.WithTimeout(ctx, max(j.Timeout, 2*time.Second))
	defer cancel()
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = u.Scheme
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err == nil && proxy != nil {
		host, port = proxy.Hostname(), cmp.Or(proxy.Port(), map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme], "80")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return fmt.Errorf("target %s: not reachable: %w", j.Target, err)
	}
	defer conn.Close()
	if u.Scheme != "https" || proxy != nil {
		return nil
	}
	c, err := j.tls()
	if err != nil {
		return err
	}
	if c == nil {
		c = &tls.Config{}
	}
	c.ServerName = u.Hostname()
	if j.Protocol == attack.HTTP2 {
		c.NextProtos = []string{"h2"}
	}
	secured := tls.Client(conn, c)
	if err := secured.HandshakeContext(ctx); err != nil {
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) {
			return fmt.Errorf("target %s: does not speak TLS: %w", j.Target, err)
		}
		return fmt.Errorf("target %s: TLS: %w", j.Target, err)
	}
	if j.Protocol == attack.HTTP2 && secured.ConnectionState().NegotiatedProtocol != "h2" {
		return fmt.Errorf("target %s: does not speak HTTP/2", j.Target)
	}
	return nil
}
