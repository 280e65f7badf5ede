package item

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
)

// Doc is an encoded item, or the contents of a map: attributes sorted by name.
type Doc []byte

// All yields the attributes in the order of their names.
func (d Doc) All() iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		for rest := []byte(d); len(rest) > 0; {
			var name []byte
			var v Value
			name, rest = cutBytes(rest)
			v, rest = cut(rest)
			if !yield(name, v) {
				return
			}
		}
	}
}

// Next splits the first attribute off a document that is not empty.
func (d Doc) Next() (name []byte, v Value, rest Doc) {
	name, b := cutBytes(d)
	v, b = cut(b)
	return name, v, b
}

// Get is the value of an attribute, or nil.
func (d Doc) Get(name string) Value {
	for rest := []byte(d); len(rest) > 0; {
		var n []byte
		var v Value
		n, rest = cutBytes(rest)
		v, rest = cut(rest)
		if string(n) == name {
			return v
		}
	}
	return nil
}

// Len is the number of attributes.
func (d Doc) Len() int {
	n := 0
	for rest := d; len(rest) > 0; n++ {
		_, _, rest = rest.Next()
	}
	return n
}

// AppendAttribute appends one attribute to a document under construction. The caller keeps
// the names in order, or hands the result to SortDoc.
func AppendAttribute(dst []byte, name []byte, v Value) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	dst = append(dst, name...)
	return append(dst, v...)
}

// Project appends the attributes that keep wants, in order.
func (d Doc) Project(dst []byte, keep func(name []byte) bool) []byte {
	for rest := d; len(rest) > 0; {
		name, _, next := rest.Next()
		if keep(name) {
			dst = append(dst, rest[:len(rest)-len(next)]...)
		}
		rest = next
	}
	return dst
}

// attributeAt is where one attribute lies in a buffer.
type attributeAt struct {
	name       []byte
	start, end int
}

// sortDoc puts the attributes that were appended to dst from start on into the order of their
// names; of equal names the last stays. spans tells where they lie.
func sortDoc(dst []byte, start int, spans []attributeAt) []byte {
	sorted := true
	for i := 1; i < len(spans); i++ {
		if bytes.Compare(spans[i-1].name, spans[i].name) >= 0 {
			sorted = false
			break
		}
	}
	if sorted {
		return dst
	}
	var stack [1024]byte
	old := append(stack[:0], dst[start:]...)
	slices.SortStableFunc(spans, func(a, b attributeAt) int { return bytes.Compare(a.name, b.name) })
	dst = dst[:start]
	for i, s := range spans {
		if i+1 < len(spans) && bytes.Equal(s.name, spans[i+1].name) {
			continue
		}
		dst = append(dst, old[s.start-start:s.end-start]...)
	}
	return dst
}
