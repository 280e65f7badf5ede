package asl

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// path is a JSONPath as Step Functions takes it: names, indexes, wildcards, slices, unions,
// descent and filters by comparison.
type path struct {
	text    string
	context bool // begins with $$
	steps   []pathStep
}

type stepKind int

const (
	stepName stepKind = iota
	stepIndex
	stepAll
	stepSlice
	stepUnion
	stepFilter
)

type pathStep struct {
	kind     stepKind
	descend  bool // ..
	name     string
	index    int
	from, to *int
	union    []pathStep
	filter   *filter
}

// filter is [?(@.a.b op literal)], or a test of presence without op.
type filter struct {
	operand path
	op      string
	literal any
}

// parsePath reads a path; it begins with $ or $$.
func parsePath(text string) (path, error) {
	p := path{text: text}
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return p, fmt.Errorf("path %q does not begin with $", text)
	}
	if after, ok := strings.CutPrefix(rest, "$"); ok {
		p.context, rest = true, after
	}
	var err error
	if p.steps, rest, err = parseSteps(rest); err != nil {
		return p, fmt.Errorf("path %q: %w", text, err)
	}
	if rest != "" {
		return p, fmt.Errorf("path %q: unexpected %q", text, rest)
	}
	return p, nil
}

func parseSteps(rest string) (steps []pathStep, left string, err error) {
	for rest != "" {
		var s pathStep
		switch {
		case strings.HasPrefix(rest, ".."):
			s.descend, rest = true, rest[2:]
			if strings.HasPrefix(rest, "[") {
				rest, err = s.bracket(rest)
			} else {
				rest, err = s.dotted(rest)
			}
		case rest[0] == '.':
			rest, err = s.dotted(rest[1:])
		case rest[0] == '[':
			rest, err = s.bracket(rest)
		default:
			return steps, rest, nil
		}
		if err != nil {
			return nil, rest, err
		}
		steps = append(steps, s)
	}
	return steps, "", nil
}

func (s *pathStep) dotted(rest string) (string, error) {
	end := strings.IndexAny(rest, ".[]()=<>!&|, ")
	if end < 0 {
		end = len(rest)
	}
	switch name := rest[:end]; name {
	case "":
		return rest, errors.New("empty name")
	case "*":
		s.kind = stepAll
	default:
		s.kind, s.name = stepName, name
	}
	return rest[end:], nil
}

func (s *pathStep) bracket(rest string) (string, error) {
	inner, left, err := cutBracket(rest)
	if err != nil {
		return rest, err
	}
	inner = strings.TrimSpace(inner)
	switch {
	case inner == "*":
		s.kind = stepAll
	case strings.HasPrefix(inner, "?(") && strings.HasSuffix(inner, ")"):
		s.kind = stepFilter
		s.filter, err = parseFilter(inner[2 : len(inner)-1])
	case inner != "" && (inner[0] == '\'' || inner[0] == '"'), !strings.Contains(inner, ":"):
		err = s.members(inner)
	default:
		s.kind = stepSlice
		from, to, _ := strings.Cut(inner, ":")
		if s.from, err = bound(from); err == nil {
			s.to, err = bound(to)
		}
	}
	return left, err
}

