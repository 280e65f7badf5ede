package asl

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// scope is what expressions of one state see.
type scope struct {
	input   any
	context func() any // of $$
	random  func() *rand.Rand
}

// expression is a compiled value: literal, path, call or template.
type expression interface {
	eval(s scope) (any, error)
}

type literal struct{ value any }

func (l literal) eval(scope) (any, error) { return l.value, nil }

func (p path) eval(s scope) (any, error) {
	if p.context {
		return p.find(s.context())
	}
	return p.find(s.input)
}

// object is a template's object: each field with its expression. A field is named for errors as
// in the definition, with its ".$".
type object struct {
	names  []string
	fields []string
	values []expression
}

func (o object) eval(s scope) (any, error) {
	out := make(map[string]any, len(o.names))
	for i, name := range o.names {
		v, err := o.values[i].eval(s)
		if err != nil {
			return nil, describe(err, o.fields[i], s)
		}
		out[name] = v
	}
	return out, nil
}

type list []expression

func (l list) eval(s scope) (any, error) {
	out := make([]any, len(l))
	for i, e := range l {
		v, err := e.eval(s)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// describe words a missing path as Step Functions does.
func describe(err error, field string, s scope) error {
	var missing *errNoResult
	if errors.As(err, &missing) {
		return failed(ErrorRuntime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			missing.path, field, encode(s.input)).asError()
	}
	return err
}

// failureError carries a failure through functions that return error.
type failureError struct{ *failure }

func (e failureError) Error() string { return e.name }

func (f *failure) asError() error { return failureError{f} }

// compileTemplate compiles Parameters, ItemSelector or ResultSelector. problem is called for each
// fault with the field at fault.
func compileTemplate(v any, problem func(field string)) expression {
	switch v := v.(type) {
	case map[string]any:
		var o object
		for _, field := range sortedKeys(v) {
			name, dynamic := strings.CutSuffix(field, ".$")
			var value expression
			if dynamic {
				text, ok := v[field].(string)
				e, err := parseExpression(text)
				if !ok || err != nil {
					problem(field)
					continue
				}
				value = e
			} else {
				value = compileTemplate(v[field], problem)
			}
			o.names, o.fields, o.values = append(o.names, name), append(o.fields, field), append(o.values, value)
		}
		return o
	case []any:
		l := make(list, len(v))
		for i, w := range v {
			l[i] = compileTemplate(w, problem)
		}
		return l
	}
	return literal{v}
}

// parseExpression reads a path or an intrinsic call.
func parseExpression(text string) (expression, error) {
	if strings.HasPrefix(text, "$") {
		return parsePath(text)
	}
	e, rest, err := parseCall(text)
	if err == nil && strings.TrimSpace(rest) != "" {
		err = fmt.Errorf("unexpected %q after a call", rest)
	}
	return e, err
}

// call is an intrinsic function with its arguments.
type call struct {
	name string
	args []expression
}

func (c call) eval(s scope) (any, error) {
	args := make([]any, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(s)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	v, err := intrinsics[c.name].apply(args, s.random())
	if err != nil {
		return nil, failed(ErrorIntrinsicFailure, "The function '%s' had the following error: %v", c.name, err).asError()
	}
	return v, nil
}

func parseCall(text string) (expression, string, error) {
	text = strings.TrimLeft(text, " ")
	name, rest, ok := strings.Cut(text, "(")
	if !ok {
		return nil, text, fmt.Errorf("%q is neither a path nor a call", text)
	}
	f, known := intrinsics[name]
	if !known {
		return nil, text, fmt.Errorf("unknown function %q", name)
	}
	c := call{name: name}
	for {
		rest = strings.TrimLeft(rest, " ")
		if after, ok := strings.CutPrefix(rest, ")"); ok && len(c.args) == 0 {
			rest = after
			break
		}
		arg, after, err := parseArgument(rest)
		if err != nil {
			return nil, text, err
		}
		c.args = append(c.args, arg)
		rest = strings.TrimLeft(after, " ")
		if after, ok := strings.CutPrefix(rest, ","); ok {
			rest = after
			continue
		}
		after, ok := strings.CutPrefix(rest, ")")
		if !ok {
			return nil, text, fmt.Errorf("%s: expected , or ) before %q", name, rest)
		}
		rest = after
		break
	}
	if len(c.args) < f.least || f.most >= 0 && len(c.args) > f.most {
		return nil, text, fmt.Errorf("%s does not take %d arguments", name, len(c.args))
	}
	return c, rest, nil
}

func parseArgument(text string) (expression, string, error) {
	switch {
	case strings.HasPrefix(text, "'"):
		return parseQuoted(text[1:])
	case strings.HasPrefix(text, "$"):
		end := argumentEnd(text)
		p, err := parsePath(strings.TrimSpace(text[:end]))
		return p, text[end:], err
	case strings.HasPrefix(text, "States."):
		return parseCall(text)
	}
	end := argumentEnd(text)
	word := strings.TrimSpace(text[:end])
	v, err := decode([]byte(word))
	if err != nil {
		return nil, text, fmt.Errorf("%q is not an argument", word)
	}
	return literal{v}, text[end:], nil
}

// argumentEnd finds the comma or parenthesis that ends a path or a bare word.
func argumentEnd(text string) int {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote && text[i-1] != '\\' {
				quote = 0
			}
		case c == '\'':
			quote = c
		case c == '[' || c == '(':
			depth++
		case c == ']':
			depth--
		case c == ')' && depth > 0:
			depth--
		case (c == ',' || c == ')') && depth == 0:
			return i
		}
	}
	return len(text)
}

// parseQuoted reads up to the closing apostrophe. An escaped brace keeps its backslash, for
// States.Format to see.
func parseQuoted(text string) (expression, string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\'':
			return literal{b.String()}, text[i+1:], nil
		case '\\':
			if i++; i == len(text) {
				return nil, text, errors.New("a string ends with a backslash")
			}
			switch text[i] {
			case '\'', '\\':
				b.WriteByte(text[i])
			case '{', '}':
				b.WriteByte('\\')
				b.WriteByte(text[i])
			default:
				return nil, text, fmt.Errorf("%s is not an escape", strconv.Quote(text[i-1:i+1]))
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil, text, errors.New("a string is not closed")
}
