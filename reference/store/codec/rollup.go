package codec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/retailflow/stampede/reference/api"
)

// RollupCodec is the number of the roll-up format that this release writes.
const RollupCodec = 1

// Rollup is the sum over the distinct events of a bucket: a minute, an hour or a day. The zero
// value is the roll-up of no events. Slices are sorted by their keys and hold no zero entry.
type Rollup struct {
	Count      int64
	IDs        api.Sum128
	Types      map[api.EventType]int64
	Currencies []Turnover
	SKUs       []SKU
	Conflicts  int64 // ids that came again with another content, once for each other content

	LastReceivedMs  int64  // of the newest request inside, Unix milliseconds
	LastCorrelation string // and its correlation id
}

// Turnover is the sums of one currency; money in minor units.
type Turnover struct {
	Currency  string
	Orders    int64 // order.created
	Units     int64 // of their lines
	Gross     int64 // amounts of order.created
	Refunded  int64 // amounts of order.refunded
	Cancelled int64 // amounts of order.cancelled
}

// SKU is the sums of one article in one currency. Views carry no currency and are kept under "".
type SKU struct {
	SKU      string
	Currency string
	Units    int64
	Views    int64
	Amount   int64 // minor units
}

// Encode writes the roll-up. Equal roll-ups give equal bytes.
func (r *Rollup) Encode() []byte {
	b := make([]byte, 0, 128+24*len(r.SKUs))
	b = append(b, RollupCodec)
	b = binary.AppendVarint(b, r.Count)
	b = binary.BigEndian.AppendUint64(b, r.IDs.Hi)
	b = binary.BigEndian.AppendUint64(b, r.IDs.Lo)
	b = binary.AppendVarint(b, r.Conflicts)
	b = binary.AppendVarint(b, r.LastReceivedMs)
	b = appendText(b, r.LastCorrelation)
	b = binary.AppendUvarint(b, uint64(len(r.Types)))
	for _, t := range slices.Sorted(maps.Keys(r.Types)) {
		b = binary.AppendUvarint(b, uint64(t))
		b = binary.AppendVarint(b, r.Types[t])
	}
	b = binary.AppendUvarint(b, uint64(len(r.Currencies)))
	for _, c := range r.Currencies {
		b = appendText(b, c.Currency)
		for _, v := range [...]int64{c.Orders, c.Units, c.Gross, c.Refunded, c.Cancelled} {
			b = binary.AppendVarint(b, v)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.SKUs)))
	for _, s := range r.SKUs {
		b = appendText(b, s.SKU)
		b = appendText(b, s.Currency)
		for _, v := range [...]int64{s.Units, s.Views, s.Amount} {
			b = binary.AppendVarint(b, v)
		}
	}
	return b
}

// DecodeRollup reads what [Rollup.Encode] wrote. The error wraps [ErrUnknownCodec] or [ErrCorrupt].
func DecodeRollup(data []byte) (Rollup, error) {
	if len(data) == 0 {
		return Rollup{}, fmt.Errorf("roll-up: empty: %w", ErrCorrupt)
	}
	if data[0] != RollupCodec {
		return Rollup{}, fmt.Errorf("roll-up: codec %d: %w", data[0], ErrUnknownCodec)
	}
	r := reader{data: data[1:]}
	var out Rollup
	out.Count = r.varint()
	out.IDs = api.Sum128{Hi: r.uint64(), Lo: r.uint64()}
	out.Conflicts = r.varint()
	out.LastReceivedMs = r.varint()
	out.LastCorrelation = r.text()
	if n := r.count(2); n > 0 {
		out.Types = make(map[api.EventType]int64, n)
		for range n {
			t := api.EventType(r.uvarint())
			out.Types[t] = r.varint()
		}
	}
	if n := r.count(6); n > 0 {
		out.Currencies = make([]Turnover, n)
		for i := range out.Currencies {
			out.Currencies[i] = Turnover{Currency: r.text(), Orders: r.varint(), Units: r.varint(),
				Gross: r.varint(), Refunded: r.varint(), Cancelled: r.varint()}
		}
	}
	if n := r.count(5); n > 0 {
		out.SKUs = make([]SKU, n)
		for i := range out.SKUs {
			out.SKUs[i] = SKU{SKU: r.text(), Currency: r.text(), Units: r.varint(), Views: r.varint(), Amount: r.varint()}
		}
	}
	if err := r.end(); err != nil {
		return Rollup{}, fmt.Errorf("roll-up: %w", err)
	}
	return out, nil
}

// Split cuts encoded bytes into parts of at most [MaxChunk] bytes, in order.
func Split(data []byte) [][]byte {
	return slices.Collect(slices.Chunk(data, MaxChunk))
}
