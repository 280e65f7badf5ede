package expr

import "github.com/retailflow/stampede/reference/cloud/dynamodb/item"

// KeyOperator is what a key condition asks of one key attribute.
type KeyOperator string

// The operators of key conditions. A partition key takes only KeyEqual.
const (
	KeyEqual   KeyOperator = "="
	KeyLess    KeyOperator = "<"
	KeyAtMost  KeyOperator = "<="
	KeyMore    KeyOperator = ">"
	KeyAtLeast KeyOperator = ">="
	KeyBetween KeyOperator = "BETWEEN"
	KeyBegins  KeyOperator = "begins_with"
)

// KeyTerm is the condition on one key attribute.
type KeyTerm struct {
	Name     string
	Operator KeyOperator
	Value    item.Value // the lower bound of KeyBetween
	High     item.Value // the upper bound of KeyBetween
}

// Matches says whether a key's value meets the term.
func (t *KeyTerm) Matches(v item.Value) bool {
	switch t.Operator {
	case KeyBegins:
		return item.HasPrefix(v, t.Value)
	case KeyBetween:
		return compare(">=", v, t.Value) && compare("<=", v, t.High)
	}
	return compare(string(t.Operator), v, t.Value)
}

// KeyTerms reads the condition as one on keys: terms joined by AND, each about one attribute.
// values must have passed Check.
func (c *Condition) KeyTerms(values item.Doc) ([]KeyTerm, error) {
	return c.root.keyTerms(nil, values)
}

var mirrored = map[string]KeyOperator{"=": KeyEqual, "<": KeyMore, "<=": KeyAtLeast, ">": KeyLess, ">=": KeyAtMost}

func (n *node) keyTerms(into []KeyTerm, values item.Doc) ([]KeyTerm, error) {
	switch {
	case n.op == opAnd:
		for _, a := range n.args {
			var err error
			if into, err = a.keyTerms(into, values); err != nil {
				return nil, err
			}
		}
		return into, nil
	case n.op == opOr:
		return nil, Error("Invalid operator used in KeyConditionExpression: OR")
	case n.op == opNot:
		return nil, Error("Invalid operator used in KeyConditionExpression: NOT")
	case n.op == opIn, n.op == opCompare && n.text == "<>", n.op == opFunction && n.text != "begins_with":
		return nil, errorf("Invalid operator used in KeyConditionExpression: %s", n.text)
	case (n.op == opBetween || n.op == opFunction) && n.args[0].op != opPath:
		return nil, errorf("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", n.text)
	}
	var term KeyTerm
	var found bool
	for i, a := range n.args {
		switch a.op {
		case opFunction:
			return nil, Error("KeyConditionExpressions cannot contain nested operations")
		case opPath:
			if found {
				return nil, Error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			if len(a.path) > 1 {
				return nil, Error("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			found = true
			term.Name = a.path[0].Name
			term.Operator = KeyOperator(n.text)
			if i > 0 {
				term.Operator = mirrored[n.text]
			}
		case opValue:
			if term.Value == nil {
				term.Value = a.given(values)
			} else {
				term.High = a.given(values)
			}
		}
	}
	if !found {
		return nil, Error("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	for _, t := range into {
		if t.Name == term.Name {
			return nil, Error("KeyConditionExpressions must only contain one condition per key")
		}
	}
	return append(into, term), nil
}
