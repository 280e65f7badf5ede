package eventbridge

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// filter says whether a scalar of an event is wanted: a string, a json.Number,
// a bool or nil.
type filter func(v any) bool

// compileFilter reads an element of a field's array: a value to equal, or an
// object with one operator.
func compileFilter(v any, path []string) (filter, error) {
	switch v := v.(type) {
	case string, json.Number, bool, nil:
		return func(have any) bool { return equal(have, v) }, nil
	case map[string]any:
		if len(v) != 1 {
			return nil, invalid(path, "only one key allowed in match expression")
		}
		for operator, operand := range v {
			return compileOperator(operator, operand, append(slices.Clone(path), operator))
		}
	}
	return nil, invalid(path, "match value must be string, number, true, false, null or an object")
}

// equal compares scalars.
func equal(a, b any) bool {
	x, ok := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok && ok2 {
		return sameNumber(x, y)
	}
	return ok == ok2 && a == b
}

func compileOperator(operator string, operand any, path []string) (filter, error) {
	switch operator {
	case "exists":
		if operand != true {
			return nil, invalid(path, "exists match pattern must be either true or false")
		}
		return func(any) bool { return true }, nil
	case "anything-but":
		return compileAnythingBut(operand, path)
	case "numeric":
		return compileNumeric(operand, path)
	case "cidr":
		return compileCIDR(operand, path)
	case "prefix", "suffix":
		if m, ok := operand.(map[string]any); ok && len(m) == 1 {
			if text, ok := m["equals-ignore-case"].(string); ok {
				return ignoringCase(operator, text), nil
			}
		}
	}
	text, ok := operand.(string)
	if !ok {
		if _, known := textOperator(operator); known {
			return nil, invalid(path, "%s match pattern must be a string", operator)
		}
		return nil, invalid(path, "unrecognized match type %s", operator)
	}
	return compileText(operator, text, path)
}

// textOperator returns the comparison of an operator on two strings, the
// event's and the pattern's. Wildcards are known but compiled elsewhere.
func textOperator(operator string) (compare func(have, want string) bool, known bool) {
	switch operator {
	case "prefix":
		return strings.HasPrefix, true
	case "suffix":
		return strings.HasSuffix, true
	case "equals-ignore-case":
		return strings.EqualFold, true
	case "wildcard":
		return nil, true
	}
	return nil, false
}

// compileText reads an operator whose operand is a string.
func compileText(operator, want string, path []string) (filter, error) {
	compare, known := textOperator(operator)
	if !known {
		return nil, invalid(path, "unrecognized match type %s", operator)
	}
	if operator == "wildcard" {
		w, err := compileWildcard(want, path)
		if err != nil {
			return nil, err
		}
		compare = func(have, _ string) bool { return w.match(have) }
	}
	return func(v any) bool {
		have, ok := v.(string)
		return ok && compare(have, want)
	}, nil
}

// ignoringCase is a prefix or suffix in any case.
func ignoringCase(operator, want string) filter {
	return func(v any) bool {
		have, ok := v.(string)
		if !ok || len(have) < len(want) {
			return false
		}
		if operator == "prefix" {
			return strings.EqualFold(have[:len(want)], want)
		}
		return strings.EqualFold(have[len(have)-len(want):], want)
	}
}

// compileAnythingBut reads what a value must not be: a string or number, a list
// of strings or of numbers, or an operator on strings with one or several
// operands.
func compileAnythingBut(operand any, path []string) (filter, error) {
	if m, ok := operand.(map[string]any); ok {
		return compileAnythingButText(m, path)
	}
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return nil, invalid(path, "empty arrays are not allowed")
	}
	_, texts := list[0].(string)
	for _, v := range list {
		_, isText := v.(string)
		_, isNumber := v.(json.Number)
		if isText != texts || isText == isNumber {
			return nil, invalid(path, "anything-but list must be of strings only or of numbers only")
		}
	}
	return func(v any) bool {
		return !slices.ContainsFunc(list, func(but any) bool { return equal(v, but) })
	}, nil
}

func compileAnythingButText(m map[string]any, path []string) (filter, error) {
	if len(m) != 1 {
		return nil, invalid(path, "only one key allowed in match expression")
	}
	var buts []filter
	for operator, operand := range m {
		if _, known := textOperator(operator); !known {
			return nil, invalid(path, "unsupported anything-but pattern %s", operator)
		}
		list, ok := operand.([]any)
		if !ok {
			list = []any{operand}
		}
		if len(list) == 0 {
			return nil, invalid(path, "empty arrays are not allowed")
		}
		for _, e := range list {
			text, ok := e.(string)
			if !ok {
				return nil, invalid(path, "%s match pattern must be a string", operator)
			}
			if text == "" && (operator == "prefix" || operator == "suffix") {
				return nil, invalid(path, "null %s not allowed", operator)
			}
			f, err := compileText(operator, text, path)
			if err != nil {
				return nil, err
			}
			buts = append(buts, f)
		}
	}
	return func(v any) bool {
		return !slices.ContainsFunc(buts, func(but filter) bool { return but(v) })
	}, nil
}

// bound is one comparison of a numeric range.
type bound struct {
	operator string
	value    float64
}

func (b bound) holds(x float64) bool {
	switch b.operator {
	case "<":
		return x < b.value
	case "<=":
		return x <= b.value
	case ">":
		return x > b.value
	case ">=":
		return x >= b.value
	}
	return x == b.value
}

// compileNumeric reads ["=", n] or one or two bounds, a lower and an upper one.
func compileNumeric(operand any, path []string) (filter, error) {
	list, ok := operand.([]any)
	if !ok || len(list) == 0 || len(list)%2 != 0 || len(list) > 4 {
		return nil, invalid(path, "numeric match pattern must be an array of operators and numbers")
	}
	var bounds []bound
	for i := 0; i < len(list); i += 2 {
		operator, _ := list[i].(string)
		if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator) {
			return nil, invalid(path, "unrecognized numeric range operator %v", list[i])
		}
		number, ok := list[i+1].(json.Number)
		x, err := strconv.ParseFloat(string(number), 64)
		if !ok || err != nil {
			return nil, invalid(path, "value of %s must be numeric", operator)
		}
		bounds = append(bounds, bound{operator, x})
	}
	if len(bounds) == 2 && (bounds[0].operator[0] != '>' || bounds[1].operator[0] != '<' || bounds[0].value >= bounds[1].value) {
		return nil, invalid(path, "bottom of the range must come first and be below the top")
	}
	return func(v any) bool {
		number, ok := v.(json.Number)
		if !ok {
			return false
		}
		x, err := strconv.ParseFloat(string(number), 64)
		return err == nil && !slices.ContainsFunc(bounds, func(b bound) bool { return !b.holds(x) })
	}, nil
}

// compileCIDR reads a block of IP addresses.
func compileCIDR(operand any, path []string) (filter, error) {
	text, ok := operand.(string)
	if !ok {
		return nil, invalid(path, "cidr match pattern must be a string")
	}
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, invalid(path, "malformed CIDR %q", text)
	}
	return func(v any) bool {
		have, ok := v.(string)
		if !ok {
			return false
		}
		address, err := netip.ParseAddr(have)
		return err == nil && block.Contains(address)
	}, nil
}
