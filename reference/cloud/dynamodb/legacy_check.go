package dynamodb

import (
	"slices"
	"strings"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// comparisonOperators in the order in which messages name them.
var comparisonOperators = []string{"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS"}

// conditions checks the shape of a parameter's conditions.
func (c *constraints) conditions(list []legacyCondition, member string, required bool) {
	for i := range list {
		at := member + "." + list[i].Name + ".member.comparisonOperator"
		if list[i].hasOperator {
			c.oneOf([]byte(list[i].Operator), at, comparisonOperators...)
		} else {
			c.notNull(required, at)
		}
	}
}

// conditionalOperator checks the shape of the operator that joins conditions.
func (c *constraints) conditionalOperator(r *request) {
	if r.legacy != nil {
		c.oneOf(r.legacy.operator, "conditionalOperator", "OR", "AND")
	}
}

// expected checks the shape of the conditions on a write.
func (c *constraints) expected(r *request) {
	if r.legacy != nil {
		c.conditions(r.legacy.expected, "expected", false)
	}
}

// attributesToGet checks the shape of a list of names; member is where it stands.
func (c *constraints) attributesToGet(r *request, member string) {
	if r.legacy == nil || r.legacy.attributes == nil {
		return
	}
	shown := "[" + strings.Join(r.legacy.attributes, ", ") + "]"
	switch n := len(r.legacy.attributes); {
	case n < 1:
		c.add(shown, member, "Member must have length greater than or equal to 1")
	case n > maxAttributesToGet:
		c.add(shown, member, "Member must have length less than or equal to 255")
	}
}

// maxAttributesToGet is how many names AttributesToGet may have.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
const maxAttributesToGet = 255

// checkMixing refuses older parameters beside expressions, a lone ConditionalOperator, and
// placeholders without an expression to use them.
//
// values names the expressions that may use values and that the request lacks.
func (r *request) checkMixing(values string) error {
	var with, without []string
	for _, e := range []struct {
		given bool
		name  string
	}{
		{r.projection != nil, "ProjectionExpression"}, {r.update != nil, "UpdateExpression"}, {r.filter != nil, "FilterExpression"},
		{r.keyCondition != nil, "KeyConditionExpression"}, {r.condition != nil, "ConditionExpression"},
	} {
		if e.given {
			with = append(with, e.name)
		}
	}
	if l := r.legacy; l != nil {
		for _, e := range []struct {
			given bool
			name  string
		}{
			{l.attributes != nil, "AttributesToGet"}, {l.updates != nil, "AttributeUpdates"}, {l.filter != nil, l.filterName},
			{l.expected != nil, "Expected"}, {l.operator != nil, "ConditionalOperator"},
			{l.keys != nil && r.keyCondition != nil, "KeyConditions"}, // it goes with other expressions
		} {
			if e.given {
				without = append(without, e.name)
			}
		}
		if with != nil && without != nil {
			return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(without, ", "), strings.Join(with, ", "))
		}
	}
	if err := r.checkUnasked(with, values); err != nil {
		return err
	}
	return r.legacy.checkOperator()
}

