package scenarios

import (
	"fmt"
	"strconv"
	"strings"
)

// override puts the value of path=value into a tree. A path is keys with dots between them; an
// element of a list is named by its number from 0 or by its name: load.phases.spike.to=5000/s,
// faults.0.at=20s. A value is YAML: faults=[] takes all faults away.
func override(root *node, setting string) *Diagnostic {
	at := Position{File: "--set " + setting}
	fail := func(format string, args ...any) *Diagnostic {
		return &Diagnostic{at, fmt.Sprintf(format, args...)}
	}
	path, text, found := strings.Cut(setting, "=")
	if !found || path == "" {
		return fail("write it as path=value, such as load.phases.spike.to=5000/s")
	}
	value, bad := readTree(at.File, []byte(text))
	if len(bad) > 0 {
		return fail("%s", bad[0].Message)
	}
	value.place(at)
	n := root
	parts := strings.Split(path, ".")
	for i, part := range parts {
		last := i == len(parts)-1
		so := strings.Join(parts[:i], ".")
		switch n.form {
		case mapping, empty:
			n.form = mapping
			child := n.get(part)
			if child == nil {
				child = &node{Position: at}
				n.pairs = append(n.pairs, pair{part, child, at})
			}
			n = child
		case sequence:
			child, names := n.element(part)
			if child == nil {
				return fail("%s has no element %q; it has: %s", so, part, strings.Join(names, ", "))
			}
			n = child
		default:
			return fail("%s is a single value, it has no %q", so, part)
		}
		if last {
			*n = *value
		}
	}
	return nil
}

// element finds an item of a list by number or name, and lists what there is.
func (n *node) element(part string) (found *node, names []string) {
	for i, item := range n.items {
		name := strconv.Itoa(i)
		if given := item.get("name"); given != nil && given.form == scalar {
			if given.text == part {
				found = item
			}
			name = given.text
		}
		names = append(names, name)
	}
	if i, err := strconv.Atoi(part); found == nil && err == nil && i >= 0 && i < len(n.items) {
		found = n.items[i]
	}
	return found, names
}

// place moves a tree to one position.
func (n *node) place(at Position) {
	n.Position = at
	for i := range n.pairs {
		n.pairs[i].Position = at
		n.pairs[i].value.place(at)
	}
	for _, item := range n.items {
		item.place(at)
	}
}
