package event

import (
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
	b = hex.AppendEncode(b, id[0:4])
	b = hex.AppendEncode(append(b, '-'), id[4:6])
	b = hex.AppendEncode(append(b, '-'), id[6:8])
	b = hex.AppendEncode(append(b, '-'), id[8:10])
	return hex.AppendEncode(append(b, '-'), id[10:16])
}

// appendTime writes RFC 3339 in UTC to the millisecond, quoted.
func appendTime(b []byte, ms int64) []byte {
	b = append(b, '"')
	b = timeOf(ms).AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	return append(b, '"')
}
