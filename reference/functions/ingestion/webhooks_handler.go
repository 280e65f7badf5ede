package ingestion

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// Webhooks is ingest-webhooks: POST /v1/tenants/{tenant}/webhooks/{platform}, of the platforms
// shopify, woocommerce, magento and custom.
//
// A webhook is believed by its signature alone. It answers 200, to a replay as well, and to a
// webhook that stands for no event; 401 if the signature is missing or wrong or the tenant has
// no secret or another platform; 400 if the body or the topic
// cannot be understood; 413; and 503 with Retry-After if the events could not be made durable
// or the secret could not be read. It is safe for concurrent use.
type Webhooks struct {
	options Options
	shops   shopCache
	work    sync.Pool // of *webhookWorkspace
}

type webhookWorkspace struct {
	event   event
	records records
	body    []byte
}

// NewWebhooks makes the handler; shops are asked for each tenant every few minutes.
func NewWebhooks(o Options, shops Shops) (*Webhooks, error) {
	o.EnsureDefaults()
	err := o.Validate()
	if shops == nil {
		err = errors.Join(err, errors.New("ingestion of webhooks needs shops"))
	}
	if err != nil {
		return nil, err
	}
	h := &Webhooks{options: o, work: sync.Pool{New: func() any { return new(webhookWorkspace) }}}
	h.shops.source = shops
	return h, nil
}

// Invoke takes and gives the payloads of the Lambda proxy integration; it has an error only
// for a payload that is none.
func (h *Webhooks) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := h.options.Now()
	request, err := rest.Parse(payload)
	if err != nil {
		return nil, err
	}
	w := h.work.Get().(*webhookWorkspace)
	defer h.work.Put(w)
	correlation := request.Correlation()
	status, answer, events, cause := h.handle(ctx, request, w, correlation, began)
	h.options.note(ctx, "ingest_webhooks", request, status, correlation, events, h.options.Now().Sub(began), cause)
	return answer, nil
}

func (h *Webhooks) handle(ctx context.Context, request *rest.Request, w *webhookWorkspace, correlation string, now time.Time) (status int, answer []byte, events int, cause error) {
	refused := func(status int, answer []byte, cause error) (int, []byte, int, error) {
		return status, answer, 0, cause
	}
	p := platformOf(request.Path)
	if !rest.ValidTenant(request.Tenant()) || p == nil {
		return refused(refuseRequest(http.StatusNotFound, correlation, "not_found", "no such webhook", nil))
	}
	body, err := request.Payload(api.MaxBatchBytes)
	if err != nil {
		return refused(refusePayload(correlation, err))
	}
	signature := p.signature(&request.Headers)
	if signature == "" && p.ping != nil && p.ping(body) {
		return h.accept(w, 0, correlation)
	}
	if signature == "" {
		return refused(refuseRequest(http.StatusUnauthorized, correlation, "signature_missing", p.header+" is missing", nil))
	}
	shop, signed, err := h.shops.signed(ctx, now, request.Tenant(), p, body, signature)
	if err != nil {
		return refused(refuseRequest(http.StatusServiceUnavailable, correlation, "secret_unavailable",
			"the signature could not be checked; send the webhook again", err, rest.RetryAfter(1)))
	}
	if !signed {
		return refused(refuseRequest(http.StatusUnauthorized, correlation, "signature_wrong", "the signature is not of this body", nil))
	}
	webhook := webhook{tenant: request.Tenant(), headers: &request.Headers, shop: shop, body: body, received: now, allowed: h.options.window(now)}
	made, r := p.event(&webhook, &w.event)
	if r != nil {
		return refused(refuseRequest(http.StatusBadRequest, correlation, r.code, r.detail, nil))
	}
	if !made {
		return h.accept(w, 0, correlation)
	}
	w.records.reset(webhook.tenant, correlation, h.options.Version, now)
	w.records.add(&w.event)
	if err := h.options.Delivery.deliver(ctx, &w.records); err != nil {
		return refused(refuseRequest(http.StatusServiceUnavailable, correlation, "not_delivered",
			"the webhook could not be made durable; send it again", err, rest.RetryAfter(1)))
	}
	return h.accept(w, 1, correlation)
}

func (h *Webhooks) accept(w *webhookWorkspace, accepted int, correlation string) (status int, answer []byte, events int, cause error) {
	w.body = appendAccepted(w.body[:0], accepted, correlation)
	return http.StatusOK, rest.Answer(http.StatusOK, correlation, w.body), accepted, nil
}
