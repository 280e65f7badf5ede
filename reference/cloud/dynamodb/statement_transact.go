package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/partiql"
)

func (c *call) executeTransaction() error {
	d := c.decoder()
	var r request
	var token []byte
	list := d.statements(&r, "TransactStatements", &token, c.r.Body)
	d.End()
	c.arena = d.arena
	if err := c.syntax(&d); err != nil {
		return err
	}
	var bad constraints
	bad.returns(&r)
	bad.checkStatements(list, "transactStatements", maxTransact)
	if len(token) > 36 {
		bad.add(token, "clientRequestToken", "Member must have length less than or equal to 36")
	}
	if err := bad.err(); err != nil {
		return err
	}
	parsed := make([]*partiql.Statement, len(list))
	reads := 0
	for i := range list {
		var err error
		if parsed[i], err = list[i].parse(); err != nil {
			return inTransaction(i, err)
		}
		if parsed[i].Kind == partiql.Select {
			reads++
		}
	}
	if reads > 0 && reads < len(list) {
		return invalid("A transaction must consist of either read statements or write statements, not both")
	}
	actions, size := c.actions, 0
	for i := range list {
		actions = append(actions, action{statement: list[i].raw})
		a := &actions[i]
		a.onFailure = list[i].onFailure
		if err := c.statementAction(a, parsed[i]); err != nil {
			return inTransaction(i, err)
		}
		size += a.given.Size()
	}
	c.actions = actions
	if size > maxTransactBytes {
		return transactionTooLarge(size)
	}
	keys, err := prepareKeys(actions)
	if err != nil {
		return err
	}
	if reads > 0 {
		return c.transactRead(&r, actions, keys)
	}
	return c.transact(&r, actions, keys, token)
}

// inTransaction says in which statement of a transaction the fault lies.
func inTransaction(i int, err error) error {
	f := asFault(err)
	if f.code != codeValidation {
		return err
	}
	return invalid("Validation failed in TransactStatements[%d]: %s", i, f.message)
}

// statementAction makes a statement an action of a transaction.
func (c *call) statementAction(a *action, p *partiql.Statement) (err error) {
	switch {
	case p.Returning != "":
		return invalid("RETURNING clause is not supported in ExecuteTransaction.")
	case p.Kind != partiql.Select:
		a.change, err = c.s.statementChange(p)
		return err
	case p.Index != "":
		return invalid("Reads on indices are not supported within transactions.")
	}
	a.verb = verbCheck
	if a.change.table, err = c.s.table([]byte(p.Table)); err != nil {
		return err
	}
	var key item.Doc
	var rest []expr.Term
	key, rest, err = statementKey(a.change.table, p.Where)
	if err == error(errKeyMissing) || rest != nil {
		return invalid("Select statements within ExecuteTransaction must specify the primary key in the where clause.")
	}
	if a.given = key; p.Paths != nil {
		a.plan.projection = expr.ProjectLeaves(p.Paths)
	}
	return err
}
