package dynamodb

import (
	"slices"
	"strconv"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
	"github.com/retailflow/stampede/reference/quota"
)

// page reads one page of a Query or a Scan.
type page struct {
	r        *request
	t        *table
	space    store.Space
	plan     plan
	in       store.Range
	whole    store.Range   // of a Query: the partition key's, whatever the sort key
	sort     *expr.KeyTerm // of a Query: the condition on the sort key, or nil
	count    bool          // answer with numbers only
	wholeRow bool          // the answer needs attributes that a local index does not project
}

// selects settles what the answer holds, in DynamoDB's words where it cannot.
func (p *page) selects() error {
	x := p.space.Index
	which := string(p.r.selectWhich)
	switch {
	case p.plan.projection != nil && which != "" && which != "SPECIFIC_ATTRIBUTES":
		what := "ProjectionExpression"
		if p.r.projection == nil {
			what = "AttributesToGet"
		}
		return invalid("Cannot specify the %s when choosing to get %s", what, which)
	case which == "SPECIFIC_ATTRIBUTES" && p.plan.projection == nil:
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case which == "ALL_PROJECTED_ATTRIBUTES" && x == nil:
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case which == "ALL_ATTRIBUTES" && x != nil && !x.All:
		if !x.Local {
			return invalid("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.Name)
		}
		p.wholeRow = true
	case which == "COUNT":
		p.count = true
	case p.plan.projection != nil && x != nil && !x.All:
		return p.selectsPaths(x)
	}
	return nil
}

// selectsPaths settles where the paths of a projection come from: a local index fetches from its
// table what it does not project, a global one cannot.
func (p *page) selectsPaths(x *store.Index) error {
	keys := p.keyNames()
	for _, path := range p.plan.projection.All() {
		name := path[0].Name
		if slices.Contains(x.Include, name) || slices.ContainsFunc(keys, func(k store.KeyAttribute) bool { return k.Name == name }) {
			continue
		}
		if !x.Local {
			return invalid("One or more parameter values were invalid: Global secondary index %s does not project [%s]", x.Name, name)
		}
		p.wholeRow = true
	}
	return nil
}

// openSpace finds the table and index of a request.
func (c *call) openSpace(r *request) (t *table, space store.Space, err error) {
	if t, err = c.s.table(r.table); err != nil {
		return nil, space, err
	}
	space.Table = t.schema
	if r.index != nil {
		if space.Index = t.index(r.index); space.Index == nil {
			return nil, space, invalid("The table does not have the specified index: %s", r.index)
		}
		if space.Index.Building {
			return nil, space, invalid("Cannot read from backfilling global secondary index: %s", r.index)
		}
		if r.consistent && !space.Index.Local {
			return nil, space, invalid("Consistent reads are not supported on global secondary indexes")
		}
	}
	return t, space, nil
}

// checkStart wants a starting key of as many attributes as pages end with. AWS tells more about
// that of a Scan of a table.
func (p *page) checkStart(scan bool) error {
	switch d := p.r.startKey; {
	case d == nil || d.Len() == len(p.keyNames()):
		return nil
	case scan && p.space.Index == nil:
		return errStartKeySchema
	}
	return errStartKey
}

// checkWholeStart is checkStart and checkStartAt for all of the space's key.
func (p *page) checkWholeStart(scan bool) error {
	if err := p.checkStart(scan); err != nil {
		return err
	}
	for a := range p.space.Key().Attributes {
		if err := p.checkStartAt(a); err != nil {
			return err
		}
	}
	return nil
}

// checkStartAt checks an attribute of the space's key in the starting key.
func (p *page) checkStartAt(a store.KeyAttribute) error {
	if p.r.startKey == nil || a.Name == "" {
		return nil
	}
	switch p.r.startKey.Get(a.Name).Type() {
	case a.Type:
		return nil
	case item.NoType:
		return errStartKey
	}
	return errKeySchema
}

var (
	errStartKey       = invalid("The provided starting key is invalid")
	errStartKeySchema = invalid("%s: %s", errStartKey.message, errKeySchema.message)
)

// startKey narrows the range to what comes behind the key a page ended with, whose attributes of
// the space's key were checked.
func (p *page) startKey() error {
	d := p.r.startKey
	if d == nil {
		return nil
	}
	if !p.t.schema.Key.In(d) {
		return errStartKeySchema
	}
	key := p.space.AppendKey(nil, d)
	if p.sort != nil && !p.sort.Matches(d.Get(p.sort.Name)) {
		return invalid("The provided starting key does not match the range key predicate")
	}
	if p.sort != nil && !p.whole.Holds(key) {
		return invalid("The query can return at most one row and cannot be restarted")
	}
	if !p.in.Holds(key) && p.r.has(givenSegments) {
		return invalid("%s: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
			errStartKey.message, p.r.segments, p.r.segment)
	}
	if !p.in.Holds(key) {
		return invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	p.in = p.in.After(key)
	return nil
}

// keyNames are the attributes of a page's last key: the table's and the index's.
func (p *page) keyNames() []store.KeyAttribute {
	var out []store.KeyAttribute
	add := func(k *store.Key) {
		for a := range k.Attributes {
			if !slices.ContainsFunc(out, func(o store.KeyAttribute) bool { return o.Name == a.Name }) {
				out = append(out, a)
			}
		}
	}
	add(&p.t.schema.Key)
	if p.space.Index != nil {
		add(&p.space.Index.Key)
	}
	return out
}

// read is what reading a page has found.
type read struct {
	scanned, matched int64
	bytes            int
	last             item.Doc // the last item read, if there may be more behind it
	fetched          cost     // of whole items behind entries of a local index
}

// answer reads the page and appends the whole reply.
func (c *call) answer(p *page) error {
	c.out = append(c.out, '{')
	if !p.count {
		c.out = append(c.out, `"Items":[`...)
	}
	found, err := c.walk(p)
	if err != nil {
		return err
	}
	if !p.count {
		c.out = append(c.out, ']')
	}
	c.member("Count")
	c.out = strconv.AppendInt(c.out, found.matched, 10)
	c.member("ScannedCount")
	c.out = strconv.AppendInt(c.out, found.scanned, 10)
	if found.last != nil {
		c.attributes("LastEvaluatedKey", p.keyOf(found.last))
	}
	spent := c.charge(p, &found)
	if total, indexes := wantsConsumed(p.r.consumed); total {
		c.member("ConsumedCapacity")
		c.consumedCapacity(p.t, &spent, indexes, "")
	}
	c.out = append(c.out, '}')
	return nil
}

// walk reads the page and appends the items that match to the array that is open, unless only
// their count is wanted.
func (c *call) walk(p *page) (found read, err error) {
	if short := p.t.meter.ready(c.now, p.charged(), p.start()); short != nil {
		return found, c.throttled(p.t, short)
	}
	var fetchErr error
	err = c.s.store.Walk(p.in, func(d item.Doc) bool {
		found.scanned++
		found.bytes += d.Size()
		more := found.bytes < maxPage && !(p.r.has(givenLimit) && found.scanned == p.r.limit)
		if !more {
			c.old = append(c.old[:0], d...)
			found.last = c.old
		}
		if p.wholeRow {
			if d, fetchErr = c.fetch(p, d, &found.fetched); fetchErr != nil {
				return false
			}
		}
		if p.plan.filter == nil || p.plan.filter.Match(d, p.r.values) {
			found.matched++
			if !p.count {
				c.member("")
				c.out = item.AppendJSON(c.out, project(d, p.plan.projection))
			}
		}
		return more
	})
	if err == nil {
		err = fetchErr
	}
	return found, err
}

// keyOf is an item's part of which a next page is asked for.
func (p *page) keyOf(d item.Doc) item.Doc {
	keys := p.keyNames()
	return d.Project(nil, func(name []byte) bool {
		for _, a := range keys {
			if a.Name == string(name) {
				return true
			}
		}
		return false
	})
}

// charged is the space whose capacity the page consumes: a local index lies in its table's.
func (p *page) charged() uint8 {
	if x := p.space.Index; x != nil && !x.Local {
		return x.ID
	}
	return 0
}

// start is where the page begins, among the positions of the space that is charged.
func (p *page) start() quota.Position { return p.position(p.in.From) }

// position is where a key of the page's space lies. A local index lies with its table's items,
// in another order.
func (p *page) position(key []byte) quota.Position {
	at := store.PositionOf(key)
	if x := p.space.Index; x != nil && x.Local {
		at.Rest = nil
	}
	return at
}

// charge takes the page's cost and is what of it is shown.
func (c *call) charge(p *page, found *read) (spent cost) {
	at := p.start()
	if found.last != nil {
		at = p.position(p.space.AppendKey(nil, found.last))
	}
	spent = found.fetched
	spent.add(p.charged(), at, readUnits(found.bytes, p.r.consistent))
	p.t.meter.spend(c.now, quota.ReadCapacity, &spent)
	if x := p.space.Index; x != nil && x.Local { // it is charged to the table's partitions, but shown as its own
		spent.at(spent.n - 1).local = x.ID
	}
	return spent
}

// fetch reads the whole item of a local index's entry.
func (c *call) fetch(p *page, entry item.Doc, fetched *cost) (item.Doc, error) {
	key := store.Space{Table: p.t.schema}.AppendKey(nil, entry)
	d, found, err := c.s.store.Get(nil, key)
	if err != nil || !found {
		return entry, err
	}
	fetched.add(0, store.PositionOf(key), readUnits(item.Doc(d).Size(), p.r.consistent))
	return d, nil
}

// checkFilter refuses a filter on the keys of the space that is queried.
func (p *page) checkFilter() error {
	if p.plan.filter == nil {
		return nil
	}
	what := "Filter Expression"
	if p.r.filter == nil {
		what = p.r.legacy.filterName
	}
	for _, name := range p.plan.filter.Heads() {
		if p.space.Key().Has([]byte(name)) {
			return invalid("%s can only contain non-primary key attributes: Primary key attribute: %s", what, name)
		}
	}
	return nil
}
