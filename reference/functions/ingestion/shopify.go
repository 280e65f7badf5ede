package ingestion

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// ShopifyTopics lists the topics that are understood. What becomes of each is said at
// [api.ShopifyID]; beyond that:
//   - a SKU that is empty becomes "variant:<id>", or "product:<id>" where there is no variant;
//   - a refund counts its successful transactions of kind refund, or, without transactions, the
//     subtotals of the refunded lines;
//   - an order's and a refund's currency is the tenant's where the body names none;
//   - a stock level that is not tracked (available: null) becomes nothing, and is answered 200.
var ShopifyTopics = [...]string{"orders/create", "orders/paid", "orders/fulfilled", "orders/cancelled",
	"refunds/create", "products/create", "products/update", "customers/create", "customers/update", "inventory_levels/update"}

// scalar is a JSON number or string kept as its text: ids above 2^53 and money never pass
// through a float. null is "".
type scalar string

// UnmarshalJSON takes a number, a string or null.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	switch {
	case bytes.Equal(raw, []byte("null")):
		*s = ""
	case len(raw) > 0 && raw[0] == '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		*s = scalar(text)
	case len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'):
		*s = scalar(raw)
	default:
		return fmt.Errorf("%s is neither a number nor a string", clip(string(raw)))
	}
	return nil
}

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

// decode reads a webhook's body. Webhooks are few, so encoding/json is fast enough.
func (b *shopifyBody) decode(body string) error {
	if !utf8.ValidString(body) || !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		return errors.New("the body is not a JSON object in UTF-8")
	}
	return json.Unmarshal([]byte(body), b)
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

// shopifyWebhook is a verified request, decoded.
type shopifyWebhook struct {
	tenant  string
	headers *rest.Headers
	shop    Shop
	body    shopifyBody
	at      time.Time
}

// when is the instant of the event itself, the same in every delivery.
func (w *shopifyWebhook) when() (time.Time, *refusal) {
	for _, text := range [...]string{w.headers.ShopifyTriggeredAt, w.body.UpdatedAt, w.body.ProcessedAt, w.body.CreatedAt} {
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || at.Year() < 1970 {
			return time.Time{}, refuse(CodeTime, "time %q, want RFC 3339", clip(text))
		}
		return at, nil
	}
	return time.Time{}, refuse(CodeTime, "neither X-Shopify-Triggered-At nor the body tells when it happened")
}

// event makes the one event of the webhook; made is false if it stands for none.
func (w *shopifyWebhook) event(allowed window, out *event) (made bool, r *refusal) {
	if w.at, r = w.when(); r != nil {
		return false, r
	}
	kind, data, r := w.read()
	if r != nil || kind == 0 {
		return false, r
	}
	occurrence := w.headers.ShopifyEvent
	if occurrence == "" {
		resource := w.body.ID + w.body.InventoryItem
		if resource == "" {
			return false, refuse(CodeID, "the resource has no id and the request no X-Shopify-Event-Id")
		}
		occurrence = strings.Join([]string{w.tenant, w.headers.ShopifyTopic, string(resource), w.body.UpdatedAt}, "#")
	}
	id := api.ShopifyID(occurrence, w.at)
	if r = allowed.check(id); r != nil {
		return false, r
	}
	out.reset(id, kind, w.at.UnixMilli())
	if r = data.fill(kind, out); r != nil {
		return false, r
	}
	return true, nil
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
	currency := w.body.Currency
	if currency == "" {
		currency = w.shop.Currency
	}
	return incomingData{Order: string(w.body.ID), Customer: string(w.body.Customer.ID), Currency: currency}
}

func (w *shopifyWebhook) refundCurrency() string {
	if len(w.body.Transactions) > 0 && w.body.Transactions[0].Currency != "" {
		return w.body.Transactions[0].Currency
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

// knownShopifyTopic says whether a topic is in [ShopifyTopics].
func knownShopifyTopic(topic string) bool { return slices.Contains(ShopifyTopics[:], topic) }
