package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Stream is the log of what happened to a table's items. Its records are in the order in which
// their changes could be seen, and in the batches that made them. It is safe for concurrent use.
type Stream struct {
	id          uint32
	images      Images
	description []byte
	// turn holds one while somebody writes the stream. It comes after the stripes, and of several
	// streams the lower id first.
	turn chan struct{}
	mu   struct { // innermost, never held over a write
		sync.Mutex
		course
	}
}

// Images say which versions of an item a stream's records hold besides its key.
type Images struct{ Old, New bool }

// streamText is what is kept of a stream besides its records.
type streamText struct {
	Images      Images
	Description []byte
	Shards      []Shard
	Trimmed     uint64
	Closed      time.Time
}

// ID is a number that no other stream or table has or had.
func (st *Stream) ID() uint32 { return st.id }

// Description is what the stream was made with; it must not be changed.
func (st *Stream) Description() []byte { return st.description }

// Course is the stream's shards and numbers as they are now.
func (st *Stream) Course() Course {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.mu.Course
	c.Shards = slices.Clone(c.Shards)
	return c
}

// text is what to keep of the stream, if it is wanted. The caller holds st.mu.
func (st *Stream) text(wanted bool) ([]byte, error) {
	if !wanted {
		return nil, nil
	}
	text, err := json.Marshal(streamText{st.images, st.description, st.mu.Shards, st.mu.Trimmed, st.mu.Closed})
	if err != nil {
		return nil, fmt.Errorf("encode stream %d: %w", st.id, err)
	}
	return text, nil
}

// CreateStream begins a stream, whose description is opaque to the store.
func (s *Store) CreateStream(now time.Time, images Images, description []byte) (*Stream, error) {
	id, err := s.NewTableID()
	if err != nil {
		return nil, err
	}
	st := &Stream{id: id, images: images, description: description, turn: make(chan struct{}, 1)}
	st.mu.course = begin(now)
	text, err := st.text(true)
	if err != nil {
		return nil, err
	}
	if err := s.write(func(b *pebble.Batch) error { return b.Set(streamKey(id), text, nil) }); err != nil {
		return nil, fmt.Errorf("write stream %d: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.streams[id] = st
	return st, nil
}

// CloseStream ends a stream: nothing is recorded any more, what was recorded can be read until it
// is trimmed.
func (s *Store) CloseStream(now time.Time, st *Stream) error {
	if err := s.take(st); err != nil {
		return err
	}
	defer func() { <-st.turn }()
	st.mu.Lock()
	closed := st.mu.end(now)
	text, err := st.text(closed)
	st.mu.Unlock()
	if err != nil || !closed {
		return err
	}
	if err := s.write(func(b *pebble.Batch) error { return b.Set(streamKey(st.id), text, nil) }); err != nil {
		return fmt.Errorf("close stream %d: %w", st.id, err)
	}
	return nil
}

// take waits for a stream's turn, unless the disk is sick.
func (s *Store) take(st *Stream) error {
	select {
	case st.turn <- struct{}{}:
		return nil
	case <-s.disk.Sick():
		return ErrUnavailable
	}
}

// Streams are all streams, the oldest first.
func (s *Store) Streams() []*Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Stream, 0, len(s.mu.streams))
	for _, st := range s.mu.streams {
		all = append(all, st)
	}
	slices.SortFunc(all, func(a, b *Stream) int { return int(int64(a.id) - int64(b.id)) })
	return all
}

// Stream is the stream of an id, or nil.
func (s *Store) Stream(id uint32) *Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.streams[id]
}

// loadStreams reads the streams of a store that was just opened.
func (s *Store) loadStreams() error {
	s.mu.streams = map[uint32]*Stream{}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceStream}, UpperBound: []byte{spaceStream + 1}})
	if err != nil {
		return fmt.Errorf("read streams: %w", err)
	}
	for it.First(); it.Valid() && err == nil; it.Next() {
		var kept streamText
		id := binary.BigEndian.Uint32(it.Key()[1:])
		if err = json.Unmarshal(it.Value(), &kept); err != nil {
			err = fmt.Errorf("read stream %d: %w", id, err)
			break
		}
		st := &Stream{id: id, images: kept.Images, description: kept.Description, turn: make(chan struct{}, 1)}
		st.mu.Course = Course{Shards: kept.Shards, Trimmed: kept.Trimmed, Closed: kept.Closed}
		st.mu.Next, err = s.nextRecord(id, st.mu.Course)
		s.mu.streams[id] = st
	}
	return errors.Join(err, it.Close())
}

// nextRecord is the number behind all that a stream has given out.
func (s *Store) nextRecord(id uint32, c Course) (uint64, error) {
	next := max(c.Trimmed, c.Shards[len(c.Shards)-1].From+1)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey(nil, id, 0), UpperBound: recordKey(nil, id+1, 0)})
	if err != nil {
		return 0, fmt.Errorf("read stream %d: %w", id, err)
	}
	if it.Last() {
		next = max(next, recordNumber(it.Key())+1)
	}
	return next, it.Close()
}

// TrimStreams removes records that have outlived [StreamLife], and streams that closed so long ago.
func (s *Store) TrimStreams(now time.Time) error {
	for _, st := range s.Streams() {
		if err := s.trim(now, st); err != nil {
			return fmt.Errorf("trim stream %d: %w", st.id, err)
		}
	}
	return nil
}

func (s *Store) trim(now time.Time, st *Stream) error {
	from := st.Course().Trimmed
	keep := from // the first record that stays
	err := s.ReadStream(st, from, 0, func(r Record) bool {
		keep = r.Number
		if now.Sub(r.At) < StreamLife {
			return false
		}
		keep++
		return true
	})
	if err != nil {
		return err
	}
	if err := s.take(st); err != nil {
		return err
	}
	defer func() { <-st.turn }()
	st.mu.Lock()
	changed, over := st.mu.trim(now, keep)
	text, err := st.text(changed && !over)
	st.mu.Unlock()
	if err != nil || !changed {
		return err
	}
	if over {
		s.mu.Lock()
		delete(s.mu.streams, st.id)
		s.mu.Unlock()
	}
	return s.write(func(b *pebble.Batch) error {
		if over {
			return errors.Join(b.Delete(streamKey(st.id), nil), b.DeleteRange(recordKey(nil, st.id, 0), recordKey(nil, st.id+1, 0), nil))
		}
		return errors.Join(b.Set(streamKey(st.id), text, nil), b.DeleteRange(recordKey(nil, st.id, 0), recordKey(nil, st.id, keep), nil))
	})
}

func streamKey(id uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{spaceStream}, id)
}

func recordKey(dst []byte, stream uint32, number uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(append(dst, spaceRecord), stream), number)
}

func recordNumber(key []byte) uint64 { return binary.BigEndian.Uint64(key[5:]) }
