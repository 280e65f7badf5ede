package store

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store/codec"
)

// Fact is an order's transition: the order fact of one event. It never changes, unless the
// event's id comes again with an earlier, other content.
type Fact struct {
	Tenant   string
	ID       api.ID
	State    api.EventType // order.*
	Order    string
	Customer string
	At       time.Time // business time
	Currency string
	Amount   int64  // minor units
	Event    []byte // the whole event
}

// FactOf makes the fact of an order event.
func FactOf(tenant string, e *codec.Event) Fact {
	return Fact{Tenant: tenant, ID: e.ID, State: e.Type, Order: string(e.Order), Customer: string(e.Customer),
		At: time.UnixMilli(e.TimeMs).UTC(), Currency: string(e.Currency), Amount: e.Amount, Event: e.Raw}
}

// Key is order#time#state#id in the month of the id. The id keeps apart two equal transitions
// of one millisecond; its month, unlike the business time's, is the same for every content.
func (f Fact) Key() Key {
	return Key{
		PK: FactPK(f.Tenant, f.ID.Time()),
		SK: fmt.Sprintf("%s#%013d#%s#%s", name(f.Order), max(f.At.UnixMilli(), 0), f.State.Name(), f.ID),
	}
}

// FactPK is the partition of a tenant's facts of one month.
func FactPK(tenant string, month time.Time) string {
	return "T#" + tenant + "#O#" + month.UTC().Format(monthForm)
}

// Item is the fact's item.
func (f Fact) Item() map[string]types.AttributeValue {
	item := f.Key().Item()
	item[AttrBody] = blob(f.Event)
	if f.Customer != "" {
		item[AttrGSI1PK] = text("T#" + f.Tenant + "#CUST#" + name(f.Customer))
		item[AttrGSI1SK] = text(item[AttrSK].(*types.AttributeValueMemberS).Value)
	}
	return item
}

// ParseFact reads a fact's item.
func ParseFact(item map[string]types.AttributeValue) (Fact, error) {
	key := KeyOf(item)
	tenant, _, err := cutTenant(key.PK, "O")
	if err != nil {
		return Fact{}, err
	}
	e, err := codec.DecodeEvent(binaryOf(item, AttrBody))
	if err != nil {
		return Fact{}, fmt.Errorf("order fact %s: %w", key, err)
	}
	f := FactOf(tenant, &e)
	if f.Key() != key {
		return Fact{}, fmt.Errorf("order fact %s, whose event says %s: %w", key, f.Key(), ErrKey)
	}
	return f, nil
}
