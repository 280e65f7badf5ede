package expr

import (
	"slices"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Term is an operand or a condition under construction, for languages that are not DynamoDB's
// expressions and mean the same. The zero Term is none.
type Term struct{ n *node }

// PathTerm is the value at a path.
func PathTerm(p item.Path) Term { return Term{&node{op: opPath, path: p}} }

// ValueTerm is a value.
func ValueTerm(v item.Value) Term { return Term{&node{op: opValue, fixed: v}} }

// CallTerm calls a function of conditions or updates by its name in expressions.
func CallTerm(function string, args ...Term) Term {
	return Term{&node{op: opFunction, text: function, args: nodes(args)}}
}

// CompareTerm compares by one of = <> < <= > >=.
func CompareTerm(operator string, a, b Term) Term {
	return Term{&node{op: opCompare, text: operator, args: []*node{a.n, b.n}}}
}

// BetweenTerm is whether a value lies between two others, inclusively.
func BetweenTerm(v, low, high Term) Term {
	return Term{&node{op: opBetween, text: "BETWEEN", args: []*node{v.n, low.n, high.n}}}
}

// InTerm is whether a value is one of a list's.
func InTerm(v Term, list []Term) Term {
	return Term{&node{op: opIn, text: "IN", args: append([]*node{v.n}, nodes(list)...)}}
}

// NotTerm is the contrary of a condition.
func NotTerm(c Term) Term { return Term{&node{op: opNot, args: []*node{c.n}}} }

// AndTerm is whether all conditions hold; it is none without any.
func AndTerm(list ...Term) Term { return joinTerms(opAnd, list) }

// OrTerm is whether any condition holds; it is none without any.
func OrTerm(list ...Term) Term { return joinTerms(opOr, list) }

func joinTerms(o op, list []Term) Term {
	switch args := nodes(list); len(args) {
	case 0:
		return Term{}
	case 1:
		return Term{args[0]}
	default:
		return Term{&node{op: o, args: args}}
	}
}

// SumTerm is the sum of two numbers, DifferenceTerm what is left of the first.
func SumTerm(a, b Term) Term { return Term{&node{op: opPlus, text: "+", args: []*node{a.n, b.n}}} }

// DifferenceTerm is the first number less the second.
func DifferenceTerm(a, b Term) Term {
	return Term{&node{op: opMinus, text: "-", args: []*node{a.n, b.n}}}
}

func nodes(terms []Term) []*node {
	out := make([]*node, 0, len(terms))
	for _, t := range terms {
		if t.n != nil {
			out = append(out, t.n)
		}
	}
	return out
}

// Path is the term's path, if it is one.
func (t Term) Path() item.Path {
	if t.n == nil || t.n.op != opPath {
		return nil
	}
	return t.n.path
}

// Value is the term's value, if it is one.
func (t Term) Value() item.Value {
	if t.n == nil || t.n.op != opValue {
		return nil
	}
	return t.n.fixed
}

// IsCondition says whether the term has a truth value.
func (t Term) IsCondition() bool {
	return t.n != nil && t.n.isCondition() && !(t.n.op == opFunction && t.n.text == "size")
}

// Conjuncts are the conditions that all have to hold for the term to hold.
func (t Term) Conjuncts() []Term {
	switch {
	case t.n == nil:
		return nil
	case t.n.op != opAnd:
		return []Term{t}
	}
	var out []Term
	for _, a := range t.n.args {
		out = append(out, Term{a}.Conjuncts()...)
	}
	return out
}

// KeyTerm reads the term as a condition on one top-level attribute that a range of a sort key can
// be looked up by.
func (t Term) KeyTerm() (k KeyTerm, ok bool) {
	if t.n.op == opAnd {
		return k, false
	}
	terms, err := t.n.keyTerms(nil, nil)
	if err != nil || terms[0].Value == nil || terms[0].Operator == KeyBetween && terms[0].High == nil {
		return k, false
	}
	return terms[0], true
}

// Equals are the values of which a top-level attribute must have one for the term to hold: of =,
// of IN, and of these joined by OR. It is nil if the term asks for something else too.
func (t Term) Equals(name string) (values []item.Value) {
	n := t.n
	switch {
	case n.op == opOr:
		for _, a := range n.args {
			some := Term{a}.Equals(name)
			if some == nil {
				return nil
			}
			values = append(values, some...)
		}
		return values
	case n.op != opIn && !(n.op == opCompare && n.text == "="):
		return nil
	}
	args := n.args
	if n.op == opCompare && args[1].op == opPath {
		args = []*node{args[1], args[0]}
	}
	if args[0].op != opPath || len(args[0].path) != 1 || args[0].path[0].Name != name {
		return nil
	}
	for _, a := range args[1:] {
		if a.op != opValue {
			return nil
		}
		values = append(values, a.fixed)
	}
	return values
}

// NewCondition is the condition of a term, nil if that is none. Names need no placeholders and
// values are in it, so its Check and Match take no values.
func NewCondition(t Term) *Condition {
	if t.n == nil {
		return nil
	}
	return &Condition{root: t.n}
}

// UpdateAction is what an Update does to one path.
type UpdateAction struct {
	Section string // SET, REMOVE, ADD or DELETE
	Path    item.Path
	Value   Term // none for REMOVE
}

// NewUpdate is the update that does all the actions. It fails if two paths overlap.
func NewUpdate(list []UpdateAction) (*Update, error) {
	u := &Update{mismatch: ErrOperandType}
	for _, a := range list {
		s := slices.Index(sectionNames[:], a.Section)
		u.actions = append(u.actions, action{section: section(s), path: &node{op: opPath, path: a.Path}, value: a.Value.n})
	}
	paths := u.Paths()
	if err := first(overlaps(paths)); err != nil {
		return nil, err
	}
	u.touched = item.NewProjection(paths)
	return u, nil
}

// ProjectLeaves is the projection on what stands at the paths, each under the name of its last
// step: of a.b the attribute b.
func ProjectLeaves(paths []item.Path) *Projection {
	return &Projection{paths: paths, leaves: true}
}
