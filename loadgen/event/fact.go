package event

import (
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// Fact is what one event says, as far as figures, order facts and stock levels depend on it.
// It is computed beside the body, never read back from it. Fields that a type does not have
// are zero.
type Fact struct {
	ID     api.ID
	Type   api.EventType
	TimeMS int64 // business time, UTC, milliseconds since the epoch

	Amount   int64 // minor units; see api.Event
	Units    int64 // order.created: sum of the lines' quantities
	Lines    int64 // order.created: number of lines
	Currency string

	Order    string
	Customer string
	SKU      string
	Quantity int64  // inventory.adjusted: absolute
	Sequence uint64 // inventory.adjusted
}

// Time is the business time.
func (f *Fact) Time() time.Time { return time.UnixMilli(f.TimeMS).UTC() }

// FactOf reads the fact back from an event of the platform, for comparison with what was
// expected. The error is that of an id which is no UUIDv7.
func FactOf(e *api.Event) (Fact, error) {
	id, err := api.IDFromBytes(e.GetId())
	if err != nil {
		return Fact{}, err
	}
	f := Fact{
		ID: id, Type: e.GetType(), TimeMS: e.GetTimeMs(),
		Amount: e.GetAmount(), Lines: int64(len(e.GetLines())), Currency: e.GetCurrency(),
		Order: e.GetOrder(), Customer: e.GetCustomer(), SKU: e.GetSku(), Quantity: e.GetQuantity(), Sequence: e.GetSequence(),
	}
	for _, l := range e.GetLines() {
		f.Units += l.GetQuantity()
	}
	return f, nil
}
