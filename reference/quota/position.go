package quota

import (
	"bytes"
	"cmp"
	"fmt"
)

// Position is where an item lies among all items of a table or an index: by the hash of its
// partition key, then by the rest of its key, whose bytes sort as the items do. Items with one
// partition key have one Hash.
type Position struct {
	Hash uint64
	Rest []byte
}

// Compare orders positions.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Hash, q.Hash); c != 0 {
		return c
	}
	return bytes.Compare(p.Rest, q.Rest)
}

// String is the hash, and behind a slash the rest if there is one.
func (p Position) String() string {
	if len(p.Rest) == 0 {
		return fmt.Sprintf("%016x", p.Hash)
	}
	return fmt.Sprintf("%016x/%.64q", p.Hash, p.Rest)
}

// KeyRange is what one partition serves: from From until, without it, To. No To is the end.
type KeyRange struct {
	From Position
	To   *Position
}

// Holds says whether the range holds a position.
func (r KeyRange) Holds(p Position) bool {
	return r.From.Compare(p) <= 0 && (r.To == nil || p.Compare(*r.To) < 0)
}

// String is [from,to).
func (r KeyRange) String() string {
	if r.To == nil {
		return fmt.Sprintf("[%s,end)", r.From)
	}
	return fmt.Sprintf("[%s,%s)", r.From, r.To)
}

// oneHash says whether the range holds items of a single partition key at most.
func (r KeyRange) oneHash() bool {
	if r.To == nil {
		return r.From.Hash == 1<<64-1
	}
	return r.To.Hash == r.From.Hash || r.To.Hash == r.From.Hash+1 && len(r.To.Rest) == 0
}

// width is how many hashes the range spans, at most all but one.
func (r KeyRange) width() uint64 {
	if r.To == nil {
		return 1<<64 - 1 - r.From.Hash
	}
	return r.To.Hash - r.From.Hash
}
