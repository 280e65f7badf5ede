package dynamodb

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func condition(operator types.ComparisonOperator, values ...types.AttributeValue) types.Condition {
	return types.Condition{ComparisonOperator: operator, AttributeValueList: values}
}

func expected(operator types.ComparisonOperator, values ...types.AttributeValue) types.ExpectedAttributeValue {
	return types.ExpectedAttributeValue{ComparisonOperator: operator, AttributeValueList: values}
}

func TestAttributeUpdates(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	set := func(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }
	list := func(v ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: v} }
	for _, c := range []struct {
		name, old, want string
		update          types.AttributeValueUpdate
	}{
		{"put is what is done without an action", ``, "pk=k x=1", types.AttributeValueUpdate{Value: N(1)}},
		{"put replaces", `"x":{"S":"a"}`, "pk=k x=1", types.AttributeValueUpdate{Value: N(1), Action: "PUT"}},
		{"add counts", `"x":{"N":"7"}`, "pk=k x=9", types.AttributeValueUpdate{Value: N(2), Action: "ADD"}},
		{"add counts from nothing", ``, "pk=k x=2", types.AttributeValueUpdate{Value: N(2), Action: "ADD"}},
		{"add unites sets", `"x":{"SS":["a"]}`, "pk=k x=[a b]", types.AttributeValueUpdate{Value: set("b"), Action: "ADD"}},
		{"add lengthens lists", `"x":{"L":[{"S":"a"}]}`, "pk=k x=[a b]", types.AttributeValueUpdate{Value: list(S("b")), Action: "ADD"}},
		{"delete takes the attribute", `"x":{"N":"7"}`, "pk=k", types.AttributeValueUpdate{Action: "DELETE"}},
		{"delete takes members", `"x":{"SS":["a","b"]}`, "pk=k x=[b]", types.AttributeValueUpdate{Value: set("a"), Action: "DELETE"}},
		{"delete takes the last member with the attribute", `"x":{"SS":["a"]}`, "pk=k", types.AttributeValueUpdate{Value: set("a"), Action: "DELETE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := `{"pk":{"S":"k"}}`
			if c.old != "" {
				text = `{"pk":{"S":"k"},` + c.old + `}`
			}
			r.put("items", attrs(t, text))
			out, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("items"), Key: av{"pk": S("k")}, ReturnValues: "ALL_NEW",
				AttributeUpdates: map[string]types.AttributeValueUpdate{"x": c.update}})
			require.NoError(t, err)
			require.Equal(t, c.want, show(out.Attributes))
			require.Equal(t, c.want, show(r.get("items", av{"pk": S("k")})))
		})
	}
	// An update that only takes away does not make an item, in either form; an empty one does.
	for key, in := range map[string]*ddb.UpdateItemInput{
		"updates": {AttributeUpdates: map[string]types.AttributeValueUpdate{"x": {Action: "DELETE"}}},
		"members": {AttributeUpdates: map[string]types.AttributeValueUpdate{"x": {Action: "DELETE", Value: set("a")}}},
		"remove":  {UpdateExpression: str("REMOVE x")},
		"empty":   {AttributeUpdates: map[string]types.AttributeValueUpdate{}},
	} {
		in.TableName, in.Key = str("items"), av{"pk": S(key)}
		_, err := r.UpdateItem(ctx, in)
		require.NoError(t, err)
		require.Equal(t, key == "empty", r.get("items", in.Key) != nil, key)
	}
}

func TestExpected(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	both := map[string]types.ExpectedAttributeValue{"n": expected("GT", N(3)), "s": expected("BEGINS_WITH", S("z"))}
	for name, c := range map[string]struct {
		expected map[string]types.ExpectedAttributeValue
		operator types.ConditionalOperator
		met      bool
	}{
		"value":                  {map[string]types.ExpectedAttributeValue{"n": {Value: N(5)}}, "", true},
		"value differs":          {map[string]types.ExpectedAttributeValue{"n": {Value: N(6)}}, "", false},
		"exists with value":      {map[string]types.ExpectedAttributeValue{"n": {Value: N(5), Exists: aws.Bool(true)}}, "", true},
		"absent":                 {map[string]types.ExpectedAttributeValue{"x": {Exists: aws.Bool(false)}}, "", true},
		"not absent":             {map[string]types.ExpectedAttributeValue{"n": {Exists: aws.Bool(false)}}, "", false},
		"null":                   {map[string]types.ExpectedAttributeValue{"x": expected("NULL")}, "", true},
		"not null":               {map[string]types.ExpectedAttributeValue{"x": expected("NOT_NULL")}, "", false},
		"in":                     {map[string]types.ExpectedAttributeValue{"n": expected("IN", N(4), N(5))}, "", true},
		"between":                {map[string]types.ExpectedAttributeValue{"n": expected("BETWEEN", N(6), N(7))}, "", false},
		"contains":               {map[string]types.ExpectedAttributeValue{"s": expected("CONTAINS", S("b"))}, "", true},
		"lacks and not contains": {map[string]types.ExpectedAttributeValue{"nosuch": expected("NOT_CONTAINS", S("b"))}, "", false},
		"not contains":           {map[string]types.ExpectedAttributeValue{"s": expected("NOT_CONTAINS", S("b"))}, "", false},
		"different":              {map[string]types.ExpectedAttributeValue{"n": expected("NE", S("5"))}, "", true},
		"of another type":        {map[string]types.ExpectedAttributeValue{"n": expected("LE", S("9"))}, "", false},
		"both by default":        {both, "", false},
		"both":                   {both, "AND", false},
		"either":                 {both, "OR", true},
		"none is met":            {map[string]types.ExpectedAttributeValue{}, "", true},
		"operator on a list":     {map[string]types.ExpectedAttributeValue{"l": expected("EQ", &types.AttributeValueMemberL{Value: []types.AttributeValue{S("a")}})}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r.put("items", attrs(t, `{"pk":{"S":"k"},"n":{"N":"5"},"s":{"S":"abc"},"l":{"L":[{"S":"a"}]}}`))
			_, err := r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("items"), Key: av{"pk": S("k")}, Expected: c.expected, ConditionalOperator: c.operator})
			if c.met {
				require.NoError(t, err)
			} else {
				fails(t, err, "ConditionalCheckFailedException", "The conditional request failed")
			}
			require.Equal(t, c.met, r.get("items", av{"pk": S("k")}) == nil)
		})
	}
}

