package store

import "github.com/retailflow/stampede/reference/cloud/dynamodb/item"

// KeyAttribute is an attribute that is part of a key. An empty name means there is none.
type KeyAttribute struct {
	Name string
	Type item.Type // String, Number or Binary
}

// Key is the primary key of a table or an index. That of a global index may have several
// attributes of each kind: the partition is that of all values of the one, and the values of
// the other are compared one after another.
type Key struct {
	Hash, Range         KeyAttribute
	MoreHash, MoreRange []KeyAttribute // behind the first
}

// Multi says whether the key has several attributes of a kind.
func (k *Key) Multi() bool { return len(k.MoreHash)+len(k.MoreRange) > 0 }

// Attributes yields the attributes of the key in the order of its schema, and whether each is
// part of the sort key. It is an iterator.
func (k *Key) Attributes(yield func(a KeyAttribute, sort bool) bool) {
	if !yield(k.Hash, false) {
		return
	}
	for _, a := range k.MoreHash {
		if !yield(a, false) {
			return
		}
	}
	if k.Range.Name == "" || !yield(k.Range, true) {
		return
	}
	for _, a := range k.MoreRange {
		if !yield(a, true) {
			return
		}
	}
}

// Has says whether the key has an attribute of that name.
func (k *Key) Has(name []byte) bool {
	return string(name) == k.Hash.Name || k.Range.Name != "" && string(name) == k.Range.Name || k.Multi() && k.hasMore(name)
}

func (k *Key) hasMore(name []byte) bool {
	for a := range k.Attributes {
		if a.Name == string(name) {
			return true
		}
	}
	return false
}

// In says whether a document has the key's attributes, of their types.
func (k *Key) In(d item.Doc) bool {
	for a := range k.Attributes {
		if d.Get(a.Name).Type() != a.Type {
			return false
		}
	}
	return true
}

// Partition is the value that stands for a document's partition key: its one attribute, or all
// of them joined, which is unambiguous since each says how long it is.
func (k *Key) Partition(d item.Doc) item.Value {
	v := d.Get(k.Hash.Name)
	if len(k.MoreHash) == 0 {
		return v
	}
	v = append(item.Value(nil), v...)
	for _, a := range k.MoreHash {
		v = append(v, d.Get(a.Name)...)
	}
	return v
}

// How large the values of key attributes may be, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	MaxHash  = 2048
	MaxRange = 1024
)

// takes says whether a value can be the key attribute's: one of its type, not empty, not too
// large.
func (a *KeyAttribute) takes(v item.Value, most int) bool {
	if v.Type() != a.Type {
		return false
	}
	n := len(v.Payload())
	return a.Type == item.Number || n > 0 && n <= most
}

// takes says whether a document has values for all attributes of the key that are fit for it.
func (k *Key) takes(d item.Doc) bool {
	if !k.Hash.takes(d.Get(k.Hash.Name), MaxHash) || k.Range.Name != "" && !k.Range.takes(d.Get(k.Range.Name), MaxRange) {
		return false
	}
	for i := range k.MoreHash {
		if !k.MoreHash[i].takes(d.Get(k.MoreHash[i].Name), MaxHash) {
			return false
		}
	}
	for i := range k.MoreRange {
		if !k.MoreRange[i].takes(d.Get(k.MoreRange[i].Name), MaxRange) {
			return false
		}
	}
	return true
}
