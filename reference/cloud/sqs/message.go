package sqs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// message is a message as it is stored.
type message struct {
	ID         string
	Sent       time.Time // to the millisecond
	Due        time.Time // visible from then on; zero is at once
	Sender     string    // access key id
	Trace      string    // AWSTraceHeader
	Source     string    // ARN of the queue it was dead-lettered from
	Attributes []byte    // message attributes as JSON, nil if there are none
	Body       string
}

// errCorrupt says that a stored value is not what this package writes.
var errCorrupt = errors.New("corrupt value")

// messageFormat is the first byte of a stored message.
const messageFormat = 1

// encode writes a message as: format, sent and due in Unix milliseconds, then
// each text behind its length, all numbers as varints.
func (m *message) encode() []byte {
	b := make([]byte, 0, len(m.Body)+len(m.Attributes)+len(m.ID)+len(m.Source)+64)
	b = append(b, messageFormat)
	b = binary.AppendVarint(b, m.Sent.UnixMilli())
	b = binary.AppendVarint(b, millis(m.Due))
	for _, s := range [...]string{m.ID, m.Sender, m.Trace, m.Source, string(m.Attributes), m.Body} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// decodeMessage reads what encode wrote.
func decodeMessage(b []byte) (message, error) {
	if len(b) == 0 || b[0] != messageFormat {
		return message{}, fmt.Errorf("decode message: %w", errCorrupt)
	}
	b = b[1:]
	var at [2]int64
	for i := range at {
		v, n := binary.Varint(b)
		if n <= 0 {
			return message{}, fmt.Errorf("decode message times: %w", errCorrupt)
		}
		at[i], b = v, b[n:]
	}
	var text [6]string
	for i := range text {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return message{}, fmt.Errorf("decode message text %d: %w", i, errCorrupt)
		}
		text[i], b = string(b[n:n+int(size)]), b[n+int(size):]
	}
	if len(b) != 0 {
		return message{}, fmt.Errorf("decode message end: %w", errCorrupt)
	}
	m := message{Sent: time.UnixMilli(at[0]), Due: fromMillis(at[1]),
		ID: text[0], Sender: text[1], Trace: text[2], Source: text[3], Body: text[5]}
	if text[4] != "" {
		m.Attributes = []byte(text[4])
	}
	return m, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// receipts is how often a message was received, and when first.
type receipts struct {
	Count int
	First time.Time
}

func (r receipts) encode() []byte {
	return binary.AppendVarint(binary.AppendUvarint(nil, uint64(r.Count)), millis(r.First))
}

func decodeReceipts(b []byte) (receipts, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 {
		return receipts{}, fmt.Errorf("decode receive count: %w", errCorrupt)
	}
	first, m := binary.Varint(b[n:])
	if m <= 0 {
		return receipts{}, fmt.Errorf("decode first receive: %w", errCorrupt)
	}
	return receipts{Count: int(count), First: fromMillis(first)}, nil
}
