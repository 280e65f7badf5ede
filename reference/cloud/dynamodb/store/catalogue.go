package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// NewTableID is an id that no table has or had.
func (s *Store) NewTableID() (uint32, error) {
	s.mu.Lock()
	id := s.mu.next
	s.mu.next++
	next := binary.BigEndian.AppendUint32(nil, s.mu.next)
	s.mu.Unlock()
	if err := s.write(func(b *pebble.Batch) error { return b.Set([]byte{spaceNext}, next, nil) }); err != nil {
		return 0, fmt.Errorf("write table id: %w", err)
	}
	return id, nil
}

// SaveTable keeps a table's description, opaque to the store, under its name.
func (s *Store) SaveTable(name string, description []byte) error {
	if err := s.write(func(b *pebble.Batch) error { return b.Set(tableKey(name), description, nil) }); err != nil {
		return fmt.Errorf("write table %s: %w", name, err)
	}
	return nil
}

// Tables are the descriptions of all tables by name.
func (s *Store) Tables() (map[string][]byte, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceMeta}, UpperBound: []byte{spaceMeta + 1}})
	if err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	tables := map[string][]byte{}
	for it.First(); it.Valid(); it.Next() {
		tables[string(it.Key()[1:])] = append([]byte(nil), it.Value()...)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	return tables, nil
}

// DropTable forgets a table and all it holds, at once.
func (s *Store) DropTable(name string, id uint32) error {
	err := s.write(func(b *pebble.Batch) error {
		return errors.Join(b.Delete(tableKey(name), nil), b.DeleteRange(appendTablePrefix(nil, id), appendTablePrefix(nil, id+1), nil))
	})
	if err != nil {
		return fmt.Errorf("drop table %s: %w", name, err)
	}
	return nil
}

// Sweep removes what writes that were under way left in tables that were dropped. The caller
// names the living; it is called before the first write.
func (s *Store) Sweep(living map[uint32]bool) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceData}, UpperBound: []byte{spaceData + 1}})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	var dead []uint32
	for ok := it.First(); ok; {
		id := binary.BigEndian.Uint32(it.Key()[1:])
		if !living[id] {
			dead = append(dead, id)
		}
		ok = it.SeekGE(appendTablePrefix(nil, id+1))
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	for _, id := range dead {
		if err := s.db.DeleteRange(appendTablePrefix(nil, id), appendTablePrefix(nil, id+1), pebble.Sync); err != nil {
			return fmt.Errorf("sweep table %d: %w", id, err)
		}
	}
	return nil
}

func tableKey(name string) []byte { return append([]byte{spaceMeta}, name...) }
