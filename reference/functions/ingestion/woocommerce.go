package ingestion

import (
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/api"
)

// WooCommerceTopics lists the topics that are understood. What becomes of each is said at
// [api.WebhookID]; beyond that:
//   - a store switches a webhook off after five answers in a row that are not 2xx, without a
//     word and without sending anything again, so what stands for no event is answered 200:
//     deleted and restored resources (their bodies are no more than an id), coupons, orders in
//     other states or without lines, the ping that tries out a new webhook;
//   - an order is paid, or fulfilled, once, however often it is edited in that state; one that
//     is edited after it was cancelled or refunded is told of again, since the body has no
//     instant of these but its latest change. A part that is refunded changes no state;
//   - a SKU that is empty becomes "variant:<id>", or "product:<id>" where there is no variation.
var WooCommerceTopics = [...]string{"order.created", "order.updated", "order.deleted", "order.restored",
	"product.created", "product.updated", "product.deleted", "product.restored",
	"customer.created", "customer.updated", "customer.deleted",
	"coupon.created", "coupon.updated", "coupon.deleted", "coupon.restored"}

// wooTime is the form of the fields that end in _gmt.
const wooTime = "2006-01-02T15:04:05"

// wooBody is the union of the resources that the topics carry, as far as they are used.
type wooBody struct {
	ID        scalar `json:"id"`
	Created   string `json:"date_created_gmt"`
	Modified  string `json:"date_modified_gmt"`
	Paid      string `json:"date_paid_gmt"`
	Completed string `json:"date_completed_gmt"`

	// orders
	Status   string    `json:"status"`
	Currency string    `json:"currency"`
	Total    scalar    `json:"total"`
	Customer scalar    `json:"customer_id"`
	Lines    []wooLine `json:"line_items"`
	Refunds  []struct {
		Total scalar `json:"total"`
	} `json:"refunds"`

	// products
	Name       string `json:"name"`
	SKU        string `json:"sku"`
	Price      scalar `json:"price"`
	Categories []struct {
		Name string `json:"name"`
	} `json:"categories"`

	// customers
	Email   string `json:"email"`
	Billing struct {
		Country string `json:"country"`
	} `json:"billing"`
}

type wooLine struct {
	SKU       string `json:"sku"`
	Variation scalar `json:"variation_id"`
	Product   scalar `json:"product_id"`
	Quantity  scalar `json:"quantity"`
	Price     scalar `json:"price"` // of one, after discounts, without taxes
}

// wooPing recognises the request that a store sends, unsigned, when a webhook is saved.
func wooPing(body string) bool {
	id, ok := strings.CutPrefix(body, "webhook_id=")
	return ok && id != "" && strings.Trim(id, "0123456789") == ""
}

func wooEvent(w *webhook, out *event) (made bool, r *refusal) {
	topic := w.headers.WooTopic
	if !slices.Contains(WooCommerceTopics[:], topic) {
		return false, refuse(codeTopic, "topic %s, want one of %s", clip(topic), strings.Join(WooCommerceTopics[:], ", "))
	}
	var body wooBody
	if r := decodeBody(w.body, &body); r != nil {
		return false, r
	}
	h, r := body.read(w, topic)
	if r != nil {
		return false, r
	}
	return h.event(api.WooCommerce, w.allowed, out)
}

func (b *wooBody) read(w *webhook, topic string) (h happening, r *refusal) {
	var kind api.EventType
	var data incomingData
	modified := firstOf(b.Modified, b.Created)
	since := modified
	switch topic {
	case "order.created":
		if len(b.Lines) == 0 {
			return happening{}, nil
		}
		kind, since = api.EventType_ORDER_CREATED, b.Created
		data, r = b.order(w, kind)
	case "order.updated":
		kind, since = b.transition(modified)
		data, r = b.order(w, kind)
	case "product.created", "product.updated":
		kind = api.EventType_PRODUCT_UPDATED
		data, r = b.product(w)
	case "customer.created":
		kind, since, data = api.EventType_CUSTOMER_CREATED, b.Created, b.customer()
	case "customer.updated":
		kind, data = api.EventType_CUSTOMER_UPDATED, b.customer()
	}
	if r != nil || kind == 0 {
		return happening{}, r
	}
	return w.state(kind, b.ID, wooTime, since, modified, data)
}

// transition is the state that an order is in, and since when; 0 if it is none of ours.
func (b *wooBody) transition(modified string) (kind api.EventType, since string) {
	switch b.Status {
	case "processing":
		return api.EventType_ORDER_PAID, firstOf(b.Paid, modified)
	case "completed":
		return api.EventType_ORDER_FULFILLED, firstOf(b.Completed, modified)
	case "cancelled":
		return api.EventType_ORDER_CANCELLED, modified
	case "refunded":
		return api.EventType_ORDER_REFUNDED, modified
	}
	return 0, ""
}

func (b *wooBody) order(w *webhook, kind api.EventType) (data incomingData, r *refusal) {
	data = incomingData{Order: string(b.ID), Currency: w.currency(b.Currency), Customer: string(nonZero(b.Customer))}
	switch kind {
	case api.EventType_ORDER_CREATED:
		for _, l := range b.Lines {
			quantity, err := l.Quantity.whole("quantity")
			if err != nil {
				return data, refuse(CodeData, "%v", err)
			}
			data.Lines = append(data.Lines, api.OrderLineData{SKU: skuOf(l.SKU, nonZero(l.Variation), l.Product), Quantity: quantity, UnitPrice: string(l.Price)})
		}
	case api.EventType_ORDER_PAID, api.EventType_ORDER_CANCELLED:
		data.Amount, r = amount(b.Total, data.Currency)
	case api.EventType_ORDER_REFUNDED:
		if len(b.Refunds) == 0 {
			data.Amount, r = amount(b.Total, data.Currency)
			break
		}
		totals := make([]scalar, len(b.Refunds)) // written as what is taken off the order
		for i, one := range b.Refunds {
			totals[i] = one.Total
		}
		sum, err := sumOf(totals, data.Currency)
		if err != nil {
			return data, refuse(CodeData, "%v", err)
		}
		data.Amount = -sum
	}
	return data, r
}

func (b *wooBody) product(w *webhook) (data incomingData, r *refusal) {
	data = incomingData{SKU: skuOf(b.SKU, "", b.ID), Title: b.Name}
	if len(b.Categories) > 0 {
		data.Category = b.Categories[0].Name
	}
	if b.Price != "" {
		data.Currency = w.shop.Currency
		data.Price, r = amount(b.Price, data.Currency)
	}
	return data, r
}

func (b *wooBody) customer() incomingData {
	return incomingData{Customer: string(b.ID), Email: b.Email, Country: b.Billing.Country}
}

// nonZero drops the 0 that stands for no such thing.
func nonZero(id scalar) scalar {
	if id == "0" {
		return ""
	}
	return id
}
