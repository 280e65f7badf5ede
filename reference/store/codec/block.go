package codec

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"
)

// BlockCodec is the number of the block format and chunking that this release writes. It is
// part of a block's key: a release that changes one byte of what [Pack] returns takes a new
// number, and so adds beside older blocks instead of overwriting them.
const BlockCodec = 1

// MaxChunk bounds a block's bytes, under DynamoDB's 400 KB an item with its key and attributes
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items).
const MaxChunk = 300 << 10

// Block is what one chunk holds: events of one tenant-minute of one object.
type Block struct {
	Minute   int64 // minutes since the Unix epoch
	Requests []Request
	Size     int // bytes of the encoded form
}

// Digest is the fingerprint by which markers and roll-ups know a block's bytes.
func Digest(block []byte) uint64 { return xxh3.Hash(block) }

// Pack writes the events of one tenant-minute of one object into chunks of at most [MaxChunk]
// bytes. Equal input gives equal chunks. It fails only for an event that fits into no chunk.
func Pack(part TenantMinute) ([][]byte, error) { return pack(part, MaxChunk) }

func pack(part TenantMinute, limit int) ([][]byte, error) {
	var chunks [][]byte
	start := func() []byte {
		return binary.AppendVarint(append(make([]byte, 0, 512), BlockCodec), part.Minute)
	}
	chunk := start()
	empty := len(chunk)
	for _, req := range part.Requests {
		for events := req.Events; len(events) > 0; {
			// As many of the request's events as still fit behind its head.
			head := binary.AppendVarint(nil, req.ReceivedMs)
			head = appendText(head, req.Correlation)
			head = appendText(head, req.Version)
			size := len(chunk) + len(head) + binary.MaxVarintLen32
			n := 0
			for n < len(events) {
				more := binary.MaxVarintLen32 + len(events[n])
				if size+more > limit {
					break
				}
				size += more
				n++
			}
			if n == 0 && len(chunk) == empty {
				return nil, fmt.Errorf("pack event of %d bytes: a chunk holds %d", len(events[0]), limit)
			}
			if n > 0 {
				chunk = append(chunk, head...)
				chunk = binary.AppendUvarint(chunk, uint64(n))
				for _, e := range events[:n] {
					chunk = appendText(chunk, e)
				}
				events = events[n:]
			}
			if len(events) > 0 {
				chunks = append(chunks, chunk)
				chunk = start()
			}
		}
	}
	if len(chunk) > empty {
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

// Unpack reads one chunk. The error wraps [ErrUnknownCodec] for another release's format and
// [ErrCorrupt] for broken bytes. Events are not decoded here; [Compute] checks them.
func Unpack(chunk []byte) (Block, error) {
	if len(chunk) == 0 {
		return Block{}, fmt.Errorf("block: empty: %w", ErrCorrupt)
	}
	if chunk[0] != BlockCodec {
		return Block{}, fmt.Errorf("block: codec %d: %w", chunk[0], ErrUnknownCodec)
	}
	r := reader{data: chunk[1:]}
	b := Block{Minute: r.varint(), Size: len(chunk)}
	for len(r.data) > 0 {
		req := Request{ReceivedMs: r.varint(), Correlation: r.text(), Version: r.text()}
		n := r.count(1)
		if n == 0 {
			r.fail("request without events")
			break
		}
		req.Events = make([][]byte, n)
		for i := range req.Events {
			req.Events[i] = r.bytes()
		}
		b.Requests = append(b.Requests, req)
	}
	if r.err != nil {
		return Block{}, fmt.Errorf("block: %w", r.err)
	}
	return b, nil
}
