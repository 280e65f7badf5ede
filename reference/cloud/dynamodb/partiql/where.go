package partiql

import (
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// maxIn is how many values IN takes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
const maxIn = 100

// where reads a WHERE clause, if there is one.
func (p *parser) where() (expr.Term, error) {
	if !p.word("WHERE") {
		return expr.Term{}, nil
	}
	t, err := p.or()
	if err != nil {
		return t, err
	}
	if !t.IsCondition() {
		return t, errorf("WHERE clause must contain an expression that resolves to a boolean")
	}
	return t, expr.NewCondition(t).Check(nil)
}

func (p *parser) or() (expr.Term, error) { return p.chain("OR", expr.OrTerm, p.and) }

func (p *parser) and() (expr.Term, error) { return p.chain("AND", expr.AndTerm, p.not) }

func (p *parser) chain(keyword string, join func(...expr.Term) expr.Term, next func() (expr.Term, error)) (expr.Term, error) {
	t, err := next()
	list := []expr.Term{t}
	for err == nil && p.word(keyword) {
		t, err = next()
		list = append(list, t)
	}
	if err != nil || len(list) == 1 {
		return t, err
	}
	for _, t := range list {
		if !t.IsCondition() {
			return t, errorf("The arguments to AND/OR must be Expressions")
		}
	}
	return join(list...), nil
}

func (p *parser) not() (expr.Term, error) {
	negate := false
	for p.word("NOT") {
		negate = !negate
		if p.operators++; p.operators > expr.MaxOperators {
			return expr.Term{}, errOperators(p.operators)
		}
	}
	t, err := p.predicate()
	if err != nil || !negate {
		return t, err
	}
	if !t.IsCondition() {
		return t, errorf("The argument to NOT must be a Type or Expression")
	}
	return expr.NotTerm(t), nil
}

func errOperators(n int) error {
	return errorf("The expression contains too many operators; operator count: %d", n)
}

// predicate reads an operand with what compares it, or a condition in parentheses.
func (p *parser) predicate() (expr.Term, error) {
	a, err := p.operand()
	if err != nil {
		return a, err
	}
	t := p.peek()
	negate := t.is("NOT")
	if negate {
		p.i++
		t = p.peek()
	}
	var out expr.Term
	switch {
	case t.is("BETWEEN"):
		out, err = p.between(a)
	case t.is("IN"):
		out, err = p.in(a)
	case negate:
		return a, malformed("Unexpected keyword")
	case t.is("IS"):
		return p.is(a)
	case t.kind == tokenMark && strings.Contains("= <> != < <= > >=", t.text):
		out, err = p.compare(a, t.text)
	default:
		return a, nil
	}
	if err != nil {
		return out, err
	}
	if p.operators++; p.operators > expr.MaxOperators {
		return out, errOperators(p.operators)
	}
	if negate {
		out = expr.NotTerm(out)
	}
	return out, nil
}

// plain reads an operand that is no condition.
func (p *parser) plain() (expr.Term, error) {
	t, err := p.operand()
	if err == nil && t.IsCondition() {
		err = malformed("Unexpected term")
	}
	return t, err
}

func (p *parser) compare(a expr.Term, operator string) (expr.Term, error) {
	p.i++
	b, err := p.plain()
	if err != nil {
		return b, err
	}
	if a.IsCondition() {
		return a, malformed("Unexpected term")
	}
	if operator == "!=" {
		operator = "<>"
	}
	return expr.CompareTerm(operator, a, b), nil
}

func (p *parser) between(a expr.Term) (expr.Term, error) {
	p.i++
	low, err := p.plain()
	if err != nil {
		return low, err
	}
	if !p.word("AND") {
		return low, malformed("Expected AND after BETWEEN")
	}
	high, err := p.plain()
	if err == nil && a.IsCondition() {
		err = malformed("Unexpected term")
	}
	return expr.BetweenTerm(a, low, high), err
}

var errIn = errorf("IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member")

// in reads the list of IN: [a, b], (a, b) or a parameter that is a list.
func (p *parser) in(a expr.Term) (expr.Term, error) {
	p.i++
	var list []expr.Term
	closing := map[string]string{"[": "]", "(": ")", "<<": ">>"}[p.peek().text]
	if closing != "" && p.peek().kind == tokenMark {
		p.i++
		for !p.accept(closing) {
			if list != nil {
				if err := p.expect(","); err != nil {
					return a, err
				}
			}
			t, err := p.plain()
			if err != nil {
				return t, err
			}
			list = append(list, t)
		}
	} else {
		v, _, err := p.value()
		if err != nil {
			return a, err
		}
		for e := range v.Elements() {
			list = append(list, expr.ValueTerm(e))
		}
	}
	switch {
	case len(list) == 0 || a.IsCondition():
		return a, errIn
	case len(list) > maxIn:
		return a, errorf("The IN operator is provided with too many operands; number of operands: %d", len(list))
	}
	return expr.InTerm(a, list), nil
}

// isTypes are the types that IS takes, as attribute_type has them.
var isTypes = map[string]string{
	"NULL": "NULL", "BOOLEAN": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N", "STRUCT": "M", "TUPLE": "M", "LIST": "L",
}

// is reads the rest of `path IS [NOT] type`.
func (p *parser) is(a expr.Term) (expr.Term, error) {
	p.i++
	negate := p.word("NOT")
	t := p.peek()
	p.i += min(1, len(p.tokens)-1-p.i)
	if a.Path() == nil {
		return a, errorf("The left hand side argument to IS must be a Variable Reference, Literal, or Path")
	}
	var out expr.Term
	kind := isTypes[strings.ToUpper(t.text)]
	switch {
	case t.is("MISSING"):
		out = expr.CallTerm("attribute_not_exists", a)
	case t.kind == tokenWord && kind != "":
		out = expr.CallTerm("attribute_type", a, expr.ValueTerm(item.AppendScalar(nil, item.String, []byte(kind))))
	default:
		return a, errorf("Unsupported data type for IS operator: %s. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]", strings.ToUpper(t.text))
	}
	if negate {
		out = expr.NotTerm(out)
	}
	return out, nil
}

// conditionFunctions are those that a WHERE clause knows.
var conditionFunctions = map[string]bool{
	"attribute_exists": true, "attribute_not_exists": true, "attribute_type": true, "begins_with": true, "contains": true, "size": true,
}

// operand reads a value, a function, a path, or anything in parentheses.
func (p *parser) operand() (expr.Term, error) {
	if p.accept("(") {
		if p.depth++; p.depth > expr.MaxOperators {
			return expr.Term{}, errOperators(p.depth)
		}
		t, err := p.or()
		if err != nil {
			return t, err
		}
		p.depth--
		return t, p.expect(")")
	}
	if t := p.peek(); t.kind == tokenWord && p.tokens[p.i+1].mark("(") && !t.keyword() {
		return p.call(conditionFunctions)
	}
	return p.simple()
}

// call reads a function, which must be one of those known.
func (p *parser) call(known map[string]bool) (expr.Term, error) {
	t := p.peek()
	name := strings.ToLower(t.text)
	if !known[name] {
		return expr.Term{}, errorf("Unrecognized function: %s at %s", name, at(p.text, t))
	}
	if p.operators++; p.operators > expr.MaxOperators {
		return expr.Term{}, errOperators(p.operators)
	}
	p.i += 2
	var args []expr.Term
	for !p.accept(")") {
		if args != nil {
			if err := p.expect(","); err != nil {
				return expr.Term{}, err
			}
		}
		a, err := p.argument(known)
		if err != nil {
			return a, err
		}
		args = append(args, a)
	}
	return expr.CallTerm(name, args...), nil
}

func (p *parser) argument(known map[string]bool) (expr.Term, error) {
	if t := p.peek(); t.kind == tokenWord && p.tokens[p.i+1].mark("(") && !t.keyword() {
		if p.depth++; p.depth > expr.MaxOperators {
			return expr.Term{}, errOperators(p.depth)
		}
		a, err := p.call(known)
		p.depth--
		if err == nil && a.IsCondition() && known["size"] {
			err = malformed("Unexpected term")
		}
		return a, err
	}
	return p.simple()
}

// simple reads a value or a path.
func (p *parser) simple() (expr.Term, error) {
	v, ok, err := p.value()
	if err != nil || ok {
		return expr.ValueTerm(v), err
	}
	path, err := p.path()
	return expr.PathTerm(path), err
}
