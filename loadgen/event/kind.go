package event

import (
	"fmt"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reference/api"
)

// content is one thing that an event of a batch can say.
type content uint8

// Of what batches tell. Every one but writtenOff is a type of event.
const (
	viewed content = iota
	adjusted
	ordered
	paid
	updated
	fulfilled
	joined
	changed
	cancelled
	refunded
	writtenOff // an entry in the order book that sells nothing
	contents
)

var typeOf = [contents]api.EventType{
	viewed: api.EventType_PRODUCT_VIEWED, adjusted: api.EventType_INVENTORY_ADJUSTED, updated: api.EventType_PRODUCT_UPDATED,
	ordered: api.EventType_ORDER_CREATED, writtenOff: api.EventType_ORDER_CREATED, paid: api.EventType_ORDER_PAID,
	fulfilled: api.EventType_ORDER_FULFILLED, cancelled: api.EventType_ORDER_CANCELLED, refunded: api.EventType_ORDER_REFUNDED,
	joined: api.EventType_CUSTOMER_CREATED, changed: api.EventType_CUSTOMER_UPDATED,
}

// shares is how often each comes in batches. They are chosen: no data set tells all of a platform's
// traffic. Cancellations and write-offs come as often an order as the model says; what they take or
// leave are views.
var shares = [contents]float64{
	adjusted: 0.14, ordered: orders, paid: 0.05, updated: 0.04, fulfilled: 0.035, joined: 0.02, changed: 0.02, refunded: 0.007,
}

// orders is the share of events of batches that are orders.
const orders = 0.08

// kind is a kind of shop: what its customers do.
type kind struct {
	*model.Sampler
	contents plan.Weighted
}

// newKinds makes the kinds of shop that a model knows, by name.
func newKinds(p *model.Params) (map[string]*kind, error) {
	kinds := map[string]*kind{}
	for i := range p.Shops {
		s := &p.Shops[i]
		weights := shares
		weights[cancelled], weights[writtenOff] = orders*s.Turns.Share, orders*s.Odd.Share
		rest := 1.0
		for _, w := range weights {
			rest -= w
		}
		weights[viewed] = rest
		choice, err := plan.NewWeighted(weights[:])
		if err != nil {
			return nil, fmt.Errorf("events of a %s shop: %w", s.Name, err)
		}
		kinds[s.Name] = &kind{Sampler: s.Compile(), contents: choice}
	}
	return kinds, nil
}
