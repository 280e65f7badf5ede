package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

func (c *call) getItem() error {
	var r request
	if err := c.parse(&r); err != nil {
		return err
	}
	if err := r.checkKeyed(""); err != nil {
		return err
	}
	p, err := c.s.plan(&r)
	if err != nil {
		return err
	}
	t, err := c.s.table(r.table)
	if err != nil {
		return err
	}
	if err := checkKey(t, r.key); err != nil {
		return err
	}
	if err := checkKeyPaths(t, p.projection.All()); err != nil {
		return err
	}
	var buf [128]byte
	key := store.Space{Table: t.schema}.AppendKey(buf[:0], r.key)
	at := store.PositionOf(key)
	if short := t.meter.ready(c.now, 0, at); short != nil {
		return c.throttled(t, short)
	}
	old, found, err := c.s.store.Get(c.old[:0], key)
	c.old = old
	if err != nil {
		return err
	}
	var spent cost
	spent.add(0, at, readUnits(item.Doc(old).Size(), r.consistent))
	t.meter.spend(c.now, quota.ReadCapacity, &spent)
	c.out = append(c.out, '{')
	if found {
		c.attributes("Item", project(old, p.projection))
	}
	if total, indexes := wantsConsumed(r.consumed); total {
		c.member("ConsumedCapacity")
		c.consumedCapacity(t, &spent, indexes, "")
	}
	c.out = append(c.out, '}')
	return nil
}

// project is what a projection leaves of an item; no projection leaves it whole.
func project(d item.Doc, p *expr.Projection) item.Doc {
	if p == nil {
		return d
	}
	return p.Append(nil, d)
}
