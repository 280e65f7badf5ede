package wire

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
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
	targets  []target
	fallback http.Handler
	bodyTime time.Duration // in which a body must have arrived
}

// target is a beginning of X-Amz-Target with the service that it names.
type target struct{ begin, service string }

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

// Target says that a request whose X-Amz-Target begins so is a service's even if
// its signature does not say so, or is missing. The first that fits counts.
func (m *Mux) Target(service, begin string) {
	m.targets = append(m.targets, target{begin, service})
}

// Fallback gives requests without Signature Version 4 to h. Without a fallback
// they are refused, as are unsigned requests that name a JSON target.
func (m *Mux) Fallback(h http.Handler) { m.fallback = h }

// Unsigned answers requests without a signature as the service that was given to
// Handle under this name refuses them.
func (m *Mux) Unsigned(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.serve(w, r, authorization{scope: scope{service: name}}, unsigned())
	})
}

func unsigned() *Error {
	return Errorf(http.StatusBadRequest, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
}

// ServeHTTP routes, verifies and answers one request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, signed, fault := parseAuthorization(r)
	if !signed {
		if m.fallback != nil && r.Header["X-Amz-Target"] == nil {
			m.fallback.ServeHTTP(w, r)
			return
		}
		fault = unsigned()
	}
	if a.service == "" {
		a.service = m.serviceOfTarget(r.Header.Get("X-Amz-Target"))
	}
	m.serve(w, r, a, fault)
}

// serviceOfTarget is the service that an X-Amz-Target names, or "".
func (m *Mux) serviceOfTarget(named string) string {
	for _, t := range m.targets {
		if strings.HasPrefix(named, t.begin) {
			return t.service
		}
	}
	return ""
}

// serve answers a request to the service of a, which fault refuses unless it is nil.
func (m *Mux) serve(w http.ResponseWriter, r *http.Request, a authorization, fault *Error) {
	s, known := m.services[a.service]
	if s.raw != nil {
		s.raw.ServeHTTP(w, r)
		return
	}
	req := &Request{
		Service: a.service, RequestID: newRequestID(a.service), AccessKey: a.accessKey,
		HTTP: r, Now: m.now(), log: m.log,
	}
	target := r.Header.Get("X-Amz-Target")
	req.Action = target[strings.LastIndexByte(target, '.')+1:]
	refuser, refuses := s.handler.(Refuser)
	if fault == nil && !known {
		fault = Errorf(http.StatusBadRequest, "InvalidSignatureException",
			"Credential should be scoped to correct service; %q is not served here.", a.service)
	}
	if fault == nil || refuses {
		body, unread := readBody(w, r, s.maxBody, m.bodyTime)
		if req.Body = body; unread != nil {
			fault = unread
		}
	}
	if fault == nil {
		fault = m.verifier.verify(r, &a, req.Body, req.Now)
	}
	switch {
	case fault == nil:
		s.handler.ServeAWS(w, req)
	case refuses:
		refuser.RefuseAWS(w, req, fault)
	default:
		refuse(w, req, fault)
	}
}

// refuse answers a request that did not pass. REST services say 403 to what
// JSON services answer with 400.
func refuse(w http.ResponseWriter, r *Request, fault *Error) {
	if fault.Status == http.StatusBadRequest && contentType(r) == "application/json" {
		fault.Status = http.StatusForbidden
	}
	ReplyError(w, r, fault)
}
