package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// echo answers with what it was asked.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if r.Header.Get("X-Amz-Target") == "Direct_1.Panic" {
		panic(http.ErrAbortHandler)
	}
	if long := r.Header.Get("X-Long"); len(long) > 100 {
		r.Header.Set("X-Long", fmt.Sprint(len(long)))
	}
	if len(body) > 100 {
		body = fmt.Appendf(nil, "%d bytes, CRC %x", len(body), crc32.ChecksumIEEE(body))
	}
	said, _ := json.Marshal(map[string]any{
		"method": r.Method, "uri": r.RequestURI, "path": r.URL.Path, "query": r.URL.RawQuery, "host": r.Host, "proto": r.Proto,
		"header": r.Header, "length": r.ContentLength, "body": string(body), "error": err != nil,
	})
	w.Header()["X-Twice"] = []string{"a", "b"}
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(said)
})

// open serves a handler on a free port until the test ends.
func openServer(t testing.TB, h http.Handler) (s *Server, address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s = &Server{HTTP: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute}, Direct: []string{"Direct_"}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return s, l.Addr().String()
}

// openTwin serves a handler by net/http alone.
func openTwin(t testing.TB, h http.Handler) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, served := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}, make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return l.Addr().String()
}

// converse sends bytes in pieces and returns the answers, each without its date.
func converse(t *testing.T, address, sent string, pieces int) (out []string) {
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	go func() {
		for rest := []byte(sent); len(rest) > 0; {
			n := min(len(rest), len(sent)/pieces+1)
			if _, err := conn.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
		_ = conn.(*net.TCPConn).CloseWrite() // nothing more comes
	}()
	r := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return append(out, "closed")
		}
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Header.Del("Date")
		out = append(out, fmt.Sprint(res.Status, res.Header, res.Close, string(body)))
	}
}

func call(body string, headers ...string) string {
	return "POST / HTTP/1.1\r\nHost: here:1\r\nX-Amz-Target: Direct_1.Put\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n" +
		strings.Join(append(headers, ""), "\r\n") + "\r\n" + body
}

// Whatever is sent, plain or not, answers are net/http's.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	_, address := openServer(t, echo)
	twin := openTwin(t, echo)
	large := strings.Repeat("x", 300<<10)
	for name, sent := range map[string]string{
		"one call":                 call("{}"),
		"many in one piece":        call("{}") + call("") + call(`{"a":1}`, "Accept-Encoding: gzip"),
		"a large body":             call(large) + call("{}"),
		"too large for the loop":   call(strings.Repeat("y", maxBody+1)) + call("{}"),
		"another target":           strings.ReplaceAll(call("{}"), "Direct_1", "Other_1"),
		"another after a call":     call("{}") + strings.ReplaceAll(call("{}"), "Direct_1", "Other_1") + call("{}"),
		"get":                      "GET /health?x=1 HTTP/1.1\r\nHost: here\r\n\r\n" + call("{}"),
		"chunks after a call":      call("{}") + "POST / HTTP/1.1\r\nHost: here\r\nX-Amz-Target: Direct_1.Put\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" + call("{}"),
		"length and chunks":        call("{}", "Transfer-Encoding: chunked"),
		"two lengths":              call("{}", "Content-Length: 3"),
		"two hosts":                call("{}", "Host: there"),
		"no host":                  strings.Replace(call("{}"), "Host: here:1\r\n", "", 1),
		"a signed length":          strings.Replace(call("{}"), "Content-Length: 2", "Content-Length: +2", 1),
		"folded header":            call("{}", "X-Long: a", " b"),
		"space before the colon":   call("{}", "X-A : b"),
		"no colon":                 call("{}", "X-A"),
		"control character":        call("{}", "X-A: b\x01"),
		"lower case, tabs, repeat": call("{}", "x-a:\t1 ", "X-A: 2", "x_b: c"),
		"keep alive":               call("{}", "connection: Keep-Alive") + call("{}"),
		"close":                    call("{}", "Connection: close") + call("{}"),
		"expect":                   call("{}", "Expect: 100-continue"),
		"bare line feeds":          strings.ReplaceAll(call("{}"), "\r\n", "\n"),
		"old protocol":             strings.Replace(call("{}"), "HTTP/1.1", "HTTP/1.0", 1),
		"another path":             strings.Replace(call("{}"), "POST /", "POST /a%20b", 1),
		"a long head":              call("{}", "X-Long: "+strings.Repeat("z", maxHead)) + call("{}"),
		"not http":                 "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
		"a handler that gives up":  strings.Replace(call("{}"), ".Put", ".Panic", 1) + call("{}"),
	} {
		for _, pieces := range []int{1, 7} {
			t.Run(fmt.Sprintf("%s/pieces=%d", name, pieces), func(t *testing.T) {
				require.Equal(t, converse(t, twin, sent, pieces), converse(t, address, sent, pieces))
			})
		}
	}
}

