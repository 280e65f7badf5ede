package apigateway

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"unsafe"

	"github.com/bytedance/sonic"
)

// proxyAnswer is what a function returns.
type proxyAnswer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	Base64            bool                `json:"isBase64Encoded"`
}

var decoding = sonic.Config{}.Froze()

var errMalformed = errors.New("malformed Lambda proxy response")

// writeAnswer gives a function's answer to the client. One that is malformed is a 502, as on AWS.
func writeAnswer(w http.ResponseWriter, payload []byte) (status int, f *fault) {
	malformed := &fault{status: http.StatusBadGateway, kind: "InternalServerErrorException", message: "Internal server error", cause: errMalformed}
	var answer proxyAnswer
	if err := decoding.UnmarshalFromString(unsafe.String(unsafe.SliceData(payload), len(payload)), &answer); err != nil {
		return 0, malformed
	}
	if answer.StatusCode < 200 || answer.StatusCode > 599 {
		return 0, malformed
	}
	body := answer.Body
	if answer.Base64 {
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return 0, malformed
		}
		body = string(raw)
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	for name, value := range answer.Headers {
		h[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
	}
	for name, values := range answer.MultiValueHeaders {
		h[textproto.CanonicalMIMEHeaderKey(name)] = values
	}
	delete(h, "Transfer-Encoding") // the body is whole
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.WriteString(w, body)
	return answer.StatusCode, nil
}
