package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	json10 = "application/x-amz-json-1.0"
	json11 = "application/x-amz-json-1.1"
)

// ReplyJSON writes v as the answer with status 200, in the JSON protocol of the
// request's content type (plain application/json for REST). A json.RawMessage
// is written as it is; nil is written as an empty object.
// It must be called at most once a request.
func ReplyJSON(w http.ResponseWriter, r *Request, v any) {
	writeJSON(w, r, http.StatusOK, v)
}

// ReplyError writes err as the answer. An *Error, wrapped or not, is written as
// AWS writes it for the request's protocol: its code in the member __type for
// JSON protocols and in the header X-Amzn-ErrorType for REST. Any other error
// is logged and answered with InternalFailure and status 500, without its text.
func ReplyError(w http.ResponseWriter, r *Request, err error) {
	var e *Error
	if !errors.As(err, &e) {
		if r.log != nil {
			r.log.Error("aws_call_failed", "service", r.Service, "action", r.Action,
				"request_id", r.RequestID, "error", err)
		}
		e = Errorf(http.StatusInternalServerError, "InternalFailure",
			"The request processing has failed because of an unknown error, exception or failure.")
	}
	body := make(map[string]any, len(e.Extra)+2)
	for k, v := range e.Extra {
		body[k] = v
	}
	body["message"] = e.Message
	if contentType(r) == "application/json" {
		w.Header().Set("X-Amzn-ErrorType", e.Code)
	} else {
		body["__type"] = errorNamespace(r.Service, e.Code) + e.Code
	}
	writeJSON(w, r, e.status(), body)
}

// errorNamespace is the Smithy namespace, with its hash sign, that the service
// writes before the codes of its errors. Clients strip it.
func errorNamespace(service, code string) string {
	if strings.Contains(code, "#") {
		return ""
	}
	switch service {
	case "dynamodb":
		switch code {
		case "ThrottlingException", "ValidationException", "SerializationException", "UnrecognizedClientException",
			"InvalidSignatureException", "MissingAuthenticationTokenException", "IncompleteSignatureException",
			"UnknownOperationException", "AccessDeniedException", "InternalFailure":
			return "com.amazon.coral.service#"
		}
		return "com.amazonaws.dynamodb.v20120810#"
	case "sqs":
		return "com.amazonaws.sqs#"
	}
	return ""
}

// contentType is the content type of the answer.
func contentType(r *Request) string {
	if r.HTTP == nil {
		return json10
	}
	switch ct := r.HTTP.Header.Get("Content-Type"); {
	case strings.HasPrefix(ct, json10):
		return json10
	case strings.HasPrefix(ct, json11):
		return json11
	}
	return "application/json"
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBuffer is the size in bytes above which an answer's buffer is left
// to the garbage collector.
const maxPooledBuffer = 1 << 20

func writeJSON(w http.ResponseWriter, r *Request, status int, v any) {
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{r.RequestID}
	var body []byte
	switch v := v.(type) {
	case nil:
		body = []byte("{}")
	case json.RawMessage:
		body = v
	default:
		buf := buffers.Get().(*bytes.Buffer)
		buf.Reset()
		defer func() {
			if buf.Cap() <= maxPooledBuffer {
				buffers.Put(buf)
			}
		}()
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			if r.log != nil {
				r.log.Error("aws_answer_not_encoded", "service", r.Service, "action", r.Action,
					"request_id", r.RequestID, "error", err)
			}
			status = http.StatusInternalServerError
			buf.Reset()
			buf.WriteString(`{"__type":"InternalFailure","message":"the answer could not be encoded"}`)
			h.Set("X-Amzn-ErrorType", "InternalFailure")
		}
		body = bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
	}
	h["Content-Type"] = []string{contentType(r)}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil && r.log != nil {
		// The caller is gone; what it asked for has happened all the same.
		r.log.LogAttrs(r.HTTP.Context(), slog.LevelDebug, "aws_answer_not_sent",
			slog.String("request_id", r.RequestID), slog.Any("error", err))
	}
}
