package codec

import (
	"encoding/binary"
	"fmt"
)

const markerCodec = 1

// MarkerEntry says which blocks of one minute of one object belong to one tenant.
type MarkerEntry struct {
	Tenant string
	Shard  int      // block shard inside the tenant's hour
	Codec  int      // the blocks' [BlockCodec]
	Chunks []uint64 // their digests by chunk number; none means: look for all blocks of the minute
}

// EncodeMarker writes a marker's body.
func EncodeMarker(entries []MarkerEntry) []byte {
	b := binary.AppendUvarint([]byte{markerCodec}, uint64(len(entries)))
	for _, e := range entries {
		b = appendText(b, e.Tenant)
		b = binary.AppendUvarint(b, uint64(e.Shard))
		b = binary.AppendUvarint(b, uint64(e.Codec))
		b = binary.AppendUvarint(b, uint64(len(e.Chunks)))
		for _, d := range e.Chunks {
			b = binary.BigEndian.AppendUint64(b, d)
		}
	}
	return b
}

// DecodeMarker reads what [EncodeMarker] wrote. The error wraps [ErrUnknownCodec] or [ErrCorrupt].
func DecodeMarker(data []byte) ([]MarkerEntry, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("marker: empty: %w", ErrCorrupt)
	}
	if data[0] != markerCodec {
		return nil, fmt.Errorf("marker: codec %d: %w", data[0], ErrUnknownCodec)
	}
	r := reader{data: data[1:]}
	entries := make([]MarkerEntry, r.count(4))
	for i := range entries {
		e := MarkerEntry{Tenant: r.text(), Shard: r.small(), Codec: r.small()}
		if n := r.count(8); n > 0 {
			e.Chunks = make([]uint64, n)
			for j := range e.Chunks {
				e.Chunks[j] = r.uint64()
			}
		}
		entries[i] = e
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("marker: %w", err)
	}
	return entries, nil
}
