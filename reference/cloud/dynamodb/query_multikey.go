package dynamodb

import (
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// multiKeyRange is keyRange for a key with several attributes of a kind. It takes all of the
// partition key's by equality, and of the sort key's the first ones without a gap, all but the
// last of them by equality. The order of the terms does not matter.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
func (p *page) multiKeyRange(k *store.Key, terms []expr.KeyTerm) error {
	var partition item.Value
	var missing []string
	var sorts []*expr.KeyTerm // by the schema's order; nil where there is no condition
	known := 0
	for a, sort := range k.Attributes {
		t := keyTerm(terms, a.Name)
		if t != nil {
			known++
			if err := checkKeyTerm(t, a); err != nil {
				return err
			}
		}
		switch {
		case sort:
			sorts = append(sorts, t)
		case t == nil || t.Operator != expr.KeyEqual:
			missing = append(missing, a.Name)
		default:
			partition = append(partition, t.Value...)
		}
	}
	switch {
	case missing != nil && k.MoreHash != nil:
		return invalid("HASH key attributes %s must have equality conditions specified in the query", strings.Join(missing, ", "))
	case missing != nil && keyTerm(terms, k.Hash.Name) == nil:
		return invalid("Query condition missed key schema element: %s", k.Hash.Name)
	case missing != nil || known < len(terms):
		return invalid("Query key condition not supported")
	}
	for len(sorts) > 0 && sorts[len(sorts)-1] == nil {
		sorts = sorts[:len(sorts)-1]
	}
	if len(sorts) == 0 {
		p.within(partition, nil, store.Bound{})
		return nil
	}
	sorts, last := sorts[:len(sorts)-1], sorts[len(sorts)-1]
	ranges := append([]store.KeyAttribute{k.Range}, k.MoreRange...)
	var b store.Bound
	for i, t := range sorts {
		if t == nil || t.Operator != expr.KeyEqual {
			missing = append(missing, ranges[i].Name)
		} else {
			b.Equal = append(b.Equal, t.Value)
		}
	}
	if missing != nil {
		return invalid("RANGE key attributes %s must have equality conditions specified in the query because a condition is present on key attribute %s",
			strings.Join(missing, ", "), last.Name)
	}
	if err := bound(&b, last); err != nil {
		return err
	}
	p.within(partition, last, b)
	return nil
}
