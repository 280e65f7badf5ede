package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

func (c *call) putItem() error {
	var r request
	if err := c.parse(&r); err != nil {
		return err
	}
	var bad constraints
	bad.table(r.table, "tableName")
	bad.notNull(r.item == nil, "item")
	bad.conditionalOperator(&r)
	bad.expected(&r)
	bad.returns(&r)
	if err := bad.err(); err != nil {
		return err
	}
	if err := r.checkPut(); err != nil {
		return err
	}
	return c.write(&r, verbPut, r.item)
}

func (r *request) checkPut() error {
	if err := r.checkMixing(onlyCondition); err != nil {
		return err
	}
	if r.valueFault != nil {
		return invalid("%s", r.valueFault)
	}
	if v := string(r.returnValues); v != "" && v != "ALL_OLD" && v != "NONE" {
		return invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	if r.item.Size() > item.MaxSize {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

func (c *call) deleteItem() error {
	var r request
	if err := c.parse(&r); err != nil {
		return err
	}
	if err := r.checkKeyed(onlyCondition); err != nil {
		return err
	}
	if v := string(r.returnValues); v != "" && v != "ALL_OLD" && v != "NONE" {
		return invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	return c.write(&r, verbDelete, r.key)
}

func (c *call) updateItem() error {
	var r request
	if err := c.parse(&r); err != nil {
		return err
	}
	if err := r.checkKeyed("UpdateExpression and ConditionExpression are null"); err != nil {
		return err
	}
	return c.write(&r, verbUpdate, r.key)
}

// onlyCondition is what a request lacks whose values only a condition could use.
const onlyCondition = "ConditionExpression is null"

// checkKeyed checks the shape of a request with a key; values is as in checkMixing.
func (r *request) checkKeyed(values string) error {
	var bad constraints
	bad.table(r.table, "tableName")
	bad.notNull(r.key == nil, "key")
	bad.conditionalOperator(r)
	bad.expected(r)
	bad.attributesToGet(r, "attributesToGet")
	bad.returns(r)
	if err := bad.err(); err != nil {
		return err
	}
	if err := r.checkMixing(values); err != nil {
		return err
	}
	if r.valueFault != nil {
		return invalid("%s", r.valueFault)
	}
	if r.legacy != nil {
		return r.legacy.checkAttributes()
	}
	return nil
}

// write does one change and answers.
func (c *call) write(r *request, v verb, given item.Doc) error {
	p, err := c.s.plan(r)
	if err != nil {
		return err
	}
	t, err := c.s.table(r.table)
	if err != nil {
		return err
	}
	ch := change{verb: v, table: t, given: given, values: r.values, plan: p}
	if err := ch.prepare(); err != nil {
		return err
	}
	return c.make(r, &ch, func(spent *cost) error {
		c.out = append(c.out, '{')
		c.returnValues(r, &ch)
		if err := c.collectionMetrics(r, &ch); err != nil {
			return err
		}
		if consumed, indexes := wantsConsumed(r.consumed); consumed {
			c.member("ConsumedCapacity")
			c.consumedCapacity(t, spent, indexes, "")
		}
		c.out = append(c.out, '}')
		return nil
	})
}

// make does a change that is prepared. answer appends the reply while the items are there, before
// the change is durable.
func (c *call) make(r *request, ch *change, answer func(spent *cost) error) error {
	consumed, _ := wantsConsumed(r.consumed)
	exact := consumed || !c.s.limits.off()
	blind := ch.blind() && !exact && string(r.returnValues) != "ALL_OLD"

	u := c.begin()
	if err := u.Lock(ch.key); err != nil {
		c.release()
		return err
	}
	spent, err := c.attempt(u, r, ch, blind, exact)
	if err == nil {
		err = answer(&spent)
	}
	if err != nil {
		c.release()
		return err
	}
	return c.commit()
}

// attempt does a change of an item that is locked, or says why not.
func (c *call) attempt(u *store.Unit, r *request, ch *change, blind, exact bool) (spent cost, err error) {
	if u.Contended(ch.key) {
		return spent, refuse(codeConflict, "Transaction is ongoing for the item")
	}
	var old item.Doc
	if !blind {
		if old, err = u.Get(ch.key); err != nil {
			return spent, err
		}
	}
	met, err := ch.evaluate(old)
	if err != nil {
		return spent, err
	}
	if !met {
		failed := cost{}
		failed.add(0, ch.at(), writeUnits(old.Size()))
		if short := ch.table.meter.admit(c.now, quota.WriteCapacity, &failed); short != nil {
			return spent, c.throttled(ch.table, short)
		}
		return spent, ch.unmet(old, string(r.onFailure) == "ALL_OLD")
	}
	spent = ch.cost(exact)
	if short := ch.table.meter.admit(c.now, quota.WriteCapacity, &spent); short != nil {
		return spent, c.throttled(ch.table, short)
	}
	return spent, ch.write(u)
}

// collectionMetrics appends the size of the item collection, which only tables with local
// indexes have, as a range of whole gigabytes.
func (c *call) collectionMetrics(r *request, ch *change) error {
	t := ch.table
	if string(r.metrics) != "SIZE" || len(t.definition.LocalSecondaryIndexes) == 0 {
		return nil
	}
	hash := t.schema.Key.Hash.Name
	bytes, err := c.s.store.CollectionSize(t.schema, ch.given.Get(hash))
	if err != nil {
		return err
	}
	gigabytes := int(bytes >> 30)
	c.member("ItemCollectionMetrics")
	c.out = append(c.out, '{')
	c.attributes("ItemCollectionKey", ch.given.Project(nil, func(name []byte) bool { return string(name) == hash }))
	c.member("SizeEstimateRangeGB")
	c.out = append(appendInt(append(c.out, '['), gigabytes), ',')
	c.out = append(appendInt(c.out, gigabytes+1), ']', '}')
	return nil
}

// returnValues appends the attributes that the caller wants back.
func (c *call) returnValues(r *request, ch *change) {
	if d := ch.returned(string(r.returnValues)); len(d) > 0 {
		c.attributes("Attributes", d)
	}
}
