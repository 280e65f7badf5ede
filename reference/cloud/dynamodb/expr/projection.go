package expr

import "github.com/retailflow/stampede/reference/cloud/dynamodb/item"

// Projection is a parsed ProjectionExpression.
type Projection struct {
	paths  []item.Path
	cut    *item.Projection
	leaves bool // each path's value stands under its last step; cut is nil
	uses   Uses
}

// ParseProjection parses a ProjectionExpression.
func ParseProjection(text string, names []Name) (*Projection, error) {
	p, err := newParser(text, names)
	if err != nil {
		return nil, err
	}
	out := &Projection{}
	var undefined error
	for {
		n, err := p.documentPath()
		if err != nil {
			return nil, err
		}
		note(&undefined, n.undefinedOperand(nil))
		out.paths = append(out.paths, n.path)
		if !p.accept(",") {
			break
		}
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected()
	}
	overlap, conflict := overlaps(out.paths)
	if err := first(p.faults.reserved, undefined, overlap, conflict); err != nil {
		return nil, err
	}
	out.uses, out.cut = p.uses, item.NewProjection(out.paths)
	return out, nil
}

// Uses are the placeholders the projection mentions.
func (p *Projection) Uses() Uses { return p.uses }

// All are the paths of the projection; a nil one has none.
func (p *Projection) All() []item.Path {
	if p == nil {
		return nil
	}
	return p.paths
}

// Append appends the chosen parts of an item as a document.
func (p *Projection) Append(dst []byte, d item.Doc) []byte {
	if p.leaves {
		return item.AppendLeaves(dst, d, p.paths)
	}
	return p.cut.Append(dst, d)
}
