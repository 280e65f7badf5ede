package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Unit is one request's reads and writes: it holds the locks of its keys from Lock until Commit
// or Release, one of which must be called, once. A Unit is used by one goroutine.
type Unit struct {
	store    *Store
	held     []uint32 // stripes that are locked
	read     []uint32 // stripes of what was read
	batch    *pebble.Batch
	keys     []string // keys of a transaction's items
	token    *TokenID // running; with tokenAt and content of the transaction
	tokenAt  time.Time
	content  [16]byte
	values   []byte // what Get returned
	at       time.Time
	happened []happening
	key      []byte // scratch
	entry    []byte // scratch
}

// Begin starts a unit.
func (s *Store) Begin() *Unit { return s.units.Get().(*Unit) }

// At tells the unit what time it is, for what it records in streams.
func (u *Unit) At(now time.Time) { u.at = now }

// Lock takes the locks of all items the unit will touch, by their keys. It is called once. If
// it fails nothing is locked, and the unit is to be released.
func (u *Unit) Lock(keys ...[]byte) (err error) {
	for _, k := range keys {
		u.held = append(u.held, u.store.stripe(k))
	}
	u.held, err = u.store.lock(u.held)
	return err
}

// Contended says whether a transaction is writing the item of that key.
func (u *Unit) Contended(key []byte) bool {
	_, ok := u.store.stripes[u.store.stripe(key)].inside[string(key)]
	return ok
}

// Claim marks the item of that key as one that this unit's transaction writes: until the
// commit is durable others find it contended.
func (u *Unit) Claim(key []byte) {
	st := &u.store.stripes[u.store.stripe(key)]
	if st.inside == nil {
		st.inside = map[string]struct{}{}
	}
	k := string(key)
	st.inside[k] = struct{}{}
	u.keys = append(u.keys, k)
}

// Get is the item under a locked key, or nil. It is good until Commit or Release.
func (u *Unit) Get(key []byte) (item.Doc, error) {
	u.read = append(u.read, u.store.stripe(key))
	start := len(u.values)
	values, found, err := u.store.get(u.store.db, u.values, key)
	u.values = values
	if err != nil || !found {
		return nil, err
	}
	return item.Doc(values[start:len(values):len(values)]), nil
}

func (u *Unit) write() *pebble.Batch {
	if u.batch == nil {
		u.batch = u.store.db.NewBatch()
	}
	return u.batch
}

// Put writes an item in place of old, which is nil if there was none, and keeps the table's
// indexes in step. If the table has neither indexes nor a stream old need not be known.
func (u *Unit) Put(t *Table, key []byte, old, now item.Doc) error {
	if err := u.write().Set(key, now, nil); err != nil {
		return fmt.Errorf("write item: %w", err)
	}
	u.record(t, old, now, Modified)
	return u.reindex(t, old, now)
}

// Delete removes an item, old, with its index entries.
func (u *Unit) Delete(t *Table, key []byte, old item.Doc) error {
	if err := u.write().Delete(key, nil); err != nil {
		return fmt.Errorf("delete item: %w", err)
	}
	u.record(t, old, nil, Removed)
	return u.reindex(t, old, nil)
}

// Expire is Delete by the service itself.
func (u *Unit) Expire(t *Table, key []byte, old item.Doc) error {
	if err := u.write().Delete(key, nil); err != nil {
		return fmt.Errorf("delete expired item: %w", err)
	}
	u.record(t, old, nil, Expired)
	return u.reindex(t, old, nil)
}

func (u *Unit) reindex(t *Table, old, now item.Doc) error {
	for i := range t.Indexes {
		x := &t.Indexes[i]
		space := Space{t, x}
		before, after := x.Holds(old), x.Holds(now)
		u.key = u.key[:0]
		if before {
			u.key = space.AppendKey(u.key, old)
		}
		split := len(u.key)
		if after {
			u.key = space.AppendKey(u.key, now)
		}
		was, is := u.key[:split], u.key[split:]
		same := before && after && string(was) == string(is)
		if before && !same {
			if err := u.batch.Delete(was, nil); err != nil {
				return fmt.Errorf("delete entry of index %s: %w", x.Name, err)
			}
		}
		if !after {
			continue
		}
		u.entry = t.Entry(u.entry[:0], x, now)
		if same {
			half := len(u.entry)
			u.entry = t.Entry(u.entry, x, old)
			if string(u.entry[:half]) == string(u.entry[half:]) {
				continue
			}
			u.entry = u.entry[:half]
		}
		if err := u.batch.Set(is, u.entry, nil); err != nil {
			return fmt.Errorf("write entry of index %s: %w", x.Name, err)
		}
	}
	return nil
}

// Commit makes the unit's writes visible, releases its locks, and returns when they are
// durable, or with [ErrUnavailable] when that cannot be told for want of a working disk. A unit
// that wrote nothing is released.
func (u *Unit) Commit() error {
	s := u.store
	if u.batch == nil {
		return u.Release()
	}
	if err := s.Healthy(); err != nil {
		return errors.Join(err, u.Release())
	}
	if u.token != nil {
		if err := u.sealToken(); err != nil {
			return errors.Join(err, u.Release())
		}
	}
	c := &commit{done: make(chan struct{})}
	for _, i := range u.held {
		s.stripes[i].last.Store(c) // before it can be seen
	}
	if err := s.carry(c, u.apply); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// apply writes the batch and gives the unit back.
func (u *Unit) apply() error {
	streams, err := u.number()
	if err == nil {
		err = u.store.db.ApplyNoSyncWait(u.batch, pebble.Sync)
	}
	unlockStreams(streams)
	u.store.unlock(u.held)
	if err == nil {
		err = u.batch.SyncWait()
	}
	u.leave()
	if closing := u.batch.Close(); err == nil {
		err = closing
	}
	u.reset()
	return err
}

// Release gives the locks back without writing and returns when all that the unit has read is
// durable. It fails if that cannot be waited for: what was read is then not to be told.
func (u *Unit) Release() error {
	s := u.store
	s.unlock(u.held)
	var err error
	for _, i := range u.read {
		if err = s.await(s.stripes[i].last.Load()); err != nil {
			break
		}
	}
	u.leave()
	if u.batch != nil {
		_ = u.batch.Close() // it was never applied
	}
	u.reset()
	return err
}

// leave takes the claims of a transaction back.
func (u *Unit) leave() {
	s := u.store
	for _, k := range u.keys {
		st := &s.stripes[s.stripe([]byte(k))]
		st.turn <- struct{}{}
		delete(st.inside, k)
		<-st.turn
	}
	if u.token != nil {
		s.endToken(*u.token)
	}
}

// maxScratch bounds the memory that a pooled unit keeps.
const maxScratch = 1 << 20

func (u *Unit) reset() {
	if cap(u.values)+cap(u.entry) > maxScratch {
		u.values, u.entry = nil, nil
	}
	clear(u.keys)
	clear(u.happened)
	*u = Unit{happened: u.happened[:0], store: u.store, held: u.held[:0], read: u.read[:0], keys: u.keys[:0], values: u.values[:0], key: u.key[:0], entry: u.entry[:0]}
	u.store.units.Put(u)
}
