package dynamodb

import (
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/partiql"
)

// selectItems answers a SELECT: it looks up the partition keys that the WHERE clause names, one
// after the other, or scans.
func (c *call) selectItems(s *statement, p *partiql.Statement) error {
	pages, err := c.pages(s, p)
	if err != nil {
		return err
	}
	at, err := s.resume(pages)
	if err != nil {
		return err
	}
	var (
		all  cost
		size int
		last item.Doc
		rest = s.limit
	)
	c.out = append(c.out, `{"Items":[`...)
	for last == nil && at < len(pages) && size < maxPage {
		s.limit = rest
		found, err := c.walk(&pages[at])
		if err != nil {
			return err
		}
		spent := c.charge(&pages[at], &found)
		for i := range spent.n {
			all.merge(*spent.at(i))
		}
		size += found.bytes
		rest -= found.scanned
		if last = found.last; last == nil {
			at++
		}
	}
	c.out = append(c.out, ']')
	if at < len(pages) {
		var key item.Doc
		if last != nil {
			key = pages[at].keyOf(last)
			c.attributes("LastEvaluatedKey", key)
		}
		c.member("NextToken")
		c.out = item.AppendJSONString(c.out, s.token(at, key))
	}
	if total, indexes := wantsConsumed(s.consumed); total {
		c.member("ConsumedCapacity")
		c.consumedCapacity(pages[0].t, &all, indexes, "")
	}
	c.out = append(c.out, '}')
	return nil
}

// pages are what a SELECT reads: one page for each partition key it names, or one that scans.
// The whole WHERE clause is the filter.
func (c *call) pages(s *statement, p *partiql.Statement) ([]page, error) {
	r := &s.request
	r.table = []byte(p.Table)
	if p.Index != "" {
		r.index = []byte(p.Index)
	}
	whole := page{r: r}
	var err error
	if whole.t, whole.space, err = c.openSpace(r); err != nil {
		return nil, err
	}
	whole.plan.filter = expr.NewCondition(p.Where)
	if p.Paths != nil {
		whole.plan.projection = expr.ProjectLeaves(p.Paths)
	}
	if err := checkKeyPaths(whole.t, p.Paths, whole.plan.filter.Paths()); err != nil {
		return nil, err
	}
	hashes, sort, err := whole.lookups(p.Where)
	if err != nil {
		return nil, err
	}
	if hashes, err = whole.ordered(p, hashes); err != nil {
		return nil, err
	}
	if hashes == nil {
		whole.in = whole.space.Segment(0, 1)
		return []page{whole}, nil
	}
	var pages []page
	for _, v := range hashes {
		one := whole
		terms := []expr.KeyTerm{{Name: whole.space.Key().Hash.Name, Operator: expr.KeyEqual, Value: v}}
		if sort != nil {
			terms = append(terms, *sort)
		}
		if err := one.keyRange(terms); err != nil {
			return nil, err
		}
		pages = append(pages, one)
	}
	return pages, nil
}

// lookups are the partition keys that a WHERE clause names, each once, and what it asks of the
// sort key.
func (p *page) lookups(where expr.Term) (hashes []item.Value, sort *expr.KeyTerm, err error) {
	k := p.space.Key()
	for _, condition := range where.Conjuncts() {
		if hashes == nil {
			for _, v := range condition.Equals(k.Hash.Name) {
				if v.Type() != k.Hash.Type {
					return nil, nil, keyTypeFault(k.Hash)
				}
				if !slices.ContainsFunc(hashes, func(o item.Value) bool { return item.Equal(o, v) }) {
					hashes = append(hashes, v)
				}
			}
		}
		t, ok := condition.KeyTerm()
		if ok && sort == nil && k.Range.Name != "" && t.Name == k.Range.Name && t.Value.Type() == k.Range.Type && (t.High == nil || t.High.Type() == k.Range.Type) {
			sort = &t
		}
	}
	return hashes, sort, nil
}

// ordered puts the partition keys into the order that ORDER BY asks for, and the page too.
func (p *page) ordered(s *partiql.Statement, hashes []item.Value) ([]item.Value, error) {
	if s.Order == nil {
		return hashes, nil
	}
	k := p.space.Key()
	byHash := false
	for _, o := range s.Order {
		switch o.Name {
		case k.Hash.Name:
			byHash = true
			slices.SortFunc(hashes, func(a, b item.Value) int {
				order, _ := item.Compare(a, b)
				if o.Descending {
					return -order
				}
				return order
			})
		case k.Range.Name:
			p.r.backward = o.Descending
		default:
			return nil, invalid("Variable reference %s in ORDER BY clause must be part of the primary key", o.Name)
		}
	}
	switch {
	case s.Where.Conjuncts() == nil:
		return nil, invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
	case hashes == nil:
		return nil, invalid("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
	case len(hashes) > 1 && !byHash:
		return nil, invalid("Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.")
	}
	return hashes, nil
}

// token says where the next page begins: in which of the statement's pages, behind which key.
func (s *statement) token(at int, key item.Doc) string {
	b := fmt.Appendf(nil, `{"s":"%x","p":%d,"k":`, xxh3.Hash(s.identity()), at)
	return base64.StdEncoding.EncodeToString(append(item.AppendJSON(b, key), '}'))
}

// resume narrows the pages to what the statement's token leaves and is the first of them.
func (s *statement) resume(pages []page) (at int, err error) {
	if s.nextToken == nil {
		return 0, nil
	}
	text, err := base64.StdEncoding.AppendDecode(nil, s.nextToken)
	if err != nil {
		return 0, errNextToken
	}
	d := newDecoder(text, nil)
	var fault error
	var of string
	d.each(func(key []byte) {
		switch string(key) {
		case "s":
			of = string(d.String())
		case "p":
			at = int(d.Int())
		case "k":
			s.startKey = d.doc(&fault)
		default:
			d.Skip()
		}
	})
	d.End()
	switch {
	case d.Err() != nil || fault != nil:
		return 0, errNextToken
	case of != fmt.Sprintf("%x", xxh3.Hash(s.identity())):
		return 0, invalid("NextToken does not match request")
	case at < 0 || at >= len(pages):
		return 0, errNextToken
	case len(s.startKey) == 0:
		return at, nil
	}
	if err := pages[at].checkWholeStart(false); err != nil {
		return 0, err
	}
	return at, pages[at].startKey()
}

var errNextToken = invalid("Invalid NextToken")
