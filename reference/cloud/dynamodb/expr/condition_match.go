package expr

import (
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Match says whether an item meets the condition. values must have passed Check. An item that
// does not exist is an empty document.
func (c *Condition) Match(d, values item.Doc) bool { return c.root.match(d, values) }

func (n *node) match(d, values item.Doc) bool {
	switch n.op {
	case opAnd:
		for _, a := range n.args {
			if !a.match(d, values) {
				return false
			}
		}
		return true
	case opOr:
		for _, a := range n.args {
			if a.match(d, values) {
				return true
			}
		}
		return false
	case opNot:
		return !n.args[0].match(d, values)
	case opCompare:
		return compare(n.text, n.args[0].value(d, values), n.args[1].value(d, values))
	case opBetween:
		v := n.args[0].value(d, values)
		return compare(">=", v, n.args[1].value(d, values)) && compare("<=", v, n.args[2].value(d, values))
	case opIn:
		v := n.args[0].value(d, values)
		for _, a := range n.args[1:] {
			if compare("=", v, a.value(d, values)) {
				return true
			}
		}
		return false
	}
	v := n.args[0].value(d, values)
	switch n.text {
	case "attribute_exists":
		return v != nil
	case "attribute_not_exists":
		return v == nil
	case "attribute_type":
		return v != nil && v.Type().String() == string(n.args[1].value(d, values).Payload())
	case "begins_with":
		return v != nil && item.HasPrefix(v, n.args[1].value(d, values))
	case "contains":
		w := n.args[1].value(d, values)
		return v != nil && w != nil && item.Contains(v, w)
	}
	return false
}

// compare applies a comparison. A value that is absent, or of another type, differs from all
// others and has no order with them.
func compare(operator string, a, b item.Value) bool {
	switch operator {
	case "=":
		return a != nil && b != nil && item.Equal(a, b)
	case "<>":
		return a == nil || b == nil || !item.Equal(a, b)
	}
	order, ok := item.Compare(a, b)
	if !ok {
		return false
	}
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// value is what an operand stands for, nil if it is not there.
func (n *node) value(d, values item.Doc) item.Value {
	switch n.op {
	case opPath:
		return d.Lookup(n.path)
	case opValue:
		return n.given(values)
	}
	return size(n.args[0].value(d, values)) // the one function that is an operand
}

func size(v item.Value) item.Value {
	switch v.Type() {
	case item.NoType, item.Number, item.Bool, item.Null:
		return nil
	}
	var buf [24]byte
	ordered, _ := item.AppendNumber(buf[:0], strconv.AppendInt(nil, int64(v.Len()), 10))
	return item.AppendScalar(nil, item.Number, ordered)
}
