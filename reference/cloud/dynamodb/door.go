package dynamodb

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

var _ wire.Refuser = (*Service)(nil)

// RefuseAWS answers a request that was not let in. As on AWS what is wrong with its method,
// Content-Type, JSON or target is said before what is wrong with its signature.
func (s *Service) RefuseAWS(w http.ResponseWriter, r *wire.Request, f *wire.Error) {
	if f.Status == http.StatusRequestEntityTooLarge {
		w.WriteHeader(f.Status)
		_ = http.NewResponseController(w).Flush() // AWS's answer has no length
		return
	}
	if s.turnAway(w, r) {
		return
	}
	if operationOf(r) == nil {
		s.answerRefused(w, r, refuse(codeUnknown, ""))
		return
	}
	s.answerRefused(w, r, &fault{status: f.Status, code: f.Code, message: f.Message})
}

// turnAway answers a request that is none to the API, whoever sent it, and says whether it did.
func (s *Service) turnAway(w http.ResponseWriter, r *wire.Request) bool {
	h, asked := w.Header(), r.HTTP
	allowOrigin(h, asked)
	switch {
	case asked.Method == http.MethodOptions && asked.Header.Get("Origin") != "":
		h["X-Amzn-Requestid"] = []string{r.RequestID}
		for request, allow := range map[string]string{
			"Access-Control-Request-Headers": "Access-Control-Allow-Headers",
			"Access-Control-Request-Method":  "Access-Control-Allow-Methods",
		} {
			if v := asked.Header.Get(request); v != "" {
				h.Set(allow, v)
			}
		}
		h.Set("Access-Control-Max-Age", "172800")
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	case asked.Method == http.MethodGet && asked.URL.Path == "/":
		s.answerText(w, r, http.StatusOK, "healthy: dynamodb."+s.region+".amazonaws.com ") // the space is AWS's
	case asked.Method != http.MethodPost, len(r.Body) > 0 && jsonForm(asked) == "":
		s.answerText(w, r, http.StatusNotFound, "<UnknownOperationException/>\n")
	case len(r.Body) > 0 && !json.Valid(r.Body):
		s.answerRefused(w, r, refuse(codeSyntax, ""))
	default:
		return false
	}
	return true
}

// allowOrigin lets pages of any origin see an answer, as AWS does.
func allowOrigin(h http.Header, r *http.Request) {
	if r != nil && r.Header["Origin"] != nil {
		h["Access-Control-Allow-Origin"] = []string{"*"}
		h["Access-Control-Expose-Headers"] = []string{"x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"}
	}
}

// answerRefused sends a fault.
func (s *Service) answerRefused(w http.ResponseWriter, r *wire.Request, f *fault) {
	c := s.replies.Get().(*call)
	defer c.end()
	c.r = r
	c.reply(w, f)
}

// answerText sends a text that is not JSON.
func (s *Service) answerText(w http.ResponseWriter, r *wire.Request, status int, text string) {
	h := w.Header()
	h["X-Amzn-Requestid"] = []string{r.RequestID}
	h["X-Amz-Crc32"] = []string{checksum([]byte(text))}
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	w.WriteHeader(status)
	if _, err := io.WriteString(w, text); err != nil {
		s.log.Debug("dynamodb_answer_not_sent", "error", err)
	}
}

// The kinds of JSON that the API speaks.
const (
	jsonPlain = "application/json"
	jsonAWS   = "application/x-amz-json-1.0"
)

// jsonForm is which kind of JSON a request says it is, or "".
func jsonForm(r *http.Request) string {
	said := r.Header["Content-Type"]
	switch {
	case len(said) == 0:
		return ""
	case said[0] == jsonAWS: // as nearly all say
		return jsonAWS
	}
	kind, _, _ := strings.Cut(said[0], ";")
	switch kind = strings.TrimSpace(kind); kind {
	case jsonAWS, jsonPlain:
		return kind
	}
	return ""
}
