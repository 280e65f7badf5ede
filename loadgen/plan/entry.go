package plan

import (
	"encoding/binary"
	"time"
)

// Kind says what a request is.
type Kind uint8

// The kinds. The numbers are part of the format that the golden test pins.
const (
	Batch    Kind = iota + 1 // a CloudEvents batch
	Webhook                  // one event as a storefront platform sends it
	Read                     // a dashboard reading its figures
	Prepared                 // a request that was made outside of the plan; Body is its index there
)

var kindNames = [...]string{Batch: "batch", Webhook: "webhook", Read: "read", Prepared: "prepared"}

// String is the lower-case name.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}

// Entry is one request that is meant to be sent.
type Entry struct {
	Seq    uint64        // unique in the plan, the same in every shard; not dense
	At     time.Duration // when it is meant to start, from the start of the load
	First  time.Duration // when its first sending was meant to start: At, unless it is a replay
	Body   uint64        // the seed of its body; equal for a replay and its original
	Tenant int32         // index into the weights the plan was made with
	Events int32         // events inside; 0 for a read
	Kind   Kind
}

// A Seq is the second of the first sending, the place within that second, and one bit for a replay.
const (
	seqReplay = 1
	seqPlace  = 1
	seqCell   = 25
)

// Replay says whether the request sends the bytes of an earlier one again.
func (e Entry) Replay() bool { return e.Seq&seqReplay != 0 }

// Original is the Seq of the first sending: Seq itself, unless it is a replay.
func (e Entry) Original() uint64 { return e.Seq &^ seqReplay }

// AppendBinary appends the entry in 41 bytes, little endian. It never fails.
func (e Entry) AppendBinary(b []byte) ([]byte, error) {
	b = binary.LittleEndian.AppendUint64(b, e.Seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.At))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.First))
	b = binary.LittleEndian.AppendUint64(b, e.Body)
	b = binary.LittleEndian.AppendUint32(b, uint32(e.Tenant))
	b = binary.LittleEndian.AppendUint32(b, uint32(e.Events))
	return append(b, byte(e.Kind)), nil
}

func compare(a, b Entry) int {
	switch {
	case a.At != b.At:
		return int(min(max(a.At-b.At, -1), 1))
	case a.Seq < b.Seq:
		return -1
	case a.Seq > b.Seq:
		return 1
	}
	return 0
}
