package event

import (
	"fmt"
	"slices"

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

// newWeights is how often each comes in any kind of shop.
func newWeights(events []model.Share) (weights [contents]float64, err error) {
	for _, e := range events {
		c := slices.IndexFunc(typeOf[:], func(t api.EventType) bool { return t.Name() == e.Name })
		if c < 0 || content(c) == cancelled {
			return weights, fmt.Errorf("events of type %q: there are none, or they follow from the kind of shop", e.Name)
		}
		weights[c] = e.Weight
	}
	return weights, nil
}

// kind is a kind of shop: what its customers do.
type kind struct {
	*model.Sampler
	contents plan.Weighted
}

// newKinds makes the kinds of shop that a model knows, by name.
func newKinds(p *model.Params) (map[string]*kind, error) {
	weights, err := newWeights(p.Events)
	if err != nil {
		return nil, err
	}
	kinds := map[string]*kind{}
	for i := range p.Shops {
		s := &p.Shops[i]
		weights[cancelled], weights[writtenOff] = weights[ordered]*s.Turns.Share, weights[ordered]*s.Odd.Share
		choice, err := plan.NewWeighted(weights[:])
		if err != nil {
			return nil, fmt.Errorf("events of a %s shop: %w", s.Name, err)
		}
		kinds[s.Name] = &kind{Sampler: s.Compile(), contents: choice}
	}
	return kinds, nil
}
