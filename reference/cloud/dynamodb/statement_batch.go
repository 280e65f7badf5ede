package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/partiql"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// maxBatchStatements is how many statements a batch may have.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
const maxBatchStatements = 25

// spending is what a request has consumed, by table.
type spending struct {
	tables []*table
	costs  map[*table]*cost
}

func (s *spending) add(t *table, spent *cost) {
	if s.costs == nil {
		s.costs = map[*table]*cost{}
	}
	if s.costs[t] == nil {
		s.costs[t] = &cost{}
		s.tables = append(s.tables, t)
	}
	for i := range spent.n {
		s.costs[t].merge(*spent.at(i))
	}
}

// append appends the list of consumed capacities if the caller wants it.
func (s *spending) append(c *call, mode []byte, transaction string) {
	c.consumedByTable(mode, len(s.tables), func(i int) (*table, *cost) { return s.tables[i], s.costs[s.tables[i]] }, transaction)
}

func (c *call) batchExecuteStatement() error {
	d := c.decoder()
	var r request
	var token []byte
	list := d.statements(&r, "Statements", &token, c.r.Body)
	d.End()
	c.arena = d.arena
	if err := c.syntax(&d); err != nil {
		return err
	}
	var bad constraints
	bad.returns(&r)
	bad.checkStatements(list, "statements", maxBatchStatements)
	if err := bad.err(); err != nil {
		return err
	}
	var spent spending
	c.out = append(c.out, `{"Responses":[`...)
	for i := range list {
		s := &list[i]
		s.consumed = r.consumed
		c.member("")
		c.out = append(c.out, '{')
		start := len(c.out)
		p, err := s.parse()
		if err == nil {
			err = c.batchStatement(s, p, &spent)
		}
		if err != nil {
			c.out = c.out[:start]
			c.statementError(asFault(err))
		}
		if p != nil {
			c.member("TableName")
			c.out = item.AppendJSONString(c.out, p.Table)
		}
		c.out = append(c.out, '}')
	}
	c.out = append(c.out, ']')
	spent.append(c, r.consumed, "")
	c.out = append(c.out, '}')
	return nil
}

// statementError appends what is wrong with one statement of a batch.
func (c *call) statementError(f *fault) {
	c.out = append(append(c.out, `"Error":{"Code":"`...), shortCode(f)...)
	c.out = item.AppendJSONString(append(c.out, `","Message":`...), f.message)
	if f.code == codeCondition { // the item, if the caller wants it
		c.out = append(c.out, f.members...)
	}
	c.out = append(c.out, '}')
}

// batchStatement does one statement of a batch and appends the item it returns.
func (c *call) batchStatement(s *statement, p *partiql.Statement, all *spending) error {
	switch p.Kind {
	case partiql.Select:
		return c.batchSelect(s, p, all)
	case partiql.Exists:
		return errExists
	}
	ch, err := c.s.statementChange(p)
	if err == nil {
		err = ch.prepare()
	}
	if err != nil {
		return err
	}
	s.returnValues = []byte(p.Returning)
	return c.make(&s.request, &ch, func(spent *cost) error {
		if d := ch.returned(string(p.Returning)); len(d) > 0 {
			c.attributes("Item", d)
		}
		all.add(ch.table, spent)
		return nil
	})
}

func (c *call) batchSelect(s *statement, p *partiql.Statement, all *spending) error {
	t, err := c.s.table([]byte(p.Table))
	if err != nil {
		return err
	}
	doc, rest, err := statementKey(t, p.Where)
	if err == error(errKeyMissing) || rest != nil || p.Index != "" {
		return invalid("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
	}
	if err == nil {
		err = checkKey(t, doc)
	}
	if err != nil {
		return err
	}
	key := store.Space{Table: t.schema}.AppendKey(nil, doc)
	at := store.PositionOf(key)
	if short := t.meter.ready(c.now, 0, at); short != nil {
		return c.throttled(t, short)
	}
	old, found, err := c.s.store.Get(c.old[:0], key)
	if c.old = old; err != nil {
		return err
	}
	var spent cost
	spent.add(0, at, readUnits(item.Doc(old).Size(), s.consistent))
	t.meter.spend(c.now, quota.ReadCapacity, &spent)
	all.add(t, &spent)
	if found {
		var projection *expr.Projection
		if p.Paths != nil {
			projection = expr.ProjectLeaves(p.Paths)
		}
		c.attributes("Item", project(old, projection))
	}
	return nil
}
