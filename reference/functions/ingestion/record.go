package ingestion

import (
	"time"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/retailflow/stampede/reference/api"
)

// maxRecordBytes bounds one record below Firehose's 1,000 KiB before base64
// (https://docs.aws.amazon.com/firehose/latest/dev/limits.html).
const maxRecordBytes = 1_000_000

// event is an [api.Event] before it is encoded. Its memory is used again for the next one.
type event struct {
	id        api.ID
	kind      api.EventType
	timeMs    int64
	sku       string
	customer  string
	order     string
	currency  string
	amount    int64
	lines     []line
	quantity  int64
	sequence  uint64
	category  string
	title     string
	emailHash string
	country   string
}

type line struct {
	sku      string
	quantity int64
	total    int64
}

func (e *event) reset(id api.ID, kind api.EventType, timeMs int64) {
	*e = event{id: id, kind: kind, timeMs: timeMs, lines: e.lines[:0]}
}

// append encodes the event as an [api.Event] message: the fields but content in the order of
// their numbers, then content, which is the xxh3-64 of those bytes behind the id. Encoding by
// hand makes that order, and so the hash, a promise; a generated encoder gives none.
func (e *event) append(out []byte) []byte {
	out = appendBytes(out, 1, e.id[:])
	content := len(out)
	out = appendVarint(out, 2, uint64(e.kind))
	out = appendSigned(out, 3, e.timeMs)
	out = appendText(out, 5, e.sku)
	out = appendText(out, 6, e.customer)
	out = appendText(out, 7, e.order)
	out = appendText(out, 8, e.currency)
	out = appendSigned(out, 9, e.amount)
	for _, l := range e.lines {
		size := textSize(l.sku) + signedSize(l.quantity) + signedSize(l.total)
		out = protowire.AppendTag(out, 10, protowire.BytesType)
		out = protowire.AppendVarint(out, uint64(size))
		out = appendText(out, 1, l.sku)
		out = appendSigned(out, 2, l.quantity)
		out = appendSigned(out, 3, l.total)
	}
	out = appendSigned(out, 11, e.quantity)
	out = appendVarint(out, 12, e.sequence)
	out = appendText(out, 13, e.category)
	out = appendText(out, 14, e.title)
	out = appendText(out, 15, e.emailHash)
	out = appendText(out, 16, e.country)
	hash := xxh3.Hash(out[content:])
	out = protowire.AppendTag(out, 4, protowire.Fixed64Type)
	return protowire.AppendFixed64(out, hash)
}

// records collects a request's encoded events by stream and cuts them into records.
type records struct {
	header  []byte // tenant, received, correlation, version: the same in every record
	scratch []byte
	streams [len(api.Streams)]streamRecords
}

type streamRecords struct {
	done [][]byte // full records, each behind its length
	open []byte   // encoded events of the record being filled
}

func (r *records) reset(tenant, correlation, version string, received time.Time) {
	r.header = appendText(r.header[:0], 1, tenant)
	r.header = appendSigned(r.header, 2, received.UnixMilli())
	r.header = appendText(r.header, 3, correlation)
	r.header = appendText(r.header, 4, version)
	for i := range r.streams {
		r.streams[i] = streamRecords{open: r.streams[i].open[:0]}
	}
}

func streamIndex(kind api.EventType) int {
	switch kind.Stream() {
	case api.Products:
		return 0
	case api.Orders:
		return 1
	}
	return 2
}

// add encodes one event into its stream.
func (r *records) add(e *event) {
	r.scratch = e.append(r.scratch[:0])
	s := &r.streams[streamIndex(e.kind)]
	if len(r.header)+len(s.open)+len(r.scratch)+16 > maxRecordBytes {
		s.done = append(s.done, r.seal(s.open))
		s.open = s.open[:0]
	}
	s.open = appendBytes(s.open, 5, r.scratch)
}

// of are the records of a stream, nil if it got no event. They share no memory with r.
func (r *records) of(stream int) [][]byte {
	s := &r.streams[stream]
	if len(s.open) > 0 {
		s.done = append(s.done, r.seal(s.open))
		s.open = s.open[:0]
	}
	return s.done
}

func (r *records) seal(events []byte) []byte {
	size := len(r.header) + len(events)
	out := make([]byte, 0, protowire.SizeVarint(uint64(size))+size)
	out = protowire.AppendVarint(out, uint64(size))
	return append(append(out, r.header...), events...)
}

func appendBytes(out []byte, field protowire.Number, value []byte) []byte {
	out = protowire.AppendTag(out, field, protowire.BytesType)
	return protowire.AppendBytes(out, value)
}

// The following leave out zero values, as proto3 does.

func appendText(out []byte, field protowire.Number, value string) []byte {
	if value == "" {
		return out
	}
	out = protowire.AppendTag(out, field, protowire.BytesType)
	return protowire.AppendString(out, value)
}

func appendVarint(out []byte, field protowire.Number, value uint64) []byte {
	if value == 0 {
		return out
	}
	out = protowire.AppendTag(out, field, protowire.VarintType)
	return protowire.AppendVarint(out, value)
}

func appendSigned(out []byte, field protowire.Number, value int64) []byte {
	return appendVarint(out, field, protowire.EncodeZigZag(value))
}

// Sizes of the fields 1 to 3 of a line, whose tags take one byte.

func textSize(value string) int {
	if value == "" {
		return 0
	}
	return 1 + protowire.SizeBytes(len(value))
}

func signedSize(value int64) int {
	if value == 0 {
		return 0
	}
	return 1 + protowire.SizeVarint(protowire.EncodeZigZag(value))
}
