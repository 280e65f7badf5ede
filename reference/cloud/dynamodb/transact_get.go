package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/quota"
)

func (c *call) transactGetItems() error {
	d := c.decoder()
	var r request
	var token []byte
	actions := d.transaction(&r, c.actions, &token)
	d.End()
	c.arena, c.actions = d.arena, actions
	if err := c.syntax(&d); err != nil {
		return err
	}
	if err := checkActions(&r, actions, nil); err != nil {
		return err
	}
	for i := range actions {
		actions[i].verb = verbCheck
		if err := c.prepareAction(&actions[i]); err != nil {
			return err
		}
	}
	keys, err := prepareKeys(actions)
	if err != nil {
		return err
	}
	return c.transactRead(&r, actions, keys)
}

// transactRead reads all items as they are at one moment.
func (c *call) transactRead(r *request, actions []action, keys [][]byte) error {
	u := c.begin()
	if err := u.Lock(keys...); err != nil {
		c.release()
		return err
	}
	reasons := make([]reason, len(actions))
	failed, size := false, 0
	c.out = append(c.out, `{"Responses":[`...)
	for i := range actions {
		a := &actions[i]
		reasons[i].code = "None"
		if u.Contended(a.change.key) {
			reasons[i] = reason{code: "TransactionConflict", message: "Transaction is ongoing for the item"}
			failed = true
			continue
		}
		if short := a.change.table.meter.ready(c.now, 0, a.at()); short != nil {
			reasons[i] = c.throttled(a.change.table, short).asReason()
			failed = true
			continue
		}
		old, err := u.Get(a.change.key)
		if err != nil {
			c.release()
			return err
		}
		size += old.Size()
		a.spent.add(0, a.at(), 2*readUnits(old.Size(), true))
		c.member("")
		c.out = append(c.out, '{')
		if old != nil {
			c.attributes("Item", item.Doc(project(old, a.plan.projection)))
		}
		c.out = append(c.out, '}')
	}
	c.release()
	if failed {
		return cancelled(reasons)
	}
	if size > maxTransactBytes {
		return invalid("Transaction response size exceeded the limit of 4 MB")
	}
	for i := range actions {
		actions[i].change.table.meter.spend(c.now, quota.ReadCapacity, &actions[i].spent)
	}
	c.out = append(c.out, ']')
	c.consumedByActions(r, actions, "ReadCapacityUnits")
	c.out = append(c.out, '}')
	return nil
}
