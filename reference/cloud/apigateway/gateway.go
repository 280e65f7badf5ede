package apigateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// Invoker runs Lambda functions. functionError is "" unless the function failed; then payload
// is the error. executedVersion is the version that a weighted alias came to, "" where none
// was executed. err is a *[wire.Error] where Lambda refused.
type Invoker interface {
	Invoke(ctx context.Context, functionARN string, payload []byte) (answer []byte, functionError, executedVersion string, err error)
}

// fault is an answer of the gateway itself.
type fault struct {
	status     int
	kind       string // X-Amzn-ErrorType
	message    string
	retryAfter int // seconds; 0: not said
	cause      error
}

// Faults with AWS's texts
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html).
var (
	faultNoRoute      = &fault{status: http.StatusForbidden, kind: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
	faultUnauthorized = &fault{status: http.StatusUnauthorized, kind: "UnauthorizedException", message: "Unauthorized"}
	faultForeign      = &fault{status: http.StatusForbidden, kind: "AccessDeniedException", message: "User is not authorized to access this resource"}
	faultTooLarge     = &fault{status: http.StatusRequestEntityTooLarge, kind: "RequestTooLargeException", message: "Request Too Long"}
	faultMediaType    = &fault{status: http.StatusUnsupportedMediaType, kind: "BadRequestException", message: "Unsupported Media Type"}
	faultNoBody       = &fault{status: http.StatusBadRequest, kind: "BadRequestException", message: "the request body ended early"}
	faultClosed       = &fault{status: http.StatusServiceUnavailable, kind: "ServiceUnavailableException", message: "Service Unavailable", retryAfter: 1}
)

// ServeHTTP is the data plane.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchange{s: s, w: w, r: r, began: s.now(), id: s.ids.next(), counters: unrouted(s)}
	w.Header()["X-Amzn-Requestid"] = []string{x.id}
	if !s.begin() {
		x.refuse(faultClosed)
		return
	}
	defer s.end()
	if f := x.serve(); f != nil {
		x.refuse(f)
	}
}

func unrouted(s *Service) *operationCounters {
	counters, _ := s.operations.Load("")
	return counters.(*operationCounters)
}

// exchange is one request on its way through the data plane.
type exchange struct {
	s        *Service
	w        http.ResponseWriter
	r        *http.Request
	began    time.Time
	id       string
	counters *operationCounters
	route    *route
	params   params
	identity identity
}

// serve answers, or says what to answer. Checks go from cheap to dear: route, account throttle,
// credentials, tenant, usage plan, envelope.
func (x *exchange) serve() *fault {
	world := x.s.serving.Load()
	api := world.named(x.r.Host)
	if api == nil {
		return faultNoRoute
	}
	var ok bool
	if x.route, x.params, ok = api.router.match(x.r.Method, x.r.URL.EscapedPath()); !ok {
		return faultNoRoute
	}
	x.counters = x.route.counters
	if f := x.s.throttleAccount(x.began); f != nil {
		return f
	}
	if x.identity, ok = x.s.identify(x.began, x.route, x.r, world.keys); !ok {
		return faultUnauthorized
	}
	if tenant, has := x.params.get("tenant"); has && !x.mayActFor(tenant) {
		return faultForeign
	}
	if key := x.identity.key; key != nil {
		if f := x.s.throttleKey(x.began, key, world.meters[key.ID], api, x.route); f != nil {
			return f
		}
	}
	if !x.takesContentType() {
		return faultMediaType
	}
	body := buffers.Get().(*[]byte)
	defer release(body)
	if f := x.readBody(body); f != nil {
		return f
	}
	return x.invoke(api, *body)
}

// mayActFor says whether the caller may act for the tenant: by its credentials, or because the
// operation needs none and none were given.
func (x *exchange) mayActFor(tenant string) bool {
	if x.identity.tenant == "" {
		return x.route.open
	}
	return x.identity.tenant == "*" || x.identity.tenant == tenant
}

// named is the API that the host names, as <id>.execute-api.…, else the first.
func (w *serving) named(host string) *deployedAPI {
	if id, rest, ok := strings.Cut(host, "."); ok && strings.HasPrefix(rest, "execute-api.") {
		return w.apis[id]
	}
	return w.first
}

