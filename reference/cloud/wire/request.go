package wire

import (
	"log/slog"
	"net/http"
	"time"
)

// Request is one verified call of an AWS API.
type Request struct {
	// Service is the service name of the credential scope, such as "dynamodb".
	Service string
	// Action is the operation of a JSON protocol, the part of X-Amz-Target
	// behind its last dot; "" for REST protocols.
	Action string
	// RequestID is what the answer's x-amzn-RequestId carries.
	RequestID string
	// AccessKey is the access key id that signed the request.
	AccessKey string
	// Body is the whole request body. It belongs to the handler and is never
	// used again by this package.
	Body []byte
	// HTTP is the request as received; its Body has been read to the end.
	HTTP *http.Request
	// Now is when the request arrived, by the mux's clock.
	Now time.Time

	log *slog.Logger
}

// Handler answers the verified requests of one service.
type Handler interface {
	ServeAWS(w http.ResponseWriter, r *Request)
}

// Refuser is a Handler that words itself what is said to a request which did not
// pass, because of fault. Such a request is not verified: whoever sent it may see
// nothing that a stranger may not. Its Body has been read unless that is the fault.
type Refuser interface {
	RefuseAWS(w http.ResponseWriter, r *Request, fault *Error)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(w http.ResponseWriter, r *Request)

// ServeAWS calls f.
func (f HandlerFunc) ServeAWS(w http.ResponseWriter, r *Request) { f(w, r) }

var _ Handler = HandlerFunc(nil)
