package expr

import "github.com/retailflow/stampede/reference/cloud/dynamodb/item"

// Projection is a parsed ProjectionExpression.
type Projection struct {
	Paths []item.Path
	cut   *item.Projection
	uses  Uses
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
		out.Paths = append(out.Paths, n.path)
		if !p.accept(",") {
			break
		}
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected()
	}
	overlap, conflict := overlaps(out.Paths)
	if err := first(p.faults.reserved, undefined, overlap, conflict); err != nil {
		return nil, err
	}
	out.uses, out.cut = p.uses, item.NewProjection(out.Paths)
	return out, nil
}

// Uses are the placeholders the projection mentions.
func (p *Projection) Uses() Uses { return p.uses }

// Append appends the chosen parts of an item as a document.
func (p *Projection) Append(dst []byte, d item.Doc) []byte { return p.cut.Append(dst, d) }