func TestOlderKeyConditionsFiltersAndAttributes(t *testing.T) {
	r := orders(t)
	rows := func(m map[string]types.Condition, filter map[string]types.Condition) string {
		out, err := r.Query(ctx, &ddb.QueryInput{TableName: str("orders"), KeyConditions: m, QueryFilter: filter, AttributesToGet: []string{"sk"}})
		require.NoError(t, err)
		for _, m := range out.Items {
			require.Len(t, m, 1)
		}
		return column(out.Items, "sk")
	}
	query := func(expression string, values av) string {
		out, err := r.Query(ctx, &ddb.QueryInput{TableName: str("orders"), KeyConditionExpression: &expression, ExpressionAttributeValues: values})
		require.NoError(t, err)
		return column(out.Items, "sk")
	}
	all := query("pk = :p", av{":p": S("c1")})
	require.NotEmpty(t, all)
	pk := condition("EQ", S("c1"))
	require.Equal(t, all, rows(map[string]types.Condition{"pk": pk}, nil))
	for operator, expression := range map[types.ComparisonOperator]string{
		"EQ": "sk = :a", "LT": "sk < :a", "LE": "sk <= :a", "GT": "sk > :a", "GE": "sk >= :a", "BETWEEN": "sk BETWEEN :a AND :b",
	} {
		values, list := av{":p": S("c1"), ":a": N(2)}, []types.AttributeValue{N(2)}
		if operator == "BETWEEN" {
			values[":b"], list = N(3), append(list, N(3))
		}
		require.Equal(t, query("pk = :p AND "+expression, values), rows(map[string]types.Condition{"pk": pk, "sk": condition(operator, list...)}, nil), operator)
	}
	require.Empty(t, rows(map[string]types.Condition{"pk": pk}, map[string]types.Condition{"nothing": condition("NOT_NULL")}))
	out, err := r.Scan(ctx, &ddb.ScanInput{TableName: str("orders"), ScanFilter: map[string]types.Condition{"pk": pk}, AttributesToGet: []string{"sk"}})
	require.NoError(t, err)
	require.Equal(t, all, column(out.Items, "sk"))
	got, err := r.BatchGetItem(ctx, &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"orders": {Keys: []av{{"pk": S("c1"), "sk": N(1)}}, AttributesToGet: []string{"pk", "absent"}}}})
	require.NoError(t, err)
	require.Equal(t, "pk=c1", showAll(got.Responses["orders"]))
}

