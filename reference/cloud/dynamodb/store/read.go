package store

import (
	"fmt"
	"math/bits"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Range is a part of a space in key order: keys from From up to, not including, To.
type Range struct {
	From, To []byte
	Reverse  bool
	One      bool // all of it lies in one partition key of the table itself
}

// Bound says how a sort key is limited.
type Bound struct {
	// Equal are, of an index with several sort key attributes, the values of those before the
	// one that the others are about.
	Equal    []item.Value
	From, To item.Value // nil is open; To is inclusive unless Exclusive
	// FromAfter leaves From itself out, ToBefore leaves To out.
	FromAfter, ToBefore bool
	Prefix              item.Value // instead of From and To: all that begin with it
}

// Partition is the range of a partition key, as [Key.Partition] has it, whose sort keys are
// within the bound.
func (s Space) Partition(pk item.Value, b Bound) Range {
	base := item.AppendPartitionKey(s.AppendPrefix(nil), pk)
	for _, v := range b.Equal {
		base = item.AppendSortKeyInside(base, v)
	}
	base = base[:len(base):len(base)]
	r := Range{From: base, To: item.PrefixEnd(clone(base)), One: s.Index == nil}
	end := func(v item.Value) []byte { // the key of v as a whole
		if s.Index != nil {
			return item.AppendSortKeyInside(base, v)
		}
		return item.AppendSortKey(base, v)
	}
	after := func(v item.Value) []byte { // the first key behind all of v's
		if s.Index != nil {
			return item.PrefixEnd(end(v))
		}
		return append(end(v), 0)
	}
	switch {
	case b.Prefix != nil && s.Index != nil:
		r.From = item.AppendSortKeyPrefix(base, b.Prefix)
		r.To = item.PrefixEnd(clone(r.From))
	case b.Prefix != nil:
		r.From = item.AppendSortKey(base, b.Prefix)
		r.To = item.PrefixEnd(clone(r.From))
	}
	if b.From != nil {
		if r.From = end(b.From); b.FromAfter {
			r.From = after(b.From)
		}
	}
	if b.To != nil {
		if r.To = after(b.To); b.ToBefore {
			r.To = end(b.To)
		}
	}
	return r
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// Segment is the range of one of total equal parts of the space, by the hash of partition keys.
func (s Space) Segment(segment, total int) Range {
	at := func(i int) []byte {
		prefix := s.AppendPrefix(nil)
		switch i {
		case 0:
			return prefix
		case total:
			return item.PrefixEnd(prefix)
		}
		h, _ := bits.Div64(uint64(i), 0, uint64(total))
		for shift := 56; shift >= 0; shift -= 8 {
			prefix = append(prefix, byte(h>>shift))
		}
		return prefix
	}
	return Range{From: at(segment), To: at(segment + 1)}
}

// After narrows the range to what comes behind a key, in the range's direction.
func (r Range) After(key []byte) Range {
	if r.Reverse {
		if string(key) < string(r.To) {
			r.To = key
		}
		return r
	}
	if next := append(clone(key), 0); string(next) > string(r.From) {
		r.From = next
	}
	return r
}

// Holds says whether a key lies in the range.
func (r Range) Holds(key []byte) bool {
	return string(key) >= string(r.From) && (r.To == nil || string(key) < string(r.To))
}

// Walk calls visit for the items of the range in order until it returns false. The document is
// good only during the call. What was visited is durable when Walk returns.
func (s *Store) Walk(r Range, visit func(d item.Doc) bool) error {
	if r.To != nil && string(r.From) >= string(r.To) {
		return nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: r.From, UpperBound: r.To})
	if err != nil {
		return fmt.Errorf("read range: %w", err)
	}
	step, ok := it.Next, false
	if r.Reverse {
		step, ok = it.Prev, it.Last()
	} else {
		ok = it.First()
	}
	for ok && visit(it.Value()) {
		ok = step()
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read range: %w", err)
	}
	if r.One {
		return s.await(s.stripes[s.stripe(r.From)].last.Load())
	}
	return s.barrier()
}
