package asl

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// rule is a Choice rule: a comparison, or And, Or, Not over rules.
type rule struct {
	next     string
	op       string
	rules    []rule
	variable path
	operand  any
	other    *path // of an operator that ends in Path
}

// comparisons are the operators without their Path forms:
// https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
var comparisons = map[string]string{ // operator: kind of operand
	"BooleanEquals": "boolean",
	"NumericEquals": "number", "NumericGreaterThan": "number", "NumericGreaterThanEquals": "number",
	"NumericLessThan": "number", "NumericLessThanEquals": "number",
	"StringEquals": "string", "StringGreaterThan": "string", "StringGreaterThanEquals": "string",
	"StringLessThan": "string", "StringLessThanEquals": "string", "StringMatches": "string",
	"TimestampEquals": "timestamp", "TimestampGreaterThan": "timestamp", "TimestampGreaterThanEquals": "timestamp",
	"TimestampLessThan": "timestamp", "TimestampLessThanEquals": "timestamp",
	"IsBoolean": "boolean", "IsNull": "boolean", "IsNumeric": "boolean", "IsPresent": "boolean",
	"IsString": "boolean", "IsTimestamp": "boolean",
}

// compileRule reads one rule. problem is called with the place of a fault below the rule.
func compileRule(raw map[string]json.RawMessage, nested bool, problem func(at, format string, args ...any)) rule {
	var r rule
	var ops []string
	for name := range raw {
		switch name {
		case "Variable", "Next", "Comment", "Assign", "Output":
		default:
			ops = append(ops, name)
		}
	}
	sort.Strings(ops)
	if next, ok := raw["Next"]; ok {
		if nested || json.Unmarshal(next, &r.next) != nil {
			problem("/Next", "Field 'Next' is not supported in a nested choice rule")
		}
	}
	if len(ops) != 1 {
		problem("", "A Choice rule must have exactly one comparison operator, but has %d", len(ops))
		return r
	}
	r.op = ops[0]
	operand := raw[r.op]
	switch r.op {
	case "And", "Or", "Not":
		var inner []map[string]json.RawMessage
		if r.op == "Not" {
			inner = make([]map[string]json.RawMessage, 1)
			if json.Unmarshal(operand, &inner[0]) != nil {
				problem("/Not", "The value must be a choice rule")
				return r
			}
		} else if json.Unmarshal(operand, &inner) != nil || len(inner) == 0 {
			problem("/"+r.op, "The value must be a non-empty list of choice rules")
			return r
		}
		for i, in := range inner {
			r.rules = append(r.rules, compileRule(in, true, func(at, format string, args ...any) {
				place := "/" + r.op
				if r.op != "Not" {
					place += fmt.Sprintf("[%d]", i)
				}
				problem(place+at, format, args...)
			}))
		}
		return r
	}
	var variable string
	if json.Unmarshal(raw["Variable"], &variable) != nil {
		problem("", "The field 'Variable' is required")
		return r
	}
	var err error
	if r.variable, err = parsePath(variable); err != nil {
		problem("/Variable", "Value is not a valid JSONPath")
	}
	r.compileOperand(operand, problem)
	return r
}

func (r *rule) compileOperand(operand json.RawMessage, problem func(at, format string, args ...any)) {
	op, byPath := strings.CutSuffix(r.op, "Path")
	kind, known := comparisons[op]
	if !known || byPath && strings.HasPrefix(op, "Is") || byPath && op == "StringMatches" {
		problem("/"+r.op, "Field '%s' is not a comparison operator", r.op)
		return
	}
	if byPath {
		var text string
		if json.Unmarshal(operand, &text) == nil {
			if p, err := parsePath(text); err == nil {
				r.op, r.other = op, &p
				return
			}
		}
		problem("/"+r.op, "Value is not a valid JSONPath")
		return
	}
	v, err := decode(operand)
	if err != nil || !isKind(v, kind) {
		problem("/"+r.op, "Expected value of type %s", kind)
		return
	}
	r.operand = v
}

func isKind(v any, kind string) bool {
	switch v := v.(type) {
	case bool:
		return kind == "boolean"
	case json.Number:
		return kind == "number"
	case string:
		if kind == "timestamp" {
			_, err := timestamp(v)
			return err == nil
		}
		return kind == "string"
	}
	return false
}

// timestamp reads the profile of RFC 3339 that the language demands: upper case T, and Z or an
// offset.
func timestamp(text string) (time.Time, error) {
	if strings.ContainsAny(text, "tz ") {
		return time.Time{}, fmt.Errorf("%q is not an RFC 3339 time", text)
	}
	return time.Parse(time.RFC3339Nano, text)
}

// holds evaluates a rule. A missing variable is an error except for IsPresent.
func (r rule) holds(s scope) (bool, error) {
	switch r.op {
	case "And", "Or":
		for _, in := range r.rules {
			ok, err := in.holds(s)
			if err != nil {
				return false, err
			}
			if ok != (r.op == "And") {
				return ok, nil
			}
		}
		return r.op == "And", nil
	case "Not":
		ok, err := r.rules[0].holds(s)
		return !ok, err
	}
	v, err := r.variable.eval(s)
	if r.op == "IsPresent" {
		return (err == nil) == r.operand, nil
	}
	if err != nil {
		return false, failed(ErrorRuntime, "Invalid path '%s': The choice state's condition path references an invalid value.", r.variable.text).asError()
	}
	if strings.HasPrefix(r.op, "Is") {
		return r.is(v) == r.operand, nil
	}
	operand := r.operand
	if r.other != nil {
		if operand, err = r.other.eval(s); err != nil {
			return false, failed(ErrorRuntime, "Invalid path '%s': The choice state's condition path references an invalid value.", r.other.text).asError()
		}
	}
	return r.compares(v, operand), nil
}

func (r rule) is(v any) bool {
	switch r.op {
	case "IsNull":
		return v == nil
	case "IsNumeric":
		return isKind(v, "number")
	case "IsTimestamp":
		return isKind(v, "timestamp")
	case "IsString":
		return isKind(v, "string")
	}
	return isKind(v, "boolean")
}

// compares is false where a value is not of the operator's kind.
func (r rule) compares(v, operand any) bool {
	kind := comparisons[r.op]
	if !isKind(v, kind) || !isKind(operand, kind) {
		return false
	}
	var order int
	switch kind {
	case "boolean":
		return v == operand
	case "timestamp":
		a, _ := timestamp(v.(string))
		b, _ := timestamp(operand.(string))
		order = a.Compare(b)
	case "string":
		if r.op == "StringMatches" {
			return wildcard(operand.(string), v.(string))
		}
		order = strings.Compare(v.(string), operand.(string))
	default:
		order, _ = compare(v, operand)
	}
	switch {
	case strings.HasSuffix(r.op, "LessThan"):
		return order < 0
	case strings.HasSuffix(r.op, "LessThanEquals"):
		return order <= 0
	case strings.HasSuffix(r.op, "GreaterThan"):
		return order > 0
	case strings.HasSuffix(r.op, "GreaterThanEquals"):
		return order >= 0
	}
	return order == 0
}

// wildcard matches * against any characters; \* and \\ stand for themselves.
func wildcard(pattern, text string) bool {
	var parts []string // literals between stars
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			b.WriteByte(pattern[i])
		case pattern[i] == '*':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(pattern[i])
		}
	}
	last := b.String()
	if len(parts) == 0 {
		return text == last
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, part := range parts[1:] {
		_, after, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, last)
}
