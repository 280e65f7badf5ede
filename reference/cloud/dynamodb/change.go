package dynamodb

import (
	"errors"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// verb is what a change does to its item.
type verb byte

const (
	verbPut verb = iota
	verbUpdate
	verbDelete
	verbCheck
)

// change is one write of an item, alone, in a batch or in a transaction.
type change struct {
	verb   verb
	table  *table
	given  item.Doc // the whole item of a put, else the key
	values item.Doc
	plan   plan
	key    []byte // in the store
	hash   uint64 // of the partition key
	unique bool   // the condition is that there is no item yet, and the fault says so

	old, now item.Doc // as found, and as it is to be: nil is none
}

// prepare checks what does not depend on the item and finds its key.
func (c *change) prepare() error {
	if c.verb == verbPut {
		if err := checkItemKey(c.table, c.given); err != nil {
			return err
		}
	} else if err := checkKey(c.table, c.given); err != nil {
		return err
	}
	if c.plan.update != nil {
		paths := c.plan.update.Paths()
		for _, p := range paths {
			if c.table.schema.Key.Has([]byte(p[0].Name)) {
				return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", p[0].Name)
			}
		}
		for name, v := range c.plan.update.Assigned(c.values) {
			if err := checkIndexType(c.table, name, v); err != nil {
				return err
			}
		}
		if err := checkKeyPaths(c.table, paths); err != nil {
			return err
		}
	}
	c.key = store.Space{Table: c.table.schema}.AppendKey(c.key[:0], c.given)
	c.hash = store.HashOf(c.key)
	return nil
}

// blind says whether the change can be made without a look at the item.
func (c *change) blind() bool {
	return (c.verb == verbPut || c.verb == verbDelete) && c.plan.condition == nil && len(c.table.schema.Indexes) == 0 && c.table.schema.Stream == nil
}

// evaluate decides what becomes of the item. met is false if the condition fails.
func (c *change) evaluate(old item.Doc) (met bool, err error) {
	c.old, c.now = old, nil
	if c.plan.condition != nil && !c.plan.condition.Match(old, c.values) {
		return false, nil
	}
	switch c.verb {
	case verbPut:
		c.now = c.given
	case verbUpdate:
		base := old
		if base == nil {
			base = c.given
		}
		if c.plan.update == nil {
			c.now = base
			break
		}
		if old == nil && !c.plan.update.Creates() {
			break
		}
		now, err := c.plan.update.Apply(nil, base, c.values)
		if err != nil {
			return true, invalid("%s", err)
		}
		c.now = now
		if c.now.Size() > item.MaxSize {
			return true, invalid("Item size to update has exceeded the maximum allowed size")
		}
		if err := checkIndexKeys(c.table, c.now); err != nil {
			if errors.Is(err, errIndexType) {
				err = invalid("The update expression attempted to update the secondary index key to unsupported type")
			}
			return true, err
		}
	case verbCheck:
		c.now = old
	}
	return true, nil
}

// unmet is the fault of a condition that does not hold, with the item if the caller wants it.
func (c *change) unmet(old item.Doc, withItem bool) *fault {
	if c.unique {
		return errDuplicate
	}
	return conditionFailed(old, withItem)
}

// write hands the change to the unit.
func (c *change) write(u *store.Unit) error {
	switch {
	case c.verb == verbCheck:
		return nil
	case c.verb == verbUpdate && c.now == nil:
		return nil // nothing to take away from
	case c.now != nil:
		return u.Put(c.table.schema, c.key, c.old, c.now)
	}
	return u.Delete(c.table.schema, c.key, c.old)
}

// at is where the item lies in its table.
func (c *change) at() quota.Position { return store.PositionOf(c.key) }

// cost is what the change consumes; a blind one is counted by the new item alone.
func (c *change) cost(exact bool) (out cost) {
	if !exact {
		out.add(0, c.at(), writeUnits(c.now.Size()))
		return out
	}
	return c.table.writeCost(c.at(), c.old, c.now)
}

// returned is what of the item ReturnValues asks for, before or after the change.
func (c *change) returned(which string) item.Doc {
	switch which {
	case "ALL_OLD":
		return c.old
	case "ALL_NEW":
		return c.now
	case "UPDATED_OLD":
		if c.plan.update != nil && c.old != nil {
			return c.plan.update.Touched(nil, c.old)
		}
	case "UPDATED_NEW":
		if c.plan.update != nil {
			return c.plan.update.Touched(nil, c.now)
		}
	}
	return nil
}
