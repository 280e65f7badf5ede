package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Event is what happened to an item.
type Event byte

// The events.
const (
	Inserted Event = 'I'
	Modified Event = 'M'
	Removed  Event = 'R'
	Expired  Event = 'X' // removed by the service, since its time to live was over
)

// Record is one change of one item. Old and New are there if the stream holds such images.
type Record struct {
	Number         uint64
	At             time.Time
	Event          Event
	Key, Old, New  item.Doc
	HasOld, HasNew bool
}

// Size is the record's size in bytes as AWS counts it.
func (r *Record) Size() int { return r.Key.Size() + r.Old.Size() + r.New.Size() }

// errRecord is met when a record is not of the form that appendRecord writes.
var errRecord = errors.New("damaged record of a stream")

// appendRecord encodes all of a record but its number: event, milliseconds, and three documents
// behind their lengths plus one; zero is none.
func appendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, byte(r.Event))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.At.UnixMilli()))
	for _, d := range []struct {
		doc item.Doc
		has bool
	}{{r.Key, true}, {r.Old, r.HasOld}, {r.New, r.HasNew}} {
		if !d.has {
			dst = append(dst, 0)
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(len(d.doc))+1)
		dst = append(dst, d.doc...)
	}
	return dst
}

// parseRecord decodes a record. Its documents alias text.
func parseRecord(number uint64, text []byte) (r Record, err error) {
	if len(text) < 9 {
		return r, errRecord
	}
	r = Record{Number: number, Event: Event(text[0]), At: time.UnixMilli(int64(binary.BigEndian.Uint64(text[1:]))).UTC()}
	text = text[9:]
	cut := func() (d item.Doc, has bool) {
		n, w := binary.Uvarint(text)
		if w <= 0 || n > uint64(len(text)-w)+1 {
			err = errRecord
			return nil, false
		}
		text = text[w:]
		if n == 0 {
			return nil, false
		}
		d, text = item.Doc(text[:n-1:n-1]), text[n-1:]
		return d, true
	}
	has := false
	r.Key, has = cut()
	r.Old, r.HasOld = cut()
	r.New, r.HasNew = cut()
	if !has || len(text) != 0 || !bytes.ContainsRune([]byte("IMRX"), rune(r.Event)) {
		err = errRecord
	}
	return r, err
}

// ReadStream calls visit for the records from a number up to, not including, another (0 is the
// end) until it returns false. A record's documents are good only during the call. What was
// visited is durable when ReadStream returns.
func (s *Store) ReadStream(st *Stream, from, to uint64, visit func(Record) bool) error {
	upper := recordKey(nil, st.id, to)
	if to == 0 {
		upper = recordKey(nil, st.id+1, 0)
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey(nil, st.id, from), UpperBound: upper})
	if err != nil {
		return fmt.Errorf("read stream %d: %w", st.id, err)
	}
	var r Record
	for ok := it.First(); ok; ok = it.Next() {
		if r, err = parseRecord(recordNumber(it.Key()), it.Value()); err != nil || !visit(r) {
			break
		}
	}
	if err = errors.Join(err, it.Close()); err != nil {
		return fmt.Errorf("read stream %d: %w", st.id, err)
	}
	return s.barrier()
}

// happening is a change that a unit has to record.
type happening struct {
	stream   *Stream
	table    *Table
	event    Event
	old, now item.Doc
}

// record notes a change for the table's stream, if it has one and there is a change.
func (u *Unit) record(t *Table, old, now item.Doc, event Event) {
	switch {
	case t.Stream == nil || bytes.Equal(old, now):
		return
	case now == nil && event != Expired:
		event = Removed
	case now != nil && old == nil:
		event = Inserted
	}
	// A caller that does not wait for a sick disk uses its buffer again before the record is made.
	u.happened = append(u.happened, happening{t.Stream, t, event, old, slices.Clone(now)})
}

// number writes the records of what happened with the numbers that they get, and returns the
// streams, whose turns the unit has until the batch can be seen: so a reader that has seen a
// number has seen all before it.
func (u *Unit) number() (locked []*Stream, err error) {
	for _, h := range u.happened {
		locked = append(locked, h.stream)
	}
	slices.SortFunc(locked, func(a, b *Stream) int { return int(int64(a.id) - int64(b.id)) })
	locked = slices.Compact(locked)
	for _, st := range locked {
		st.turn <- struct{}{}
	}
	for i := range u.happened {
		if err := u.numberOne(&u.happened[i]); err != nil {
			return locked, err
		}
	}
	return locked, nil
}

func unlockStreams(locked []*Stream) {
	for _, st := range locked {
		<-st.turn
	}
}

func (u *Unit) numberOne(h *happening) error {
	st := h.stream
	st.mu.Lock()
	number, rolled, ok := st.mu.take(u.at)
	text, err := st.text(rolled)
	st.mu.Unlock()
	switch {
	case !ok:
		return nil // closed since the request began
	case err != nil:
		return err
	case rolled:
		if err := u.batch.Set(streamKey(st.id), text, nil); err != nil {
			return fmt.Errorf("write stream %d: %w", st.id, err)
		}
	}
	whole := h.now
	if whole == nil {
		whole = h.old
	}
	r := Record{At: u.at, Event: h.event}
	r.Key = whole.Project(nil, func(name []byte) bool { return h.table.Key.Has(name) })
	if r.HasOld = st.images.Old && h.old != nil; r.HasOld {
		r.Old = h.old
	}
	if r.HasNew = st.images.New && h.now != nil; r.HasNew {
		r.New = h.now
	}
	u.key = recordKey(u.key[:0], st.id, number)
	u.entry = appendRecord(u.entry[:0], &r)
	if err := u.batch.Set(u.key, u.entry, nil); err != nil {
		return fmt.Errorf("write record of stream %d: %w", st.id, err)
	}
	return nil
}
