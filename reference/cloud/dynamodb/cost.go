package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// charge is what an operation costs one space.
type charge struct {
	space spaceID
	local spaceID        // as what it is shown: the local index whose entry it is, or 0
	at    quota.Position // where; it may lie in a buffer of the request
	units float64
	bytes int64 // by which the data there grow
}

// cost is what an operation costs a table and its indexes.
type cost struct {
	charges [4]charge // the first ones; most tables need no more
	more    []charge
	n       int
}

func (c *cost) add(space spaceID, at quota.Position, units float64) {
	if units > 0 {
		c.push(charge{space: space, at: at, units: units})
	}
}

func (c *cost) push(ch charge) {
	if c.n < len(c.charges) {
		c.charges[c.n] = ch
	} else {
		c.more = append(c.more, ch)
	}
	c.n++
}

func (c *cost) at(i int) *charge {
	if i < len(c.charges) {
		return &c.charges[i]
	}
	return &c.more[i-len(c.charges)]
}

func (c *cost) total() (units float64) {
	for i := range c.n {
		units += c.at(i).units
	}
	return units
}

// merge adds units to the charge on the same space, to show them together.
func (c *cost) merge(ch charge) {
	for i := range c.n {
		if c.at(i).space == ch.space && c.at(i).local == ch.local {
			c.at(i).units += ch.units
			return
		}
	}
	c.push(ch)
}

// double is the cost in a transaction.
func (c *cost) double() {
	for i := range c.n {
		c.at(i).units *= 2
	}
}

// Sizes of capacity units in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	readUnit  = 4 << 10
	writeUnit = 1 << 10
)

// writeUnits is the cost of writing an item of a size; at least 1.
func writeUnits(size int) float64 { return float64(max(1, (size+writeUnit-1)/writeUnit)) }

// readUnits is the cost of reading a size, half if not consistent; at least one unit of it.
func readUnits(size int, consistent bool) float64 {
	u := float64(max(1, (size+readUnit-1)/readUnit))
	if !consistent {
		u /= 2
	}
	return u
}

// writeCost is the cost of changing old into now, either of which may be nil: the larger of
// both for the table, and what each index has to change.
func (t *table) writeCost(at quota.Position, old, now item.Doc) (c cost) {
	before, after := old.Size(), now.Size()
	c.push(charge{at: at, units: writeUnits(max(before, after)), bytes: int64(after - before)})
	for i := range t.schema.Indexes {
		t.indexCost(&c, &t.schema.Indexes[i], at, old, now)
	}
	return c
}

func (t *table) indexCost(c *cost, x *store.Index, at quota.Position, old, now item.Doc) {
	had, has := x.Holds(old), x.Holds(now)
	if !had && !has {
		return
	}
	var before, after item.Doc
	var from, to []byte // the entry's key
	space := store.Space{Table: t.schema, Index: x}
	if had {
		before, from = t.schema.Entry(nil, x, old), space.AppendKey(nil, old)
	}
	if has {
		after, to = t.schema.Entry(nil, x, now), space.AppendKey(nil, now)
	}
	add := func(key []byte, units float64, bytes int) {
		if x.Local { // it lives in the table's partitions
			c.push(charge{local: x.ID, at: at, units: units, bytes: int64(bytes)})
		} else {
			c.push(charge{space: x.ID, at: store.PositionOf(key), units: units, bytes: int64(bytes)})
		}
	}
	if had && has && string(from) == string(to) {
		if string(before) != string(after) {
			add(to, writeUnits(max(before.Size(), after.Size())), after.Size()-before.Size())
		}
		return
	}
	if had {
		add(from, writeUnits(before.Size()), -before.Size())
	}
	if has {
		add(to, writeUnits(after.Size()), after.Size())
	}
}
