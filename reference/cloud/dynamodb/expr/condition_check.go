package expr

import (
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Check looks for names and values that are not defined and for values of types that an
// operator or function does not take.
func (c *Condition) Check(values item.Doc) error { return c.root.check(values) }

func (n *node) check(values item.Doc) error {
	switch n.op {
	case opAnd, opOr, opNot:
		for _, a := range n.args {
			if err := a.check(values); err != nil {
				return err
			}
		}
		return nil
	}
	if err := first(n.undefinedOperand(values), n.checkCount()); err != nil {
		return err
	}
	return first(n.checkDistinct(), n.checkTypes(values))
}

func (n *node) checkCount() error {
	if n.op == opFunction {
		if len(n.args) != conditionFunctions[n.text] {
			return errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.text, len(n.args))
		}
	}
	for _, a := range n.args {
		if err := a.checkCount(); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) checkDistinct() error {
	if len(n.args) == 2 && n.op != opIn && n.args[0].op == opPath && n.args[1].op == opPath && samePath(n.args[0].path, n.args[1].path) {
		return errorf("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", n.text, n.args[0].path)
	}
	return nil
}

func wrongType(kind, name string, t item.Type) error {
	return errorf("Incorrect operand type for operator or function; %s: %s, operand type: %s", kind, name, t)
}

func (n *node) checkTypes(values item.Doc) error {
	for _, a := range n.args {
		if a.op == opFunction {
			if err := a.checkTypes(values); err != nil {
				return err
			}
		}
	}
	switch n.op {
	case opFunction:
		return n.checkFunction(values)
	case opCompare:
		if n.text == "=" || n.text == "<>" {
			return nil
		}
		return n.checkOrdered(values)
	case opBetween:
		if err := n.checkOrdered(values); err != nil {
			return err
		}
		return n.checkBounds(values)
	}
	return nil
}

// checkOrdered wants operands that can be less or more than others.
func (n *node) checkOrdered(values item.Doc) error {
	for _, a := range n.args {
		switch t := a.literal(values); t {
		case item.NoType, item.String, item.Number, item.Binary:
		default:
			return wrongType("operator", n.text, t)
		}
	}
	return nil
}

func (n *node) checkBounds(values item.Doc) error {
	if n.args[1].op != opValue || n.args[2].op != opValue {
		return nil
	}
	low, high := n.args[1].given(values), n.args[2].given(values)
	what := ""
	if low.Type() != high.Type() {
		what = "same data type for lower and upper bounds"
	} else if order, ok := item.Compare(low, high); ok && order > 0 {
		what = "upper bound to be greater than or equal to lower bound"
	}
	if what == "" {
		return nil
	}
	return errorf("The BETWEEN operator requires %s; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", what, show(low), show(high))
}

// show prints a scalar as messages do: {S:abc}.
func show(v item.Value) string {
	s := string(item.AppendValueJSON(nil, v))
	return strings.Replace(strings.ReplaceAll(s, `"`, ""), " ", "", 1)
}

func (n *node) checkFunction(values item.Doc) error {
	switch n.text {
	case "attribute_exists", "attribute_not_exists":
		if n.args[0].op != opPath {
			return errorf("Operator or function requires a document path; operator or function: %s", n.text)
		}
	case "begins_with":
		for _, a := range n.args {
			switch t := a.literal(values); t {
			case item.NoType, item.String, item.Binary:
			default:
				return wrongType("operator or function", n.text, t)
			}
		}
	case "attribute_type":
		switch t := n.args[1].literal(values); t {
		case item.String:
			if name := n.args[1].given(values).Payload(); item.ParseType(string(name)) == item.NoType {
				return errorf("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", name)
			}
		case item.NoType:
			return Error("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		default:
			return wrongType("operator or function", n.text, t)
		}
	case "size":
		switch t := n.args[0].literal(values); t {
		case item.Number, item.Bool, item.Null:
			return wrongType("operator or function", n.text, t)
		}
	}
	return nil
}

// Heads are the top-level attributes the condition mentions, in order, some perhaps twice.
func (c *Condition) Heads() []string { return c.root.heads(nil) }

// Paths are the paths the condition mentions; a nil one mentions none.
func (c *Condition) Paths() []item.Path {
	if c == nil {
		return nil
	}
	return c.root.paths(nil)
}

func (n *node) paths(into []item.Path) []item.Path {
	if n.op == opPath {
		return append(into, n.path)
	}
	for _, a := range n.args {
		into = a.paths(into)
	}
	return into
}

func (n *node) heads(into []string) []string {
	if n.op == opPath {
		return append(into, n.path[0].Name)
	}
	for _, a := range n.args {
		into = a.heads(into)
	}
	return into
}
