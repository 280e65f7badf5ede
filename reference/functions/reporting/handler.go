package reporting

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/retailflow/stampede/reference/functions/rest"
)

// Analytics is query-analytics. It answers 200, 400 for a period that cannot be, 403 for
// another tenant's credentials, 404 and, if the tables do not answer, 503 with Retry-After.
// It is safe for concurrent use.
type Analytics struct {
	o        Options
	settings settings
	reader   *reader
}

// NewAnalytics makes the handler.
func NewAnalytics(o Options) (*Analytics, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	a := &Analytics{o: o}
	var err error
	a.settings.o = &a.o
	a.reader, err = newReader(&a.o)
	return a, err
}

// Invoke takes and gives the payloads of the Lambda proxy integration; it has an error only
// for a payload that is none.
func (a *Analytics) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := a.o.Now()
	request, err := rest.Parse(payload)
	if err != nil {
		return nil, err
	}
	correlation := request.Correlation()
	status, answer, cause := a.answer(ctx, request, correlation)
	a.note(ctx, request, status, correlation, a.o.Now().Sub(began), cause)
	return answer, nil
}

func (a *Analytics) answer(ctx context.Context, r *rest.Request, correlation string) (status int, answer []byte, cause error) {
	refuse := func(status int, code string, err error, extra ...rest.Header) (int, []byte, error) {
		return status, rest.Refuse(status, correlation, code, err.Error(), extra...), err
	}
	if !rest.ValidTenant(r.Tenant()) {
		return refuse(http.StatusNotFound, "not_found", errNoTenant)
	}
	if r.Foreign() {
		return refuse(http.StatusForbidden, "foreign_tenant", errors.New("the credentials belong to another tenant"))
	}
	question, ok := map[string]func(context.Context, *rest.Request) (any, error){
		"/v1/tenants/{tenant}/analytics/summary":        a.summary,
		"/v1/tenants/{tenant}/analytics/series":         a.series,
		"/v1/tenants/{tenant}/analytics/top-products":   a.topProducts,
		"/v1/tenants/{tenant}/analytics/orders/{order}": a.order,
		"/v1/tenants/{tenant}/inventory/{sku}":          a.stock,
	}[r.Resource]
	if !ok {
		return refuse(http.StatusNotFound, "not_found", errors.New("no such resource"))
	}
	value, err := question(ctx, r)
	switch {
	case errors.Is(err, errPeriod):
		return refuse(http.StatusBadRequest, "parameter_invalid", err)
	case errors.Is(err, errNoTenant), errors.Is(err, errNotFound):
		return refuse(http.StatusNotFound, "not_found", err)
	case err != nil:
		status, answer, _ := refuse(http.StatusServiceUnavailable, "unavailable", errors.New("the figures cannot be read now; ask again"), rest.RetryAfter(1))
		return status, answer, err
	}
	return http.StatusOK, rest.AnswerValue(http.StatusOK, correlation, value), nil
}

// note writes one line for a request that failed on our side or was slow, and for every
// request at debug level.
func (a *Analytics) note(ctx context.Context, r *rest.Request, status int, correlation string, took time.Duration, cause error) {
	level := slog.LevelDebug
	switch {
	case status >= 500:
		level = slog.LevelError
	case took > a.o.Slow:
		level = slog.LevelWarn
	}
	if !a.o.Log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{slog.String("correlation_id", correlation), slog.String("tenant", r.Tenant()), slog.String("path", r.Path),
		slog.Int("status", status), slog.Duration("took", took), slog.String("version", a.o.Version)}
	if cause != nil {
		attributes = append(attributes, slog.String("error", cause.Error()))
	}
	a.o.Log.LogAttrs(ctx, level, "query_analytics", attributes...)
}
