package wire

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// directReply gathers an answer and sends it in one piece.
type directReply struct {
	header http.Header
	status int
	body   []byte
	out    []byte
}

var _ http.ResponseWriter = (*directReply)(nil)

// maxKeptReply bounds the buffers that an idle connection keeps, in bytes.
const maxKeptReply = 64 << 10

func (w *directReply) reset() {
	clear(w.header)
	w.status = 0
	w.body = w.body[:0]
	if cap(w.body)+cap(w.out) > maxKeptReply {
		w.body, w.out = nil, nil
	}
}

// Header implements [http.ResponseWriter].
func (w *directReply) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *directReply) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *directReply) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

// send writes the answer to the connection. The length is that of what was written.
func (w *directReply) send(conn net.Conn) error {
	w.WriteHeader(http.StatusOK)
	w.header["Content-Length"] = nil
	if _, typed := w.header["Content-Type"]; !typed && len(w.body) > 0 {
		w.header["Content-Type"] = []string{http.DetectContentType(w.body)}
	}
	b := append(w.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(w.status)...)
	for name, values := range w.header {
		for _, v := range values {
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			b = appendHeaderValue(b, v)
		}
	}
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(w.body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, w.body...)
	w.out = b
	_, err := conn.Write(b)
	return err
}

// appendHeaderValue appends a value without what would end its line.
func appendHeaderValue(dst []byte, v string) []byte {
	for i := range len(v) {
		if v[i] == '\r' || v[i] == '\n' {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, v[i])
		}
	}
	return dst
}
