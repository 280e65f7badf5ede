package dynamodb

import (
	"github.com/retailflow/stampede/reference/cloud/dynamodb/expr"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// legacy holds the parameters that came before expressions, as the request has them. Lists that
// are absent are nil, lists that are given and empty are not.
type legacy struct {
	attributes []string // AttributesToGet
	updates    []legacyUpdate
	expected   []legacyCondition
	keys       []legacyCondition // KeyConditions
	filter     []legacyCondition // QueryFilter or ScanFilter
	filterName string            // which of the two
	operator   []byte            // ConditionalOperator
}

// legacyCondition is a condition of Expected, a filter or KeyConditions.
type legacyCondition struct {
	expr.Comparison
	hasOperator, hasList, hasValue bool  // what it is made of; hasValue is for the older Value
	exists, hasExists              bool  // Exists
	fault                          error // the first of its values
}

// legacyUpdate is one of the AttributeUpdates.
type legacyUpdate struct {
	expr.AttributeUpdate
	fault error // of its value
}

// legacyParameter reads a parameter that came before expressions, if it is one.
func (d *decoder) legacyParameter(r *request, name string) (read bool) {
	l := r.legacy
	if l == nil {
		l = &legacy{}
	}
	switch name {
	case "AttributesToGet":
		l.attributes = []string{}
		for d.BeginArray(); d.NextElement(); {
			l.attributes = append(l.attributes, string(d.String()))
		}
	case "AttributeUpdates":
		l.updates = []legacyUpdate{}
		d.each(func(name []byte) {
			l.updates = append(l.updates, d.legacyUpdate(string(name)))
		})
	case "Expected":
		l.expected = d.legacyConditions()
	case "KeyConditions":
		l.keys = d.legacyConditions()
	case "QueryFilter", "ScanFilter":
		l.filter, l.filterName = d.legacyConditions(), name
	case "ConditionalOperator":
		l.operator = d.String()
	default:
		return false
	}
	r.legacy = l
	return true
}

// each reads an object whose values visit reads.
func (d *decoder) each(visit func(name []byte)) {
	if !d.BeginObject() {
		return
	}
	for {
		name, ok := d.NextKey()
		if !ok {
			return
		}
		visit(name)
	}
}

func (d *decoder) legacyUpdate(name string) (u legacyUpdate) {
	u.Name = name
	d.each(func(key []byte) {
		switch {
		case d.Null():
		case string(key) == "Action":
			u.Action = string(d.String())
		case string(key) == "Value":
			u.Value = d.value(&u.fault)
		default:
			d.Skip()
		}
	})
	return u
}

func (d *decoder) legacyConditions() []legacyCondition {
	list := []legacyCondition{}
	d.each(func(name []byte) {
		c := legacyCondition{}
		c.Name = string(name)
		d.each(func(key []byte) {
			switch {
			case d.Null():
			case string(key) == "ComparisonOperator":
				c.hasOperator, c.Operator = true, string(d.String())
			case string(key) == "AttributeValueList":
				c.hasList = true
				for d.BeginArray(); d.NextElement(); {
					c.Values = append(c.Values, d.value(&c.fault))
				}
			case string(key) == "Value":
				c.hasValue = true
				c.Values = append(c.Values, d.value(&c.fault))
			case string(key) == "Exists":
				c.hasExists, c.exists = true, d.Bool()
			default:
				d.Skip()
			}
		})
		list = append(list, c)
	})
	return list
}

// value reads an attribute value and its first fault.
func (d *decoder) value(fault *error) item.Value {
	d.Invalid = nil
	start := len(d.arena)
	d.arena = d.Value(d.arena)
	if *fault == nil {
		*fault = d.Invalid
	}
	return item.Value(d.arena[start:len(d.arena):len(d.arena)])
}

// into turns the parameters into what expressions are turned into. They must have passed their
// checks; key conditions go their own way.
func (l *legacy) into(p *plan) {
	if l.attributes != nil {
		p.projection = expr.ProjectAttributes(l.attributes)
	}
	if len(l.updates) > 0 {
		list := make([]expr.AttributeUpdate, len(l.updates))
		for i := range l.updates {
			list[i] = l.updates[i].AttributeUpdate
		}
		p.update = expr.UpdateAttributes(list)
	}
	either := string(l.operator) == "OR"
	if l.expected != nil {
		p.condition = expr.Compare(comparisons(l.expected), either)
	}
	if l.filter != nil {
		p.filter = expr.Compare(comparisons(l.filter), either)
	}
}

// comparisons are conditions with the older forms of Expected, a Value or Exists alone, written
// out.
func comparisons(list []legacyCondition) []expr.Comparison {
	out := make([]expr.Comparison, len(list))
	for i := range list {
		out[i] = list[i].Comparison
		switch c := &list[i]; {
		case c.hasOperator:
		case c.hasValue:
			out[i].Operator = "EQ"
		default:
			out[i].Operator = "NULL"
		}
	}
	return out
}
