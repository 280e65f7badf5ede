package worker_test

import (
	"net"
	"net/url"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/worker"
)

func TestABrokerLetsInWhoHasItsToken(t *testing.T) {
	b, err := worker.OpenBroker("127.0.0.1:0", "")
	require.NoError(t, err)
	defer b.Close()
	nc, err := nats.Connect(b.URL())
	require.NoError(t, err)
	require.NotZero(t, nc.MaxPayload())
	nc.Close()
	u, err := url.Parse(b.URL())
	require.NoError(t, err)
	for _, stranger := range []*url.Userinfo{nil, url.User("guessed")} {
		u.User = stranger
		_, err = nats.Connect(u.String())
		require.ErrorIs(t, err, nats.ErrAuthorization)
	}
}

func TestABrokerSaysWhatItCannotListenOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for listen, want := range map[string]string{taken.Addr().String(): "address already in use", "nowhere": "missing port", "127.0.0.1:x": "no port"} {
		_, err := worker.OpenBroker(listen, "")
		require.ErrorContains(t, err, want)
	}
}
