package worker

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Broker is a NATS server inside this process. It keeps nothing, and lets in who has its token:
// whoever may speak to workers may point their load at anything.
type Broker struct {
	server *server.Server
	token  string
}

// OpenBroker listens on host:port; port 0 is a free one. An empty token is drawn.
func OpenBroker(listen, token string) (*Broker, error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("broker: listen on %q: %w", listen, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("broker: listen on %q: no port: %w", listen, err)
	}
	if token == "" {
		token = rand.Text()
	}
	o := &server.Options{
		ServerName: "stampede", Host: host, Port: int(port), Authorization: token, MaxPayload: maxPayload, NoSigs: true, NoLog: true, NoSystemAccount: true,
	}
	if port == 0 {
		o.Port = server.RANDOM_PORT // its own 0 is 4222
	}
	// A server that cannot listen says so only to its log, so that is tried first.
	probe, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if err := probe.Close(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	s.Start()
	b := &Broker{server: s, token: token}
	if !s.ReadyForConnections(5 * time.Second) {
		b.Close()
		return nil, errors.New("broker: it does not accept connections")
	}
	return b, nil
}

// maxPayload is the longest message; NATS advises at most 8 MB
// (https://docs.nats.io/reference/faq#is-there-a-message-size-limitation-in-nats).
const maxPayload = 8 << 20

// URL is where workers connect, with the token.
func (b *Broker) URL() string {
	return (&url.URL{Scheme: "nats", User: url.User(b.token), Host: b.server.Addr().String()}).String()
}

// Close ends all connections and waits.
func (b *Broker) Close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}
