package lambda

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// The Runtime API, version 2018-06-01, on a listener of the environment's own.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const (
	runtimePrefix = "/2018-06-01/runtime/"

	trailerErrorType = "Lambda-Runtime-Function-Error-Type"
	trailerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

// serve answers connections until the listener is closed and all of them are done. It reads
// requests with net/http but does without its server: one goroutine a connection and one write
// an answer halve what an invocation costs here.
func (e *environment) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			break
		}
		if !e.track(conn) {
			_ = conn.Close()
			break
		}
		go func() {
			defer e.conns.wait.Done()
			defer e.untrack(conn)
			e.serveConn(conn)
		}()
	}
	e.conns.wait.Wait()
}

func (e *environment) track(conn net.Conn) bool {
	e.conns.Lock()
	defer e.conns.Unlock()
	if e.conns.closed {
		return false
	}
	e.conns.open[conn] = struct{}{}
	e.conns.wait.Add(1)
	return true
}

func (e *environment) untrack(conn net.Conn) {
	e.conns.Lock()
	defer e.conns.Unlock()
	delete(e.conns.open, conn)
	_ = conn.Close()
}

func (e *environment) closeConns() {
	e.conns.Lock()
	defer e.conns.Unlock()
	e.conns.closed = true
	for conn := range e.conns.open {
		_ = conn.Close()
	}
}

func (e *environment) serveConn(conn net.Conn) {
	in := bufio.NewReaderSize(conn, 8<<10)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
			if _, err := io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return
			}
		}
		path, ok := strings.CutPrefix(req.URL.Path, runtimePrefix)
		if ok && req.Method == http.MethodGet && path == "invocation/next" {
			inv := e.next()
			if inv == nil {
				return
			}
			if !writeEvent(conn, inv) {
				e.scheduler.discard(e)
				return
			}
			continue
		}
		status, answer := http.StatusNotFound, `{"errorMessage":"no such path","errorType":"NotFound"}`
		if ok && req.Method == http.MethodPost {
			status, answer, err = e.post(path, req)
			if err != nil {
				return
			}
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil || !writeStatus(conn, status, answer) || req.Close {
			return
		}
	}
}

// next waits for an event; nil means that the environment ends.
func (e *environment) next() *invocation {
	e.scheduler.ready(e)
	select {
	case inv := <-e.work:
		return inv
	case <-e.gone:
		return nil
	}
}

const accepted = `{"status":"OK"}`

// post takes a response or an error. An error means that the connection is broken.
func (e *environment) post(path string, req *http.Request) (status int, answer string, err error) {
	id, verb := "", path
	if rest, ok := strings.CutPrefix(path, "invocation/"); ok {
		id, verb, _ = strings.Cut(rest, "/")
	}
	limit := e.scheduler.limits.SyncResponse
	if limit == 0 {
		limit = 1 << 30
	}
	body, err := readBody(req, limit)
	if err != nil {
		return 0, "", err
	}
	tooLarge := len(body) > limit
	found := true
	if e.scheduler.wantsTail(e) {
		e.output.settle()
	}
	switch verb {
	case "response":
		kind, trailer := req.Trailer.Get(trailerErrorType), req.Trailer.Get(trailerErrorBody)
		switch {
		case tooLarge:
			found = e.scheduler.answer(e, id, responseTooLarge(limit).payload(), true)
		case kind != "" || trailer != "":
			found = e.scheduler.answer(e, id, trailerError(kind, trailer), true)
		default:
			found = e.scheduler.answer(e, id, body, false)
		}
	case "error":
		if tooLarge {
			body = responseTooLarge(limit).payload()
		}
		found = e.scheduler.answer(e, id, body, true)
	case "init/error":
		e.scheduler.initFailed(e, body)
	default:
		return http.StatusNotFound, `{"errorMessage":"no such path","errorType":"NotFound"}`, nil
	}
	switch {
	case !found:
		return http.StatusBadRequest, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`, nil
	case tooLarge:
		return http.StatusRequestEntityTooLarge, `{"errorMessage":"Exceeded maximum allowed payload size","errorType":"RequestEntityTooLarge"}`, nil
	}
	return http.StatusAccepted, accepted, nil
}

// readBody reads at most one byte more than limit; the rest is left for the caller to discard.
func readBody(req *http.Request, limit int) ([]byte, error) {
	if n := req.ContentLength; n >= 0 && n <= int64(limit) {
		body := make([]byte, n)
		_, err := io.ReadFull(req.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(req.Body, int64(limit)+1))
}

// trailerError is the error that a runtime met after it had begun its response.
func trailerError(kind, body string) []byte {
	if decoded, err := base64.StdEncoding.DecodeString(body); err == nil && json.Valid(decoded) {
		return decoded
	}
	return failure{kind, body}.payload()
}

// writeEvent sends an event in one write; false if the runtime is not there.
func writeEvent(conn net.Conn, inv *invocation) bool {
	head := make([]byte, 0, 512)
	head = append(head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: "...)
	head = append(head, inv.id...)
	head = append(head, "\r\nLambda-Runtime-Deadline-Ms: "...)
	head = strconv.AppendInt(head, inv.deadline.UnixMilli(), 10)
	head = append(head, "\r\nLambda-Runtime-Invoked-Function-Arn: "...)
	head = append(head, inv.arn...)
	head = append(head, "\r\nLambda-Runtime-Trace-Id: "...)
	head = append(head, inv.trace...)
	if inv.clientContext != "" {
		head = append(head, "\r\nLambda-Runtime-Client-Context: "...)
		head = append(head, inv.clientContext...)
	}
	head = append(head, "\r\nContent-Length: "...)
	head = strconv.AppendInt(head, int64(len(inv.payload)), 10)
	head = append(head, "\r\n\r\n"...)
	whole := net.Buffers{head, inv.payload}
	_, err := whole.WriteTo(conn)
	return err == nil
}

func writeStatus(conn net.Conn, status int, body string) bool {
	answer := make([]byte, 0, 256)
	answer = append(answer, "HTTP/1.1 "...)
	answer = strconv.AppendInt(answer, int64(status), 10)
	answer = append(answer, ' ')
	answer = append(answer, http.StatusText(status)...)
	answer = append(answer, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	answer = strconv.AppendInt(answer, int64(len(body)), 10)
	answer = append(answer, "\r\n\r\n"...)
	answer = append(answer, body...)
	_, err := conn.Write(answer)
	return err == nil
}

// errBadHeader refuses a value that would end a header line.
var errBadHeader = errors.New("a header value may not hold control characters")

// headerValue checks what a caller wants to hand to the function in a header.
func headerValue(v string) error {
	for _, c := range []byte(v) {
		if c < ' ' || c == 0x7f {
			return errBadHeader
		}
	}
	return nil
}
