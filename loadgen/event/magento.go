package event

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// magentoTopics are the webhooks that Adobe Commerce shops send, with their shares. Stock levels
// are not among them: their bodies have no time, so that one sent twice would be two events.
var magentoTopics = []topic{
	{"sales_order_save_commit_after", "order", api.EventType_ORDER_CREATED, 0.35},
	{"sales_order_invoice_save_commit_after", "invoice", api.EventType_ORDER_PAID, 0.25},
	{"sales_order_shipment_save_after", "shipment", api.EventType_ORDER_FULFILLED, 0.14},
	{"sales_order_save_commit_after", "order", api.EventType_ORDER_CANCELLED, 0.04},
	{"sales_order_creditmemo_save_after", "creditmemo", api.EventType_ORDER_REFUNDED, 0.02},
	{"catalog_product_save_commit_after", "product", api.EventType_PRODUCT_UPDATED, 0.10},
	{"customer_register_success", "customer_created", api.EventType_CUSTOMER_CREATED, 0.05},
	{"customer_save_commit_after", "customer_updated", api.EventType_CUSTOMER_UPDATED, 0.05},
}

// magento tells of an instant to the second, as its bodies do. The error is of the signature.
func (w *webhookWriter) magento(path string, at time.Time) (Request, error) {
	w.gmt = at.UTC().Format(time.DateTime)
	w.name(api.Magento, at.Truncate(time.Second))
	if w.topic.template != "order" { // an invoice has a number, and its order another
		w.order = strconv.FormatUint(1+uint64(w.r.Uint32()>>1), 10)
	}
	body := w.body()
	if w.topic.template == "invoice" || w.topic.template == "creditmemo" {
		w.fact.Customer = "" // their bodies have none
	}
	signature, err := MagentoSignature(w.SigningKey, body)
	if err != nil {
		return Request{}, fmt.Errorf("sign a webhook of %s: %w", w.ID, err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("x-adobe-commerce-webhook-signature", signature)
	return w.request(path, body, header), nil
}

// fillMagento fills what Adobe Commerce alone has.
func (w *webhookWriter) fillMagento(b []byte, slot string) []byte {
	switch slot {
	case "order_id":
		return append(b, w.order...)
	case "increment":
		return fmt.Appendf(b, "%09d", w.number)
	case "state":
		if w.fact.Type == api.EventType_ORDER_CANCELLED {
			return append(b, "canceled"...)
		}
		return append(b, "new"...)
	case "customer_or_null":
		if w.guest {
			return append(b, "null"...)
		}
		return append(append(append(b, '"'), w.buyerID...), '"')
	case "guest":
		if w.guest {
			return append(b, '1')
		}
		return append(b, '0')
	case "line_count":
		return strconv.AppendInt(b, w.count, 10)
	case "units":
		return strconv.AppendInt(b, w.units, 10)
	case "total_number":
		return appendMinor(b, w.total, w.digits)
	}
	panic("webhook template: unknown slot " + slot)
}
