package dynamodb

import (
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

func (c *call) query() error {
	var r request
	if err := c.parse(&r); err != nil {
		return err
	}
	if err := r.checkPaged("Limit"); err != nil {
		return err
	}
	if r.keyCondition == nil && (r.legacy == nil || r.legacy.keys == nil) {
		return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	p := page{r: &r}
	var err error
	if p.plan, err = c.s.plan(&r); err != nil {
		return err
	}
	terms, err := p.keyTerms()
	if err != nil {
		return err
	}
	if p.t, p.space, err = c.openSpace(&r); err != nil {
		return err
	}
	if err := p.checkStart(false); err != nil {
		return err
	}
	if err := p.keyRange(terms); err != nil {
		return err
	}
	if err := p.startKey(); err != nil {
		return err
	}
	if err := checkKeyPaths(p.t, p.plan.projection.All()); err != nil {
		return err
	}
	if err := p.checkFilter(); err != nil {
		return err
	}
	if err := p.selects(); err != nil {
		return err
	}
	if err := checkKeyPaths(p.t, p.plan.filter.Paths()); err != nil {
		return err
	}
	return c.answer(&p)
}

// checkPaged checks the shape of a Query or Scan. AWS words the limit's fault differently for
// the two, which is told by its name.
func (r *request) checkPaged(limit string) error {
	var bad constraints
	bad.oneOf(r.selectWhich, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
	bad.name(r.index, "indexName", false)
	bad.atLeast(r.has(givenSegments), r.segments, 1, "totalSegments")
	bad.returns(r)
	if r.legacy != nil && limit == "Limit" {
		bad.conditions(r.legacy.filter, "queryFilter", true)
	}
	bad.table(r.table, "tableName")
	bad.conditionalOperator(r)
	if r.legacy != nil && limit != "Limit" {
		bad.conditions(r.legacy.filter, "scanFilter", true)
	}
	bad.atLeast(r.has(givenSegment), r.segment, 0, "segment")
	if limit == "Limit" && r.has(givenLimit) && r.limit < 1 {
		bad.member(limit, "Member must have value greater than or equal to 1")
	} else {
		bad.atLeast(r.has(givenLimit), r.limit, 1, limit)
	}
	bad.attributesToGet(r, "attributesToGet")
	if r.legacy != nil {
		bad.conditions(r.legacy.keys, "keyConditions", true)
	}
	if r.has(givenSegments) && r.segments > maxSegments {
		bad.add(r.segments, "totalSegments", "Member must have value less than or equal to 1000000")
	}
	if err := bad.err(); err != nil {
		return err
	}
	values := "FilterExpression is null"
	if limit == "Limit" {
		values = "FilterExpression and KeyConditionExpression are null"
	}
	if err := r.checkMixing(values); err != nil {
		return err
	}
	if r.legacy != nil {
		checks := []func() error{r.legacy.checkAttributes, func() error { return checkConditions(r.legacy.filter) }}
		if limit == "Limit" {
			slices.Reverse(checks)
		}
		for _, check := range checks {
			if err := check(); err != nil {
				return err
			}
		}
	}
	return startKeyFault(r.valueFault)
}

// startKeyFault is the fault of a value in a starting key, some of which AWS does not introduce.
func startKeyFault(why error) error {
	if why == nil {
		return nil
	}
	for _, plain := range []string{"contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude"} {
		if strings.Contains(why.Error(), plain) {
			return invalid("%s", why)
		}
	}
	return invalid("The provided starting key is invalid: %s", why)
}

// keyTerms are the terms of the key condition, in either form.
func (p *page) keyTerms() ([]expr.KeyTerm, error) {
	if p.plan.keyCondition != nil {
		terms, err := p.plan.keyCondition.KeyTerms(p.r.values)
		if err != nil {
			return nil, invalid("%s", err)
		}
		return terms, p.countTerms(len(terms))
	}
	if err := checkConditions(p.r.legacy.keys); err != nil {
		return nil, err
	}
	var terms []expr.KeyTerm
	for i := range p.r.legacy.keys {
		terms = append(terms, p.r.legacy.keys[i].KeyTerm())
	}
	return terms, p.countTerms(len(terms))
}

// countTerms refuses a key condition that is too long, or empty: without an index before the
// table is known, since only keys of indexes have more than two attributes.
func (p *page) countTerms(n int) error {
	most := 2
	if p.space.Table == nil && p.r.index != nil || p.space.Table != nil && p.space.Key().Multi() {
		most = 2 * maxKeyAttributes
	}
	if n < 1 || n > most {
		return invalid("Conditions can be of length 1 or 2 only")
	}
	return nil
}

// keyRange turns the terms of a key condition into a range of the space.
func (p *page) keyRange(terms []expr.KeyTerm) error {
	if err := p.countTerms(len(terms)); err != nil {
		return err
	}
	k := p.space.Key()
	if k.Multi() {
		for a := range k.Attributes {
			if err := p.checkStartAt(a); err != nil {
				return err
			}
		}
		return p.multiKeyRange(k, terms)
	}
	if err := p.checkStartAt(k.Hash); err != nil {
		return err
	}
	hash, sort := keyTerm(terms, k.Hash.Name), keyTerm(terms, k.Range.Name)
	switch {
	case len(terms) == 2 && k.Range.Name == "":
		return invalid("Query key condition not supported")
	case hash == nil:
		return invalid("Query condition missed key schema element: %s", k.Hash.Name)
	}
	if err := checkKeyTerm(hash, k.Hash); err != nil {
		return err
	}
	if hash.Operator != expr.KeyEqual {
		return invalid("Query key condition not supported")
	}
	if err := p.checkStartAt(k.Range); err != nil {
		return err
	}
	var b store.Bound
	switch {
	case sort != nil:
		if err := checkKeyTerm(sort, k.Range); err != nil {
			return err
		}
		if err := bound(&b, sort); err != nil {
			return err
		}
	case len(terms) == 2:
		return invalid("Query condition missed key schema element: %s", k.Range.Name)
	}
	p.within(hash.Value, sort, b)
	return nil
}

// within makes the page one of a partition, in a bound.
func (p *page) within(partition item.Value, sort *expr.KeyTerm, b store.Bound) {
	p.whole, p.sort = p.space.Partition(partition, store.Bound{}), sort
	p.in = p.space.Partition(partition, b)
	p.in.Reverse = p.r.backward
}

// keyTerm is the term about an attribute, or nil. None is about the attribute without a name.
func keyTerm(terms []expr.KeyTerm, name string) *expr.KeyTerm {
	for i := range terms {
		if terms[i].Name == name && name != "" {
			return &terms[i]
		}
	}
	return nil
}

// checkKeyTerm wants a term to be a lookup by a value that the attribute can have.
func checkKeyTerm(t *expr.KeyTerm, a store.KeyAttribute) error {
	switch {
	case t.Operator == "": // of a condition that is no lookup
		return invalid("Attempted conditional constraint is not an indexable operation")
	case t.Value.Type() != a.Type || t.High != nil && t.High.Type() != a.Type:
		return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	case a.Type != item.Number && len(t.Value.Payload()) == 0:
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", a.Name)
	}
	return nil
}

// bound turns the term about a sort key attribute into a bound of it.
func bound(b *store.Bound, sort *expr.KeyTerm) error {
	switch sort.Operator {
	case expr.KeyEqual:
		b.From, b.To = sort.Value, sort.Value
	case expr.KeyLess:
		b.To, b.ToBefore = sort.Value, true
	case expr.KeyAtMost:
		b.To = sort.Value
	case expr.KeyMore:
		b.From, b.FromAfter = sort.Value, true
	case expr.KeyAtLeast:
		b.From = sort.Value
	case expr.KeyBetween:
		b.From, b.To = sort.Value, sort.High
	case expr.KeyBegins:
		if sort.Value.Type() == item.Number {
			return invalid("Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
		}
		b.Prefix = sort.Value
	}
	return nil
}