func (l *legacy) checkOperator() error {
	if l == nil || l.operator == nil {
		return nil
	}
	switch len(l.filter) + len(l.expected) {
	case 0:
		return invalid("ConditionalOperator cannot be used without Filter or Expected")
	case 1:
		return invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return nil
}

// checkWrite checks the contents of AttributeUpdates and Expected.
func (l *legacy) checkWrite() error {
	for i := range l.updates {
		if err := l.updates[i].check(); err != nil {
			return err
		}
	}
	for i := range l.expected {
		if err := l.expected[i].checkExpected(); err != nil {
			return err
		}
	}
	return nil
}

func (u *legacyUpdate) check() error {
	t := u.Value.Type()
	if err := item.CheckName(u.Name); err != nil {
		return invalid("%s", err)
	}
	switch {
	case u.fault != nil:
		return invalid("%s", u.fault)
	case u.Action != "" && u.Action != "PUT" && u.Action != "ADD" && u.Action != "DELETE":
		return invalid(wrong+"Unknown action '%s' in AttributeUpdates.%s", u.Action, u.Name)
	case u.Value == nil && u.Action != "DELETE":
		return invalid(wrong + "Only DELETE action is allowed when no attribute value is specified")
	case u.Value != nil && u.Action == "DELETE" && !t.IsSet():
		return invalid(wrong+"DELETE action with value is not supported for the type %s", t)
	case u.Action == "ADD" && !t.IsSet() && t != item.Number && t != item.List:
		return invalid(wrong+"ADD action is not supported for the type %s", t)
	}
	return nil
}

func (c *legacyCondition) checkExpected() error {
	switch {
	case c.hasList && c.hasValue:
		return invalid(wrong+"Value and AttributeValueList cannot be used together for Attribute: %s", c.Name)
	case c.hasOperator && c.hasExists:
		return invalid(wrong+"Exists and ComparisonOperator cannot be used together for Attribute: %s", c.Name)
	case c.hasOperator && !c.hasList && !c.hasValue && c.Operator != "NULL" && c.Operator != "NOT_NULL":
		return invalid(wrong+"Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", c.Operator, c.Name)
	case c.hasOperator:
		return c.check()
	case c.hasList:
		return invalid(wrong+"AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", c.Name)
	case !c.hasValue && !c.hasExists:
		return invalid(wrong+"Value must be provided when Exists is null for Attribute: %s", c.Name)
	case !c.hasValue && c.exists:
		return invalid(wrong+"Value must be provided when Exists is true for Attribute: %s", c.Name)
	case c.hasValue && c.hasExists && !c.exists:
		return invalid(wrong+"Value cannot be used when Exists is false for Attribute: %s", c.Name)
	case c.fault != nil:
		return invalid("%s", c.fault)
	}
	return nil
}

// checkConditions checks the contents of filters and key conditions.
func checkConditions(list []legacyCondition) error {
	for i := range list {
		if err := list[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *legacyCondition) check() error {
	if c.fault != nil {
		return invalid("%s", c.fault)
	}
	few, many := 1, 1
	switch c.Operator {
	case "NULL", "NOT_NULL":
		few, many = 0, 0
	case "BETWEEN":
		few, many = 2, 2
	case "IN":
		many = maxLegacyIn
	}
	if n := len(c.Values); n < few || n > many {
		return invalid(wrong+"Invalid number of argument(s) for the %s ComparisonOperator", c.Operator)
	}
	for _, v := range c.Values {
		if v.Type() != c.Values[0].Type() {
			return invalid(wrong + "AttributeValues inside AttributeValueList must be of same type")
		}
	}
	for _, v := range c.Values {
		if !takes(c.Operator, v.Type()) {
			return invalid(wrong+"ComparisonOperator %s is not valid for %s AttributeValue type", c.Operator, v.Type())
		}
	}
	if c.Operator == "BETWEEN" {
		if order, ok := item.Compare(c.Values[0], c.Values[1]); ok && order > 0 {
			return invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
	}
	return nil
}

// maxLegacyIn is how many values IN takes, as in expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
const maxLegacyIn = 100

// takes says whether an operator takes values of a type.
func takes(operator string, t item.Type) bool {
	switch operator {
	case "EQ", "NE":
		return true
	case "BEGINS_WITH":
		return t == item.String || t == item.Binary
	}
	return t == item.String || t == item.Number || t == item.Binary
}

// checkAttributes refuses a name that stands twice in AttributesToGet.
func (l *legacy) checkAttributes() error {
	for i, name := range l.attributes {
		if err := item.CheckName(name); err != nil {
			return invalid("%s", err)
		}
		if slices.Contains(l.attributes[:i], name) {
			return invalid(wrong+"Duplicate value in attribute name: %s", name)
		}
	}
	return nil
}
