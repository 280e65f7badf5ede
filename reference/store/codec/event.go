package codec

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/retailflow/stampede/reference/api"
)

// Event is an [api.Event] decoded without copying: its byte fields point into Raw. Aggregation
// looks at every event of a minute every few seconds, and this costs a fifth of proto.Unmarshal.
type Event struct {
	ID       api.ID
	Type     api.EventType
	TimeMs   int64
	Content  uint64
	Amount   int64  // minor units
	Quantity int64  // inventory.adjusted
	Sequence uint64 // inventory.adjusted

	SKU, Customer, Order, Currency      []byte
	Category, Title, EmailHash, Country []byte

	Raw []byte // the message itself
}

// Field numbers of the message, as in events.proto.
const (
	fieldID       = 1
	fieldType     = 2
	fieldTimeMs   = 3
	fieldContent  = 4
	fieldSKU      = 5
	fieldCustomer = 6
	fieldOrder    = 7
	fieldCurrency = 8
	fieldAmount   = 9
	fieldLines    = 10
	fieldQuantity = 11
	fieldSequence = 12
	fieldCategory = 13
	fieldTitle    = 14
	fieldEmail    = 15
	fieldCountry  = 16
)

// DecodeEvent reads one message. The error wraps [ErrCorrupt] for a broken message, an id that
// is no UUIDv7 or not the only one, and a type that this release does not know.
func DecodeEvent(raw []byte) (Event, error) {
	e := Event{Raw: raw}
	var id []byte
	content := false
	for b := raw; len(b) > 0; {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Event{}, fmt.Errorf("event tag: %w", ErrCorrupt)
		}
		b = b[n:]
		switch kind {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return Event{}, fmt.Errorf("event field %d: %w", number, ErrCorrupt)
			}
			b = b[n:]
			switch number {
			case fieldType:
				e.Type = api.EventType(int32(v))
			case fieldTimeMs:
				e.TimeMs = protowire.DecodeZigZag(v)
			case fieldAmount:
				e.Amount = protowire.DecodeZigZag(v)
			case fieldQuantity:
				e.Quantity = protowire.DecodeZigZag(v)
			case fieldSequence:
				e.Sequence = v
			}
		case protowire.Fixed64Type:
			v, n := protowire.ConsumeFixed64(b)
			if n < 0 {
				return Event{}, fmt.Errorf("event field %d: %w", number, ErrCorrupt)
			}
			b = b[n:]
			if number == fieldContent {
				if content {
					return Event{}, fmt.Errorf("event with two contents: %w", ErrCorrupt)
				}
				e.Content, content = v, true
			}
		case protowire.BytesType:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return Event{}, fmt.Errorf("event field %d: %w", number, ErrCorrupt)
			}
			b = b[n:]
			switch number {
			case fieldID:
				if id != nil {
					return Event{}, fmt.Errorf("event with two ids: %w", ErrCorrupt)
				}
				id = v
			case fieldSKU:
				e.SKU = v
			case fieldCustomer:
				e.Customer = v
			case fieldOrder:
				e.Order = v
			case fieldCurrency:
				e.Currency = v
			case fieldLines:
				if _, err := decodeLine(v); err != nil {
					return Event{}, err
				}
			case fieldCategory:
				e.Category = v
			case fieldTitle:
				e.Title = v
			case fieldEmail:
				e.EmailHash = v
			case fieldCountry:
				e.Country = v
			}
		default:
			n := protowire.ConsumeFieldValue(number, kind, b)
			if n < 0 {
				return Event{}, fmt.Errorf("event field %d: %w", number, ErrCorrupt)
			}
			b = b[n:]
		}
	}
	var err error
	if e.ID, err = api.IDFromBytes(id); err != nil {
		return Event{}, fmt.Errorf("event: %w: %w", err, ErrCorrupt)
	}
	if e.Type.Name() == "" {
		return Event{}, fmt.Errorf("event %s of unknown type %d: %w", e.ID, e.Type, ErrCorrupt)
	}
	return e, nil
}

// peek reads only what decides between equal ids. Fields 1 to 4 come first in practice, but
// the walk does not rely on it.
func peek(raw []byte) (id api.ID, content uint64, err error) {
	seen := 0
	for b := raw; len(b) > 0 && seen < 2; {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return id, 0, fmt.Errorf("event tag: %w", ErrCorrupt)
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return id, 0, fmt.Errorf("event field %d: %w", number, ErrCorrupt)
		}
		switch {
		case number == fieldID && kind == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(b)
			if len(v) != len(id) {
				return id, 0, fmt.Errorf("event id of %d bytes: %w", len(v), ErrCorrupt)
			}
			copy(id[:], v)
			seen++
		case number == fieldContent && kind == protowire.Fixed64Type:
			content, _ = protowire.ConsumeFixed64(b)
			seen++
		}
		b = b[n:]
	}
	return id, content, nil
}

// Line is one line of an order.created; SKU points into the event.
type Line struct {
	SKU      []byte
	Quantity int64
	Total    int64 // minor units of the order's currency
}

// EachLine calls f for every line in order. The event must have come from [DecodeEvent].
func (e *Event) EachLine(f func(Line)) {
	for b := e.Raw; len(b) > 0; {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return
		}
		if number == fieldLines && kind == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			if line, err := decodeLine(v); err == nil {
				f(line)
			}
		}
		b = b[n:]
	}
}

func decodeLine(b []byte) (Line, error) {
	var line Line
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Line{}, fmt.Errorf("line tag: %w", ErrCorrupt)
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, kind, b)
		if n < 0 {
			return Line{}, fmt.Errorf("line field %d: %w", number, ErrCorrupt)
		}
		switch {
		case number == 1 && kind == protowire.BytesType:
			line.SKU, _ = protowire.ConsumeBytes(b)
		case number == 2 && kind == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(b)
			line.Quantity = protowire.DecodeZigZag(v)
		case number == 3 && kind == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(b)
			line.Total = protowire.DecodeZigZag(v)
		}
		b = b[n:]
	}
	return line, nil
}
