package ingestion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// ShopifyTopics lists the topics that are understood. What becomes of each is said at
// [api.WebhookID]; beyond that:
//   - a SKU that is empty becomes "variant:<id>", or "product:<id>" where there is no variant;
//   - a refund counts its successful transactions of kind refund, or, without transactions, the
//     subtotals of the refunded lines;
//   - an order's and a refund's currency is the tenant's where the body names none;
//   - a stock level that is not tracked (available: null) becomes nothing, and is answered 200.
var ShopifyTopics = [...]string{"orders/create", "orders/paid", "orders/fulfilled", "orders/cancelled",
	"refunds/create", "products/create", "products/update", "customers/create", "customers/update", "inventory_levels/update"}

// shopifyBody is the union of the resources that the topics carry, as far as they are used.
type shopifyBody struct {
	ID          scalar `json:"id"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
	ProcessedAt string `json:"processed_at"`

	// orders
	Currency   string          `json:"currency"`
	TotalPrice scalar          `json:"total_price"`
	Customer   shopifyCustomer `json:"customer"`
	LineItems  []shopifyLine   `json:"line_items"`

	// refunds
	OrderID scalar `json:"order_id"`
	shopifyRefund

	// products
	Title       string           `json:"title"`
	ProductType string           `json:"product_type"`
	Variants    []shopifyVariant `json:"variants"`

	// customers
	Email          string         `json:"email"`
	DefaultAddress shopifyAddress `json:"default_address"`

	// inventory levels
	InventoryItem scalar `json:"inventory_item_id"`
	Available     *int64 `json:"available"`
}

type shopifyCustomer struct {
	ID scalar `json:"id"`
}

type shopifyAddress struct {
	CountryCode string `json:"country_code"`
}

type shopifyVariant struct {
	ID    scalar `json:"id"`
	SKU   string `json:"sku"`
	Price scalar `json:"price"`
}

type shopifyLine struct {
	SKU      string `json:"sku"`
	Variant  scalar `json:"variant_id"`
	Product  scalar `json:"product_id"`
	Quantity int64  `json:"quantity"`
	Price    scalar `json:"price"`
}

type shopifyRefund struct {
	Transactions []shopifyTransaction `json:"transactions"`
	Lines        []struct {
		Subtotal scalar `json:"subtotal"`
	} `json:"refund_line_items"`
}

type shopifyTransaction struct {
	Amount   scalar `json:"amount"`
	Currency string `json:"currency"`
	Kind     string `json:"kind"`
	Status   string `json:"status"`
}

// shopifyWebhook is a webhook of Shopify's, decoded.
type shopifyWebhook struct {
	*webhook
	body shopifyBody
	at   time.Time
}

func shopifyEvent(w *webhook, out *event) (made bool, r *refusal) {
	if topic := w.headers.ShopifyTopic; !slices.Contains(ShopifyTopics[:], topic) {
		return false, refuse(codeTopic, "topic %s, want one of %s", clip(topic), strings.Join(ShopifyTopics[:], ", "))
	}
	s := shopifyWebhook{webhook: w}
	if r := decodeBody(w.body, &s.body); r != nil {
		return false, r
	}
	if s.at, r = s.when(); r != nil {
		return false, r
	}
	h := happening{at: s.at}
	if h.kind, h.data, r = s.read(); r != nil || h.kind == 0 {
		return false, r
	}
	if h.occurrence = w.headers.ShopifyEvent; h.occurrence == "" {
		resource := s.body.ID + s.body.InventoryItem
		if resource == "" {
			return false, refuse(CodeID, "the resource has no id and the request no X-Shopify-Event-Id")
		}
		h.occurrence = api.Occurrence(w.tenant, w.headers.ShopifyTopic, string(resource), s.body.UpdatedAt)
	}
	return h.event(api.Shopify, w.allowed, out)
}

// when is the instant of the event itself, the same in every delivery.
func (w *shopifyWebhook) when() (time.Time, *refusal) {
	text := firstOf(w.headers.ShopifyTriggeredAt, w.body.UpdatedAt, w.body.ProcessedAt, w.body.CreatedAt)
	if text == "" {
		return time.Time{}, refuse(CodeTime, "neither X-Shopify-Triggered-At nor the body tells when it happened")
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1970 {
		return time.Time{}, refuse(CodeTime, "time %q, want RFC 3339", clip(text))
	}
	return at, nil
}

// read maps the body by its topic; kind is 0 for a webhook that stands for no event.
func (w *shopifyWebhook) read() (kind api.EventType, data incomingData, r *refusal) {
	var err error
	switch w.headers.ShopifyTopic {
	case "orders/create":
		kind, data = api.EventType_ORDER_CREATED, w.order()
		for _, l := range w.body.LineItems {
			data.Lines = append(data.Lines, api.OrderLineData{SKU: skuOf(l.SKU, l.Variant, l.Product), Quantity: l.Quantity, UnitPrice: string(l.Price)})
		}
	case "orders/paid":
		kind, data = api.EventType_ORDER_PAID, w.order()
		data.Amount, err = lineTotal(string(w.body.TotalPrice), 1, data.Currency)
	case "orders/cancelled":
		kind, data = api.EventType_ORDER_CANCELLED, w.order()
		data.Amount, err = lineTotal(string(w.body.TotalPrice), 1, data.Currency)
	case "orders/fulfilled":
		kind, data = api.EventType_ORDER_FULFILLED, w.order()
	case "refunds/create":
		kind, data = api.EventType_ORDER_REFUNDED, incomingData{Order: string(w.body.OrderID), Currency: w.refundCurrency()}
		data.Amount, err = w.body.shopifyRefund.total(data.Currency)
	case "products/create", "products/update":
		kind = api.EventType_PRODUCT_UPDATED
		data, err = w.product()
	case "customers/create":
		kind, data = api.EventType_CUSTOMER_CREATED, w.customer()
	case "customers/update":
		kind, data = api.EventType_CUSTOMER_UPDATED, w.customer()
	case "inventory_levels/update":
		if w.body.Available != nil {
			kind = api.EventType_INVENTORY_ADJUSTED
			data = incomingData{SKU: string(w.body.InventoryItem), Quantity: *w.body.Available, Sequence: uint64(w.at.UnixMilli())}
		}
	}
	if err != nil {
		return 0, data, refuse(CodeData, "%v", err)
	}
	return kind, data, nil
}

func (w *shopifyWebhook) order() incomingData {
	return incomingData{Order: string(w.body.ID), Customer: string(w.body.Customer.ID), Currency: w.currency(w.body.Currency)}
}

func (w *shopifyWebhook) refundCurrency() string {
	if len(w.body.Transactions) > 0 {
		return w.currency(w.body.Transactions[0].Currency)
	}
	return w.shop.Currency
}

func (w *shopifyWebhook) product() (data incomingData, err error) {
	var first shopifyVariant
	if len(w.body.Variants) > 0 {
		first = w.body.Variants[0]
	}
	data = incomingData{SKU: skuOf(first.SKU, first.ID, w.body.ID), Title: w.body.Title, Category: w.body.ProductType}
	if first.Price != "" {
		data.Currency = w.shop.Currency
		data.Price, err = lineTotal(string(first.Price), 1, data.Currency)
	}
	return data, err
}

func (w *shopifyWebhook) customer() incomingData {
	return incomingData{Customer: string(w.body.ID), Email: w.body.Email, Country: w.body.DefaultAddress.CountryCode}
}

// total is a refund's value in minor units.
func (r shopifyRefund) total(currency string) (sum int64, err error) {
	var values []scalar
	for _, t := range r.Transactions {
		if (t.Kind == "" || t.Kind == "refund") && (t.Status == "" || t.Status == "success") {
			values = append(values, t.Amount)
		}
	}
	if len(r.Transactions) == 0 {
		for _, l := range r.Lines {
			values = append(values, l.Subtotal)
		}
	}
	return sumOf(values, currency)
}

// sumOf adds decimals in minor units.
func sumOf(values []scalar, currency string) (sum int64, err error) {
	for i, text := range values {
		value, err := lineTotal(string(text), 1, currency)
		if err != nil {
			return 0, fmt.Errorf("refunded amount %d: %w", i, err)
		}
		if sum += value; sum > maxAmount || sum < -maxAmount {
			return 0, fmt.Errorf("refunded amount passes ±%d minor units", maxAmount)
		}
	}
	return sum, nil
}

func skuOf(sku string, variant, product scalar) string {
	switch {
	case sku != "":
		return sku
	case variant != "":
		return "variant:" + string(variant)
	}
	return "product:" + string(product)
}
