package ingestion

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// Webhooks is ingest-webhooks: POST /v1/tenants/{tenant}/webhooks/shopify.
//
// A webhook is believed by its signature alone. It answers 200, to a replay as well; 401 if
// the signature is missing or wrong or the tenant has no secret; 400 if the body or the topic
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
	if !rest.ValidTenant(request.Tenant()) || !strings.HasSuffix(request.Path, "/webhooks/shopify") {
		return refused(refuseRequest(http.StatusNotFound, correlation, "not_found", "no such webhook", nil))
	}
	body, err := request.Payload(api.MaxBatchBytes)
	if err != nil {
		return refused(refusePayload(correlation, err))
	}
	if request.Headers.ShopifySignature == "" {
		return refused(refuseRequest(http.StatusUnauthorized, correlation, "signature_missing", "X-Shopify-Hmac-Sha256 is missing", nil))
	}
	shop, signed, err := h.shops.signed(ctx, now, request.Tenant(), body, request.Headers.ShopifySignature)
	if err != nil {
		return refused(refuseRequest(http.StatusServiceUnavailable, correlation, "secret_unavailable",
			"the signature could not be checked; send the webhook again", err, rest.RetryAfter(1)))
	}
	if !signed {
		return refused(refuseRequest(http.StatusUnauthorized, correlation, "signature_wrong", "the signature is not of this body", nil))
	}
	if !knownShopifyTopic(request.Headers.ShopifyTopic) {
		return refused(refuseRequest(http.StatusBadRequest, correlation, "topic_unsupported",
			"topic "+clip(request.Headers.ShopifyTopic)+", want one of "+strings.Join(ShopifyTopics[:], ", "), nil))
	}
	webhook := shopifyWebhook{tenant: request.Tenant(), headers: &request.Headers, shop: shop}
	if err := webhook.body.decode(body); err != nil {
		return refused(refuseRequest(http.StatusBadRequest, correlation, "body_malformed", clip(err.Error()), nil))
	}
	w.records.reset(webhook.tenant, correlation, h.options.Version, now)
	made, r := webhook.event(h.options.window(now), &w.event)
	if r != nil {
		return refused(refuseRequest(http.StatusBadRequest, correlation, r.code, r.detail, nil))
	}
	if made {
		events = 1
		w.records.add(&w.event)
	}
	if err := h.options.Delivery.deliver(ctx, &w.records); err != nil {
		return refused(refuseRequest(http.StatusServiceUnavailable, correlation, "not_delivered",
			"the webhook could not be made durable; send it again", err, rest.RetryAfter(1)))
	}
	w.body = appendAccepted(w.body[:0], events, correlation)
	return http.StatusOK, rest.Answer(http.StatusOK, correlation, w.body), events, nil
}
