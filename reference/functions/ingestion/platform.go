package ingestion

import (
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// Codes of a refused webhook beside [Codes].
const (
	codeTopic = "topic_unsupported"
	codeBody  = "body_malformed"
)

// platform is one kind of shop software: how it signs its webhooks and what they mean.
type platform struct {
	name      string // the last part of the path, and what the tenant's item says
	header    string // that carries the signature
	signature func(*rest.Headers) string
	signed    func(secret, body, signature string) bool
	// ping recognises the unsigned request that tries out an address; nil if there is none.
	ping func(body string) bool
	// event makes the one event of a webhook; made is false if it stands for none.
	event func(w *webhook, out *event) (made bool, r *refusal)
}

// platforms lists them all. What their webhooks become is said at [api.WebhookID].
var platforms = [...]platform{
	{
		name: api.Shopify, header: "X-Shopify-Hmac-Sha256", signed: signedWithSecret, event: shopifyEvent,
		signature: func(h *rest.Headers) string { return h.ShopifySignature },
	},
	{
		name: api.WooCommerce, header: "X-WC-Webhook-Signature", signed: signedWithSecret, event: wooEvent, ping: wooPing,
		signature: func(h *rest.Headers) string { return h.WooSignature },
	},
	{
		name: api.Magento, header: "x-adobe-commerce-webhook-signature", signed: signedWithKeyPair, event: magentoEvent,
		signature: func(h *rest.Headers) string { return h.AdobeSignature },
	},
	{
		name: api.Custom, header: "X-Webhook-Signature", signed: signedWithSecret, event: customEvent,
		signature: func(h *rest.Headers) string { return h.CustomSignature },
	},
}

// platformOf is the platform that a path ends with, nil for another path.
func platformOf(path string) *platform {
	before, name, _ := strings.Cut(path, "/webhooks/")
	for i := range platforms {
		if before != "" && platforms[i].name == name {
			return &platforms[i]
		}
	}
	return nil
}

// webhook is a verified request.
type webhook struct {
	tenant   string
	headers  *rest.Headers
	shop     Shop
	body     string
	received time.Time
	allowed  window
}

// happening is what a webhook says, before it is an event.
type happening struct {
	kind       api.EventType // 0: the webhook stands for no event
	at         time.Time
	occurrence string
	data       incomingData
}

// event puts a happening into out.
func (h *happening) event(platform string, allowed window, out *event) (made bool, r *refusal) {
	if h.kind == 0 {
		return false, nil
	}
	id := api.WebhookID(platform, h.occurrence, h.at)
	if r := allowed.check(id); r != nil {
		return false, r
	}
	out.reset(id, h.kind, h.at.UnixMilli())
	if r := h.data.fill(h.kind, out); r != nil {
		return false, r
	}
	return true, nil
}

// state makes a happening of a resource that is seen again and again in the state it once came
// to: its occurrence is that state's, whichever revision told of it. A state that is older than
// any event may be was told of when it was new, and stands for none.
func (w *webhook) state(kind api.EventType, resource scalar, layout, since, revised string, data incomingData) (h happening, r *refusal) {
	at, err := time.Parse(layout, since)
	if err != nil || at.Year() < 1970 {
		return happening{}, refuse(CodeTime, "time %q, want UTC as %q", clip(since), layout)
	}
	if seen, err := time.Parse(layout, revised); err == nil && at.Before(w.allowed.from) && !seen.Before(w.allowed.from) {
		return happening{}, nil
	}
	if resource == "" {
		return happening{}, refuse(CodeID, "the resource has no id")
	}
	return happening{kind: kind, at: at, data: data,
		occurrence: api.Occurrence(w.tenant, kind.Name(), string(resource), since)}, nil
}

// currency is what a body names, else the tenant's.
func (w *webhook) currency(named string) string {
	if named != "" {
		return named
	}
	return w.shop.Currency
}

// amount is a decimal in minor units.
func amount(value scalar, currency string) (int64, *refusal) {
	minor, err := lineTotal(string(value), 1, currency)
	if err != nil {
		return 0, refuse(CodeData, "%v", err)
	}
	return minor, nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
