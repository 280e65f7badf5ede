package dynamodb

import (
	"bytes"
	"fmt"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/partiql"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// statement is a PartiQL statement as a request has it.
type statement struct {
	request         // the parameters beside it
	text            []byte
	parameters      []item.Value
	given           bool // Parameters is
	parametersFault error
	nextToken       []byte
	raw             []byte // the object it stands in
}

// maxStatement is how long a statement may be, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
const maxStatement = 8192

// statement reads an object that holds a statement.
func (d *decoder) statement(s *statement, body []byte) {
	d.Peek()
	from := d.Pos()
	d.each(func(key []byte) {
		switch {
		case d.Null():
		case string(key) == "Statement":
			s.text = d.String()
		case string(key) == "NextToken":
			s.nextToken = d.String()
		case string(key) == "Parameters":
			s.given = true
			for d.BeginArray(); d.NextElement(); {
				s.parameters = append(s.parameters, d.value(&s.parametersFault))
			}
		default:
			d.parameter(&s.request, key)
		}
	})
	if d.Err() == nil {
		s.raw = body[from:d.Pos()]
	}
}

// statements reads a request that holds a list of statements under the name.
func (d *decoder) statements(r *request, name string, token *[]byte, body []byte) (list []statement) {
	d.each(func(key []byte) {
		switch {
		case d.Null():
		case string(key) == "ClientRequestToken":
			*token = d.String()
		case string(key) == name:
			list = []statement{}
			for d.BeginArray(); d.NextElement(); {
				if len(list) > maxTransact { // enough to be refused
					d.Skip()
					continue
				}
				list = append(list, statement{})
				d.statement(&list[len(list)-1], body)
			}
		default:
			d.parameter(r, key)
		}
	})
	return list
}

// checkStatement checks the shape of a statement that stands at a path of the request.
func (c *constraints) checkStatement(s *statement, at string) {
	c.notNull(s.text == nil, at+"statement")
	switch {
	case s.text != nil && len(s.text) == 0:
		c.add(s.text, at+"statement", "Member must have length greater than or equal to 1")
	case len(s.text) > maxStatement:
		c.add(s.text, at+"statement", fmt.Sprintf("Member must have length less than or equal to %d", maxStatement))
	}
	if s.given && len(s.parameters) == 0 {
		c.add("[]", at+"parameters", "Member must have length greater than or equal to 1")
	}
	c.oneOf(s.onFailure, at+"returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// checkStatements checks a list of them.
func (c *constraints) checkStatements(list []statement, member string, most int) {
	c.notNull(list == nil, member)
	switch n := len(list); {
	case list != nil && n == 0:
		c.add("[]", member, "Member must have length greater than or equal to 1")
	case n > most:
		c.add("[...]", member, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
	for i := range list {
		c.checkStatement(&list[i], fmt.Sprintf("%s.%d.member.", member, i+1))
	}
}

// parse reads the statement's text.
func (s *statement) parse() (*partiql.Statement, error) {
	if s.parametersFault != nil {
		return nil, invalid("%s", s.parametersFault)
	}
	p, err := partiql.Parse(string(s.text), s.parameters)
	if err != nil {
		return nil, invalid("%s", err)
	}
	for _, name := range []string{p.Table, p.Index} {
		if name != "" && !(validName([]byte(name)) && len(name) >= 3 && len(name) <= 255) {
			return nil, invalid("Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.")
		}
	}
	return p, nil
}

func (c *call) executeStatement() error {
	d := c.decoder()
	var s statement
	d.statement(&s, c.r.Body)
	d.End()
	c.arena = d.arena
	if err := c.syntax(&d); err != nil {
		return err
	}
	var bad constraints
	bad.checkStatement(&s, "")
	bad.atLeast(s.has(givenLimit), s.limit, 1, "limit")
	bad.oneOf(s.consumed, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	if err := bad.err(); err != nil {
		return err
	}
	p, err := s.parse()
	switch {
	case err != nil:
		return err
	case p.Kind == partiql.Select:
		return c.selectItems(&s, p)
	case p.Kind == partiql.Exists:
		return errExists
	}
	return c.writeItem(&s, p)
}

var errExists = invalid("EXISTS can only be used in ExecuteTransaction write requests.")

// writeItem does a statement that writes, and answers.
func (c *call) writeItem(s *statement, p *partiql.Statement) error {
	ch, err := c.s.statementChange(p)
	if err != nil {
		return err
	}
	if err := ch.prepare(); err != nil {
		return err
	}
	s.returnValues = []byte(p.Returning)
	return c.make(&s.request, &ch, func(spent *cost) error {
		c.out = append(c.out, `{"Items":[`...)
		if d := ch.returned(string(p.Returning)); len(d) > 0 {
			c.out = item.AppendJSON(c.out, d)
		}
		c.out = append(c.out, ']')
		if consumed, indexes := wantsConsumed(s.consumed); consumed {
			c.member("ConsumedCapacity")
			c.consumedCapacity(ch.table, spent, indexes, "")
		}
		c.out = append(c.out, '}')
		return nil
	})
}

// statementChange is what a statement that writes, or checks a condition, does to its item. An
// UPDATE wants the item to exist, a DELETE's condition need not hold for one that does not.
func (s *Service) statementChange(p *partiql.Statement) (ch change, err error) {
	if ch.table, err = s.table([]byte(p.Table)); err != nil {
		return ch, err
	}
	hash := expr.PathTerm(item.Path{item.Key(ch.table.schema.Key.Hash.Name)})
	exists, missing := expr.CallTerm("attribute_exists", hash), expr.CallTerm("attribute_not_exists", hash)
	if p.Kind == partiql.Insert {
		if p.Item.Size() > item.MaxSize {
			return ch, invalid("Item size has exceeded the maximum allowed size")
		}
		ch.verb, ch.given, ch.unique = verbPut, p.Item, true
		ch.plan.condition = expr.NewCondition(missing)
		return ch, nil
	}
	key, rest, err := statementKey(ch.table, p.Where)
	if err != nil {
		return ch, err
	}
	ch.given = key
	condition := expr.AndTerm(rest...)
	switch p.Kind {
	case partiql.Update:
		ch.verb = verbUpdate
		condition = expr.AndTerm(append([]expr.Term{exists}, rest...)...)
		if ch.plan.update, err = expr.NewUpdate(p.Actions); err == nil {
			err = ch.plan.update.Check(nil)
		}
		if err != nil {
			return ch, invalid("%s", err)
		}
	case partiql.Delete:
		ch.verb = verbDelete
		if rest != nil {
			condition = expr.OrTerm(missing, condition)
		}
	default:
		ch.verb = verbCheck
		if rest == nil || p.Index != "" {
			return ch, invalid("EXISTS() must contain a single item read with additional condition")
		}
	}
	ch.plan.condition = expr.NewCondition(condition)
	return ch, checkKeyPaths(ch.table, ch.plan.condition.Paths())
}

// statementKey splits a WHERE clause into the table's key, of which it must name all attributes,
// and the other conditions.
func statementKey(t *table, where expr.Term) (key item.Doc, rest []expr.Term, err error) {
	k := &t.schema.Key
	values := map[string]item.Value{}
	for _, condition := range where.Conjuncts() {
		found := false
		for _, a := range []store.KeyAttribute{k.Hash, k.Range} {
			if a.Name == "" {
				continue
			}
			if v := condition.Equals(a.Name); len(v) == 1 {
				if values[a.Name] != nil {
					return nil, nil, invalid("Multiple conditions on same key %s. Only single item Update/Insert/Delete are supported", a.Name)
				}
				if v[0].Type() != a.Type {
					return nil, nil, keyTypeFault(a)
				}
				values[a.Name], found = v[0], true
			}
		}
		if !found {
			rest = append(rest, condition)
		}
	}
	names := []string{k.Hash.Name}
	if k.Range.Name != "" {
		if names = append(names, k.Range.Name); names[0] > names[1] {
			names[0], names[1] = names[1], names[0]
		}
	}
	for _, name := range names {
		if values[name] == nil {
			return nil, nil, errKeyMissing
		}
		key = item.AppendAttribute(key, []byte(name), values[name])
	}
	return key, rest, nil
}

var errKeyMissing = invalid("Where clause does not contain a mandatory equality on all key attributes")

func keyTypeFault(a store.KeyAttribute) error {
	return invalid("Key attribute's data type should match its data type in table's schema: Key %s", a.Name)
}

// identity identifies a statement with its parameters.
func (s *statement) identity() []byte {
	b := bytes.Clone(s.text)
	for _, v := range s.parameters {
		b = append(append(b, 0), v...)
	}
	return b
}
