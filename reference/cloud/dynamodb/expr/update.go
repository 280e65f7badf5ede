package expr

import (
	"iter"
	"slices"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// section is one of the four parts of an update expression.
type section byte

const (
	sectionSet section = iota
	sectionRemove
	sectionAdd
	sectionDelete
)

var sectionNames = [...]string{"SET", "REMOVE", "ADD", "DELETE"}

// action changes one path.
type action struct {
	section section
	path    *node
	value   *node // nil for REMOVE
}

// Update is a parsed UpdateExpression.
type Update struct {
	actions  []action
	touched  *item.Projection
	uses     Uses
	mismatch error // of ADD or DELETE with an attribute of another type
}

func updateFunction(name string) bool { return name == "if_not_exists" || name == "list_append" }

// ParseUpdate parses an UpdateExpression.
func ParseUpdate(text string, names []Name) (*Update, error) {
	p, err := newParser(text, names)
	if err != nil {
		return nil, err
	}
	p.update = true
	p.functions = updateFunction
	u := &Update{}
	var seen [4]bool
	for p.peek().kind != tokenEnd {
		s := slices.IndexFunc(sectionNames[:], p.peek().is)
		if s < 0 {
			return nil, p.unexpected()
		}
		p.i++
		if seen[s] {
			note(&p.faults.section, errorf("The \"%s\" section can only be used once in an update expression;", sectionNames[s]))
		}
		seen[s] = true
		for {
			if err := p.action(u, section(s)); err != nil {
				return nil, err
			}
			if !p.accept(",") {
				break
			}
		}
	}
	paths := u.Paths()
	p.faults.overlap, p.faults.conflict = overlaps(paths)
	if err := first(p.faults.reserved, p.faults.unknownFunction, p.faults.section); err != nil {
		return nil, err
	}
	for _, a := range u.actions {
		for _, n := range []*node{a.path, a.value} {
			if n != nil {
				if err := n.undefinedName(); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := first(p.faults.overlap, p.faults.conflict); err != nil {
		return nil, err
	}
	u.uses, u.touched, u.mismatch = p.uses, item.NewProjection(paths), ErrOperandType
	return u, nil
}

func (n *node) undefinedName() error {
	if n.op == opPath {
		return n.undefinedOperand(nil)
	}
	for _, a := range n.args {
		if err := a.undefinedName(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) action(u *Update, s section) error {
	path, err := p.documentPath()
	if err != nil {
		return err
	}
	a := action{section: s, path: path}
	if err := p.operator(); err != nil {
		return err
	}
	switch s {
	case sectionSet:
		if err := p.expect("="); err != nil {
			return err
		}
		a.value, err = p.setValue()
	case sectionAdd, sectionDelete:
		if p.peek().kind != tokenValue {
			return p.unexpected()
		}
		a.value, err = p.operand()
	}
	u.actions = append(u.actions, a)
	return err
}

// setValue reads an operand, or the sum or difference of two, perhaps in parentheses.
func (p *parser) setValue() (*node, error) {
	var x *node
	var err error
	if p.accept("(") {
		if x, err = p.setValue(); err != nil {
			return nil, err
		}
		if err = p.expect(")"); err != nil {
			return nil, err
		}
	} else if x, err = p.operand(); err != nil {
		return nil, err
	}
	t := p.peek()
	if !t.mark("+") && !t.mark("-") {
		return x, nil
	}
	if x.op == opPlus || x.op == opMinus {
		return nil, p.unexpected()
	}
	p.i++
	if err := p.operator(); err != nil {
		return nil, err
	}
	y, err := p.argument()
	if err != nil {
		return nil, err
	}
	n := &node{op: opPlus, text: t.text, args: []*node{x, y}}
	if t.text == "-" {
		n.op = opMinus
	}
	return n, nil
}

// Uses are the placeholders the update mentions.
func (u *Update) Uses() Uses { return u.uses }

// Creates says whether the update makes an item where there is none: one that only takes away
// does not.
func (u *Update) Creates() bool {
	adds := func(a action) bool { return a.section == sectionSet || a.section == sectionAdd }
	return len(u.actions) == 0 || slices.ContainsFunc(u.actions, adds)
}

// Assigned are the top-level attributes that get a value which does not depend on the item.
func (u *Update) Assigned(values item.Doc) iter.Seq2[string, item.Value] {
	return func(yield func(string, item.Value) bool) {
		for _, a := range u.actions {
			if a.section == sectionSet && a.value.op == opValue && len(a.path.path) == 1 && !yield(a.path.path[0].Name, a.value.given(values)) {
				return
			}
		}
	}
}

// Paths are the paths the update changes.
func (u *Update) Paths() []item.Path {
	paths := make([]item.Path, len(u.actions))
	for i, a := range u.actions {
		paths[i] = a.path.path
	}
	return paths
}

// Touched cuts the changed paths out of an item, for UPDATED_OLD and UPDATED_NEW.
func (u *Update) Touched(dst []byte, d item.Doc) []byte { return u.touched.Append(dst, d) }

// wordyTypes are type names as messages on ADD and DELETE have them.
var wordyTypes = map[item.Type]string{
	item.String: "STRING", item.Number: "NUMBER", item.Binary: "BINARY", item.Null: "NULL", item.Bool: "BOOLEAN", item.List: "LIST", item.Map: "MAP",
}

// Check looks for values that are not defined and values of types that an operator or
// function does not take.
func (u *Update) Check(values item.Doc) error {
	for _, a := range u.actions {
		if a.value != nil {
			if err := a.value.undefinedOperand(values); err != nil {
				return err
			}
		}
	}
	for _, a := range u.actions {
		if a.section != sectionAdd && a.section != sectionDelete {
			continue
		}
		t := a.value.literal(values)
		if !t.IsSet() && !(a.section == sectionAdd && t == item.Number) {
			return errorf("Incorrect operand type for operator or function; operator: %s, operand type: %s", sectionNames[a.section], wordyTypes[t])
		}
	}
	for _, a := range u.actions {
		if a.section == sectionSet {
			if err := a.value.checkSet(values); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *node) checkSet(values item.Doc) error {
	for _, a := range n.args {
		if err := a.checkSet(values); err != nil {
			return err
		}
	}
	if n.op == opFunction && n.text == "list_append" {
		for _, a := range n.args {
			if a.op == opFunction && a.text == "list_append" {
				return misused(a)
			}
		}
	}
	want := item.NoType
	switch {
	case n.op == opPlus || n.op == opMinus:
		want = item.Number
	case n.op != opFunction:
		return nil
	case len(n.args) != 2:
		return errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.text, len(n.args))
	case n.text == "list_append":
		want = item.List
	case n.args[0].op != opPath:
		return errorf("Operator or function requires a document path; operator or function: %s", n.text)
	default:
		return nil
	}
	for _, a := range n.args {
		if t := a.literal(values); t != item.NoType && t != want {
			return wrongType("operator or function", n.text, t)
		}
	}
	return nil
}
