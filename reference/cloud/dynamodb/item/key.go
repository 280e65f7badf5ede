package item

import (
	"crypto/md5"
	"encoding/binary"
)

// HashPartition is the place of a partition key among all others: DynamoDB spreads items over
// partitions, and a parallel scan over segments, by such a hash.
func HashPartition(pk Value) uint64 { return hashKey(pk, nil) }

// AppendPartitionKey appends a partition key so that it is found among others: its hash, its
// type and itself behind its length, so that no key begins another.
func AppendPartitionKey(dst []byte, pk Value) []byte {
	dst = binary.BigEndian.AppendUint64(dst, HashPartition(pk))
	return append(dst, pk...)
}

// AppendTableKey appends a table's key, whose sort key may be nil, to that of an index: what has
// one key in the index lies there by a hash of both, as on AWS.
func AppendTableKey(dst []byte, pk, sk Value) []byte {
	dst = binary.BigEndian.AppendUint64(dst, hashKey(pk, sk))
	dst = append(dst, pk...)
	if sk != nil {
		dst = AppendSortKey(dst, sk)
	}
	return dst
}

// hashKey is DynamoDB's own hash of a key, the beginning of an MD5 sum, as the authors of dynalite
// have found: scans meet items in the order, and in the segments, in which they do on AWS.
// https://github.com/architect/dynalite/blob/main/db/index.js
func hashKey(pk, sk Value) uint64 {
	var space [128]byte
	text := appendHashed(append(space[:0], "Outliers"...), pk)
	text = appendHashed(text, sk)
	sum := md5.Sum(text)
	return binary.BigEndian.Uint64(sum[:8])
}

// appendHashed appends what is hashed of values that stand behind one another.
func appendHashed(dst []byte, values Value) []byte {
	for len(values) > 0 {
		var v Value
		if v, values = cut(values); v.Type() == Number {
			var d decimal
			d.parseOrdered(v.Payload())
			dst = d.appendHashed(dst)
		} else {
			dst = append(dst, v.Payload()...)
		}
	}
	return dst
}

// AppendSortKey appends a sort key at the end of a key: bytes then compare as DynamoDB compares
// keys of that type. All sort keys of a table have one type.
func AppendSortKey(dst []byte, sk Value) []byte { return append(dst, sk.Payload()...) }

// Marks inside an escaped sort key: a zero byte is followed by escapedZero, the end is a zero
// byte and endMark.
const (
	endMark     = 0x01
	escapedZero = 0xff
)

// AppendSortKeyInside appends a sort key that other bytes will follow. Order is kept.
func AppendSortKeyInside(dst []byte, sk Value) []byte {
	dst = AppendSortKeyPrefix(dst, sk)
	return append(dst, 0, endMark)
}

// AppendSortKeyPrefix is AppendSortKeyInside without the end: what all sort keys that begin
// with sk have in common.
func AppendSortKeyPrefix(dst []byte, sk Value) []byte {
	for _, c := range sk.Payload() {
		if dst = append(dst, c); c == 0 {
			dst = append(dst, escapedZero)
		}
	}
	return dst
}

// PrefixEnd turns a key in place into the smallest one that is larger than all that begin with
// it, or nil if there is none.
func PrefixEnd(key []byte) []byte {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] != 0xff {
			key[i]++
			return key[:i+1]
		}
	}
	return nil
}
