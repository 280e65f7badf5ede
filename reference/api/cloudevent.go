package api

import (
	"encoding/json"
	"time"
)

// Limits of the event API (POST /v1/tenants/{tenant}/events).
const (
	MaxBatchEvents = 500             // events in one batch
	MaxBatchBytes  = 4 << 20         // decoded body
	MaxEventBytes  = 256 << 10       // one event
	MaxAhead       = 5 * time.Minute // an id's time ahead of the clock
	MaxBack        = 35 * 24 * time.Hour

	BatchContentType = "application/cloudevents-batch+json"
)

// CloudEvent is one event as a storefront sends it: CloudEvents 1.0 in JSON, batch mode.
// Data is one of [ProductData], [InventoryData], [OrderData], [CustomerData], by Type.
type CloudEvent struct {
	SpecVersion string          `json:"specversion"` // "1.0"
	ID          string          `json:"id"`          // UUIDv7
	Source      string          `json:"source"`      // such as "/shopify/my-store"
	Type        string          `json:"type"`        // such as "order.created"
	Time        time.Time       `json:"time,omitzero"`
	ContentType string          `json:"datacontenttype,omitempty"`
	Data        json.RawMessage `json:"data"`
}

// ProductData is the data of product.viewed and product.updated.
type ProductData struct {
	SKU      string `json:"sku"`
	Customer string `json:"customer,omitempty"`
	Title    string `json:"title,omitempty"`
	Category string `json:"category,omitempty"`
	Price    int64  `json:"price_minor,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// InventoryData is the data of inventory.adjusted.
type InventoryData struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"` // absolute, after the adjustment
	Sequence uint64 `json:"sequence"` // the store's own, rising per SKU
}

// OrderData is the data of order.*. Lines belong to order.created; Amount to order.paid,
// order.refunded and order.cancelled (minor units). An order.created's amount is the sum of its lines' totals.
type OrderData struct {
	Order    string          `json:"order"`
	Customer string          `json:"customer,omitempty"`
	Currency string          `json:"currency"`
	Amount   int64           `json:"amount_minor,omitempty"`
	Lines    []OrderLineData `json:"lines,omitempty"`
}

// OrderLineData is one line; its total is [LineTotal] of unit price and quantity.
type OrderLineData struct {
	SKU       string `json:"sku"`
	Quantity  int64  `json:"quantity"`
	UnitPrice string `json:"unit_price"` // a decimal, such as "7.95"
}

// CustomerData is the data of customer.*. Ingestion keeps only a hash of the address.
type CustomerData struct {
	Customer string `json:"customer"`
	Email    string `json:"email,omitempty"`
	Country  string `json:"country,omitempty"`
}

// EventResult is one entry of a 207 answer, and of a 400's list: what became of the event at Index.
type EventResult struct {
	Index  int    `json:"index"`
	ID     string `json:"id,omitempty"`
	Status int    `json:"status"`          // 202 or 400
	Code   string `json:"code,omitempty"`  // such as "time_out_of_range"
	Detail string `json:"error,omitempty"` // what was found and what is allowed
}

// BatchAnswer is the body of 202, 207 and 400. Results lists every index of a 207, only the
// refused of a 400, and is empty in a 202.
type BatchAnswer struct {
	Accepted    int           `json:"accepted"`
	Refused     int           `json:"refused"`
	Correlation string        `json:"correlation_id"`
	Results     []EventResult `json:"results,omitempty"`
}

// Summary is the answer of GET /v1/tenants/{tenant}/analytics/summary, over [From, To).
type Summary struct {
	Tenant     string           `json:"tenant"`
	From       time.Time        `json:"from"`
	To         time.Time        `json:"to"`
	Events     int64            `json:"events"`
	IDs        string           `json:"ids"` // Sum128 of the ids, 32 hexadecimal digits
	ByType     map[string]int64 `json:"by_type"`
	Currencies []Turnover       `json:"currencies"` // sorted by code
	Conflicts  int64            `json:"id_conflicts"`
	AsOf       time.Time        `json:"as_of"`
	Trace      string           `json:"last_correlation_id,omitempty"` // of the newest request inside
}

// Turnover is one currency's sums in minor units.
type Turnover struct {
	Currency  string `json:"currency"`
	Orders    int64  `json:"orders"`
	Units     int64  `json:"units"`
	Gross     int64  `json:"gross_minor"`
	Refunded  int64  `json:"refunded_minor"`
	Cancelled int64  `json:"cancelled_minor"`
	Net       int64  `json:"net_minor"` // gross - refunded - cancelled
}
