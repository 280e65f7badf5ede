package asl

import (
	"fmt"
	"slices"
	"strings"
)

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
