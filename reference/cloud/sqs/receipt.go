package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// receipt is what a receipt handle says: which message of which queue, by which
// of its receives.
type receipt struct {
	queue    uint64
	seq      uint64
	receives int
	epoch    uint64 // which opening of the service handed it out
}

// receiptSize is the length of a receipt in bytes, its checksum included.
const receiptSize = 8 + 8 + 4 + 8 + 4

// String returns the receipt handle.
func (r receipt) String() string {
	b := make([]byte, 0, receiptSize)
	b = binary.BigEndian.AppendUint64(b, r.queue)
	b = binary.BigEndian.AppendUint64(b, r.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(r.receives))
	b = binary.BigEndian.AppendUint64(b, r.epoch)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

// parseReceipt reads a receipt handle. ok is false if this package never wrote it.
func parseReceipt(handle string) (r receipt, ok bool) {
	b, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || len(b) != receiptSize {
		return receipt{}, false
	}
	body, sum := b[:receiptSize-4], b[receiptSize-4:]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(sum) {
		return receipt{}, false
	}
	return receipt{
		queue:    binary.BigEndian.Uint64(body),
		seq:      binary.BigEndian.Uint64(body[8:]),
		receives: int(binary.BigEndian.Uint32(body[16:])),
		epoch:    binary.BigEndian.Uint64(body[20:]),
	}, true
}
