package item

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// ErrPath is met when an update's path leads through something that is not there, or is
// neither map nor list.
var ErrPath = errors.New("The document path provided in the update expression is invalid for update")

// Node is an item, or a value of it, that is being edited. Only the maps and lists on edited
// paths are unpacked; all else stays as it was stored. The zero value is an empty item.
type Node struct {
	raw      Value // as stored; set unless opened
	kind     Type  // Map or List once opened, NoType before
	fields   []nodeField
	elements []*Node
	beyond   []beyondEnd
}

type nodeField struct {
	name string
	node Node
}

// beyondEnd is an element that was set at an index past a list's end: such are appended in the
// order of their indexes.
type beyondEnd struct {
	index int
	value Value
}

// EditDoc begins to edit an item.
func EditDoc(d Doc) *Node {
	n := &Node{kind: Map}
	n.openFields(d)
	return n
}

func (n *Node) openFields(d Doc) {
	n.fields = make([]nodeField, 0, d.Len()+2)
	for name, v := range d.All() {
		n.fields = append(n.fields, nodeField{string(name), Node{raw: v}})
	}
}

// unpack opens a map or list that is still as stored.
func (n *Node) unpack() {
	if n.kind != NoType {
		return
	}
	switch n.raw.Type() {
	case Map:
		n.openFields(n.raw.Doc())
		n.kind = Map
	case List:
		for e := range n.raw.Elements() {
			n.elements = append(n.elements, &Node{raw: e})
		}
		n.kind = List
	}
}

func (n *Node) find(name string) (int, bool) {
	return slices.BinarySearchFunc(n.fields, name, func(f nodeField, name string) int { return strings.Compare(f.name, name) })
}

// parent walks to the container that the last step of the path is in.
func (n *Node) parent(p Path) (*Node, error) {
	for i := range p {
		n.unpack()
		last := i == len(p)-1
		switch {
		case p[i].Index < 0 && n.kind == Map:
			if last {
				return n, nil
			}
			at, ok := n.find(p[i].Name)
			if !ok {
				return nil, ErrPath
			}
			n = &n.fields[at].node
		case p[i].Index >= 0 && n.kind == List:
			if last {
				return n, nil
			}
			if p[i].Index >= len(n.elements) || n.elements[p[i].Index] == nil {
				return nil, ErrPath
			}
			n = n.elements[p[i].Index]
		default:
			return nil, ErrPath
		}
	}
	return nil, ErrPath
}

// Set puts a value at a path. Its parent must be there; an index past a list's end appends.
func (n *Node) Set(p Path, v Value) error {
	n, err := n.parent(p)
	if err != nil {
		return err
	}
	last := p[len(p)-1]
	if n.kind == Map {
		at, ok := n.find(last.Name)
		if !ok {
			n.fields = slices.Insert(n.fields, at, nodeField{name: last.Name})
		}
		n.fields[at].node = Node{raw: v}
		return nil
	}
	if last.Index < len(n.elements) {
		n.elements[last.Index] = &Node{raw: v}
		return nil
	}
	n.beyond = append(n.beyond, beyondEnd{last.Index, v})
	return nil
}

// Remove takes what is at a path away. Its parent must be there, itself need not. Indexes of
// the other elements of a list count as before until the node is encoded.
func (n *Node) Remove(p Path) error {
	n, err := n.parent(p)
	if err != nil {
		return err
	}
	last := p[len(p)-1]
	if n.kind == Map {
		if at, ok := n.find(last.Name); ok {
			n.fields = slices.Delete(n.fields, at, at+1)
		}
	} else if last.Index < len(n.elements) {
		n.elements[last.Index] = nil
	}
	return nil
}

// AppendDoc appends the edited item as a document.
func (n *Node) AppendDoc(dst []byte) []byte {
	for i := range n.fields {
		f := &n.fields[i]
		dst = binary.AppendUvarint(dst, uint64(len(f.name)))
		dst = append(dst, f.name...)
		dst = f.node.append(dst)
	}
	return dst
}

func (n *Node) append(dst []byte) []byte {
	var start int
	switch n.kind {
	case Map:
		dst, start = open(dst, Map)
		dst = n.AppendDoc(dst)
	case List:
		dst, start = open(dst, List)
		for _, e := range n.elements {
			if e != nil {
				dst = e.append(dst)
			}
		}
		slices.SortStableFunc(n.beyond, func(a, b beyondEnd) int { return a.index - b.index })
		for _, e := range n.beyond {
			dst = append(dst, e.value...)
		}
	default:
		return append(dst, n.raw...)
	}
	return closeContainer(dst, start)
}
