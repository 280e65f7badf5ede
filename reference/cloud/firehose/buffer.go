package firehose

import "time"

// hints say when a buffer is delivered: when it holds Bytes, or Interval after
// its first record, whichever is first.
type hints struct {
	Bytes    int64
	Interval time.Duration
}

// segment is a run of records, by sequence number, that becomes one object.
type segment struct {
	first, end uint64 // end is one past the last; 0 while the segment is open
	records    int64
	bytes      int64
	opened     time.Time // when its first record arrived
	pending    int       // records whose write has not come back yet
	key        string    // of its object, "" until it is first delivered
}

// buffer is the pure core of a stream: which records belong to which object and
// when an object is due. It holds no data, reads no clock and does no I/O. It
// is not safe for concurrent use.
type buffer struct {
	hints  hints
	open   *segment   // takes records; nil if there are none
	sealed []*segment // to be delivered, oldest first
}

// admit counts a record of n bytes in, whose write is now pending, and returns
// the segment it belongs to. Sequence numbers must grow from call to call.
func (b *buffer) admit(now time.Time, seq uint64, n int64) *segment {
	if b.open != nil && b.open.bytes+n > b.hints.Bytes {
		b.seal(seq)
	}
	if b.open == nil {
		b.open = &segment{first: seq, opened: now}
	}
	s := b.open
	s.records++
	s.bytes += n
	s.pending++
	if s.bytes >= b.hints.Bytes {
		b.seal(seq + 1)
	}
	return s
}

// restore puts back a record found on disk, that arrived at the time given.
func (b *buffer) restore(arrived time.Time, seq uint64, n int64) {
	b.admit(arrived, seq, n).pending--
}

// written notes that the write of a record came back. A record that was not
// stored is counted out again.
func (b *buffer) written(s *segment, n int64, stored bool) {
	s.pending--
	if !stored {
		s.records--
		s.bytes -= n
	}
}

// seal ends the open segment before the sequence number end.
func (b *buffer) seal(end uint64) {
	b.open.end = end
	b.sealed = append(b.sealed, b.open)
	b.open = nil
}

// settle seals the open segment if its time has come. next is the sequence
// number that the next record will have.
func (b *buffer) settle(now time.Time, next uint64) {
	if b.open != nil && !now.Before(b.open.opened.Add(b.hints.Interval)) {
		b.seal(next)
	}
}

// ready returns the oldest sealed segment once all its writes came back, nil if
// there is none. It stays in the buffer until delivered.
func (b *buffer) ready() *segment {
	if len(b.sealed) == 0 || b.sealed[0].pending > 0 {
		return nil
	}
	return b.sealed[0]
}

// delivered forgets the oldest sealed segment.
func (b *buffer) delivered() {
	b.sealed[0] = nil
	b.sealed = b.sealed[1:]
}

// wake is when the open segment will be due; ok is false if there is none.
func (b *buffer) wake() (at time.Time, ok bool) {
	if b.open == nil {
		return time.Time{}, false
	}
	return b.open.opened.Add(b.hints.Interval), true
}

// held is what is buffered and not delivered, and when the oldest of it arrived.
func (b *buffer) held() (records, bytes int64, oldest time.Time) {
	all := b.sealed
	if b.open != nil {
		all = append(all[:len(all):len(all)], b.open)
	}
	for _, s := range all {
		records += s.records
		bytes += s.bytes
		if oldest.IsZero() {
			oldest = s.opened
		}
	}
	return records, bytes, oldest
}
