package api

import "time"

// Series is the answer of GET /v1/tenants/{tenant}/analytics/series, over [From, To).
type Series struct {
	Tenant   string    `json:"tenant"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Interval string    `json:"interval"` // minute, hour (both UTC) or day (of the tenant's zone)
	Points   []Point   `json:"points"`   // every interval, in order, empty ones too
	AsOf     time.Time `json:"as_of"`
}

// Point is one interval of a [Series].
type Point struct {
	Start      time.Time  `json:"start"`
	Events     int64      `json:"events"`
	Currencies []Turnover `json:"currencies"` // sorted by code
}

// TopProducts is the answer of GET /v1/tenants/{tenant}/analytics/top-products, over [From, To).
type TopProducts struct {
	Tenant   string         `json:"tenant"`
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	By       string         `json:"by"`       // amount, units or views
	Products []ProductSales `json:"products"` // highest first
	AsOf     time.Time      `json:"as_of"`
}

// ProductSales is one article's sums in one currency. Views belong to no currency: where both
// were counted, they are an entry of their own.
type ProductSales struct {
	SKU      string `json:"sku"`
	Currency string `json:"currency,omitempty"`
	Units    int64  `json:"units"`
	Amount   int64  `json:"amount_minor"`
	Views    int64  `json:"views"`
}

// OrderHistory is the answer of GET /v1/tenants/{tenant}/analytics/orders/{order}.
type OrderHistory struct {
	Tenant      string       `json:"tenant"`
	Order       string       `json:"order"`
	Transitions []Transition `json:"transitions"` // in order of business time
}

// Transition is one event of an order.
type Transition struct {
	Event    string    `json:"event_id"`
	Type     string    `json:"type"` // such as "order.paid"
	At       time.Time `json:"at"`   // business time
	Customer string    `json:"customer,omitempty"`
	Currency string    `json:"currency"`
	Amount   int64     `json:"amount_minor"`
}

// StockLevel is the answer of GET /v1/tenants/{tenant}/inventory/{sku}.
type StockLevel struct {
	Tenant   string `json:"tenant"`
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}