// takesContentType checks the type of a body, where the document names any. As on AWS a body
// without a type is application/json.
func (x *exchange) takesContentType() bool {
	if x.route.contentTypes == nil {
		return true
	}
	media := "application/json"
	if values := x.r.Header["Content-Type"]; len(values) > 0 {
		media, _, _ = strings.Cut(values[0], ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	return slices.Contains(x.route.contentTypes, media)
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled is the size in bytes above which a buffer is left to the garbage collector.
const maxPooled = 1 << 20

func release(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}

func (x *exchange) readBody(into *[]byte) *fault {
	limit := x.s.limits.PayloadBytes
	if limit == 0 {
		limit = math.MaxInt64 - 1
	}
	size := x.r.ContentLength
	switch {
	case size > limit:
		return faultTooLarge
	case size >= 0:
		*into = slices.Grow((*into)[:0], int(size))[:size]
		if _, err := io.ReadFull(x.r.Body, *into); err != nil {
			return faultNoBody
		}
		return nil
	}
	read, err := io.ReadAll(io.LimitReader(x.r.Body, limit+1))
	*into = append((*into)[:0], read...)
	switch {
	case err != nil:
		return faultNoBody
	case int64(len(*into)) > limit:
		return faultTooLarge
	}
	return nil
}

// invoke hands the request to the function and its answer to the client. A client that leaves
// does not end the invocation.
func (x *exchange) invoke(api *deployedAPI, body []byte) *fault {
	request := proxied{route: x.route, params: x.params, request: x.r, id: x.id, identity: x.identity, api: api.id, stage: api.stage, body: body, now: x.began}
	payload := buffers.Get().(*[]byte)
	*payload = request.append((*payload)[:0])
	ctx := context.WithoutCancel(x.r.Context())
	if timeout := x.timeout(); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	answer, functionError, version, err := x.s.invoker.Invoke(ctx, x.route.function, *payload)
	if err == nil {
		release(payload) // else whoever was given it may still be reading
	}
	x.w.Header()["X-Stampede-Version"] = []string{x.route.name + ":" + version}
	status, f := 0, faultOf(ctx, functionError, answer, err)
	if f == nil {
		status, f = writeAnswer(x.w, answer)
	}
	if f != nil {
		status = f.status
	}
	ended := x.s.now()
	x.s.versions.of(versionKey{x.route.name, version}).record(status, ended, ended.Sub(x.began), x.s.slow)
	if f == nil {
		x.counters.count(status)
		if status >= 500 {
			x.log(status, nil)
		}
	}
	return f
}

func (x *exchange) timeout() time.Duration {
	timeout := x.s.limits.IntegrationTimeout
	if x.route.timeout > 0 && (timeout == 0 || x.route.timeout < timeout) {
		timeout = x.route.timeout
	}
	return timeout
}

// faultOf is what the client is told when a function could not be run or failed.
func faultOf(ctx context.Context, functionError string, answer []byte, err error) *fault {
	var refused *wire.Error
	switch {
	case err == nil && functionError == "":
		return nil
	case err == nil:
		return &fault{status: http.StatusBadGateway, kind: "InternalServerErrorException", message: "Internal server error",
			cause: errors.New(functionError + ": " + string(answer[:min(len(answer), 512)]))}
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		return &fault{status: http.StatusGatewayTimeout, kind: "InternalServerErrorException", message: "Endpoint request timed out", cause: err}
	case errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		return &fault{status: http.StatusTooManyRequests, kind: "TooManyRequestsException", message: "Too Many Requests", retryAfter: 1, cause: err}
	case errors.As(err, &refused) && refused.Status == http.StatusRequestEntityTooLarge:
		return faultTooLarge
	}
	return &fault{status: http.StatusServiceUnavailable, kind: "ServiceUnavailableException", message: "Service Unavailable", retryAfter: 1, cause: err}
}

// refuse answers with a fault.
func (x *exchange) refuse(f *fault) {
	h := x.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["X-Amzn-Errortype"] = []string{f.kind}
	if f.retryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(f.retryAfter)}
	}
	body := append(appendString([]byte(`{"message":`), f.message), '}')
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(f.status)
	_, _ = x.w.Write(body)
	x.counters.count(f.status)
	if f.status >= 500 {
		x.log(f.status, f.cause)
	}
}

func (x *exchange) log(status int, cause error) {
	attributes := []slog.Attr{slog.Int("status", status), slog.String("request_id", x.id),
		slog.String("correlation_id", x.r.Header.Get("X-Correlation-Id")), slog.Any("error", cause)}
	if x.route != nil {
		tenant, _ := x.params.get("tenant")
		attributes = append(attributes, slog.String("operation", x.route.operation), slog.String("tenant", tenant))
	}
	x.s.log.LogAttrs(x.r.Context(), slog.LevelWarn, "gateway_request_failed", attributes...)
}
