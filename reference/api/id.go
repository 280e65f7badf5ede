package api

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/zeebo/xxh3"
)

// ErrNotUUIDv7 is returned for an event id that is not a UUID of version 7 (RFC 9562, 5.7).
var ErrNotUUIDv7 = errors.New("not a UUIDv7")

// ID is an event's id: a UUIDv7, whose first 48 bits are milliseconds since the epoch.
// They decide the event's minute, so that one id always lands in one minute.
type ID [16]byte

// NewID makes the UUIDv7 of an instant from 10 bytes of randomness (74 bits of them are used).
func NewID(at time.Time, random [10]byte) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16)
	copy(id[6:], random[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the canonical text form, 36 characters, either case.
// The error wraps [ErrNotUUIDv7].
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ID{}, fmt.Errorf("id %q: %w", clip(text), ErrNotUUIDv7)
	}
	at := 0
	for _, group := range [...]string{text[:8], text[9:13], text[14:18], text[19:23], text[24:]} {
		n, err := hex.Decode(id[at:], []byte(group))
		if err != nil {
			return ID{}, fmt.Errorf("id %q: %w", clip(text), ErrNotUUIDv7)
		}
		at += n
	}
	if !id.Valid() {
		return ID{}, fmt.Errorf("id %q: %w", clip(text), ErrNotUUIDv7)
	}
	return id, nil
}

// IDFromBytes takes the 16 raw bytes of an [Event]. The error wraps [ErrNotUUIDv7].
func IDFromBytes(raw []byte) (ID, error) {
	var id ID
	if len(raw) != len(id) {
		return ID{}, fmt.Errorf("id of %d bytes: %w", len(raw), ErrNotUUIDv7)
	}
	copy(id[:], raw)
	if !id.Valid() {
		return ID{}, fmt.Errorf("id %x: %w", raw, ErrNotUUIDv7)
	}
	return id, nil
}

// Valid says whether version and variant are those of a UUIDv7.
func (id ID) Valid() bool { return id[6]>>4 == 7 && id[8]>>6 == 2 }

// Time is the instant in the id, UTC, to the millisecond.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}

// Minute is the UTC minute that the event belongs to.
func (id ID) Minute() time.Time { return id.Time().Truncate(time.Minute) }

// String is the canonical text form in lower case.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Sum128 is a sum of 128-bit id hashes modulo 2^128. Beside a count it tells whether two
// sets of ids are equal: a lost event and a doubled one of equal amount cannot cancel in it.
type Sum128 struct{ Hi, Lo uint64 }

// Add puts one more id into the sum; the order of additions does not matter.
func (s Sum128) Add(id ID) Sum128 {
	h := xxh3.Hash128(id[:])
	return s.Plus(Sum128{Hi: h.Hi, Lo: h.Lo})
}

// Plus joins the sums of two disjoint sets.
func (s Sum128) Plus(o Sum128) Sum128 {
	lo := s.Lo + o.Lo
	hi := s.Hi + o.Hi
	if lo < s.Lo {
		hi++
	}
	return Sum128{Hi: hi, Lo: lo}
}

// String is 32 hexadecimal digits.
func (s Sum128) String() string { return fmt.Sprintf("%016x%016x", s.Hi, s.Lo) }

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
