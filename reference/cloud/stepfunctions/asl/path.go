package asl

import (
	"errors"
	"fmt"
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
