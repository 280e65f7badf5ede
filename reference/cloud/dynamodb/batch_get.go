package dynamodb

import (
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

func appendInt(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(i), 10) }

// keyAt is one key of a BatchGetItem and where it stands in the body.
type keyAt struct {
	doc      item.Doc
	key      []byte
	from, to int
	undone   bool
}

// getTable is a table's part of a BatchGetItem.
type getTable struct {
	request
	name  []byte
	table *table
	keys  []keyAt
	rest  [][2]int // the other parameters, in the body
	plan  plan
	spent cost
}

func (c *call) batchGetItem() error {
	var tables []getTable
	var r request
	given := false
	d := c.decoder()
	d.batchGet(&r, &tables, &given)
	d.End()
	c.arena = d.arena
	if err := c.syntax(&d); err != nil {
		return err
	}
	if err := checkBatchGet(&r, tables, given); err != nil {
		return err
	}
	for i := range tables {
		if err := c.prepareGet(&tables[i]); err != nil {
			return err
		}
	}
	return c.batchGetAnswer(&r, tables)
}

func (d *decoder) batchGet(r *request, tables *[]getTable, given *bool) {
	if !d.BeginObject() {
		return
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			return
		}
		if string(key) != "RequestItems" {
			d.parameter(r, key)
			continue
		}
		*given = true
		if !d.BeginObject() {
			return
		}
		for {
			name, ok := d.NextKey()
			if !ok {
				break
			}
			if len(*tables) > maxBatchGet { // enough to be refused, as below
				d.Skip()
				continue
			}
			*tables = append(*tables, getTable{name: name})
			d.getTable(&(*tables)[len(*tables)-1])
		}
	}
}

func (d *decoder) getTable(t *getTable) {
	if !d.BeginObject() {
		return
	}
	for {
		d.Peek()
		from := d.Pos()
		key, ok := d.NextKey()
		if !ok {
			return
		}
		if d.Null() {
			continue
		}
		if string(key) != "Keys" {
			d.parameter(&t.request, key)
			t.rest = append(t.rest, [2]int{from, d.Pos()})
			continue
		}
		d.BeginArray()
		for d.NextElement() {
			if len(t.keys) > maxBatchGet {
				d.Skip()
				continue
			}
			d.Peek()
			k := keyAt{from: d.Pos()}
			k.doc = d.doc(&t.valueFault)
			k.to = d.Pos()
			t.keys = append(t.keys, k)
		}
	}
}

func checkBatchGet(r *request, tables []getTable, given bool) error {
	var bad constraints
	bad.oneOf(r.consumed, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	bad.notNull(!given, "requestItems")
	if given && len(tables) == 0 {
		return invalid("The requestItems parameter is required for BatchGetItem")
	}
	total := 0
	for i := range tables {
		t := &tables[i]
		total += len(t.keys)
		if n := len(t.keys); n == 0 || n > maxBatchGet {
			what := "Member must have length less than or equal to 100"
			if n == 0 {
				what = "Member must have length greater than or equal to 1"
			}
			bad.member("RequestItems."+string(t.name)+".member.Keys", what)
		}
		bad.attributesToGet(&t.request, "requestItems."+string(t.name)+".member.attributesToGet")
	}
	if err := bad.err(); err != nil {
		return err
	}
	for i := range tables {
		if err := tables[i].checkMixing(""); err != nil {
			return err
		}
		if tables[i].valueFault != nil {
			return invalid("%s", tables[i].valueFault)
		}
		if l := tables[i].legacy; l != nil {
			if err := l.checkAttributes(); err != nil {
				return err
			}
		}
	}
	if total > maxBatchGet {
		return invalid("Too many items requested for the BatchGetItem call")
	}
	return nil
}

var errRepeated = invalid("Provided list of item keys contains duplicates")

// repeats says whether a key is there twice, of a table that may not be there.
func (t *getTable) repeats() bool {
	seen := map[string]bool{}
	for i := range t.keys {
		seen[string(t.keys[i].doc)] = true
	}
	return len(seen) < len(t.keys)
}

func (c *call) prepareGet(t *getTable) (err error) {
	if t.plan, err = c.s.plan(&t.request); err != nil {
		return err
	}
	if t.table, err = c.s.table(t.name); err != nil {
		if t.repeats() { // which AWS says first
			return errRepeated
		}
		return err
	}
	for i := range t.keys {
		k := &t.keys[i]
		if err := checkKey(t.table, k.doc); err != nil {
			return err
		}
		k.key = store.Space{Table: t.table.schema}.AppendKey(nil, k.doc)
		for j := range i {
			if string(t.keys[j].key) == string(k.key) {
				return errRepeated
			}
		}
	}
	return nil
}

func (c *call) batchGetAnswer(r *request, tables []getTable) error {
	c.out = append(c.out, `{"Responses":{`...)
	bytes, done := 0, 0
	var refused error
	for i := range tables {
		t := &tables[i]
		c.member("")
		c.out = item.AppendJSONString(c.out, t.name)
		c.out = append(c.out, ':', '[')
		for j := range t.keys {
			k := &t.keys[j]
			at := store.PositionOf(k.key)
			short := t.table.meter.ready(c.now, 0, at)
			if short != nil {
				refused = c.throttled(t.table, short)
			}
			if short != nil || bytes > maxBatchAnswer {
				k.undone = true
				continue
			}
			old, found, err := c.s.store.Get(c.old[:0], k.key)
			c.old = old
			if err != nil {
				return err
			}
			size := item.Doc(old).Size()
			if found && bytes > 0 && bytes+size > maxBatchAnswer {
				k.undone = true
				bytes = maxBatchAnswer + 1
				continue
			}
			done++
			bytes += size
			var spent cost
			spent.add(0, at, readUnits(size, t.consistent))
			t.table.meter.spend(c.now, quota.ReadCapacity, &spent)
			t.spent.merge(*spent.at(0))
			if found {
				c.member("")
				c.out = item.AppendJSON(c.out, project(old, t.plan.projection))
			}
		}
		c.out = append(c.out, ']')
	}
	if done == 0 && refused != nil {
		return refused
	}
	c.out = append(c.out, `},"UnprocessedKeys":{`...)
	for i := range tables {
		c.unprocessedKeys(&tables[i])
	}
	c.out = append(c.out, '}')
	c.consumedByTable(r.consumed, len(tables), func(i int) (*table, *cost) { return tables[i].table, &tables[i].spent }, "")
	c.out = append(c.out, '}')
	return nil
}

// unprocessedKeys appends what of a table's part was not read, as it was asked for.
func (c *call) unprocessedKeys(t *getTable) {
	open := false
	for _, k := range t.keys {
		if !k.undone {
			continue
		}
		if !open {
			open = true
			if c.out[len(c.out)-1] != '{' {
				c.out = append(c.out, ',')
			}
			c.out = item.AppendJSONString(c.out, t.name)
			c.out = append(c.out, `:{`...)
			for _, at := range t.rest {
				c.out = append(c.out, trimComma(c.r.Body[at[0]:at[1]])...)
				c.out = append(c.out, ',')
			}
			c.out = append(c.out, `"Keys":[`...)
		}
		c.member("")
		c.out = append(c.out, c.r.Body[k.from:k.to]...)
	}
	if open {
		c.out = append(c.out, ']', '}')
	}
}

// trimComma cuts what separates a member from the one before it.
func trimComma(b []byte) []byte {
	for len(b) > 0 && b[0] != '"' {
		b = b[1:]
	}
	return b
}
