package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// A journal is a header and records: length (4 bytes) and CRC-32C (4 bytes) of a body, the
// body. All numbers are little endian or varints.
const (
	journalHeader = "stampede ledger 1\n"
	maxRecord     = 64 << 20

	kindBegin = 1
	kindEnd   = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt is returned for a journal that is damaged other than by a death while writing.
var ErrCorrupt = errors.New("ledger journal is corrupt")

// appendRecord frames what body appends.
func appendRecord(b []byte, body func([]byte) []byte) []byte {
	at := len(b)
	b = body(append(b, make([]byte, 8)...))
	content := b[at+8:]
	binary.LittleEndian.PutUint32(b[at:], uint32(len(content)))
	binary.LittleEndian.PutUint32(b[at+4:], crc32.Checksum(content, castagnoli))
	return b
}

func appendBegin(b []byte, a *Attempt) []byte {
	b = append(b, kindBegin)
	b = binary.AppendUvarint(b, a.Seq)
	b = binary.AppendVarint(b, a.At.UnixMilli())
	b = appendString(b, a.Tenant)
	b = binary.AppendUvarint(b, uint64(len(a.Events)))
	for i := range a.Events {
		b = appendFact(b, &a.Events[i])
	}
	return b
}

func appendFact(b []byte, f *event.Fact) []byte {
	b = append(b, f.ID[:]...)
	b = append(b, byte(f.Type))
	for _, n := range [...]int64{f.TimeMS, f.Amount, f.Units, f.Lines, f.Quantity} {
		b = binary.AppendVarint(b, n)
	}
	b = binary.AppendUvarint(b, f.Sequence)
	for _, s := range [...]string{f.Currency, f.Order, f.Customer, f.SKU} {
		b = appendString(b, s)
	}
	return b
}

func appendEnd(b []byte, seq uint64, o Outcome, at time.Time) []byte {
	b = append(b, kindEnd)
	b = binary.AppendUvarint(b, seq)
	b = binary.AppendVarint(b, at.UnixMilli())
	b = append(b, byte(o.State))
	b = binary.AppendUvarint(b, uint64(len(o.Events)))
	for _, s := range o.Events {
		b = append(b, byte(s))
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// readRecords calls back for every record of a journal file. A last record that ends early is
// that of a death while writing, before anything was sent, and is left out. text turns bytes
// into strings, so that a caller can share equal ones. An Attempt's events are valid during
// the call only.
func readRecords(r io.Reader, text func([]byte) string, begin func(Attempt) error, end func(seq uint64, o Outcome, atMS int64) error) error {
	head := make([]byte, len(journalHeader))
	if _, err := io.ReadFull(r, head); err != nil {
		return endsEarly(err)
	}
	if string(head) != journalHeader {
		return fmt.Errorf("header %q: %w", head, ErrCorrupt)
	}
	var frame [8]byte
	var body []byte
	var scratch []event.Fact
	for at := int64(len(head)); ; {
		if _, err := io.ReadFull(r, frame[:]); err != nil {
			return endsEarly(err)
		}
		n := binary.LittleEndian.Uint32(frame[:])
		if n == 0 || n > maxRecord {
			return fmt.Errorf("record at byte %d of length %d: %w", at, n, ErrCorrupt)
		}
		if cap(body) < int(n) {
			body = make([]byte, n)
		}
		body = body[:n]
		if _, err := io.ReadFull(r, body); err != nil {
			return endsEarly(err)
		}
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(frame[4:]) {
			return fmt.Errorf("record at byte %d: checksum differs: %w", at, ErrCorrupt)
		}
		d := decoder{b: body[1:], text: text, facts: scratch[:0]}
		var err error
		switch body[0] {
		case kindBegin:
			a := d.begin()
			if scratch = a.Events; d.ok() {
				err = begin(a)
			}
		case kindEnd:
			if seq, o, ms := d.end(); d.ok() {
				err = end(seq, o, ms)
			}
		default:
			d.bad = true
		}
		if !d.ok() {
			return fmt.Errorf("record at byte %d of kind %d: %w", at, body[0], ErrCorrupt)
		}
		if err != nil {
			return fmt.Errorf("record at byte %d: %w", at, err)
		}
		at += 8 + int64(n)
	}
}

func endsEarly(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// decoder takes a body apart; bad is sticky.
type decoder struct {
	b     []byte
	text  func([]byte) string
	facts []event.Fact // room for an attempt's
	bad   bool
}

func (d *decoder) ok() bool { return !d.bad && len(d.b) == 0 }

func (d *decoder) begin() Attempt {
	a := Attempt{Seq: d.uvarint(), At: time.UnixMilli(d.varint()).UTC(), Tenant: d.string()}
	n := d.uvarint()
	if n > uint64(len(d.b))/17 { // an event takes more than that
		d.bad = true
		return a
	}
	a.Events = slices.Grow(d.facts, int(n))[:n]
	for i := range a.Events {
		a.Events[i] = d.fact()
	}
	return a
}

func (d *decoder) fact() (f event.Fact) {
	copy(f.ID[:], d.take(16))
	f.Type = api.EventType(d.byte())
	f.TimeMS, f.Amount, f.Units, f.Lines, f.Quantity = d.varint(), d.varint(), d.varint(), d.varint(), d.varint()
	f.Sequence = d.uvarint()
	f.Currency, f.Order, f.Customer, f.SKU = d.string(), d.string(), d.string(), d.string()
	return f
}

func (d *decoder) end() (seq uint64, o Outcome, atMS int64) {
	seq, atMS = d.uvarint(), d.varint()
	o.State = State(d.byte())
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return
	}
	if n > 0 {
		o.Events = make([]State, n)
	}
	for i := range o.Events {
		o.Events[i] = State(d.byte())
	}
	return
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.b) {
		d.bad = true
		return make([]byte, min(max(n, 0), 16))
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte { return d.take(1)[0] }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
		return ""
	}
	return d.text(d.take(int(n)))
}
