package api

import "fmt"

// Stream is one of the three delivery streams, processing functions and queues.
type Stream string

// The streams, in the order in which they are listed everywhere.
const (
	Products  Stream = "products"
	Orders    Stream = "orders"
	Customers Stream = "customers"
)

// Streams lists them.
var Streams = [...]Stream{Products, Orders, Customers}

var typeNames = map[EventType]string{
	EventType_PRODUCT_VIEWED:     "product.viewed",
	EventType_PRODUCT_UPDATED:    "product.updated",
	EventType_INVENTORY_ADJUSTED: "inventory.adjusted",
	EventType_ORDER_CREATED:      "order.created",
	EventType_ORDER_PAID:         "order.paid",
	EventType_ORDER_FULFILLED:    "order.fulfilled",
	EventType_ORDER_REFUNDED:     "order.refunded",
	EventType_ORDER_CANCELLED:    "order.cancelled",
	EventType_CUSTOMER_CREATED:   "customer.created",
	EventType_CUSTOMER_UPDATED:   "customer.updated",
}

var typesByName = func() map[string]EventType {
	byName := make(map[string]EventType, len(typeNames))
	for t, name := range typeNames {
		byName[name] = t
	}
	return byName
}()

// Name is the CloudEvents type attribute, such as "order.created"; "" if the type is unknown.
func (x EventType) Name() string { return typeNames[x] }

// ParseType reads the CloudEvents type attribute.
func ParseType(name string) (EventType, error) {
	t, ok := typesByName[name]
	if !ok {
		return 0, fmt.Errorf("unknown event type %q", clip(name))
	}
	return t, nil
}

// Stream says which stream carries a type.
func (x EventType) Stream() Stream {
	switch {
	case x >= EventType_ORDER_CREATED && x <= EventType_ORDER_CANCELLED:
		return Orders
	case x >= EventType_CUSTOMER_CREATED:
		return Customers
	}
	return Products
}
