package expr

import "github.com/retailflow/stampede/reference/cloud/dynamodb/item"

// Comparison is one condition of the parameters that came before expressions: Expected,
// QueryFilter, ScanFilter and KeyConditions.
type Comparison struct {
	Name     string
	Operator string // EQ, NE, LE, LT, GE, GT, NULL, NOT_NULL, CONTAINS, NOT_CONTAINS, BEGINS_WITH, IN, BETWEEN
	Values   []item.Value
}

// comparisonMarks are the operators that are written as marks in expressions.
var comparisonMarks = map[string]string{"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}

// comparisonFunctions are the operators that are functions in expressions.
var comparisonFunctions = map[string]string{
	"NULL": "attribute_not_exists", "NOT_NULL": "attribute_exists",
	"CONTAINS": "contains", "NOT_CONTAINS": "contains", "BEGINS_WITH": "begins_with",
}

func (c *Comparison) node() *node {
	n := &node{args: []*node{{op: opPath, path: item.Path{item.Key(c.Name)}}}}
	for _, v := range c.Values {
		n.args = append(n.args, &node{op: opValue, fixed: v})
	}
	switch c.Operator {
	case "IN":
		n.op, n.text = opIn, c.Operator
	case "BETWEEN":
		n.op, n.text = opBetween, c.Operator
	default:
		n.op, n.text = opFunction, comparisonFunctions[c.Operator]
		if mark := comparisonMarks[c.Operator]; mark != "" {
			n.op, n.text = opCompare, mark
		}
	}
	if c.Operator == "NOT_CONTAINS" {
		// Of an attribute that is not there, neither CONTAINS nor NOT_CONTAINS is true.
		exists := &node{op: opFunction, text: "attribute_exists", args: n.args[:1]}
		return &node{op: opAnd, args: []*node{exists, {op: opNot, args: []*node{n}}}}
	}
	return n
}

// Compare is the condition that all comparisons hold, or any of them. They must have as many
// values as their operators take. It is nil if there are none.
func Compare(list []Comparison, any bool) *Condition {
	root := &node{op: opAnd}
	if any {
		root.op = opOr
	}
	for i := range list {
		root.args = append(root.args, list[i].node())
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		root = root.args[0]
	}
	return &Condition{root: root}
}

// KeyTerm reads the comparison as a term of a key condition. The term's operator is empty if no
// key can be looked up by the comparison's.
func (c *Comparison) KeyTerm() KeyTerm {
	t := KeyTerm{Name: c.Name}
	switch c.Operator {
	case "BETWEEN":
		t.Operator, t.High = KeyBetween, c.Values[1]
	case "BEGINS_WITH":
		t.Operator = KeyBegins
	case "EQ", "LE", "LT", "GE", "GT":
		t.Operator = KeyOperator(comparisonMarks[c.Operator])
	default:
		return t
	}
	t.Value = c.Values[0]
	return t
}

// AttributeUpdate is one of the AttributeUpdates, which came before update expressions.
type AttributeUpdate struct {
	Name   string
	Action string     // PUT, which "" is too, ADD or DELETE
	Value  item.Value // nil only for DELETE
}

// UpdateAttributes is the update that makes all the changes.
func UpdateAttributes(list []AttributeUpdate) *Update {
	u := &Update{mismatch: ErrUpdateType}
	for _, a := range list {
		n := action{section: sectionSet, path: &node{op: opPath, path: item.Path{item.Key(a.Name)}}}
		switch {
		case a.Action == "ADD":
			n.section = sectionAdd
		case a.Action == "DELETE" && a.Value != nil:
			n.section = sectionDelete
		case a.Action == "DELETE":
			n.section = sectionRemove
		}
		if a.Value != nil {
			n.value = &node{op: opValue, fixed: a.Value}
		}
		u.actions = append(u.actions, n)
	}
	u.touched = item.NewProjection(u.Paths())
	return u
}

// ProjectAttributes is the projection on top-level attributes.
func ProjectAttributes(names []string) *Projection {
	p := &Projection{}
	for _, name := range names {
		p.paths = append(p.paths, item.Path{item.Key(name)})
	}
	p.cut = item.NewProjection(p.paths)
	return p
}
