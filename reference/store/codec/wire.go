package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors that callers branch on.
var (
	// ErrCorrupt is wrapped by every decoder's error for bytes that no encoder wrote.
	ErrCorrupt = errors.New("corrupt")
	// ErrUnknownCodec is wrapped when bytes carry a format number of another release.
	// Whoever meets it must stop and keep what asked for the work.
	ErrUnknownCodec = errors.New("unknown codec")
)

// reader takes values off the front of data. The first failure sticks in err, after which every
// method returns zero, so a decoder checks once at the end (and where it sizes an allocation).
type reader struct {
	data []byte
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s with %d bytes left: %w", what, len(r.data), ErrCorrupt)
	}
	r.data = nil
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail("varint")
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail("varint")
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.data)) {
		r.fail("length")
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) bytes() []byte { return r.take(r.uvarint()) }

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) uint64() uint64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// small reads a number below 2^31.
func (r *reader) small() int {
	v := r.uvarint()
	if v >= 1<<31 {
		r.fail("number")
		return 0
	}
	return int(v)
}

// count reads the number of elements that follow, each of at least least bytes, so that a
// short corrupt input cannot ask for a large allocation.
func (r *reader) count(least int) int {
	n := r.uvarint()
	if n > uint64(len(r.data)/least) {
		r.fail("count")
		return 0
	}
	return int(n)
}

// end fails if anything is left.
func (r *reader) end() error {
	if r.err == nil && len(r.data) > 0 {
		r.fail("unexpected bytes")
	}
	return r.err
}

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}
