package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/quota"
)

// batchChange is one request of a BatchWriteItem.
type batchChange struct {
	change
	from, to int // where it stands in the body, to be sent back if it is not done
	undone   bool
}

// batchTable is a table's part of a BatchWriteItem.
type batchTable struct {
	name    []byte
	table   *table
	changes []batchChange
	spent   cost
}

// batchRequest is a parsed BatchWriteItem.
type batchRequest struct {
	request
	tables []batchTable
	given  bool
	shape  error // a request without, or with both of, put and delete
}

func (c *call) batchWriteItem() error {
	var b batchRequest
	d := c.decoder()
	d.batchWrite(&b)
	d.End()
	c.arena = d.arena
	if err := c.syntax(&d); err != nil {
		return err
	}
	if err := b.check(); err != nil {
		return err
	}
	for i := range b.tables {
		bt := &b.tables[i]
		t, err := c.s.table(bt.name)
		if err != nil {
			return err
		}
		bt.table = t
		for j := range bt.changes {
			bt.changes[j].table = t
			if bt.changes[j].verb == verbPut && !t.schema.Key.In(bt.changes[j].given) {
				return errKeySchema // not the words of a single put
			}
			if err := bt.changes[j].prepare(); err != nil {
				return err
			}
		}
	}
	if b.duplicates() {
		return invalid("Provided list of item keys contains duplicates")
	}
	if err := c.batchCommit(&b); err != nil {
		return err
	}
	c.batchReply(&b)
	return nil
}

func (d *decoder) batchWrite(b *batchRequest) {
	if !d.BeginObject() {
		return
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			return
		}
		if string(key) != "RequestItems" {
			d.parameter(&b.request, key)
			continue
		}
		b.given = true
		if !d.BeginObject() {
			return
		}
		for {
			name, ok := d.NextKey()
			if !ok {
				break
			}
			if len(b.tables) > maxBatchWrite { // enough to be refused, as below
				d.Skip()
				continue
			}
			b.tables = append(b.tables, batchTable{name: name})
			bt := &b.tables[len(b.tables)-1]
			d.BeginArray()
			for d.NextElement() {
				if len(bt.changes) > maxBatchWrite {
					d.Skip()
					continue
				}
				d.batchElement(b, bt)
			}
		}
	}
}

// batchElement reads one write request of a table.
func (d *decoder) batchElement(b *batchRequest, bt *batchTable) {
	d.Peek()
	ch := batchChange{from: d.Pos()}
	found := 0
	if !d.BeginObject() {
		return
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			break
		}
		if d.Null() {
			continue
		}
		var r request
		r.valueFault = b.valueFault
		switch string(key) {
		case "PutRequest":
			d.request(&r)
			ch.verb, ch.given = verbPut, r.item
		case "DeleteRequest":
			d.request(&r)
			ch.verb, ch.given = verbDelete, r.key
		default:
			d.Skip()
			continue
		}
		b.valueFault = r.valueFault
		found++
	}
	if found != 1 && b.shape == nil {
		b.shape = invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	ch.to = d.Pos()
	bt.changes = append(bt.changes, ch)
}

