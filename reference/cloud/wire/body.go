package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// bodyTime is how long a caller may take to send a body, of which the largest is 96 MB.
	bodyTime = 30 * time.Second
	// trusted is up to which length, in bytes, a body gets its memory before it has come. The
	// signature is not verified by then: whoever says more must send it.
	trusted = 16 << 10
)

// readBody reads at most limit bytes that arrive within a time. What it keeps in memory is at
// most about twice what has arrived.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, within time.Duration) ([]byte, *Error) {
	if r.ContentLength > limit {
		drain(w, r, limit, within)
		return nil, tooLarge(limit)
	}
	if b, ok := r.Body.(*wholeBody); ok && r.ContentLength <= limit {
		return b.all, nil
	}
	// A recorder has no deadlines. After a failure the deadline stays, or the server would wait
	// for the rest before it closes the connection.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(within))
	body, fault := readAll(w, r, limit)
	if fault == nil {
		_ = connection.SetReadDeadline(time.Time{})
	}
	return body, fault
}

func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *Error) {
	if r.ContentLength >= 0 && r.ContentLength <= trusted {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, cutShort(w)
		}
		return body, nil
	}
	var body bytes.Buffer
	body.Grow(trusted)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(limit)
	case err != nil, r.ContentLength >= 0 && int64(body.Len()) != r.ContentLength:
		return nil, cutShort(w)
	}
	return body.Bytes(), nil
}

// drain reads what is not too much more of a body that is too large: whoever is not done sending
// when the connection is closed sees that, and no answer.
func drain(w http.ResponseWriter, r *http.Request, limit int64, within time.Duration) {
	if r.ContentLength > 2*limit || r.Header["Expect"] != nil { // who waits for a go-ahead sends nothing
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	_, _ = io.Copy(io.Discard, r.Body)
}

// cutShort is the fault of a body that did not come, whose connection is of no more use.
func cutShort(w http.ResponseWriter) *Error {
	w.Header().Set("Connection", "close")
	return Errorf(http.StatusBadRequest, "RequestAbortedException", "the request body ended early")
}

func tooLarge(limit int64) *Error {
	return Errorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
		"the request body is larger than %d bytes", limit)
}
