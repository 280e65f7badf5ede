package partiql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

var errParameters = errorf("Number of parameters in request and statement don't match.")

type parser struct {
	text             string
	tokens           []token
	i                int
	parameters       []item.Value
	used             int // parameters
	operators, depth int
}

// Parse reads a statement and fills in the parameters, which stand for its question marks in
// order.
func Parse(text string, parameters []item.Value) (*Statement, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens, parameters: parameters}
	s, err := p.statement()
	switch {
	case err != nil:
		return nil, err
	case p.peek().kind != tokenEnd:
		return nil, malformed("Unexpected token after expression")
	case p.used != len(parameters):
		return nil, errParameters
	}
	return s, nil
}

func (p *parser) peek() token { return p.tokens[p.i] }

// word accepts a keyword.
func (p *parser) word(keyword string) bool {
	if p.peek().is(keyword) {
		p.i++
		return true
	}
	return false
}

func (p *parser) accept(mark string) bool {
	if p.peek().mark(mark) {
		p.i++
		return true
	}
	return false
}

// markNames are how messages call marks.
var markNames = map[string]string{
	"(": "LEFT_PAREN", ")": "RIGHT_PAREN", "]": "RIGHT_BRACKET", "}": "RIGHT_CURLY", ">>": "RIGHT_DOUBLE_ANGLE_BRACKET",
	",": "COMMA", ":": "COLON", "=": "EQ", "*": "STAR",
}

func (p *parser) expect(mark string) error {
	if !p.accept(mark) {
		return malformed("Expected " + markNames[mark])
	}
	return nil
}

func (p *parser) statement() (*Statement, error) {
	switch {
	case p.word("SELECT"):
		return p.selects()
	case p.word("INSERT"):
		return p.insert()
	case p.word("UPDATE"):
		return p.update()
	case p.word("DELETE"):
		return p.deletes()
	case p.peek().is("EXISTS") && p.tokens[p.i+1].mark("("):
		p.i += 2
		if !p.word("SELECT") {
			return nil, errorf("EXISTS() must contain a single item read with additional condition")
		}
		s, err := p.selects()
		if err != nil {
			return nil, err
		}
		s.Kind = Exists
		return s, p.expect(")")
	}
	return nil, malformed("Expected data manipulation")
}

func (p *parser) selects() (s *Statement, err error) {
	s = &Statement{}
	if s.Paths, err = p.projection(); err != nil {
		return nil, err
	}
	if !p.word("FROM") {
		return nil, malformed("Expected FROM")
	}
	if err := p.from(s); err != nil {
		return nil, err
	}
	if p.peek().mark(",") {
		return nil, errorf("Only select from a single table or index is supported.")
	}
	if s.Where, err = p.where(); err != nil {
		return nil, err
	}
	if err := p.order(s); err != nil {
		return nil, err
	}
	for _, clause := range []string{"GROUP", "HAVING", "LIMIT", "OFFSET"} {
		if p.word(clause) {
			return nil, errorf("Unsupported clause: %s at %s", clause, at(p.text, p.peek()))
		}
	}
	return s, nil
}

// projection reads what a SELECT is of; nil is everything.
func (p *parser) projection() (paths []item.Path, err error) {
	if p.accept("*") {
		if p.peek().mark(",") {
			return nil, errorf("Other attributes should not be present in the projection when '*' is used.")
		}
		return nil, nil
	}
	var names []string
	for {
		if t := p.peek(); t.kind == tokenWord && p.tokens[p.i+1].mark("(") {
			return nil, errorf("Unexpected path component at %s", at(p.text, t))
		}
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, path.Leaf()) {
			return nil, errorf("Duplicate identifiers in select clause: %s", path.Leaf())
		}
		names, paths = append(names, path.Leaf()), append(paths, path)
		if !p.accept(",") {
			return paths, nil
		}
		if p.peek().mark("*") {
			return nil, errorf("Other attributes should not be present in the projection when '*' is used.")
		}
	}
}

// order reads an ORDER BY clause, if there is one.
func (p *parser) order(s *Statement) error {
	if !p.word("ORDER") {
		return nil
	}
	if !p.word("BY") {
		return malformed("Expected BY")
	}
	for {
		path, err := p.path()
		if err != nil {
			return err
		}
		if len(path) != 1 {
			return errorf("Argument to ORDER BY must be of type VariableReference. Type: Path")
		}
		o := Order{Name: path[0].Name, Descending: p.word("DESC")}
		if !o.Descending {
			p.word("ASC")
		}
		s.Order = append(s.Order, o)
		if !p.accept(",") {
			return nil
		}
	}
}

// from reads a table's name and perhaps an index's.
func (p *parser) from(s *Statement) error {
	name := func() (string, error) {
		t := p.peek()
		if t.kind != tokenQuoted && (t.kind != tokenWord || t.keyword()) {
			return "", errorf("Unexpected from source")
		}
		p.i++
		return t.text, nil
	}
	var err error
	if s.Table, err = name(); err != nil {
		return err
	}
	if p.accept(".") {
		if s.Index, err = name(); err != nil {
			return err
		}
		if p.peek().mark(".") {
			return errorf("A path may contain at most 2 components in the FROM clause")
		}
	}
	return nil
}

