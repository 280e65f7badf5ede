package eventbridge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pattern is a compiled event pattern. It is immutable and may be used by any
// number of goroutines.
//
// Source of the language: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
type Pattern struct{ root node }

// node is a part of a pattern: all its fields must match, and of each of its
// choices at least one node.
type node struct {
	fields  []field
	choices [][]node
}

// field is a key with either the filters for its value or the node for the
// objects in it.
type field struct {
	key     string
	filters []filter
	absent  bool // one of the filters is {"exists": false}
	node    *node
}

// errPattern marks errors that are the pattern's fault.
var errPattern = errors.New("event pattern is not valid")

func invalid(path []string, format string, args ...any) error {
	where := ""
	if len(path) > 0 {
		where = " at " + strings.Join(path, ".")
	}
	return fmt.Errorf("%w: %s%s", errPattern, fmt.Sprintf(format, args...), where)
}

// CompilePattern reads an event pattern.
func CompilePattern(text []byte) (*Pattern, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPattern, err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, invalid(nil, "filter is not an object")
	}
	root, err := compileNode(m, nil)
	if err != nil {
		return nil, err
	}
	return &Pattern{root: root}, nil
}

func compileNode(m map[string]any, path []string) (node, error) {
	if len(m) == 0 {
		return node{}, invalid(path, "empty objects are not allowed")
	}
	m = maps.Clone(m)
	choice, hasChoice := m["$or"]
	delete(m, "$or") // a choice of objects, not a field
	undotPattern(m)
	var n node
	if hasChoice {
		nodes, err := compileChoice(choice, append(path, "$or"))
		if err != nil {
			return node{}, err
		}
		n.choices = append(n.choices, nodes)
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		f, err := compileField(key, m[key], append(slices.Clone(path), key))
		if err != nil {
			return node{}, err
		}
		n.fields = append(n.fields, f)
	}
	return n, nil
}

// undotPattern nests keys with dots, as undot does for events, one level.
func undotPattern(m map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if first, rest, ok := strings.Cut(k, "."); ok && first != "" {
			v := m[k]
			delete(m, k)
			merge(m, first, map[string]any{rest: v})
		}
	}
}

func compileChoice(v any, path []string) ([]node, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return nil, invalid(path, "$or must be an array of at least two objects")
	}
	nodes := make([]node, len(list))
	for i, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, invalid(path, "$or must hold objects only")
		}
		n, err := compileNode(m, path)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

func compileField(key string, v any, path []string) (field, error) {
	f := field{key: key}
	switch v := v.(type) {
	case map[string]any:
		n, err := compileNode(v, path)
		f.node = &n
		return f, err
	case []any:
		if len(v) == 0 {
			return f, invalid(path, "empty arrays are not allowed")
		}
		for _, e := range v {
			if is, ok := existsFilter(e); ok && !is {
				f.absent = true
				continue
			}
			one, err := compileFilter(e, path)
			if err != nil {
				return f, err
			}
			f.filters = append(f.filters, one)
		}
		return f, nil
	}
	return f, invalid(path, "%q must be an object or an array", key)
}

// existsFilter reads {"exists": is}.
func existsFilter(v any) (is, ok bool) {
	m, _ := v.(map[string]any)
	if len(m) == 1 {
		is, ok = m["exists"].(bool)
	}
	return is, ok
}

// Match reports whether an event, as JSON, matches the pattern.
func (p *Pattern) Match(event []byte) (bool, error) {
	m, err := parseEvent(event)
	if err != nil {
		return false, fmt.Errorf("parse event: %w", err)
	}
	return p.match(m), nil
}

func (p *Pattern) match(event map[string]any) bool {
	return p.root.match(event, []map[string]any{event})
}

// match reports whether an object satisfies the node. all are the objects at
// the same place in the event, more than one if arrays lie on the way to it:
// every filter must be met within the one object, but what must not exist must
// not exist in any.
func (n *node) match(one map[string]any, all []map[string]any) bool {
	for i := range n.fields {
		if !n.fields[i].match(one, all) {
			return false
		}
	}
	for _, choice := range n.choices {
		if !slices.ContainsFunc(choice, func(c node) bool { return c.match(one, all) }) {
			return false
		}
	}
	return true
}

func (f *field) match(one map[string]any, all []map[string]any) bool {
	if f.node == nil {
		if v, ok := one[f.key]; ok && len(f.filters) > 0 && anyScalar(v, f.accepts) {
			return true
		}
		return f.absent && !slices.ContainsFunc(all, f.present)
	}
	var space [4]map[string]any
	below := objects(one[f.key], space[:0])
	if len(below) == 0 {
		below = append(below, nil)
	}
	allBelow := below
	if len(all) > 1 {
		allBelow = nil
		for _, o := range all {
			allBelow = objects(o[f.key], allBelow)
		}
	}
	for _, o := range below {
		if f.node.match(o, allBelow) {
			return true
		}
	}
	return false
}

func (f *field) accepts(v any) bool {
	for _, accept := range f.filters {
		if accept(v) {
			return true
		}
	}
	return false
}

// present reports whether an object has a scalar under the field's key.
func (f *field) present(o map[string]any) bool {
	v, ok := o[f.key]
	return ok && anyScalar(v, func(any) bool { return true })
}
