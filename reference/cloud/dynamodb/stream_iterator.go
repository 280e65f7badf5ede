package dynamodb

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// iteratorLife is how long a shard iterator can be used.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
const iteratorLife = 15 * time.Minute

// iterator is a place in a shard from which to read. It is kept by the caller alone.
type iterator struct {
	stream  uint32
	shard   uint64 // where the shard begins
	next    uint64 // number of the next record
	horizon bool   // begin at the oldest record that is left
	made    time.Time
}

// iteratorSize is the length of an iterator before its checksum and its encoding.
const iteratorSize = 1 + 4 + 8 + 8 + 8

// String is the iterator as callers see it.
func (i iterator) String() string {
	b := make([]byte, 0, iteratorSize+4)
	if i.horizon {
		b = append(b, 'H')
	} else {
		b = append(b, 'N')
	}
	b = binary.BigEndian.AppendUint32(b, i.stream)
	b = binary.BigEndian.AppendUint64(b, i.shard)
	b = binary.BigEndian.AppendUint64(b, i.next)
	b = binary.BigEndian.AppendUint64(b, uint64(i.made.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

// parseIterator reads what String has written; ok is false for all else.
func parseIterator(text string) (i iterator, ok bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != iteratorSize+4 {
		return i, false
	}
	b, sum := b[:iteratorSize], b[iteratorSize:]
	if crc32.ChecksumIEEE(b) != binary.BigEndian.Uint32(sum) || b[0] != 'H' && b[0] != 'N' {
		return i, false
	}
	return iterator{
		horizon: b[0] == 'H', stream: binary.BigEndian.Uint32(b[1:]), shard: binary.BigEndian.Uint64(b[5:]),
		next: binary.BigEndian.Uint64(b[13:]), made: time.UnixMilli(int64(binary.BigEndian.Uint64(b[21:]))),
	}, true
}

// A sequence number on the wire is a one and the record's number in twenty digits, so that
// numbers are as long as AWS's and compare as text.
func sequenceNumber(n uint64) string { return fmt.Sprintf("1%020d", n) }

func parseSequenceNumber(text string) (n uint64, ok bool) {
	if len(text) != 21 || text[0] != '1' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[1:], 10, 64)
	return n, err == nil
}

// shardID names a shard in AWS's form: the millisecond of its beginning and where it begins.
func shardID(sh store.Shard) string {
	return fmt.Sprintf("shardId-%020d-%08x", sh.Began.UnixMilli(), uint32(sh.From))
}

// findShard is the shard of an id.
func findShard(c store.Course, id string) (sh store.Shard, ok bool) {
	for _, sh := range c.Shards {
		if shardID(sh) == id {
			return sh, true
		}
	}
	return sh, false
}
