package store

import (
	"encoding/binary"
	"slices"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/quota"
)

// Table is what the store must know of a table.
type Table struct {
	ID      uint32 // never used twice
	Key     Key
	Indexes []Index
	Stream  *Stream // nil if changes are not recorded
}

// Index is a secondary index, global or local.
type Index struct {
	ID       uint8 // of a dropped index it may be used again; 0 is the table itself
	Name     string
	Key      Key
	Local    bool
	Building bool     // it is kept in step, but lacks entries of older items
	All      bool     // project everything
	Include  []string // further attributes to project; keys always are
}

// Space is a table's items, or one of its indexes.
type Space struct {
	Table *Table
	Index *Index // nil for the table itself
}

// Key is the primary key of the space.
func (s Space) Key() *Key {
	if s.Index != nil {
		return &s.Index.Key
	}
	return &s.Table.Key
}

const (
	spaceData     = 'd' // items and index entries
	spaceMeta     = 'm' // tables
	spaceToken    = 't' // tokens of transactions
	spaceNext     = 'n' // the next table's id
	spaceLayout   = 'l' // how keys are made
	spaceStream   = 's' // streams
	spaceRecord   = 'r' // records of streams
	spaceProgress = 'p' // how far back-fills are
)

func appendTablePrefix(dst []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, spaceData), id)
}

// AppendPrefix appends what all keys of the space begin with.
func (s Space) AppendPrefix(dst []byte) []byte {
	dst = appendTablePrefix(dst, s.Table.ID)
	if s.Index == nil {
		return append(dst, 0)
	}
	return append(dst, s.Index.ID)
}

// prefixLen is the length of AppendPrefix's result.
const prefixLen = 1 + 4 + 1

// AppendKey appends the key of an item, or of its entry in an index, from a document that holds
// the key attributes. An index entry also carries the table's key, which makes it unique.
func (s Space) AppendKey(dst []byte, d item.Doc) []byte {
	dst = s.AppendPrefix(dst)
	k := s.Key()
	dst = item.AppendPartitionKey(dst, k.Partition(d))
	if s.Index == nil {
		if k.Range.Name != "" {
			dst = item.AppendSortKey(dst, d.Get(k.Range.Name))
		}
		return dst
	}
	if k.Range.Name != "" {
		dst = item.AppendSortKeyInside(dst, d.Get(k.Range.Name))
	}
	for i := range k.MoreRange {
		dst = item.AppendSortKeyInside(dst, d.Get(k.MoreRange[i].Name))
	}
	var sk item.Value
	if r := s.Table.Key.Range.Name; r != "" {
		sk = d.Get(r)
	}
	return item.AppendTableKey(dst, d.Get(s.Table.Key.Hash.Name), sk)
}

// Holds says whether an item has an entry in the index: it has the index's key attributes, and
// they are fit to be keys, as those of items that are older than the index may not be.
func (x *Index) Holds(d item.Doc) bool {
	return d != nil && x.Key.takes(d)
}

// Entry appends what the index keeps of an item.
func (t *Table) Entry(dst []byte, x *Index, d item.Doc) item.Doc {
	if x.All {
		return append(dst, d...)
	}
	return d.Project(dst, func(name []byte) bool {
		return t.Key.Has(name) || x.Key.Has(name) || slices.Contains(x.Include, string(name))
	})
}

// HashOf is the hash of the partition key in a key.
func HashOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[prefixLen:]) }

// PositionOf is where a key lies among all keys of its space: the first place if it is the
// beginning of a key only.
func PositionOf(key []byte) quota.Position {
	if len(key) < prefixLen+8 {
		return quota.Position{}
	}
	return quota.Position{Hash: HashOf(key), Rest: key[prefixLen+8:]}
}
