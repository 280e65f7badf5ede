package dynamodb

import (
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// transaction reads a TransactWriteItems or TransactGetItems into empty actions. They are nil
// if the request has none.
func (d *decoder) transaction(r *request, into []action, token *[]byte) (actions []action) {
	if !d.BeginObject() {
		return nil
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			return actions
		}
		switch {
		case d.Null():
		case string(key) == "ClientRequestToken":
			*token = d.String()
		case string(key) == "TransactItems":
			if actions = into; actions == nil {
				actions = make([]action, 0, 8)
			}
			d.BeginArray()
			for d.NextElement() {
				if len(actions) > maxTransact { // enough to be refused
					d.Skip()
					continue
				}
				actions = append(actions, action{})
				d.action(&actions[len(actions)-1])
			}
		default:
			d.parameter(r, key)
		}
	}
}

func (d *decoder) action(a *action) {
	if !d.BeginObject() {
		return
	}
	for {
		key, ok := d.NextKey()
		if !ok {
			return
		}
		if d.Null() {
			continue
		}
		switch string(key) {
		case "Put":
			a.kind, a.verb = "Put", verbPut
		case "Update":
			a.kind, a.verb = "Update", verbUpdate
		case "Delete":
			a.kind, a.verb = "Delete", verbDelete
		case "ConditionCheck":
			a.kind, a.verb = "ConditionCheck", verbCheck
		case "Get":
			a.kind = "Get"
		default:
			d.Skip()
			continue
		}
		a.count++
		d.request(&a.request)
		a.request.legacy = nil // not known here
	}
}

func checkActions(r *request, actions []action, token []byte) error {
	var bad constraints
	bad.returns(r)
	bad.notNull(actions == nil, "transactItems")
	switch n := len(actions); {
	case actions != nil && n == 0:
		bad.add("[]", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxTransact:
		bad.add("[...]", "transactItems", "Member must have length less than or equal to 100")
	}
	if len(token) > 36 {
		bad.add(token, "clientRequestToken", "Member must have length less than or equal to 36")
	}
	for i := range actions {
		actions[i].checkShape(&bad, "transactItems."+string(appendInt(nil, i+1))+".member.")
	}
	if err := bad.err(); err != nil {
		return err
	}
	for i := range actions {
		if actions[i].count != 1 {
			return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
	}
	return nil
}

func (a *action) checkShape(bad *constraints, at string) {
	if a.count != 1 {
		return
	}
	at += strings.ToLower(a.kind[:1]) + a.kind[1:] + "."
	bad.table(a.request.table, at+"tableName")
	if a.kind == "Put" {
		bad.notNull(a.request.item == nil, at+"item")
	} else {
		bad.notNull(a.request.key == nil, at+"key")
	}
	if a.kind == "ConditionCheck" {
		bad.notNull(a.condition == nil, at+"conditionExpression")
	}
	if a.kind == "Update" {
		bad.notNull(a.update == nil, at+"updateExpression")
	}
	bad.oneOf(a.onFailure, at+"returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// prepareAction checks an action as far as it does not depend on the item.
func (c *call) prepareAction(a *action) (err error) {
	a.given, a.change.values = a.request.key, a.request.values
	if a.kind == "Put" {
		a.given = a.request.item
	}
	if err := a.checkMixing(onlyCondition); err != nil {
		return err
	}
	if a.valueFault != nil {
		return invalid("%s", a.valueFault)
	}
	if a.kind == "Put" && a.given.Size() > item.MaxSize {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	if a.plan, err = c.s.plan(&a.request); err != nil {
		return err
	}
	a.change.table, err = c.s.table(a.request.table)
	return err
}

// transactionTooLarge is the fault of a transaction of a size in bytes. AWS says it twice over.
func transactionTooLarge(size int) error {
	const limit = "Transaction payload size cannot exceed 4MB. Payload Size: "
	return invalid(limit+": "+limit+"%d", size)
}

// prepareKeys finds the actions' keys; the first that is not a key cancels the transaction, and
// no other is looked at, as on AWS.
func prepareKeys(actions []action) ([][]byte, error) {
	keys := make([][]byte, len(actions))
	for i := range actions {
		if err := actions[i].prepare(); err != nil {
			reasons := make([]reason, len(actions))
			for j := range reasons {
				reasons[j].code = "None"
			}
			reasons[i] = reason{code: "ValidationError", message: asFault(err).message}
			return nil, cancelled(reasons)
		}
		keys[i] = actions[i].change.key
	}
	if sameItemTwice(actions) {
		return nil, invalid("Transaction request cannot include multiple operations on one item")
	}
	return keys, nil
}
