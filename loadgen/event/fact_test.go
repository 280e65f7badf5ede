package event_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

func TestFactOf(t *testing.T) {
	id := api.NewID(epoch, [10]byte{1})
	got, err := event.FactOf(&api.Event{Id: id[:], Type: api.EventType_ORDER_CREATED, TimeMs: 7, Amount: 9, Currency: "GBP", Order: "o", Customer: "c",
		Lines: []*api.Line{{Quantity: 3}, {Quantity: -1}}, Sku: "s", Quantity: 4, Sequence: 5})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(event.Fact{ID: id, Type: api.EventType_ORDER_CREATED, TimeMS: 7, Amount: 9, Units: 2, Lines: 2, Currency: "GBP",
		Order: "o", Customer: "c", SKU: "s", Quantity: 4, Sequence: 5}, got))

	_, err = event.FactOf(&api.Event{Id: []byte{1}})
	require.ErrorIs(t, err, api.ErrNotUUIDv7)
}
