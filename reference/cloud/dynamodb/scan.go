package dynamodb

func (c *call) scan() error {
	var r request
	if err := c.parse(&r); err != nil {
		return err
	}
	if err := r.checkPaged("limit"); err != nil {
		return err
	}
	switch {
	case r.has(givenSegment) && !r.has(givenSegments):
		return invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case r.has(givenSegments) && !r.has(givenSegment):
		return invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case r.has(givenSegments) && r.segment >= r.segments:
		return invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", r.segment, r.segments)
	}
	p := page{r: &r}
	var err error
	if p.plan, err = c.s.plan(&r); err != nil {
		return err
	}
	if p.t, p.space, err = c.openSpace(&r); err != nil {
		return err
	}
	segments := max(1, r.segments)
	p.in = p.space.Segment(int(r.segment), int(segments))
	check := p.checkStart
	if p.space.Index != nil {
		check = p.checkWholeStart
	}
	if err := check(true); err != nil {
		return err
	}
	if err := p.selects(); err != nil {
		return err
	}
	if err := p.startKey(); err != nil {
		return err
	}
	if err := checkKeyPaths(p.t, p.plan.projection.All(), p.plan.filter.Paths()); err != nil {
		return err
	}
	return c.answer(&p)
}