func TestFaultsOfOlderParameters(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "sk", "pk:S sk:N")
	const (
		put    = `{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"}},`
		keyed  = `{"TableName":"items","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},`
		table  = `{"TableName":"items",`
		one    = `{"a":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}}`
		mixing = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
		bad    = "One or more parameter values were invalid: "
	)
	for _, c := range [][3]string{
		{"PutItem", put + `"Expected":` + one + `,"ConditionalOperator":"AND","ConditionExpression":"attribute_exists(pk)"}`, mixing + "{Expected, ConditionalOperator} Expression parameters: {ConditionExpression}"},
		{"UpdateItem", keyed + `"AttributeUpdates":{},"Expected":{},"ConditionalOperator":"OR","UpdateExpression":"SET a = :v","ConditionExpression":"x"}`, mixing + "{AttributeUpdates, Expected, ConditionalOperator} Expression parameters: {UpdateExpression, ConditionExpression}"},
		{"Scan", table + `"AttributesToGet":["a"],"ScanFilter":` + one + `,"ConditionalOperator":"AND","FilterExpression":"a = :v","ProjectionExpression":"b"}`, mixing + "{AttributesToGet, ScanFilter, ConditionalOperator} Expression parameters: {ProjectionExpression, FilterExpression}"},
		{"Query", table + `"KeyConditions":` + one + `,"QueryFilter":` + one + `,"ConditionalOperator":"AND","KeyConditionExpression":"pk = :p","FilterExpression":"a = :v","ProjectionExpression":"b"}`, mixing + "{QueryFilter, ConditionalOperator, KeyConditions} Expression parameters: {ProjectionExpression, FilterExpression, KeyConditionExpression}"},
		{"Scan", table + `"ConditionalOperator":"AND"}`, "ConditionalOperator cannot be used without Filter or Expected"},
		{"Query", table + `"ConditionalOperator":"AND"}`, "ConditionalOperator cannot be used without Filter or Expected"},
		{"PutItem", put + `"ConditionalOperator":"AND","Expected":` + one + `}`, "ConditionalOperator can only be used when Filter or Expected has two or more elements"},
		{"Scan", table + `"ScanFilter":{"a":{}},"ConditionalOperator":"XOR"}`, "2 validation errors detected: Value 'XOR' at 'conditionalOperator' failed to satisfy constraint: Member must satisfy enum value set: [OR, AND]; Value null at 'scanFilter.a.member.comparisonOperator' failed to satisfy constraint: Member must not be null"},
		{"GetItem", keyed + `"AttributesToGet":[]}`, "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"GetItem", keyed + `"AttributesToGet":["a","b","a"]}`, bad + "Duplicate value in attribute name: a"},
		{"UpdateItem", keyed + `"AttributeUpdates":{"a":{}}}`, bad + "Only DELETE action is allowed when no attribute value is specified"},
		{"UpdateItem", keyed + `"AttributeUpdates":{"a":{"Action":"DELETE","Value":{"N":"1"}}}}`, bad + "DELETE action with value is not supported for the type N"},
		{"UpdateItem", keyed + `"AttributeUpdates":{"a":{"Action":"ADD","Value":{"S":"1"}}}}`, bad + "ADD action is not supported for the type S"},
		{"UpdateItem", keyed + `"AttributeUpdates":{"a":{"Value":{"SS":[]}}}}`, bad + "An string set  may not be empty"},
		{"UpdateItem", keyed + `"AttributeUpdates":{"sk":{"Value":{"N":"2"}}}}`, bad + "Cannot update attribute sk. This attribute is part of the key"},
		{"DeleteItem", keyed + `"Expected":{"a":{"Value":{"S":"b"},"AttributeValueList":[]}}}`, bad + "Value and AttributeValueList cannot be used together for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{"ComparisonOperator":"EQ","Exists":true}}}`, bad + "Exists and ComparisonOperator cannot be used together for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{"ComparisonOperator":"LT"}}}`, bad + "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{"AttributeValueList":[]}}}`, bad + "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{}}}`, bad + "Value must be provided when Exists is null for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{"Exists":true}}}`, bad + "Value must be provided when Exists is true for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{"Exists":false,"Value":{"S":"x"}}}}`, bad + "Value cannot be used when Exists is false for Attribute: a"},
		{"DeleteItem", keyed + `"Expected":{"a":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"2"},{"N":"1"}]}}}`, "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"},
		{"Scan", table + `"ScanFilter":{"a":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"2"}]}}}`, bad + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"},
		{"Scan", table + `"ScanFilter":{"a":{"ComparisonOperator":"IN","AttributeValueList":[{"N":"2"},{"S":"2"}]}}}`, bad + "AttributeValues inside AttributeValueList must be of same type"},
		{"Scan", table + `"ScanFilter":{"a":{"ComparisonOperator":"BEGINS_WITH","AttributeValueList":[{"N":"2"}]}}}`, bad + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
		{"Query", table + `"KeyConditions":{}}`, "Conditions can be of length 1 or 2 only"},
		{"Query", table + `"KeyConditions":{"pk":{"ComparisonOperator":"NE","AttributeValueList":[{"S":"a"}]}}}`, "Attempted conditional constraint is not an indexable operation"},
		{"Query", table + `"KeyConditions":{"pk":{"ComparisonOperator":"GT","AttributeValueList":[{"S":"a"}]}}}`, "Query key condition not supported"},
		{"Query", table + `"KeyConditions":` + strings.ReplaceAll(one, `"a"`, `"pk"`) + `,"QueryFilter":{"sk":{"ComparisonOperator":"NULL"}}}`, "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk"},
		{"Query", table + `"KeyConditions":` + strings.ReplaceAll(one, `"a"`, `"pk"`) + `,"Select":"COUNT","AttributesToGet":["a"]}`, "Cannot specify the AttributesToGet when choosing to get COUNT"},
	} {
		err := rawError(t, r, c[0], c[1])
		fails(t, err, "ValidationException", "")
		require.Equal(t, "api error ValidationException: "+c[2], err.Error(), c[1])
	}
	r.put("items", attrs(t, `{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"text"}}`))
	fails(t, rawError(t, r, "UpdateItem", keyed+`"AttributeUpdates":{"x":{"Action":"ADD","Value":{"N":"1"}}}}`), "ValidationException", "Type mismatch for attribute to update")
}
