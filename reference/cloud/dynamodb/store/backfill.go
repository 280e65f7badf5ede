package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Backfill writes the entries that an index lacks for up to count of the table's items, and
// says whether that were the last. It goes on where it stopped, also after a crash: how far it
// is, is kept with the entries it wrote. It may run beside writes of those who keep the index
// in step, and of nobody else. Items that the index cannot hold are left out.
func (s *Store) Backfill(t *Table, x *Index, count int) (done bool, err error) {
	mark := progressKey(t.ID, x.ID)
	last, found, err := s.get(s.db, nil, mark)
	if err != nil {
		return false, err
	}
	r := Space{Table: t}.Segment(0, 1)
	if found {
		r = r.After(last)
	} else if err := s.passStripes(); err != nil { // a commit without the index may still be behind a caller that gave up
		return false, err
	}
	keys, err := s.keys(r, count)
	if err != nil || len(keys) == 0 {
		return err == nil, err
	}
	u := s.Begin()
	if err := u.Lock(keys...); err != nil {
		return false, errors.Join(err, u.Release())
	}
	if err := u.backfill(t, x, keys); err != nil {
		return false, errors.Join(err, u.Release())
	}
	if err := u.write().Set(mark, keys[len(keys)-1], nil); err != nil {
		return false, errors.Join(err, u.Release())
	}
	return len(keys) < count, u.Commit()
}

// backfill writes the entries of locked items.
func (u *Unit) backfill(t *Table, x *Index, keys [][]byte) error {
	space := Space{t, x}
	for _, key := range keys {
		d, err := u.Get(key)
		if err != nil {
			return err
		}
		if !x.Holds(d) { // nor does what was deleted since
			continue
		}
		u.key = space.AppendKey(u.key[:0], d)
		u.entry = t.Entry(u.entry[:0], x, d)
		if err := u.write().Set(u.key, u.entry, nil); err != nil {
			return fmt.Errorf("write entry of index %s: %w", x.Name, err)
		}
	}
	return nil
}

// keys are the first keys of a range, copied.
func (s *Store) keys(r Range, count int) (keys [][]byte, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: r.From, UpperBound: r.To})
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	for ok := it.First(); ok && len(keys) < count; ok = it.Next() {
		keys = append(keys, clone(it.Key()))
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}

// passStripes waits for all commits under way, those too whose callers have given up waiting.
func (s *Store) passStripes() error {
	for i := range uint32(stripes) {
		held, err := s.lock([]uint32{i})
		if err != nil {
			return err
		}
		s.unlock(held)
	}
	return nil
}

// DropIndex removes all entries of an index, after commits under way, and what Backfill kept.
// No caller may know the index any more.
func (s *Store) DropIndex(t *Table, id uint8) error {
	if err := s.passStripes(); err != nil {
		return err
	}
	prefix := func(id uint8) []byte { return append(appendTablePrefix(nil, t.ID), id) }
	err := s.write(func(b *pebble.Batch) error {
		return errors.Join(b.DeleteRange(prefix(id), prefix(id+1), nil), b.Delete(progressKey(t.ID, id), nil))
	})
	if err != nil {
		return fmt.Errorf("drop index %d of table %d: %w", id, t.ID, err)
	}
	return nil
}

// progressKey is where Backfill keeps the last key it came to.
func progressKey(table uint32, index uint8) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{spaceProgress}, table), index)
}
