package codec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/retailflow/stampede/reference/api"
)

const stateCodec = 1

// BlockRef names one block of a tenant's minute and the bytes that were found there.
type BlockRef struct {
	Object ObjectID
	Codec  int
	Shard  int
	Chunk  int
	Digest uint64
	Done   bool // its order facts are stored
}

// State is a minute roll-up's memory: the blocks it sums, and how far their order facts are
// stored. Facts of changed ids up to and including Cursor are stored for all blocks, those
// above it only for the blocks that are Done. A zero Cursor with every block Done is complete.
type State struct {
	Blocks []BlockRef // sorted by object, codec, chunk
	Cursor api.ID
}

// Complete says whether all order facts are stored.
func (s *State) Complete() bool {
	return s.Cursor == api.ID{} && !slices.ContainsFunc(s.Blocks, func(b BlockRef) bool { return !b.Done })
}

// Find returns the position of the block with the same place as ref, whatever its bytes.
func (s *State) Find(ref BlockRef) (int, bool) {
	return slices.BinarySearchFunc(s.Blocks, ref, compareRefs)
}

// Add puts a block in its place, or replaces the one there.
func (s *State) Add(ref BlockRef) {
	i, ok := s.Find(ref)
	if ok {
		s.Blocks[i] = ref
		return
	}
	s.Blocks = slices.Insert(s.Blocks, i, ref)
}

func compareRefs(a, b BlockRef) int {
	return cmp.Or(bytes.Compare(a.Object[:], b.Object[:]), cmp.Compare(a.Codec, b.Codec), cmp.Compare(a.Chunk, b.Chunk))
}

// Encode writes the state.
func (s *State) Encode() []byte {
	b := append(make([]byte, 0, 32+28*len(s.Blocks)), stateCodec)
	b = append(b, s.Cursor[:]...)
	b = binary.AppendUvarint(b, uint64(len(s.Blocks)))
	for _, ref := range s.Blocks {
		b = append(b, ref.Object[:]...)
		b = binary.AppendUvarint(b, uint64(ref.Codec))
		b = binary.AppendUvarint(b, uint64(ref.Shard))
		chunk := uint64(ref.Chunk) << 1
		if ref.Done {
			chunk |= 1
		}
		b = binary.AppendUvarint(b, chunk)
		b = binary.BigEndian.AppendUint64(b, ref.Digest)
	}
	return b
}

// DecodeState reads what [State.Encode] wrote; no bytes are the zero State. The error wraps
// [ErrUnknownCodec] or [ErrCorrupt].
func DecodeState(data []byte) (State, error) {
	if len(data) == 0 {
		return State{}, nil
	}
	if data[0] != stateCodec {
		return State{}, fmt.Errorf("roll-up state: codec %d: %w", data[0], ErrUnknownCodec)
	}
	r := reader{data: data[1:]}
	var s State
	copy(s.Cursor[:], r.take(uint64(len(s.Cursor))))
	if n := r.count(27); n > 0 {
		s.Blocks = make([]BlockRef, n)
		for i := range s.Blocks {
			ref := &s.Blocks[i]
			copy(ref.Object[:], r.take(uint64(len(ref.Object))))
			ref.Codec = r.small()
			ref.Shard = r.small()
			chunk := r.small()
			ref.Chunk, ref.Done = chunk>>1, chunk&1 == 1
			ref.Digest = r.uint64()
			if i > 0 && r.err == nil && compareRefs(s.Blocks[i-1], *ref) >= 0 {
				r.fail("block order")
			}
		}
	}
	if err := r.end(); err != nil {
		return State{}, fmt.Errorf("roll-up state: %w", err)
	}
	return s, nil
}