// target reads the table of a statement that writes.
func (p *parser) target(s *Statement) error {
	if err := p.from(s); err != nil {
		return err
	}
	if s.Index != "" {
		return errorf("This operation is not supported on an index")
	}
	return nil
}

func (p *parser) insert() (*Statement, error) {
	s := &Statement{Kind: Insert}
	if !p.word("INTO") {
		return nil, malformed("Expected INTO")
	}
	if err := p.target(s); err != nil {
		return nil, err
	}
	if p.peek().is("VALUES") || p.peek().mark("<<") {
		return nil, errorf(`Unsupported operation: Inserting multiple items in a single statement is not supported, use "INSERT INTO tableName VALUE item" instead`)
	}
	if !p.word("VALUE") {
		return nil, malformed("Expected VALUE")
	}
	v, ok, err := p.value()
	switch {
	case err != nil:
		return nil, err
	case !ok || v.Type() != item.Map:
		return nil, errorf("Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.")
	case p.peek().is("RETURNING"):
		return nil, errorf("RETURNING is not supported in INSERT")
	}
	s.Item = v.Doc()
	return s, nil
}

func (p *parser) deletes() (s *Statement, err error) {
	s = &Statement{Kind: Delete}
	if !p.word("FROM") {
		return nil, malformed("Expected FROM")
	}
	if err := p.target(s); err != nil {
		return nil, err
	}
	if s.Where, err = p.where(); err != nil {
		return nil, err
	}
	if s.Returning, err = p.returning(); err != nil {
		return nil, err
	}
	if s.Returning != "" && s.Returning != AllOld {
		words := strings.ReplaceAll(strings.Replace(string(s.Returning), "UPDATED", "MODIFIED", 1), "_", " ")
		return nil, errorf("Invalid returning clause: RETURNING %s *. Only RETURNING ALL OLD * is allowed in DELETE statements.", words)
	}
	return s, nil
}

// returning reads a RETURNING clause, if there is one.
func (p *parser) returning() (Returning, error) {
	if !p.word("RETURNING") {
		return "", nil
	}
	which := "ALL_"
	if p.word("MODIFIED") {
		which = "UPDATED_"
	} else if !p.word("ALL") {
		return "", malformed("Expected ALL or MODIFIED in returning element.")
	}
	switch {
	case p.word("OLD"):
		which += "OLD"
	case p.word("NEW"):
		which += "NEW"
	default:
		return "", malformed("Expected OLD or NEW in returning element.")
	}
	if !p.accept("*") {
		return "", errorf("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
	}
	if p.peek().mark(",") {
		return "", errorf("Invalid syntax with multiple returning elements in RETURNING clause")
	}
	return Returning(which), nil
}

// path reads a name and what follows it: .name, [index] and ['name'].
func (p *parser) path() (item.Path, error) {
	t := p.peek()
	if t.kind != tokenQuoted && (t.kind != tokenWord || t.keyword()) {
		return nil, malformed("Unexpected term")
	}
	if t.text == "" {
		return nil, errorf("Path component cannot be an empty string")
	}
	p.i++
	path := item.Path{item.Key(t.text)}
	for {
		switch {
		case p.accept("."):
			t := p.peek()
			switch {
			case t.mark("*"):
				return nil, errorf("Unpivot path component like a.*.b are not supported")
			case t.kind != tokenQuoted && (t.kind != tokenWord || t.keyword()):
				return nil, malformed("Invalid path dot component")
			case t.text == "":
				return nil, errorf("Path component cannot be an empty string")
			}
			p.i++
			path = append(path, item.Key(t.text))
		case p.accept("["):
			step, err := p.step()
			if err != nil {
				return nil, err
			}
			path = append(path, step)
		default:
			if len(path) > item.MaxDepth {
				return nil, errorf("The document path has too many nesting elements; nesting depth: %d", len(path))
			}
			return path, nil
		}
	}
}

// step reads what stands in the brackets of a path.
func (p *parser) step() (step item.Step, err error) {
	t := p.peek()
	switch {
	case t.mark("*"):
		return step, errorf("Wildcard path component like a[*].b are not supported")
	case t.kind == tokenString && t.text != "":
		step = item.Key(t.text)
	case t.kind == tokenNumber:
		index, err := strconv.Atoi(t.text)
		if err != nil || index > 1<<31-1 {
			return step, errorf("List index is not within the allowable range; index: [%s]", t.text)
		}
		step = item.Step{Index: index}
	case t.mark("-"):
		return step, errorf("List index is not within the allowable range; index: [-%s]", p.tokens[p.i+1].text)
	default:
		return step, errorf("Unexpected path component at %s", at(p.text, t))
	}
	p.i++
	return step, p.expect("]")
}
