package expr

import "slices"

// Condition is a parsed condition, filter or key condition.
type Condition struct {
	root *node
	uses Uses
}

// conditionFunctions and the number of their operands.
var conditionFunctions = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

// ParseCondition parses a ConditionExpression, FilterExpression or KeyConditionExpression.
func ParseCondition(text string, names []Name) (*Condition, error) {
	p, err := newParser(text, names)
	if err != nil {
		return nil, err
	}
	p.functions = func(name string) bool { _, ok := conditionFunctions[name]; return ok }
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected()
	}
	if err := p.wantCondition(root); err != nil {
		return nil, err
	}
	if err := first(p.faults.parens, p.faults.unknownFunction, p.faults.misusedFunction, p.faults.reserved); err != nil {
		return nil, err
	}
	return &Condition{root: root, uses: p.uses}, nil
}

// Uses are the placeholders the condition mentions.
func (c *Condition) Uses() Uses { return c.uses }

// wantCondition refuses an operand where a condition must stand.
func (p *parser) wantCondition(n *node) error {
	if !n.isCondition() {
		return p.unexpected()
	}
	if n.op == opFunction && n.text == "size" {
		note(&p.faults.misusedFunction, misused(n))
	}
	return nil
}

func misused(n *node) error {
	return errorf("The function is not allowed to be used this way in an expression; function: %s", n.text)
}

// wantOperand refuses a condition where an operand must stand.
func (p *parser) wantOperand(n *node) error {
	if n.op >= opCompare {
		return p.unexpected()
	}
	if n.op == opFunction && n.text != "size" {
		note(&p.faults.misusedFunction, misused(n))
	}
	return nil
}

func (p *parser) or() (*node, error) {
	return p.chain("OR", opOr, p.and)
}

func (p *parser) and() (*node, error) {
	return p.chain("AND", opAnd, p.not)
}

func (p *parser) chain(keyword string, o op, next func() (*node, error)) (*node, error) {
	n, err := next()
	if err != nil || !p.peek().is(keyword) {
		return n, err
	}
	n = &node{op: o, args: []*node{n}}
	for {
		if err := p.wantCondition(n.args[len(n.args)-1]); err != nil {
			return nil, err
		}
		if !p.peek().is(keyword) {
			return n, nil
		}
		p.i++
		if err := p.operator(); err != nil {
			return nil, err
		}
		a, err := next()
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, a)
	}
}

func (p *parser) not() (*node, error) {
	if !p.peek().is("NOT") {
		return p.comparison()
	}
	p.i++
	if err := p.operator(); err != nil {
		return nil, err
	}
	n, err := p.not()
	if err != nil {
		return nil, err
	}
	return &node{op: opNot, args: []*node{n}}, p.wantCondition(n)
}

// comparison reads an operand with what compares it, or a condition in parentheses.
func (p *parser) comparison() (*node, error) {
	x, err := p.primary()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	n := &node{text: t.text, args: []*node{x}}
	switch {
	case t.kind == tokenMark && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text):
		n.op = opCompare
	case t.is("BETWEEN"):
		n.op, n.text = opBetween, "BETWEEN"
	case t.is("IN"):
		n.op, n.text = opIn, "IN"
	default:
		return x, nil
	}
	if x.op >= opCompare {
		return nil, p.unexpected()
	}
	p.i++
	if err := p.operator(); err != nil {
		return nil, err
	}
	switch n.op {
	case opCompare:
		err = p.operands(n, 1, "")
	case opBetween:
		err = p.operands(n, 2, "AND")
	default:
		if err = p.expect("("); err != nil {
			return nil, err
		}
		if err = p.operands(n, 0, ","); err == nil {
			err = p.expect(")")
		}
		if len(n.args) > 101 {
			return nil, errorf("The IN operator is provided with too many operands; number of operands: %d", len(n.args)-1)
		}
	}
	if err != nil {
		return nil, err
	}
	for _, a := range n.args {
		if err := p.wantOperand(a); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// operands reads count operands, or as many as there are if count is zero, between separators.
func (p *parser) operands(n *node, count int, separator string) error {
	for i := 0; count == 0 || i < count; i++ {
		if i > 0 {
			if t := p.peek(); !t.mark(separator) && !t.is(separator) {
				if count == 0 {
					return nil
				}
				return p.unexpected()
			}
			p.i++
		}
		a, err := p.argument()
		if err != nil {
			return err
		}
		n.args = append(n.args, a)
	}
	return nil
}

// primary reads an operand, or anything in parentheses.
func (p *parser) primary() (*node, error) {
	if !p.accept("(") {
		n, err := p.operand()
		if err == nil && n.op == opFunction {
			for _, a := range n.args {
				err = first(err, p.wantOperand(a))
			}
		}
		return n, err
	}
	n, err := p.or()
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
