package expr

import "github.com/retailflow/stampede/reference/cloud/dynamodb/item"

// Faults that only the item shows, worded as DynamoDB words them.
const (
	ErrNoAttribute = Error("The provided expression refers to an attribute that does not exist in the item")
	ErrOperandType = Error("An operand in the update expression has an incorrect data type")
	ErrUpdateType  = Error("Type mismatch for attribute to update")
)

// Apply appends the item as the update leaves it. All operands are read from the item as it
// was; old is empty if there was none, and then should hold the key already. values must have
// passed Check.
func (u *Update) Apply(dst []byte, old, values item.Doc) ([]byte, error) {
	n := item.EditDoc(old)
	for _, a := range u.actions {
		if err := a.apply(n, old, values, u.mismatch); err != nil {
			return nil, err
		}
	}
	return n.AppendDoc(dst), nil
}

func (a *action) apply(n *item.Node, old, values item.Doc, mismatch error) error {
	path := a.path.path
	if a.section == sectionRemove {
		return n.Remove(path)
	}
	if a.section == sectionSet {
		v, err := a.value.compute(old, values)
		if err != nil {
			return err
		}
		return n.Set(path, v)
	}
	v, now := a.value.given(values), old.Lookup(path)
	switch {
	case now == nil && a.section == sectionAdd:
		return n.Set(path, v)
	case now == nil:
		if len(path) > 1 && !leads(old.Lookup(path[:len(path)-1]), path[len(path)-1]) {
			return item.ErrPath
		}
		return nil
	case now.Type() != v.Type():
		return mismatch
	case a.section == sectionDelete:
		left, ok := item.SubtractSets(nil, now, v)
		if !ok {
			return n.Remove(path)
		}
		return n.Set(path, left)
	case v.Type() == item.List: // only of older parameters
		both := append(append(make([]byte, 0, len(now)+len(v)), now.Payload()...), v.Payload()...)
		return n.Set(path, item.AppendScalar(nil, item.List, both))
	case v.Type() == item.Number:
		sum, err := item.AddNumbers(nil, now.Payload(), v.Payload())
		if err != nil {
			return Error(err.Error())
		}
		return n.Set(path, item.AppendScalar(nil, item.Number, sum))
	}
	return n.Set(path, item.UnionSets(nil, now, v))
}

// leads says whether a step can be taken from a value: by name in a map, by number in a list.
func leads(from item.Value, step item.Step) bool {
	if step.Index < 0 {
		return from.Type() == item.Map
	}
	return from.Type() == item.List
}

// compute is the value of an operand of SET.
func (n *node) compute(old, values item.Doc) (item.Value, error) {
	switch n.op {
	case opValue:
		return n.given(values), nil
	case opPath:
		if v := old.Lookup(n.path); v != nil {
			return v, nil
		}
		return nil, ErrNoAttribute
	case opFunction:
		if n.text == "if_not_exists" {
			if v := old.Lookup(n.args[0].path); v != nil {
				return v, nil
			}
			return n.args[1].compute(old, values)
		}
	}
	x, err := n.args[0].compute(old, values)
	if err != nil {
		return nil, err
	}
	y, err := n.args[1].compute(old, values)
	if err != nil {
		return nil, err
	}
	if n.op == opFunction { // list_append
		if x.Type() != item.List || y.Type() != item.List {
			return nil, ErrOperandType
		}
		both := append(append(make([]byte, 0, len(x)+len(y)), x.Payload()...), y.Payload()...)
		return item.AppendScalar(nil, item.List, both), nil
	}
	if x.Type() != item.Number || y.Type() != item.Number {
		return nil, ErrOperandType
	}
	arithmetic := item.AddNumbers
	if n.op == opMinus {
		arithmetic = item.SubtractNumbers
	}
	sum, err := arithmetic(nil, x.Payload(), y.Payload())
	if err != nil {
		return nil, Error(err.Error())
	}
	return item.AppendScalar(nil, item.Number, sum), nil
}
