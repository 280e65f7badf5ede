package event

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// appendField writes a key, given with its punctuation and opening quote, and a string that
// needs no escaping: all strings of the catalogue are made so.
func appendField(b []byte, key, value string) []byte {
	b = append(b, key...)
	b = append(b, value...)
	return append(b, '"')
}

// appendID writes the canonical text form without its quotes.
func appendID(b []byte, id api.ID) []byte {
	return appendGroups(b, id)
}

// appendGroups writes 16 bytes as a UUID is written.
func appendGroups(b []byte, id [16]byte) []byte {
	b = hex.AppendEncode(b, id[0:4])
	b = hex.AppendEncode(append(b, '-'), id[4:6])
	b = hex.AppendEncode(append(b, '-'), id[6:8])
	b = hex.AppendEncode(append(b, '-'), id[8:10])
	return hex.AppendEncode(append(b, '-'), id[10:16])
}

func uuid(id [16]byte) string { return string(appendGroups(make([]byte, 0, 36), id)) }

// delivery is the form of WooCommerce's delivery ids: 128 bits, hexadecimal.
func delivery(high, low uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], high)
	binary.BigEndian.PutUint64(b[8:], low)
	return hex.EncodeToString(b[:])
}

// appendTime writes RFC 3339 in UTC to the millisecond, quoted.
func appendTime(b []byte, ms int64) []byte {
	b = append(b, '"')
	b = timeOf(ms).AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	return append(b, '"')
}
