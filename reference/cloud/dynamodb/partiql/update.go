package partiql

import (
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
)

// update reads an UPDATE: SET and REMOVE clauses in any number and order, then WHERE and RETURNING.
func (p *parser) update() (s *Statement, err error) {
	s = &Statement{Kind: Update}
	if err := p.target(s); err != nil {
		return nil, err
	}
	for {
		clause := strings.ToUpper(p.peek().text)
		if !p.word("SET") && !p.word("REMOVE") {
			break
		}
		for {
			a, err := p.action(clause)
			if err != nil {
				return nil, err
			}
			s.Actions = append(s.Actions, a)
			if !p.accept(",") {
				break
			}
		}
	}
	if s.Actions == nil {
		return nil, malformed("Expected SET or REMOVE")
	}
	if s.Where, err = p.where(); err != nil {
		return nil, err
	}
	s.Returning, err = p.returning()
	return s, err
}

func (p *parser) action(clause string) (a expr.UpdateAction, err error) {
	if a.Path, err = p.path(); err != nil {
		return a, err
	}
	if a.Section = clause; clause == "REMOVE" {
		return a, nil
	}
	if err := p.expect("="); err != nil {
		return a, err
	}
	if t := p.peek(); (t.is("SET_ADD") || t.is("SET_DELETE")) && p.tokens[p.i+1].mark("(") {
		return p.setFunction(a)
	}
	a.Value, err = p.sum()
	return a, err
}

// sum reads an operand of SET, or the sum or difference of two.
func (p *parser) sum() (expr.Term, error) {
	a, err := p.assigned()
	if err != nil {
		return a, err
	}
	switch {
	case p.accept("+"):
		b, err := p.assigned()
		return expr.SumTerm(a, b), err
	case p.accept("-"):
		b, err := p.assigned()
		return expr.DifferenceTerm(a, b), err
	case p.peek().is("IS"):
		return a, errorf("IS operator is not supported in update expressions")
	}
	return a, nil
}

// updateFunctions are those that SET knows, besides those of sets.
var updateFunctions = map[string]bool{"list_append": true, "if_not_exists": true}

func (p *parser) assigned() (expr.Term, error) {
	if p.accept("(") {
		t, err := p.assigned()
		if err != nil {
			return t, err
		}
		return t, p.expect(")")
	}
	return p.argument(updateFunctions)
}

// setFunction reads set_add(path, <<…>>) or set_delete, whose path is the one assigned to.
func (p *parser) setFunction(a expr.UpdateAction) (expr.UpdateAction, error) {
	t := p.peek()
	name := strings.ToUpper(t.text)
	p.i += 2
	first := p.peek()
	var args []expr.Term
	for !p.accept(")") {
		if args != nil {
			if err := p.expect(","); err != nil {
				return a, err
			}
		}
		arg, err := p.simple()
		if err != nil {
			return a, err
		}
		args = append(args, arg)
	}
	switch {
	case len(args) != 2:
		return a, errorf("%s must have exactly two arguments at %s", name, at(p.text, t))
	case !slices.Equal(args[0].Path(), a.Path):
		return a, errorf("The first argument to %s must equal the assignment value at %s", name, at(p.text, t))
	}
	v := args[1].Value()
	if !v.Type().IsSet() {
		return a, errorf("The second argument to %s must be a value with type SET at %s", name, at(p.text, first))
	}
	a.Value = args[1]
	if a.Section = "ADD"; name == "SET_DELETE" {
		a.Section = "DELETE"
	}
	return a, nil
}
