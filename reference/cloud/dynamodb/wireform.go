package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// wireStructs are the structures that requests are made of: members with their forms. A form is
// S, a string; T, a boolean; I and L, an integer and a long; B, bytes in base64; [x], a list; {x},
// a map; or the name of a structure. It serves to say in AWS's words what is wrong with a request
// that could not be read; reading itself knows nothing of it.
// https://github.com/boto/botocore/blob/develop/botocore/data/dynamodb/2012-08-10/service-2.json
var wireStructs = map[string]string{
	"": "AttributeDefinitions:[AttributeDefinition] AttributesToGet:[S] AttributeUpdates:{AttributeValueUpdate} BillingMode:S " +
		"ClientRequestToken:S ConditionalOperator:S ConditionExpression:S ConsistentRead:T DeletionProtectionEnabled:T " +
		"ExclusiveStartKey:{AttributeValue} ExclusiveStartTableName:S Expected:{ExpectedAttributeValue} " +
		"ExpressionAttributeNames:{S} ExpressionAttributeValues:{AttributeValue} FilterExpression:S " +
		"GlobalSecondaryIndexes:[GlobalSecondaryIndex] GlobalSecondaryIndexUpdates:[GlobalSecondaryIndexUpdate] IndexName:S " +
		"Item:{AttributeValue} Key:{AttributeValue} KeyConditionExpression:S KeyConditions:{Condition} KeySchema:[KeySchemaElement] " +
		"Limit:I LocalSecondaryIndexes:[LocalSecondaryIndex] NextToken:S ProjectionExpression:S " +
		"ProvisionedThroughput:ProvisionedThroughput QueryFilter:{Condition} ResourceArn:S ReturnConsumedCapacity:S " +
		"ReturnItemCollectionMetrics:S ReturnValues:S ReturnValuesOnConditionCheckFailure:S ScanFilter:{Condition} " +
		"ScanIndexForward:T Segment:I Select:S TableClass:S TableName:S TagKeys:[S] Tags:[Tag] " +
		"TimeToLiveSpecification:TimeToLiveSpecification TotalSegments:I TransactItems:[TransactItem] UpdateExpression:S",
	"BatchGetItem":   "RequestItems:{KeysAndAttributes} ReturnConsumedCapacity:S",
	"BatchWriteItem": "RequestItems:{[WriteRequest]} ReturnConsumedCapacity:S ReturnItemCollectionMetrics:S",

	"ExecuteStatement":      "Statement:S Parameters:[AttributeValue] ConsistentRead:T NextToken:S ReturnConsumedCapacity:S Limit:I ReturnValuesOnConditionCheckFailure:S",
	"BatchExecuteStatement": "Statements:[BatchStatementRequest] ReturnConsumedCapacity:S",
	"ExecuteTransaction":    "TransactStatements:[ParameterizedStatement] ClientRequestToken:S ReturnConsumedCapacity:S",

	"BatchStatementRequest":            "Statement:S Parameters:[AttributeValue] ConsistentRead:T ReturnValuesOnConditionCheckFailure:S",
	"ParameterizedStatement":           "Statement:S Parameters:[AttributeValue] ReturnValuesOnConditionCheckFailure:S",
	"AttributeDefinition":              "AttributeName:S AttributeType:S",
	"AttributeValue":                   "S:S N:S B:B BOOL:T NULL:T SS:[S] NS:[S] BS:[B] L:[AttributeValue] M:{AttributeValue}",
	"AttributeValueUpdate":             "Action:S Value:AttributeValue",
	"Condition":                        "AttributeValueList:[AttributeValue] ComparisonOperator:S",
	"ExpectedAttributeValue":           "AttributeValueList:[AttributeValue] ComparisonOperator:S Exists:T Value:AttributeValue",
	"GlobalSecondaryIndex":             "IndexName:S KeySchema:[KeySchemaElement] Projection:Projection ProvisionedThroughput:ProvisionedThroughput",
	"LocalSecondaryIndex":              "IndexName:S KeySchema:[KeySchemaElement] Projection:Projection",
	"GlobalSecondaryIndexUpdate":       "Create:CreateGlobalSecondaryIndexAction Delete:DeleteGlobalSecondaryIndexAction Update:UpdateGlobalSecondaryIndexAction",
	"CreateGlobalSecondaryIndexAction": "IndexName:S KeySchema:[KeySchemaElement] Projection:Projection ProvisionedThroughput:ProvisionedThroughput",
	"UpdateGlobalSecondaryIndexAction": "IndexName:S ProvisionedThroughput:ProvisionedThroughput",
	"DeleteGlobalSecondaryIndexAction": "IndexName:S",
	"KeysAndAttributes":                "AttributesToGet:[S] ConsistentRead:T ExpressionAttributeNames:{S} Keys:[{AttributeValue}] ProjectionExpression:S",
	"KeySchemaElement":                 "AttributeName:S KeyType:S",
	"Projection":                       "NonKeyAttributes:[S] ProjectionType:S",
	"ProvisionedThroughput":            "ReadCapacityUnits:L WriteCapacityUnits:L",
	"Tag":                              "Key:S Value:S",
	"TimeToLiveSpecification":          "AttributeName:S Enabled:T",
	"TransactItem":                     "ConditionCheck: Delete: Get: Put: Update:",
	"WriteRequest":                     "DeleteRequest:DeleteRequest PutRequest:PutRequest",
	"DeleteRequest":                    "Key:{AttributeValue}",
	"PutRequest":                       "Item:{AttributeValue}",
}

