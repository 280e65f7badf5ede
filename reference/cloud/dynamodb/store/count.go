package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// countStep is how many items are counted under one iterator: one that is open keeps files alive
// that compactions would remove.
const countStep = 1 << 16

// Count counts the items of a space and their bytes, as DynamoDB counts them. It reads all of
// it, and takes no lock: what is written meanwhile is counted or not.
func (s *Store) Count(ctx context.Context, space Space) (items, bytes int64, err error) {
	for r := space.Segment(0, 1); ; {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: r.From, UpperBound: r.To})
		if err != nil {
			return 0, 0, fmt.Errorf("count items: %w", err)
		}
		n, ok := 0, it.First()
		for ; ok && n < countStep; ok = it.Next() {
			n++
			items++
			bytes += int64(item.Doc(it.Value()).Size())
		}
		if ok {
			r.From = clone(it.Key())
		}
		if err := it.Close(); err != nil {
			return 0, 0, fmt.Errorf("count items: %w", err)
		}
		if !ok {
			return items, bytes, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
	}
}
