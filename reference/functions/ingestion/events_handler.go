package ingestion

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// Events is ingest-events: POST /v1/tenants/{tenant}/events.
//
// It answers 202 if all events are durable, 207 with a result for every index if some were
// refused and the others are durable, 400 if no event is valid or the body is no batch, 403
// for another tenant's credentials, 413 and 415 by size and content type, and 503 with
// Retry-After if a stream did not take its part. It is safe for concurrent use.
type Events struct {
	options Options
	work    sync.Pool // of *workspace
}

// workspace is the memory of one request, used again by the next.
type workspace struct {
	in      incoming
	event   event
	records records
	results []api.EventResult // of every index
	body    []byte
}

// NewEvents makes the handler.
func NewEvents(o Options) (*Events, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Events{options: o, work: sync.Pool{New: func() any { return new(workspace) }}}, nil
}

// Invoke takes and gives the payloads of the Lambda proxy integration; it has an error only
// for a payload that is none.
func (h *Events) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := h.options.Now()
	request, err := rest.Parse(payload)
	if err != nil {
		return nil, err
	}
	w := h.work.Get().(*workspace)
	defer h.work.Put(w)
	correlation := request.Correlation()
	status, answer, cause := h.handle(ctx, request, w, correlation, began)
	h.options.note(ctx, "ingest_events", request, status, correlation, len(w.results), h.options.Now().Sub(began), cause)
	return answer, nil
}

func (h *Events) handle(ctx context.Context, request *rest.Request, w *workspace, correlation string, now time.Time) (int, []byte, error) {
	w.results = w.results[:0]
	if !rest.ValidTenant(request.Tenant()) {
		return refuseRequest(http.StatusNotFound, correlation, "not_found", "no such tenant", nil)
	}
	if request.Foreign() {
		return refuseRequest(http.StatusForbidden, correlation, "foreign_tenant", "the credentials belong to another tenant", nil)
	}
	if media, _, _ := strings.Cut(request.Headers.ContentType, ";"); !strings.EqualFold(strings.TrimSpace(media), api.BatchContentType) {
		return refuseRequest(http.StatusUnsupportedMediaType, correlation, "content_type_unsupported",
			"content type "+clip(request.Headers.ContentType)+", want "+api.BatchContentType, nil)
	}
	body, err := request.Payload(api.MaxBatchBytes)
	if err != nil {
		return refusePayload(correlation, err)
	}
	accepted, err := h.take(request.Tenant(), correlation, body, w, now)
	switch {
	case errors.Is(err, errTooMany):
		return refuseRequest(http.StatusRequestEntityTooLarge, correlation, "batch_too_large", err.Error(), err)
	case err != nil:
		return refuseRequest(http.StatusBadRequest, correlation, "body_malformed", err.Error(), err)
	case len(w.results) == 0:
		return refuseRequest(http.StatusBadRequest, correlation, "batch_empty", "the batch has no events", nil)
	case accepted == 0:
		return http.StatusBadRequest, answerBatch(http.StatusBadRequest, correlation, 0, w.results), nil
	}
	if err := h.options.Delivery.deliver(ctx, &w.records); err != nil {
		return refuseRequest(http.StatusServiceUnavailable, correlation, "not_delivered",
			"the events could not be made durable; send the whole request again", err, rest.RetryAfter(1))
	}
	if accepted < len(w.results) {
		return http.StatusMultiStatus, answerBatch(http.StatusMultiStatus, correlation, accepted, w.results), nil
	}
	w.body = appendAccepted(w.body[:0], accepted, correlation)
	return http.StatusAccepted, rest.Answer(http.StatusAccepted, correlation, w.body), nil
}

// note writes one line for a request that failed on our side or was slow, and for every
// request at debug level.
func (o *Options) note(ctx context.Context, message string, request *rest.Request, status int, correlation string, events int, took time.Duration, cause error) {
	level := slog.LevelDebug
	switch {
	case status >= 500:
		level = slog.LevelError
	case took > o.Slow:
		level = slog.LevelWarn
	}
	if !o.Log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{slog.String("correlation_id", correlation), slog.String("tenant", request.Tenant()),
		slog.Int("status", status), slog.Int("events", events), slog.Duration("took", took), slog.String("version", o.Version)}
	if cause != nil {
		attributes = append(attributes, slog.String("error", cause.Error()))
	}
	o.Log.LogAttrs(ctx, level, message, attributes...)
}