// misread is the fault of a request that could not be read, for a reason that why has in our
// words.
func misread(action string, body []byte, why error) *fault {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return refuse(codeSyntax, "")
	}
	form := action
	if wireStructs[form] == "" {
		form = ""
	}
	if text := misfit(v, form, false); text != "" {
		return refuse(codeSyntax, "%s", text)
	}
	return refuse(codeSyntax, "%s", why)
}

// misfit says in AWS's words where a value has not the form, or nothing. inside is whether it
// stands in a list or a map, where AWS words some faults in another way.
func misfit(v any, form string, inside bool) string {
	if v == nil {
		return ""
	}
	switch {
	case form != "" && strings.Contains("STILB", form):
		return misfitScalar(v, form)
	case strings.HasPrefix(form, "["):
		return misfitList(v, form[1:len(form)-1], inside)
	case strings.HasPrefix(form, "{"):
		return misfitMap(v, form[1:len(form)-1], inside)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return misfitContainer(v, "Unrecognized collection type class "+javaName(form), inside, "Unexpected value type in payload")
	}
	for member := range strings.FieldsSeq(wireStructs[form]) {
		name, of, _ := strings.Cut(member, ":")
		if text := misfit(object[name], of, false); text != "" {
			return text
		}
	}
	return ""
}

const unexpectedStructure = "Start of structure or map found where not expected"

// castFailure is how AWS words that a list stands in a map, or a map in a list, as something else.
const castFailure = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')"

// misfitContainer words a scalar, or an array, that stands where a container should.
func misfitContainer(v any, array string, inside bool, scalarInside string) string {
	if _, ok := v.([]any); ok {
		return array
	}
	if inside {
		return scalarInside
	}
	return "Unexpected field type"
}

func misfitList(v any, of string, inside bool) string {
	list, ok := v.([]any)
	if !ok {
		if _, object := v.(map[string]any); object {
			return unexpectedStructure
		}
		return misfitContainer(v, "", inside, castFailure)
	}
	for _, e := range list {
		if text := misfit(e, of, true); text != "" {
			return text
		}
	}
	return ""
}

func misfitMap(v any, of string, inside bool) string {
	object, ok := v.(map[string]any)
	if !ok {
		return misfitContainer(v, "Unrecognized collection type java.util.Map<java.lang.String, "+javaName(of)+">", inside, castFailure)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if text := misfit(object[name], of, true); text != "" {
			return text
		}
	}
	return ""
}

func misfitScalar(v any, form string) string {
	to := map[string]string{"S": "String", "T": "Boolean", "I": "Integer", "L": "Long"}[form]
	token := ""
	switch v := v.(type) {
	case []any:
		if form == "B" {
			return "Unrecognized collection type class java.nio.ByteBuffer"
		}
		return "Unrecognized collection type class java.lang." + to
	case map[string]any:
		return unexpectedStructure
	case bool:
		if token = "FALSE_VALUE"; v {
			token = "TRUE_VALUE"
		}
		if form == "T" {
			return ""
		}
	case json.Number:
		if token = "NUMBER_VALUE"; strings.ContainsAny(string(v), ".eE") {
			token = "DECIMAL_VALUE"
		}
		if form == "I" || form == "L" {
			return ""
		}
	default: // a string
		switch form {
		case "S":
			return ""
		case "B":
			return misfitBytes(v.(string))
		case "T":
			return "Unexpected token received from parser"
		}
		token = "STRING_VALUE"
	}
	if form == "B" {
		return "only base-64-encoded strings are convertible to bytes"
	}
	return token + " cannot be converted to " + to
}

// javaName is how AWS calls a form.
func javaName(form string) string {
	switch {
	case form == "S":
		return "java.lang.String"
	case strings.HasPrefix(form, "["):
		return "java.util.List<" + javaName(form[1:len(form)-1]) + ">"
	}
	return "com.amazonaws.dynamodb.v20120810." + form
}

// misfitBytes says what is wrong with base64, or nothing.
func misfitBytes(text string) string {
	if len(text)%4 != 0 {
		return fmt.Sprintf("Base64 encoded length is expected a multiple of 4 bytes but found: %d", len(text))
	}
	if raw, err := base64.StdEncoding.Strict().DecodeString(text); err != nil || base64.StdEncoding.EncodeToString(raw) != text {
		return "Invalid last non-pad Base64 character dectected"
	}
	return ""
}
