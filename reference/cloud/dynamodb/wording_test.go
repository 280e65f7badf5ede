package dynamodb

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// What cannot be read is refused in the words of AWS's parser.
func TestRequestsOfTheWrongForm(t *testing.T) {
	r := open(t, Options{})
	for _, c := range [][3]string{
		{"GetItem", `{"TableName":false}`, "FALSE_VALUE cannot be converted to String"},
		{"GetItem", `{"TableName":12.5}`, "DECIMAL_VALUE cannot be converted to String"},
		{"GetItem", `{"TableName":[]}`, "Unrecognized collection type class java.lang.String"},
		{"GetItem", `{"TableName":{}}`, "Start of structure or map found where not expected"},
		{"GetItem", `{"Key":"a"}`, "Unexpected field type"},
		{"GetItem", `{"Key":[]}`, "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"},
		{"GetItem", `{"Key":{"a":"b"}}`, "Unexpected value type in payload"},
		{"GetItem", `{"Key":{"a":[]}}`, "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"},
		{"GetItem", `{"Key":{"a":{"S":1}}}`, "NUMBER_VALUE cannot be converted to String"},
		{"GetItem", `{"Key":{"a":{"B":"YQ"}}}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 2"},
		{"GetItem", `{"Key":{"a":{"B":"YR=="}}}`, "Invalid last non-pad Base64 character dectected"},
		{"GetItem", `{"Key":{"a":{"B":1}}}`, "only base-64-encoded strings are convertible to bytes"},
		{"GetItem", `{"ConsistentRead":"perhaps"}`, "Unexpected token received from parser"},
		{"Query", `{"Limit":"1"}`, "STRING_VALUE cannot be converted to Integer"},
		{"Query", `{"ExpressionAttributeNames":[]}`, "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>"},
		{"BatchGetItem", `{"RequestItems":{"a":{"Keys":["b"]}}}`, castFailure},
		{"BatchWriteItem", `{"RequestItems":{"a":{}}}`, "Start of structure or map found where not expected"},
		{"BatchWriteItem", `{"RequestItems":[]}`, "Unrecognized collection type java.util.Map<java.lang.String, java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>"},
		{"CreateTable", `{"ProvisionedThroughput":{"ReadCapacityUnits":"1"}}`, "STRING_VALUE cannot be converted to Long"},
		{"CreateTable", `{"KeySchema":[1]}`, "Unexpected value type in payload"},
		{"UpdateTable", `{"GlobalSecondaryIndexUpdates":[{"Create":{"Projection":1}}]}`, "Unexpected field type"},
		{"PutItem", `{"Item":`, ""},
		{"ListTables", `null`, "want an object"},
	} {
		_, out := raw(t, r, c[0], c[1])
		var body map[string]string
		require.NoError(t, json.Unmarshal(out, &body))
		require.Equal(t, "com.amazon.coral.service#SerializationException", body["__type"], c[1])
		require.Equal(t, c[2], body["Message"], c[1])
		require.NotContains(t, body, "message")
	}
}

// Every structure and form that is named exists.
func TestWireStructsAreWhole(t *testing.T) {
	for name := range wireStructs {
		require.Empty(t, misfit(map[string]any{}, name, false))
	}
	for name, members := range wireStructs {
		for form := range forms(members) {
			if len(form) > 1 {
				require.Contains(t, wireStructs, form, name)
			}
		}
	}
}

func TestOrderAndWordsOfFaults(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "sk", "pk:S sk:N g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	const (
		keyed = `{"TableName":"items","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},`
		query = `{"TableName":"items","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}},`
		point = `{"TableName":"items","KeyConditionExpression":"pk = :p AND sk > :n","ExpressionAttributeValues":{":p":{"S":"a"},":n":{"N":"5"}},`
		scan  = `{"TableName":"items","FilterExpression":`
	)
	tooLong := strings.Repeat("n", item.MaxName+1)
	for _, c := range [][3]string{
		{"Scan", scan + `"attribute_type(things)"}`, "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or function: attribute_type, number of operands: 1"},
		{"Scan", scan + `"begins_with(things)"}`, "Invalid FilterExpression: Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1"},
		{"Scan", scan + `"attribute_type(a, size(a))"}`, "Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N"},
		{"Scan", scan + `"(a)between(((b.c)).d)and(c)"}`, "Invalid FilterExpression: The expression has redundant parentheses;"},
		{"Scan", scan + `"pk.a = sk"}`, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk"},
		{"GetItem", keyed + `"ProjectionExpression":"g[1]"}`, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: g"},
		{"UpdateItem", keyed + `"UpdateExpression":"set a=set"}`, `Invalid UpdateExpression: Syntax error; token: "set", near: "=set"`},
		{"UpdateItem", keyed + `"UpdateExpression":"set x.y = :v, g = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: byG"},
		{"UpdateItem", keyed + `"UpdateExpression":"set g = if_not_exists(x, :v)","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "The update expression attempted to update the secondary index key to unsupported type"},
		{"UpdateItem", keyed + `"UpdateExpression":"set g.y = :v","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: g"},
		{"DeleteItem", keyed + `"ExpressionAttributeValues":{":v":{"N":"1"}}}`, "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"},
		{"Query", `{"TableName":"items","ExpressionAttributeValues":{":v":{"N":"1"}}}`, "ExpressionAttributeValues can only be specified when using expressions: FilterExpression and KeyConditionExpression are null"},
		{"Query", query + `"ExclusiveStartKey":{"pk":{"S":"a"}}}`, "The provided starting key is invalid"},
		{"Query", query + `"ExclusiveStartKey":{"pk":{"N":"1"},"sk":{"N":"1"}}}`, "The provided key element does not match the schema"},
		{"Query", query + `"ExclusiveStartKey":{"pk":{"S":"b"},"sk":{"N":"1"}}}`, "The provided starting key is outside query boundaries based on provided conditions"},
		{"Query", query + `"ExclusiveStartKey":{"pk":{"NS":[]}}}`, "One or more parameter values were invalid: An number set  may not be empty"},
		{"Query", query + `"ExclusiveStartKey":{"pk":{}}}`, "The provided starting key is invalid: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"Query", point + `"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}`, "The provided starting key does not match the range key predicate"},
		{"Query", point + `"ExclusiveStartKey":{"pk":{"S":"b"},"sk":{"N":"6"}}}`, "The query can return at most one row and cannot be restarted"},
		{"Query", `{"TableName":"items","IndexName":"byG","KeyConditionExpression":"g = :p","ExpressionAttributeValues":{":p":{"S":"a"}},"ExclusiveStartKey":{"g":{"S":"a"},"pk":{"N":"1"},"sk":{"N":"1"}}}`, "The provided starting key is invalid: The provided key element does not match the schema"},
		{"BatchWriteItem", `{"RequestItems":{"items":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`, "The provided key element does not match the schema"},
		{"Scan", `{"TableName":"items","TotalSegments":1000000,"Segment":0,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}`, "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 1000000 Segment: 0"},
		{"UpdateItem", keyed + `"UpdateExpression":"set x = :a + :b","ExpressionAttributeValues":{":a":{"N":"1e50"},":b":{"N":"1"}}}`, "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"PutItem", `{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"":{"N":"1"}}}`, "One or more parameter values were invalid: Empty attribute name"},
		{"PutItem", `{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"` + tooLong + `":{"N":"1"}}}`, "One or more parameter values were invalid: Attribute name is too large, must be less than 65536 bytes"},
		{"GetItem", keyed + `"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":""}}`, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #n"},
		{"GetItem", keyed + `"AttributesToGet":[""]}`, "One or more parameter values were invalid: Empty attribute name"},
		{"UpdateItem", keyed + `"AttributeUpdates":{"":{"Action":"PUT","Value":{"N":"1"}}}}`, "One or more parameter values were invalid: Empty attribute name"},
	} {
		require.Equal(t, "api error ValidationException: "+c[2], rawError(t, r, c[0], c[1]).Error(), c[1])
	}
	// A boolean may be given as a word.
	r.put("items", attrs(t, `{"pk":{"S":"a"},"sk":{"N":"1"},"x":{"BOOL":"yes"},"y":{"BOOL":"False"}}`))
	require.Equal(t, "pk=a sk=1 x=true y=false", show(r.get("items", av{"pk": S("a"), "sk": N(1)})))
}

// forms are the forms of a structure's members, out of their lists and maps.
func forms(members string) map[string]bool {
	out := map[string]bool{}
	for member := range strings.FieldsSeq(members) {
		_, form, _ := strings.Cut(member, ":")
		out[strings.Trim(form, "[]{}")] = true
	}
	return out
}
