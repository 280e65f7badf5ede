package partiql

import (
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Values are written as the wire's JSON first, so that the decoder of requests makes them and
// finds their faults.

// value reads a literal or a parameter. ok is false if something else stands there.
func (p *parser) value() (v item.Value, ok bool, err error) {
	json, ok, err := p.literal(nil, 1)
	if !ok || err != nil {
		return nil, ok, err
	}
	d := item.NewDecoder(json)
	v = d.Value(nil)
	if d.Err() != nil {
		return nil, true, malformed("Unexpected term")
	}
	if d.Invalid != nil {
		return nil, true, errorf("%s", d.Invalid)
	}
	return v, true, nil
}

func (p *parser) literal(json []byte, depth int) (out []byte, ok bool, err error) {
	t := p.peek()
	switch {
	case depth > item.MaxDepth+1:
		return nil, true, errorf("Nesting Levels have exceeded supported limits")
	case t.kind == tokenString:
		p.i++
		json = item.AppendJSONString(append(json, `{"S":`...), t.text)
	case t.kind == tokenNumber || t.mark("-") && p.tokens[p.i+1].kind == tokenNumber:
		json = append(json, `{"N":"`...)
		if p.accept("-") {
			json = append(json, '-')
		}
		json = append(append(json, p.peek().text...), '"')
		p.i++
	case t.is("TRUE") || t.is("FALSE"):
		p.i++
		json = append(append(json, `{"BOOL":`...), strings.ToLower(t.text)...)
	case t.is("NULL"):
		p.i++
		json = append(json, `{"NULL":true`...)
	case t.is("MISSING"):
		return nil, true, errorf("MISSING must be compared using IS operator")
	case t.mark("?"):
		p.i++
		p.used++
		if p.used > len(p.parameters) {
			return nil, true, errParameters
		}
		return item.AppendValueJSON(json, p.parameters[p.used-1]), true, nil
	case t.mark("["):
		json, err = p.list(append(json, `{"L":[`...), "]", depth)
	case t.mark("{"):
		json, err = p.tuple(append(json, `{"M":`...), depth)
	case t.mark("<<"):
		json, err = p.bag(json)
	default:
		return nil, false, nil
	}
	return append(json, '}'), true, err
}

// element reads a literal where one must stand.
func (p *parser) element(json []byte, depth int) ([]byte, error) {
	out, ok, err := p.literal(json, depth)
	if err == nil && !ok {
		t := p.peek()
		if t.kind == tokenWord && p.tokens[p.i+1].mark("(") {
			return nil, errorf("Unsupported data type: %s under key root at %s", strings.ToLower(t.text), at(p.text, t))
		}
		return nil, malformed("Unexpected term")
	}
	return out, err
}

// list reads elements up to the closing mark, and appends that of JSON.
func (p *parser) list(json []byte, closing string, depth int) (_ []byte, err error) {
	p.i++
	for n := 0; !p.accept(closing); n++ {
		if n > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			json = append(json, ',')
		}
		if json, err = p.element(json, depth+1); err != nil {
			return nil, err
		}
	}
	return append(json, ']'), nil
}

// tuple reads {'name': value, …}.
func (p *parser) tuple(json []byte, depth int) (_ []byte, err error) {
	p.i++
	json = append(json, '{')
	var seen []string
	for !p.accept("}") {
		if seen != nil {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			json = append(json, ',')
		}
		t := p.peek()
		if t.kind != tokenString {
			return nil, errorf("Tuple keys must be of type String. Actual type: %s under root", t.text)
		}
		if slices.Contains(seen, t.text) {
			return nil, errorf("Duplicate keys in tuple. Key: %s under root", t.text)
		}
		seen = append(seen, t.text)
		p.i++
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		json = append(item.AppendJSONString(json, t.text), ':')
		if json, err = p.element(json, depth+1); err != nil {
			return nil, err
		}
	}
	return append(json, '}'), nil
}

var errBag = errorf("Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags")

// bag reads <<…>>, a set of strings, numbers or, from parameters, binaries.
func (p *parser) bag(json []byte) ([]byte, error) {
	p.i++
	var kind item.Type
	members := []byte{'['}
	for n := 0; !p.accept(">>"); n++ {
		if n > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			members = append(members, ',')
		}
		start := p.i
		v, ok, err := p.value()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			return nil, malformed("Unexpected term")
		case p.tokens[start].mark("<<"), n > 0 && v.Type() != kind:
			return nil, errBag
		}
		kind = v.Type()
		if kind != item.String && kind != item.Number && kind != item.Binary {
			return nil, errBag
		}
		text := item.AppendValueJSON(nil, v) // {"S":"…"}
		members = append(members, text[len(`{"S":`):len(text)-1]...)
	}
	if len(members) == 1 {
		return nil, errorf("Empty bags are not supported")
	}
	json = append(append(json, `{"`...), kind.String()...)
	json = append(append(json, `S":`...), members...)
	return append(json, ']'), nil
}
