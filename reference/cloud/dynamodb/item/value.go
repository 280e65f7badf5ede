package item

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Type is one of DynamoDB's ten attribute types.
type Type byte

// The types of attribute values. NoType is that of an absent value.
const (
	NoType    Type = 0
	String    Type = 'S'
	Number    Type = 'N'
	Binary    Type = 'B'
	Bool      Type = 'T'
	Null      Type = '0'
	List      Type = 'L'
	Map       Type = 'M'
	StringSet Type = 's'
	NumberSet Type = 'n'
	BinarySet Type = 'b'
)

const tagFalse = 'F' // Bool is the tag of true

// String is the name of the type on the wire: S, N, B, BOOL, NULL, L, M, SS, NS or BS.
func (t Type) String() string {
	switch t {
	case String, Number, Binary, List, Map:
		return string(rune(t))
	case Bool:
		return "BOOL"
	case Null:
		return "NULL"
	case StringSet:
		return "SS"
	case NumberSet:
		return "NS"
	case BinarySet:
		return "BS"
	}
	return "?"
}

// ParseType is the type of a wire name, or NoType.
func ParseType(name string) Type {
	switch name {
	case "S", "N", "B", "L", "M":
		return Type(name[0])
	case "BOOL":
		return Bool
	case "NULL":
		return Null
	case "SS":
		return StringSet
	case "NS":
		return NumberSet
	case "BS":
		return BinarySet
	}
	return NoType
}

// IsSet says whether values of the type are sets.
func (t Type) IsSet() bool { return t == StringSet || t == NumberSet || t == BinarySet }

// Element is the type of a set's elements, NoType for others.
func (t Type) Element() Type {
	switch t {
	case StringSet:
		return String
	case NumberSet:
		return Number
	case BinarySet:
		return Binary
	}
	return NoType
}

// Value is one encoded attribute value; nil is an absent one.
type Value []byte

// Type is the value's type.
func (v Value) Type() Type {
	if len(v) == 0 {
		return NoType
	}
	if v[0] == tagFalse {
		return Bool
	}
	return Type(v[0])
}

// Payload is what follows the length: the text of a string, the bytes of a binary, the ordered
// form of a number, the contents of a container. It is nil for booleans and null.
func (v Value) Payload() []byte {
	if len(v) < 2 {
		return nil
	}
	if n := v[1]; n < 0x80 {
		return v[2:]
	}
	_, w := binary.Uvarint(v[1:])
	return v[1+w:]
}

// True says whether the value is the boolean true.
func (v Value) True() bool { return len(v) > 0 && v[0] == byte(Bool) }

// Doc is the content of a map that was stored.
func (v Value) Doc() Doc {
	if v.Type() != Map {
		return nil
	}
	return Doc(v.Payload())
}

// Equal says whether two values are the same, lists and maps in depth.
func Equal(a, b Value) bool { return bytes.Equal(a, b) }

// cut splits the first value off.
func cut(b []byte) (v Value, rest []byte) {
	switch b[0] {
	case tagFalse, byte(Bool), byte(Null):
		return Value(b[:1:1]), b[1:]
	}
	if n := int(b[1]); n < 0x80 {
		return Value(b[: 2+n : 2+n]), b[2+n:]
	}
	n, w := binary.Uvarint(b[1:])
	end := 1 + w + int(n)
	return Value(b[:end:end]), b[end:]
}

// cutBytes splits the first length-prefixed string off.
func cutBytes(b []byte) (s, rest []byte) {
	if n := int(b[0]); n < 0x80 {
		return b[1 : 1+n : 1+n], b[1+n:]
	}
	n, w := binary.Uvarint(b)
	end := w + int(n)
	return b[w:end:end], b[end:]
}

// Elements are the values of a list in order; nothing for other types.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Type() != List {
			return
		}
		var e Value
		for rest := v.Payload(); len(rest) > 0; {
			e, rest = cut(rest)
			if !yield(e) {
				return
			}
		}
	}
}

// Members are the payloads of a set's elements in order; nothing for other types.
func (v Value) Members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !v.Type().IsSet() {
			return
		}
		var e []byte
		for rest := v.Payload(); len(rest) > 0; {
			e, rest = cutBytes(rest)
			if !yield(e) {
				return
			}
		}
	}
}

// Len is the number of elements of a list, set or map, the bytes of a string or binary, else 0.
func (v Value) Len() int {
	n := 0
	switch t := v.Type(); {
	case t == String || t == Binary:
		return len(v.Payload())
	case t == List:
		for range v.Elements() {
			n++
		}
	case t == Map:
		for range v.Doc().All() {
			n++
		}
	case t.IsSet():
		for range v.Members() {
			n++
		}
	}
	return n
}

// AppendScalar appends a string, number or binary of a payload.
func AppendScalar(dst []byte, t Type, payload []byte) []byte {
	dst = append(dst, byte(t))
	dst = binary.AppendUvarint(dst, uint64(len(payload)))
	return append(dst, payload...)
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, byte(Bool))
	}
	return append(dst, tagFalse)
}

// open begins a container whose length is not known; close fills it in.
func open(dst []byte, t Type) (out []byte, start int) {
	return append(dst, byte(t), 0), len(dst) + 2
}

func closeContainer(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst
	}
	var l [binary.MaxVarintLen64]byte
	w := binary.PutUvarint(l[:], uint64(n))
	dst = append(dst, l[1:w]...) // room
	copy(dst[start+w-1:], dst[start:start+n])
	copy(dst[start-1:], l[:w])
	return dst
}

// AppendMap appends a map of a document's contents.
func AppendMap(dst []byte, d Doc) []byte { return AppendScalar(dst, Map, d) }
