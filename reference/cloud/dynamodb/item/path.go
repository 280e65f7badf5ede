package item

import (
	"slices"
	"strconv"
	"strings"
)

// Step is one element of a document path: a name of a map, or an index of a list.
type Step struct {
	Name  string
	Index int // of a list's element; below zero for a name
}

// Path leads from an item's attribute into nested maps and lists. The first step is a name.
type Path []Step

// Key is the step of a name.
func Key(name string) Step { return Step{Name: name, Index: -1} }

// String is the path as DynamoDB's messages show it: [a, b, [2]].
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range p {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.Index < 0 {
			b.WriteString(s.Name)
		} else {
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		}
	}
	b.WriteByte(']')
	return b.String()
}

// Lookup is the value at the path, or nil.
func (d Doc) Lookup(p Path) Value {
	if len(p) == 0 {
		return nil
	}
	v := d.Get(p[0].Name)
	for _, s := range p[1:] {
		if v == nil {
			return nil
		}
		if s.Index < 0 {
			v = v.Doc().Get(s.Name)
		} else {
			v = v.element(s.Index)
		}
	}
	return v
}

func (v Value) element(index int) Value {
	for e := range v.Elements() {
		if index == 0 {
			return e
		}
		index--
	}
	return nil
}

// Projection cuts chosen paths out of items. It is immutable and safe for concurrent use.
type Projection struct{ root selector }

// selector is what is wanted of one value: all of it, or parts.
type selector struct {
	whole    bool
	names    []namedSelector   // sorted
	elements []elementSelector // sorted
}

type namedSelector struct {
	name string
	sub  *selector
}

type elementSelector struct {
	index int
	sub   *selector
}

// NewProjection chooses paths. A path that lies inside another adds nothing.
func NewProjection(paths []Path) *Projection {
	p := &Projection{}
	for _, path := range paths {
		s := &p.root
		for _, step := range path {
			s = s.child(step)
		}
		s.whole = true
	}
	return p
}

func (s *selector) child(step Step) *selector {
	if step.Index < 0 {
		i, ok := slices.BinarySearchFunc(s.names, step.Name, func(n namedSelector, name string) int { return strings.Compare(n.name, name) })
		if !ok {
			s.names = slices.Insert(s.names, i, namedSelector{step.Name, &selector{}})
		}
		return s.names[i].sub
	}
	i, ok := slices.BinarySearchFunc(s.elements, step.Index, func(e elementSelector, index int) int { return e.index - index })
	if !ok {
		s.elements = slices.Insert(s.elements, i, elementSelector{step.Index, &selector{}})
	}
	return s.elements[i].sub
}

// Append appends the chosen parts of an item as a document. Chosen elements of a list move
// together; what is not there leaves no trace.
func (p *Projection) Append(dst []byte, d Doc) []byte { return p.root.appendFields(dst, d) }

func (s *selector) appendFields(dst []byte, d Doc) []byte {
	wanted := s.names
	for rest := d; len(rest) > 0 && len(wanted) > 0; {
		name, v, next := rest.Next()
		for len(wanted) > 0 && wanted[0].name < string(name) {
			wanted = wanted[1:]
		}
		if len(wanted) > 0 && wanted[0].name == string(name) {
			if wanted[0].sub.whole {
				dst = append(dst, rest[:len(rest)-len(next)]...)
			} else {
				mark := len(dst)
				dst = AppendAttribute(dst, name, nil)
				dst = wanted[0].sub.appendPart(dst, v, mark)
			}
		}
		rest = next
	}
	return dst
}

// appendPart appends the chosen part of v, or cuts dst back to mark if there is none.
func (s *selector) appendPart(dst []byte, v Value, mark int) []byte {
	if s.whole {
		return append(dst, v...)
	}
	var start int
	switch v.Type() {
	case Map:
		dst, start = open(dst, Map)
		dst = s.appendFields(dst, v.Doc())
	case List:
		dst, start = open(dst, List)
		wanted, i := s.elements, 0
		for e := range v.Elements() {
			if len(wanted) == 0 {
				break
			}
			if wanted[0].index == i {
				dst = wanted[0].sub.appendPart(dst, e, len(dst))
				wanted = wanted[1:]
			}
			i++
		}
	default:
		return dst[:mark]
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return closeContainer(dst, start)
}

// Leaf is the name of what stands at the path: its last name, and the indexes behind it.
func (p Path) Leaf() string {
	i := len(p) - 1
	for i > 0 && p[i].Index >= 0 {
		i--
	}
	name := p[i].Name
	for _, s := range p[i+1:] {
		name += "[" + strconv.Itoa(s.Index) + "]"
	}
	return name
}

// AppendLeaves appends a document of what stands at the paths, each under its leaf's name. Of
// equal names the last stays; what is not there leaves no trace.
func AppendLeaves(dst []byte, d Doc, paths []Path) []byte {
	start := len(dst)
	var spans []attributeAt
	for _, p := range paths {
		if v := d.Lookup(p); v != nil {
			name, from := []byte(p.Leaf()), len(dst)
			dst = AppendAttribute(dst, name, v)
			spans = append(spans, attributeAt{name, from, len(dst)})
		}
	}
	return sortDoc(dst, start, spans)
}