func (b *batchRequest) check() error {
	var bad constraints
	bad.returns(&b.request)
	bad.notNull(!b.given, "requestItems")
	if b.given && len(b.tables) == 0 {
		return invalid("The requestItems parameter is required for BatchWriteItem")
	}
	total := 0
	for _, bt := range b.tables {
		total += len(bt.changes)
		if len(bt.name) < 3 || len(bt.name) > 255 || !validName(bt.name) {
			bad.add("{"+string(bt.name)+"=[...]}", "requestItems", "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: "+namePattern+"]")
		}
		if n := len(bt.changes); n == 0 || n > maxBatchWrite {
			bad.add("{"+string(bt.name)+"=[...]}", "requestItems", "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
		}
	}
	if err := bad.err(); err != nil {
		return err
	}
	if b.shape != nil {
		return b.shape
	}
	if b.valueFault != nil {
		return invalid("%s", b.valueFault)
	}
	for _, bt := range b.tables {
		for i, ch := range bt.changes {
			if ch.given == nil {
				member := "deleteRequest.key"
				if ch.verb == verbPut {
					member = "putRequest.item"
				}
				bad.add(nil, "requestItems."+string(bt.name)+".member."+string(appendInt(nil, i+1))+".member."+member, "Member must not be null")
				return bad.err()
			}
			if ch.verb == verbPut && ch.given.Size() > item.MaxSize {
				return invalid("Item size has exceeded the maximum allowed size")
			}
		}
	}
	if total > maxBatchWrite {
		return invalid("Too many items requested for the BatchWriteItem call")
	}
	return nil
}

// duplicates says whether two changes are on one item. A table may be named twice.
func (b *batchRequest) duplicates() bool {
	var buf [maxBatchWrite]*batchChange
	seen := buf[:0]
	for i := range b.tables {
		list := b.tables[i].changes
		for j := range list {
			for _, one := range seen {
				if list[j].hash == one.hash && string(list[j].key) == string(one.key) {
					return true
				}
			}
			seen = append(seen, &list[j])
		}
	}
	return false
}

// batchCommit does what can be done and marks the rest.
func (c *call) batchCommit(b *batchRequest) error {
	consumed, _ := wantsConsumed(b.consumed)
	exact := consumed || !c.s.limits.off()
	var buf [maxBatchWrite][]byte
	keys := buf[:0]
	for i := range b.tables {
		for j := range b.tables[i].changes {
			keys = append(keys, b.tables[i].changes[j].key)
		}
	}
	u := c.begin()
	if err := u.Lock(keys...); err != nil {
		c.release()
		return err
	}
	done, undone := 0, error(nil)
	for i := range b.tables {
		bt := &b.tables[i]
		for j := range bt.changes {
			ch := &bt.changes[j]
			if u.Contended(ch.key) {
				ch.undone = true
				continue
			}
			var old item.Doc
			var err error
			if exact || !ch.blind() {
				if old, err = u.Get(ch.key); err != nil {
					c.release()
					return err
				}
			}
			if _, err := ch.evaluate(old); err != nil {
				c.release()
				return err
			}
			spent := ch.cost(exact)
			if short := bt.table.meter.admit(c.now, quota.WriteCapacity, &spent); short != nil {
				ch.undone, undone = true, c.throttled(bt.table, short)
				continue
			}
			if err := ch.write(u); err != nil {
				c.release()
				return err
			}
			done++
			for k := range spent.n {
				bt.spent.merge(*spent.at(k))
			}
		}
	}
	if done == 0 && undone != nil { // DynamoDB refuses the whole if nothing could be done
		c.release()
		return undone
	}
	return c.commit()
}

func (c *call) batchReply(b *batchRequest) {
	c.out = append(c.out, `{"UnprocessedItems":{`...)
	for i := range b.tables {
		bt, open := &b.tables[i], false
		for j := range bt.changes {
			ch := &bt.changes[j]
			if !ch.undone {
				continue
			}
			if !open {
				if c.out[len(c.out)-1] != '{' {
					c.out = append(c.out, ',')
				}
				c.out = item.AppendJSONString(c.out, bt.name)
				c.out = append(c.out, ':', '[')
				open = true
			}
			c.member("")
			c.out = append(c.out, c.r.Body[ch.from:ch.to]...)
		}
		if open {
			c.out = append(c.out, ']')
		}
	}
	c.out = append(c.out, '}')
	c.consumedByTable(b.consumed, len(b.tables), func(i int) (*table, *cost) { return b.tables[i].table, &b.tables[i].spent }, "")
	c.out = append(c.out, '}')
}

// consumedByTable appends the list of consumed capacities if the caller wants it.
func (c *call) consumedByTable(mode []byte, n int, at func(i int) (*table, *cost), transaction string) {
	total, indexes := wantsConsumed(mode)
	if !total {
		return
	}
	c.member("ConsumedCapacity")
	c.out = append(c.out, '[')
	for i := range n {
		t, spent := at(i)
		c.consumedCapacity(t, spent, indexes, transaction)
	}
	c.out = append(c.out, ']')
}
