package expr

import (
	"slices"
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Name is one of a request's ExpressionAttributeNames.
type Name struct {
	Placeholder string // with its #
	Name        string // what it stands for
}

// op is what a node of an expression does.
type op byte

const (
	opPath op = iota
	opValue
	opFunction
	opPlus
	opMinus
	opCompare
	opBetween
	opIn
	opNot
	opAnd
	opOr
)

// node is a part of an expression: an operand or a condition.
type node struct {
	op        op
	text      string // the :placeholder, the function's name, the comparison's operator
	path      item.Path
	fixed     item.Value // of an operand that is a value itself, not a :placeholder
	undefined string     // the first #placeholder of the path without a name
	args      []*node
	inParens  bool
}

// isCondition says whether the node has a truth value; a function's is decided by its name.
func (n *node) isCondition() bool { return n.op >= opCompare || n.op == opFunction }

// Uses are the placeholders an expression mentions, each as often as it does.
type Uses struct {
	Names  []string // with #
	Values []string // with :
}

// faults holds the first fault of each kind; DynamoDB reports kinds in a fixed order.
type faults struct {
	parens, unknownFunction, misusedFunction, reserved, section, overlap, conflict error
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func note(slot *error, err error) {
	if *slot == nil {
		*slot = err
	}
}

type parser struct {
	text      string
	tokens    []token
	i         int
	names     []Name
	uses      Uses
	faults    faults
	operators int
	functions func(name string) bool // those the kind of expression knows
	update    bool                   // it is an update expression
}

func newParser(text string, names []Name) (*parser, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	return &parser{text: text, tokens: tokens, names: names}, nil
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) accept(mark string) bool {
	if p.peek().mark(mark) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(mark string) error {
	if !p.accept(mark) {
		return p.unexpected()
	}
	return nil
}

func (p *parser) unexpected() error { return syntaxError(p.text, p.tokens, p.i) }

func (p *parser) operator() error {
	if p.operators++; p.operators > MaxOperators {
		return errorf("The expression contains too many operators; operator count: %d", p.operators)
	}
	return nil
}

// keyword says whether a token is one of the grammar's, which no name can be.
func (p *parser) keyword(t token) bool {
	if p.update {
		return slices.ContainsFunc(sectionNames[:], t.is)
	}
	return t.is("AND") || t.is("OR") || t.is("NOT") || t.is("BETWEEN") || t.is("IN")
}

// step reads a name: an identifier or a #placeholder.
func (p *parser) step(n *node) error {
	t := p.peek()
	switch {
	case t.kind == tokenIdent && !p.keyword(t):
		if reserved(t.text) {
			note(&p.faults.reserved, errorf("Attribute name is a reserved keyword; reserved keyword: %s", t.text))
		}
		n.path = append(n.path, item.Key(t.text))
	case t.kind == tokenName:
		p.uses.Names = append(p.uses.Names, t.text)
		name, ok := "", false
		for _, known := range p.names {
			if known.Placeholder == t.text {
				name, ok = known.Name, true
				break
			}
		}
		if !ok && n.undefined == "" {
			n.undefined = t.text
		}
		n.path = append(n.path, item.Key(name))
	default:
		return p.unexpected()
	}
	p.i++
	return nil
}

// documentPath reads a name and what follows it: .name and [index].
func (p *parser) documentPath() (*node, error) {
	n := &node{op: opPath}
	if err := p.step(n); err != nil {
		return nil, err
	}
	return n, p.pathTail(n)
}

func (p *parser) pathTail(n *node) error {
	for {
		switch {
		case p.accept("."):
			if err := p.step(n); err != nil {
				return err
			}
		case p.accept("["):
			t := p.peek()
			if t.kind != tokenNumber {
				return p.unexpected()
			}
			index, err := strconv.Atoi(t.text)
			if err != nil || index > 1<<31-1 {
				return errorf("List index is not within the allowable range; index: [%s]", t.text)
			}
			p.i++
			n.path = append(n.path, item.Step{Index: index})
			if err := p.expect("]"); err != nil {
				return err
			}
		default:
			if len(n.path) > item.MaxDepth {
				return errorf("The document path has too many nesting levels; nesting levels: %d", len(n.path))
			}
			return nil
		}
	}
}

// operand reads a :value, a function or a path.
func (p *parser) operand() (*node, error) {
	t := p.peek()
	if t.kind == tokenValue {
		p.i++
		p.uses.Values = append(p.uses.Values, t.text)
		return &node{op: opValue, text: t.text}, nil
	}
	if t.kind == tokenIdent && !p.keyword(t) && p.tokens[p.i+1].mark("(") {
		return p.function()
	}
	return p.documentPath()
}

func (p *parser) function() (*node, error) {
	n := &node{op: opFunction, text: p.peek().text}
	p.i += 2
	if err := p.operator(); err != nil {
		return nil, err
	}
	if !p.functions(n.text) {
		note(&p.faults.unknownFunction, p.foreign(n.text))
	}
	for {
		a, err := p.argument()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, a)
		if !p.accept(",") {
			break
		}
	}
	return n, p.expect(")")
}

// foreign is the fault of a function that expressions of this kind do not have.
func (p *parser) foreign(name string) error {
	_, condition := conditionFunctions[name]
	switch {
	case p.update && condition:
		return errorf("The function is not allowed in an update expression; function: %s", name)
	case !p.update && updateFunction(name):
		return errorf("The function is not allowed in a condition expression; function: %s", name)
	}
	return errorf("Invalid function name; function: %s", name)
}

// argument reads an operand that may stand in parentheses.
func (p *parser) argument() (*node, error) {
	if !p.accept("(") {
		return p.operand()
	}
	n, err := p.argument()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	p.closeParens(n)
	if n.op == opPath {
		return n, p.pathTail(n)
	}
	return n, nil
}

func (p *parser) closeParens(n *node) {
	if n.inParens {
		note(&p.faults.parens, Error("The expression has redundant parentheses;"))
	}
	n.inParens = true
}

// undefinedOperand is the fault of a name or value that the request does not define.
func (n *node) undefinedOperand(values item.Doc) error {
	switch {
	case n.op == opPath && n.undefined != "":
		return errorf("An expression attribute name used in the document path is not defined; attribute name: %s", n.undefined)
	case n.op == opValue && n.given(values) == nil:
		return errorf("An expression attribute value used in expression is not defined; attribute value: %s", n.text)
	}
	for _, a := range n.args {
		if err := a.undefinedOperand(values); err != nil {
			return err
		}
	}
	return nil
}

// given is the value of an opValue.
func (n *node) given(values item.Doc) item.Value {
	if n.fixed != nil {
		return n.fixed
	}
	return values.Get(n.text)
}

// literal is the type of an operand that has one without an item, NoType for others.
func (n *node) literal(values item.Doc) item.Type {
	if n.op == opFunction && n.text == "size" {
		return item.Number
	}
	if n.op != opValue {
		return item.NoType
	}
	return n.given(values).Type()
}

func samePath(a, b item.Path) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// overlaps finds two paths of which one contains the other, or that treat one value both as a
// map and as a list.
func overlaps(paths []item.Path) (overlap, conflict error) {
	for i, b := range paths {
		for _, a := range paths[:i] {
			k := 0
			for k < min(len(a), len(b)) && a[k] == b[k] {
				k++
			}
			switch {
			case k == min(len(a), len(b)):
				note(&overlap, errorf("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", a, b))
			case (a[k].Index < 0) != (b[k].Index < 0):
				note(&conflict, errorf("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", a, b))
			}
		}
	}
	return overlap, conflict
}
