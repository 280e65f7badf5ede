package wire

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Mux serves all AWS services on one address. The service name in the
// credential scope of a request's signature chooses the service.
//
// Handle, HandleRaw and Fallback are to be called before the first request;
// after that a Mux may be used by any number of goroutines.
type Mux struct {
	verifier verifier
	now      func() time.Time
	log      *slog.Logger
	services map[string]service
	fallback http.Handler
	bodyTime time.Duration // in which a body must have arrived
}

// service is how requests of one service are treated: handler or raw is set.
type service struct {
	maxBody int64
	handler Handler
	raw     http.Handler
}

var _ http.Handler = (*Mux)(nil)

// NewMux returns a Mux without services that accepts signatures by creds. A nil
// now stands for time.Now, a nil log for silence.
func NewMux(creds Credentials, now func() time.Time, log *slog.Logger) *Mux {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Mux{verifier: verifier{secrets: creds}, now: now, log: log, services: make(map[string]service), bodyTime: bodyTime}
}

// Handle gives the requests of a service to h, after the body (of at most
// maxBody bytes) was read and the signature verified.
func (m *Mux) Handle(name string, maxBody int64, h Handler) {
	m.services[name] = service{maxBody: maxBody, handler: h}
}

// HandleRaw gives the requests of a service to h unread and unverified.
func (m *Mux) HandleRaw(name string, h http.Handler) {
	m.services[name] = service{raw: h}
}

// Fallback gives requests without Signature Version 4 to h. Without a fallback
// they are refused, as are unsigned requests that name a JSON target.
func (m *Mux) Fallback(h http.Handler) { m.fallback = h }

// ServeHTTP routes, verifies and answers one request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, signed, fault := parseAuthorization(r)
	if !signed && m.fallback != nil && r.Header["X-Amz-Target"] == nil {
		m.fallback.ServeHTTP(w, r)
		return
	}
	s, known := m.services[a.service]
	if known && s.raw != nil && fault == nil {
		s.raw.ServeHTTP(w, r)
		return
	}
	req := &Request{
		Service: a.service, RequestID: uuid.NewString(), AccessKey: a.accessKey,
		HTTP: r, Now: m.now(), log: m.log,
	}
	target := r.Header.Get("X-Amz-Target")
	req.Action = target[strings.LastIndexByte(target, '.')+1:]
	switch {
	case !signed:
		fault = Errorf(http.StatusBadRequest, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
	case fault == nil && !known:
		fault = Errorf(http.StatusBadRequest, "InvalidSignatureException",
			"Credential should be scoped to correct service; %q is not served here.", a.service)
	case fault == nil:
		if req.Body, fault = readBody(w, r, s.maxBody, m.bodyTime); fault == nil {
			fault = m.verifier.verify(r, &a, req.Body, req.Now)
		}
	}
	if fault != nil {
		refuse(w, req, fault)
		return
	}
	s.handler.ServeAWS(w, req)
}

// refuse answers a request that did not pass. REST services say 403 to what
// JSON services answer with 400.
func refuse(w http.ResponseWriter, r *Request, fault *Error) {
	if fault.Status == http.StatusBadRequest && contentType(r) == "application/json" {
		fault.Status = http.StatusForbidden
	}
	ReplyError(w, r, fault)
}
