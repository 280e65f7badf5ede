package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bodyServer serves bodies of at most 64 MB.
func bodyServer(t *testing.T, within time.Duration) *httptest.Server {
	m := NewMux(Credentials{"local": "secret"}, func() time.Time { return at }, nil)
	m.bodyTime = within
	m.Handle("sqs", 64<<20, HandlerFunc(func(w http.ResponseWriter, r *Request) {
		ReplyJSON(w, r, map[string]int{"length": len(r.Body)})
	}))
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	return s
}

// dial sends what begins a request whose body is to have a length. The signature is not to be
// verified before the body is there.
func dial(t *testing.T, s *httptest.Server, length int, body string) net.Conn {
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: T.A\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=%s\r\n"+
		"X-Amz-Date: 20260101T000000Z\r\nContent-Length: %d\r\n\r\n%s", strings.Repeat("0", 64), length, body)
	require.NoError(t, err)
	return c
}

func TestASlowBodyIsGivenUp(t *testing.T) {
	s := bodyServer(t, 50*time.Millisecond)
	for _, length := range []int{100, 1 << 20} {
		c := dial(t, s, length, "{")
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusBadRequest, answer.StatusCode)
		require.Contains(t, string(text), "RequestAbortedException")
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "the connection is closed")
	}
}

func TestABodyInTimeIsReadWhole(t *testing.T) {
	s := bodyServer(t, time.Minute)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}}}
	defer client.CloseIdleConnections()
	for _, length := range []int{0, 1, trusted, trusted + 1, 300_000} {
		body := strings.Repeat("x", length)
		r := request(t, "POST", "/", body, http.Header{"Content-Type": {"application/x-amz-json-1.0"}})
		r.RequestURI = ""
		signed(t, r, hashOf(body), "sqs")
		answer, err := client.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.JSONEq(t, fmt.Sprintf(`{"length":%d}`, length), string(text))
	}
}

// Saying that a body is long costs nothing; only what was sent does.
func TestMemoryIsGivenForWhatHasCome(t *testing.T) {
	s := bodyServer(t, time.Minute)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var open []net.Conn
	for range 50 {
		open = append(open, dial(t, s, 64<<20, strings.Repeat("x", 1000)))
	}
	text := make([]byte, 1<<20)
	require.Eventually(t, func() bool { // all of them wait in the reader
		return strings.Count(string(text[:runtime.Stack(text, true)]), "wire.readBody(") == len(open)
	}, 30*time.Second, 5*time.Millisecond)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), "50 bodies of 64 MB were announced, 50 kB sent")
}

// A body that comes by single bytes would keep its connection for ever if each gave it more time.
func TestADrippingBodyIsGivenUp(t *testing.T) {
	s, address := openServer(t, echo)
	s.bodies = 100 * time.Millisecond
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Direct_1.A\r\nContent-Length: 1000000\r\n\r\n")
	require.NoError(t, err)
	began := time.Now()
	for err == nil && time.Since(began) < time.Minute {
		time.Sleep(10 * time.Millisecond)
		_, err = c.Write([]byte("x"))
	}
	require.Error(t, err, "the connection was kept")
}
