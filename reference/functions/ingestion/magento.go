package ingestion

import (
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// MagentoEvents lists the Adobe Commerce webhooks that are understood, without "observer." in
// front and "_after" or "_commit_after" behind. What becomes of each is said at
// [api.WebhookID]; beyond that:
//   - an order that is saved again before it is done is the same order.created, with the same id;
//   - a price is a product's in the tenant's currency, as is a shipment's (its body names none);
//   - a stock level has no time of its own: it is told as of its receipt, so that one which is
//     sent twice is two events of the same level.
var MagentoEvents = [...]string{"sales_order_save", "sales_order_invoice_save", "sales_order_shipment_save",
	"sales_order_creditmemo_save", "catalog_product_save", "cataloginventory_stock_item_save", "customer_save", "customer_register_success"}

// magentoTime is the form of an instant, in UTC.
const magentoTime = "2006-01-02 15:04:05"

// magentoPaid is the state of an invoice that is paid
// (Magento\Sales\Model\Order\Invoice::STATE_PAID).
const magentoPaid = "2"

// magentoBody is what a webhook without a choice of fields sends: the observed event's own data,
// in which the saved model comes under its own name, and most come as data_object, too.
type magentoBody struct {
	EventName string `json:"eventName"`
	Data      struct {
		Order      *magentoModel `json:"order"`
		Invoice    *magentoModel `json:"invoice"`
		Shipment   *magentoModel `json:"shipment"`
		Creditmemo *magentoModel `json:"creditmemo"`
		Product    *magentoModel `json:"product"`
		Item       *magentoModel `json:"item"`
		Customer   *magentoModel `json:"customer"`
		Object     *magentoModel `json:"data_object"`
	} `json:"data"`
}

// magentoModel is the union of the models, as far as they are used. Numbers come as numbers and
// as strings, in one object.
type magentoModel struct {
	Entity  scalar `json:"entity_id"`
	ID      scalar `json:"id"`
	Created string `json:"created_at"`
	Updated string `json:"updated_at"`
	New     bool   `json:"_isNew"`

	// orders, invoices, shipments and credit memos
	State    scalar        `json:"state"`
	Order    scalar        `json:"order_id"`
	Currency string        `json:"order_currency_code"`
	Total    scalar        `json:"grand_total"`
	Customer scalar        `json:"customer_id"`
	Items    []magentoItem `json:"items"`

	// products and stock
	SKU     string `json:"sku"`
	Name    string `json:"name"`
	Price   scalar `json:"price"`
	Product scalar `json:"product_id"`
	Stock   scalar `json:"qty"`

	// customers
	Email     string `json:"email"`
	Addresses []struct {
		Country string `json:"country_id"`
	} `json:"addresses"`
}

type magentoItem struct {
	SKU      string `json:"sku"`
	Product  scalar `json:"product_id"`
	Parent   scalar `json:"parent_item_id"` // of a bundle's or configurable's part, which is priced with the whole
	Quantity scalar `json:"qty_ordered"`
	Price    scalar `json:"price"`
}

func magentoEvent(w *webhook, out *event) (made bool, r *refusal) {
	var body magentoBody
	if r := decodeBody(w.body, &body); r != nil {
		return false, r
	}
	h, r := body.read(w)
	if r != nil {
		return false, r
	}
	return h.event(api.Magento, w.allowed, out)
}

func (b *magentoBody) read(w *webhook) (happening, *refusal) {
	name, observed := strings.CutPrefix(b.EventName, "observer.")
	name, after := strings.CutSuffix(name, "_after")
	name = strings.TrimSuffix(name, "_commit")
	if after == (name == "customer_register_success") { // the one that has no _after
		observed = false
	}
	own, read := b.model(name)
	if read == nil || !observed {
		return happening{}, refuse(codeTopic, "eventName %s, want observer.*_after of one of %s", clip(b.EventName), strings.Join(MagentoEvents[:], ", "))
	}
	for _, m := range [...]*magentoModel{own, b.Data.Object} {
		if m != nil {
			m.Entity = scalar(firstOf(string(m.Entity), string(m.ID)))
			return read(m, w)
		}
	}
	return happening{}, refuse(CodeData, "data has no model")
}

// model finds what an event is about and how to read it; read is nil for another event.
func (b *magentoBody) model(name string) (own *magentoModel, read func(*magentoModel, *webhook) (happening, *refusal)) {
	switch name {
	case "sales_order_save":
		return b.Data.Order, (*magentoModel).order
	case "sales_order_invoice_save":
		return b.Data.Invoice, (*magentoModel).invoice
	case "sales_order_shipment_save":
		return b.Data.Shipment, (*magentoModel).shipment
	case "sales_order_creditmemo_save":
		return b.Data.Creditmemo, (*magentoModel).creditmemo
	case "catalog_product_save":
		return b.Data.Product, (*magentoModel).product
	case "cataloginventory_stock_item_save":
		return b.Data.Item, (*magentoModel).stock
	case "customer_save":
		return b.Data.Customer, (*magentoModel).customer
	case "customer_register_success":
		return b.Data.Customer, (*magentoModel).registered
	}
	return nil, nil
}

// since makes a happening of a state that the model came to at created_at or updated_at.
func (m *magentoModel) since(w *webhook, kind api.EventType, instant string, data incomingData, r *refusal) (happening, *refusal) {
	if r != nil {
		return happening{}, r
	}
	return w.state(kind, m.Entity, magentoTime, instant, m.Updated, data)
}

func (m *magentoModel) order(w *webhook) (happening, *refusal) {
	data := incomingData{Order: string(m.Entity), Customer: string(nonZero(m.Customer)), Currency: w.currency(m.Currency)}
	switch m.State {
	case "new", "pending_payment", "payment_review", "processing":
		for _, item := range m.Items {
			if nonZero(item.Parent) != "" {
				continue
			}
			quantity, err := item.Quantity.whole("qty_ordered")
			if err != nil {
				return happening{}, refuse(CodeData, "%v", err)
			}
			data.Lines = append(data.Lines, api.OrderLineData{SKU: skuOf(item.SKU, "", item.Product), Quantity: quantity, UnitPrice: string(item.Price)})
		}
		return m.since(w, api.EventType_ORDER_CREATED, m.Created, data, nil)
	case "canceled":
		var r *refusal
		data.Amount, r = amount(m.Total, data.Currency)
		return m.since(w, api.EventType_ORDER_CANCELLED, m.Updated, data, r)
	}
	return happening{}, nil
}

// settled is an order's money that an invoice or a credit memo moved.
func (m *magentoModel) settled(w *webhook, kind api.EventType) (h happening, r *refusal) {
	data := incomingData{Order: string(m.Order), Currency: w.currency(m.Currency)}
	data.Amount, r = amount(m.Total, data.Currency)
	return m.since(w, kind, m.Created, data, r)
}

func (m *magentoModel) invoice(w *webhook) (happening, *refusal) {
	if m.State != magentoPaid {
		return happening{}, nil
	}
	return m.settled(w, api.EventType_ORDER_PAID)
}

func (m *magentoModel) creditmemo(w *webhook) (happening, *refusal) {
	return m.settled(w, api.EventType_ORDER_REFUNDED)
}

func (m *magentoModel) shipment(w *webhook) (happening, *refusal) {
	data := incomingData{Order: string(m.Order), Customer: string(nonZero(m.Customer)), Currency: w.shop.Currency}
	return m.since(w, api.EventType_ORDER_FULFILLED, m.Created, data, nil)
}

func (m *magentoModel) product(w *webhook) (happening, *refusal) {
	data := incomingData{SKU: skuOf(m.SKU, "", m.Entity), Title: m.Name}
	var r *refusal
	if m.Price != "" {
		data.Currency = w.shop.Currency
		data.Price, r = amount(m.Price, data.Currency)
	}
	return m.since(w, api.EventType_PRODUCT_UPDATED, m.Updated, data, r)
}

func (m *magentoModel) stock(w *webhook) (happening, *refusal) {
	quantity, err := m.Stock.whole("qty")
	if err != nil {
		return happening{}, refuse(CodeData, "%v", err)
	}
	if m.Product == "" {
		return happening{}, refuse(CodeID, "the stock item has no product_id")
	}
	kind, revision := api.EventType_INVENTORY_ADJUSTED, w.received.UTC().Format(time.RFC3339Nano)
	return happening{kind: kind, at: w.received, occurrence: api.Occurrence(w.tenant, kind.Name(), string(m.Product), revision),
		data: incomingData{SKU: skuOf("", "", m.Product), Quantity: quantity, Sequence: uint64(w.received.UnixMilli())}}, nil
}

func (m *magentoModel) person() incomingData {
	data := incomingData{Customer: string(m.Entity), Email: m.Email}
	if len(m.Addresses) > 0 {
		data.Country = m.Addresses[0].Country
	}
	return data
}

func (m *magentoModel) registered(w *webhook) (happening, *refusal) {
	return m.since(w, api.EventType_CUSTOMER_CREATED, m.Created, m.person(), nil)
}

func (m *magentoModel) customer(w *webhook) (happening, *refusal) {
	if m.New {
		return m.registered(w)
	}
	return m.since(w, api.EventType_CUSTOMER_UPDATED, m.Updated, m.person(), nil)
}
