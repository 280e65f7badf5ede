package item

import "bytes"

// Compare orders two values of one scalar type: numbers by size, strings and binaries by their
// bytes. ok is false for values that have no order with each other.
func Compare(a, b Value) (order int, ok bool) {
	t := a.Type()
	if t != b.Type() || t != String && t != Number && t != Binary {
		return 0, false
	}
	return bytes.Compare(a.Payload(), b.Payload()), true
}

// HasPrefix says whether a string or binary begins with another of the same type.
func HasPrefix(v, prefix Value) bool {
	t := v.Type()
	return t == prefix.Type() && (t == String || t == Binary) && bytes.HasPrefix(v.Payload(), prefix.Payload())
}

// Contains says whether v, a string, binary, set or list, has e as a part or an element.
func Contains(v, e Value) bool {
	switch t := v.Type(); t {
	case String, Binary:
		return e.Type() == t && bytes.Contains(v.Payload(), e.Payload())
	case List:
		for x := range v.Elements() {
			if Equal(x, e) {
				return true
			}
		}
	case StringSet, NumberSet, BinarySet:
		if e.Type() != t.Element() {
			return false
		}
		for m := range v.Members() {
			if bytes.Equal(m, e.Payload()) {
				return true
			}
		}
	}
	return false
}

// UnionSets appends the set of all elements of two sets of one type.
func UnionSets(dst []byte, a, b Value) []byte {
	var out [][]byte
	for m := range a.Members() {
		out = append(out, m)
	}
	i := 0
	merged := make([][]byte, 0, len(out))
	for m := range b.Members() {
		for i < len(out) && bytes.Compare(out[i], m) < 0 {
			merged = append(merged, out[i])
			i++
		}
		if i < len(out) && bytes.Equal(out[i], m) {
			i++
		}
		merged = append(merged, m)
	}
	return AppendSet(dst, a.Type(), append(merged, out[i:]...))
}

// SubtractSets appends the set of a's elements that b lacks; ok is false, and nothing appended,
// if none is left.
func SubtractSets(dst []byte, a, b Value) (out []byte, ok bool) {
	var left [][]byte
	var gone [][]byte
	for m := range b.Members() {
		gone = append(gone, m)
	}
	for m := range a.Members() {
		for len(gone) > 0 && bytes.Compare(gone[0], m) < 0 {
			gone = gone[1:]
		}
		if len(gone) == 0 || !bytes.Equal(gone[0], m) {
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		return dst, false
	}
	return AppendSet(dst, a.Type(), left), true
}
