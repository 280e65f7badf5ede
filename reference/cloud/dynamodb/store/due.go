package store

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Look is a part of a table that was looked through.
type Look struct {
	Keys  [][]byte // of the items that were wanted
	Bytes int      // that were read
	Next  []byte   // where to go on, nil at the table's end
}

// Look reads a table's items in the order of their keys, from a key on (nil is the first) until it
// has read about most bytes, and finds those that are wanted. What it finds may have changed
// since, and need not be durable.
func (s *Store) Look(t *Table, from []byte, most int, wanted func(item.Doc) bool) (l Look, err error) {
	whole := Space{Table: t}.Segment(0, 1)
	if from == nil || bytes.Compare(from, whole.From) < 0 || bytes.Compare(from, whole.To) >= 0 { // of a table that had this one's name
		from = whole.From
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: whole.To})
	if err != nil {
		return l, fmt.Errorf("look through table %d: %w", t.ID, err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if l.Bytes >= most {
			l.Next = clone(it.Key())
			break
		}
		l.Bytes += len(it.Key()) + len(it.Value())
		if wanted(it.Value()) {
			l.Keys = append(l.Keys, clone(it.Key()))
		}
	}
	if err := it.Close(); err != nil {
		return l, fmt.Errorf("look through table %d: %w", t.ID, err)
	}
	return l, nil
}