// members reads a quoted name, an index, or a list of them.
func (s *pathStep) members(inner string) error {
	var all []pathStep
	for _, part := range splitList(inner) {
		if n := len(part); n >= 2 && (part[0] == '\'' || part[0] == '"') && part[n-1] == part[0] {
			all = append(all, pathStep{kind: stepName, name: strings.ReplaceAll(part[1:n-1], `\`+part[:1], part[:1])})
			continue
		}
		index, err := strconv.Atoi(part)
		if err != nil {
			return fmt.Errorf("[%s] is neither an index nor a quoted name", inner)
		}
		all = append(all, pathStep{kind: stepIndex, index: index})
	}
	if len(all) == 1 {
		all[0].descend = s.descend
		*s = all[0]
		return nil
	}
	s.kind, s.union = stepUnion, all
	return nil
}

func bound(text string) (*int, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not an index", text)
	}
	return &n, nil
}

func parseFilter(text string) (*filter, error) {
	text = strings.TrimSpace(text)
	after, ok := strings.CutPrefix(text, "@")
	if !ok {
		return nil, fmt.Errorf("filter %q does not begin with @", text)
	}
	steps, rest, err := parseSteps(after)
	if err != nil {
		return nil, err
	}
	f := &filter{operand: path{text: text, steps: steps}}
	rest = strings.TrimSpace(rest)
	if rest == "" {
		return f, nil
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if literal, ok := strings.CutPrefix(rest, op); ok {
			f.op = op
			literal = strings.TrimSpace(literal)
			if n := len(literal); n >= 2 && literal[0] == '\'' && literal[n-1] == '\'' {
				f.literal = literal[1 : n-1]
				return f, nil
			}
			f.literal, err = decode([]byte(literal))
			if err != nil {
				return nil, fmt.Errorf("filter %q: %q is not a literal", text, literal)
			}
			return f, nil
		}
	}
	return nil, fmt.Errorf("filter %q is not understood", text)
}

// cutBracket splits "[inner]left", minding quotes and nesting.
func cutBracket(text string) (inner, left string, err error) {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote && text[i-1] != '\\' {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			if depth--; depth == 0 {
				return text[1:i], text[i+1:], nil
			}
		}
	}
	return "", "", errors.New("a bracket is not closed")
}

// splitList splits at commas outside quotes.
func splitList(text string) (parts []string) {
	quote, from := byte(0), 0
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0 && c == quote && text[i-1] != '\\':
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == 0 && c == ',':
			parts = append(parts, strings.TrimSpace(text[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[from:]))
}

// reference says whether the path names exactly one place: names and indexes only.
func (p path) reference() bool {
	return !slices.ContainsFunc(p.steps, func(s pathStep) bool {
		return s.descend || s.kind != stepName && s.kind != stepIndex
	})
}

// errNoResult says which part of a path is missing, as Jayway JsonPath words it.
type errNoResult struct{ path, at string }

func (e *errNoResult) Error() string { return e.at }

// find returns the value at a reference path, or the list of all matches of a wider one.
func (p path) find(root any) (any, error) {
	if p.reference() {
		v := root
		for i, s := range p.steps {
			next, ok := s.child(v)
			if !ok {
				return nil, &errNoResult{path: p.text, at: p.missing(i)}
			}
			v = next
		}
		return v, nil
	}
	found := []any{root}
	for _, s := range p.steps {
		var next []any
		for _, v := range found {
			if s.descend {
				descend(v, func(w any) { next = append(next, s.matches(w)...) })
			} else {
				next = append(next, s.matches(v)...)
			}
		}
		found = next
	}
	if found == nil {
		found = []any{}
	}
	return found, nil
}

func (p path) missing(at int) string {
	var normal strings.Builder
	normal.WriteString("$")
	for _, s := range p.steps[:at+1] {
		if s.kind == stepName {
			fmt.Fprintf(&normal, "['%s']", s.name)
		} else {
			fmt.Fprintf(&normal, "[%d]", s.index)
		}
	}
	if at == len(p.steps)-1 {
		return "No results for path: " + normal.String()
	}
	return "Missing property in path " + normal.String()
}

func (s pathStep) child(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if s.kind == stepName {
			w, ok := v[s.name]
			return w, ok
		}
	case []any:
		if s.kind == stepIndex {
			i := s.index
			if i < 0 {
				i += len(v)
			}
			if i >= 0 && i < len(v) {
				return v[i], true
			}
		}
	}
	return nil, false
}

func (s pathStep) matches(v any) (found []any) {
	switch s.kind {
	case stepName, stepIndex:
		if w, ok := s.child(v); ok {
			found = append(found, w)
		}
	case stepUnion:
		for _, u := range s.union {
			found = append(found, u.matches(v)...)
		}
	case stepAll:
		found = members(v)
	case stepSlice:
		if list, ok := v.([]any); ok {
			from, to := clampIndex(s.from, 0, len(list)), clampIndex(s.to, len(list), len(list))
			if from < to {
				found = list[from:to]
			}
		}
	case stepFilter:
		candidates, ok := v.([]any)
		if !ok {
			candidates = []any{v}
		}
		for _, w := range candidates {
			if s.filter.accepts(w) {
				found = append(found, w)
			}
		}
	}
	return found
}

func clampIndex(i *int, missing, n int) int {
	if i == nil {
		return missing
	}
	k := *i
	if k < 0 {
		k += n
	}
	return min(max(k, 0), n)
}

func (f *filter) accepts(v any) bool {
	w, err := f.operand.find(v)
	if err != nil {
		return false
	}
	if f.op == "" {
		return true
	}
	order, comparable := compare(w, f.literal)
	switch f.op {
	case "==":
		return comparable && order == 0
	case "!=":
		return !comparable || order != 0
	case "<":
		return comparable && order < 0
	case "<=":
		return comparable && order <= 0
	case ">":
		return comparable && order > 0
	}
	return comparable && order >= 0
}

// compare orders two numbers or two strings; other equal values compare as 0.
func compare(a, b any) (int, bool) {
	if x, ok := number(a); ok {
		y, ok := number(b)
		switch {
		case !ok:
			return 0, false
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	}
	return 0, string(encode(a)) == string(encode(b))
}

func members(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		all := make([]any, 0, len(v))
		for _, name := range sortedKeys(v) {
			all = append(all, v[name])
		}
		return all
	}
	return nil
}

func descend(v any, visit func(any)) {
	visit(v)
	for _, w := range members(v) {
		descend(w, visit)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// put returns root with v at a reference path, making objects on the way. ok is false where the
// path runs into something that is neither an object nor an element of an array.
func (p path) put(root, v any) (any, bool) { return putAt(root, p.steps, v) }

func putAt(root any, steps []pathStep, v any) (any, bool) {
	if len(steps) == 0 {
		return v, true
	}
	switch s := steps[0]; s.kind {
	case stepName:
		object, ok := root.(map[string]any)
		if !ok && root != nil {
			return nil, false
		}
		inner, ok := putAt(object[s.name], steps[1:], v)
		if !ok {
			return nil, false
		}
		next := make(map[string]any, len(object)+1)
		for k, w := range object {
			next[k] = w
		}
		next[s.name] = inner
		return next, true
	case stepIndex:
		list, ok := root.([]any)
		if !ok || s.index < 0 || s.index >= len(list) {
			return nil, false
		}
		inner, ok := putAt(list[s.index], steps[1:], v)
		if !ok {
			return nil, false
		}
		next := slices.Clone(list)
		next[s.index] = inner
		return next, true
	}
	return nil, false
}