// FuzzHead: a head that is taken as plain means to net/http what it means here.
func FuzzHead(f *testing.F) {
	f.Add("Host: a\r\nContent-Length: 2\r\n")
	f.Add("Host: a\r\nContent-Length: 2\r\nx-a: b \r\nConnection: keep-alive\r\n")
	f.Add("Host: [::1]:80\r\nContent-Length: 0\r\nX-Amz-Target: D.P\r\n")
	f.Fuzz(func(t *testing.T, lines string) {
		text := directLine + lines
		if strings.Contains(text, "\r\n\r\n") || !strings.HasSuffix(text, "\r\n") {
			return
		}
		h, ok := parseHead(text)
		if !ok {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
		require.NoError(t, err, "%q", text)
		require.Equal(t, r.Header, h.header, "%q", text)
		require.Equal(t, r.Host, h.host, "%q", text)
		require.EqualValues(t, r.ContentLength, h.length, "%q", text)
		require.False(t, r.Close, "%q", text)
	})
}

func TestShutdownWaitsForCallsAndEndsIdleConnections(t *testing.T) {
	defer goleak.VerifyNone(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{Direct: []string{"Direct_"}, HTTP: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Slow") != "" {
			close(inside)
			<-leave
		}
		_, _ = io.WriteString(w, "done")
	})}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	dial := func(sent string) *bufio.Reader {
		conn, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, sent)
		require.NoError(t, err)
		return bufio.NewReader(conn)
	}
	answer := func(r *bufio.Reader) string {
		res, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return string(body)
	}
	quiet := dial(call("{}"))
	require.Equal(t, "done", answer(quiet))
	slow := dial(call("{}", "X-Slow: yes"))
	<-inside
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	_, err = quiet.ReadByte()
	require.ErrorIs(t, err, io.EOF, "an idle connection is closed")
	select {
	case <-down:
		t.Fatal("shutdown did not wait for a call")
	case <-time.After(20 * time.Millisecond):
	}
	close(leave)
	require.Equal(t, "done", answer(slow))
	require.NoError(t, <-down)
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}

func TestLateHeadsAreNotWaitedFor(t *testing.T) {
	s, address := openServer(t, echo)
	s.HTTP.ReadHeaderTimeout = 50 * time.Millisecond
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a")
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// A promised body costs nothing until it arrives.
func TestMemoryFollowsWhatArrived(t *testing.T) {
	c, far := net.Pipe()
	defer func() { _ = far.Close() }()
	d := &directConn{server: &Server{HTTP: &http.Server{}}, conn: c, in: []byte("0123456789abcdef")}
	h := head{size: 10, length: 1 << 20}
	var most atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		body, err := d.body(&h)
		require.Error(t, err)
		most.Store(int64(cap(body)))
	}()
	_, err := far.Write(bytes.Repeat([]byte("x"), 100))
	require.NoError(t, err)
	require.NoError(t, far.Close())
	<-done
	require.LessOrEqual(t, most.Load(), int64(bodyStep))
}

func BenchmarkServer(b *testing.B) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header()["Content-Length"] = []string{"2"}
		_, _ = io.WriteString(w, "{}")
	})
	_, direct := openServer(b, answer)
	for name, address := range map[string]string{"direct": direct, "net-http": openTwin(b, answer)} {
		b.Run("server="+name, func(b *testing.B) {
			conn, err := net.Dial("tcp", address)
			require.NoError(b, err)
			defer func() { _ = conn.Close() }()
			r, sent := bufio.NewReader(conn), []byte(call(strings.Repeat("x", 500), "X-Amz-Date: 20261127T000000Z", "Accept-Encoding: identity"))
			for b.Loop() {
				if _, err := conn.Write(sent); err != nil {
					b.Fatal(err)
				}
				for line := ""; line != "\r\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := r.Discard(2); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
