package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// Words and their order are AWS's, as https://github.com/architect/dynalite/tree/main/test has them.
func TestWordsAboutStartingKeysAndNames(t *testing.T) {
	r := open(t, Options{})
	r.create("plain", "pk", "", "pk:S")
	r.create("items", "a", "b", "a:S b:S c:S d:S", gsi("byC", "c", "", types.ProjectionTypeAll), gsi("byCD", "c", "d", types.ProjectionTypeKeysOnly))
	const (
		schema   = "The provided key element does not match the schema"
		start    = "The provided starting key is invalid"
		length   = "TableName must be at least 3 characters long and at most 255 characters long"
		one      = "1 validation error detected: "
		two      = "2 validation errors detected: "
		fails    = " failed to satisfy constraint: Member must "
		pattern  = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
		short    = "have length greater than or equal to 3"
		update   = "globalSecondaryIndexUpdates.1.member.update."
		units    = update + "provisionedThroughput."
		scan     = `{"TableName":"items","ExclusiveStartKey":`
		byC      = `{"TableName":"items","IndexName":"byC","ExclusiveStartKey":`
		queryByC = `{"TableName":"items","IndexName":"byC","KeyConditionExpression":"c = :c","ExpressionAttributeValues":{":c":{"S":"x"}},"ExclusiveStartKey":`
	)
	for _, c := range [][3]string{
		{"Scan", scan + `{"a":{"S":"a"}}}`, start + ": " + schema},
		{"Scan", scan + `{"a":{"S":"a"},"b":{"N":"1"}}}`, start + ": " + schema},
		{"Scan", scan + `{"x":{"S":"a"},"b":{"S":"1"}}}`, start + ": " + schema},
		{"Scan", byC + `{"c":{"S":"a"}}}`, start},
		{"Scan", byC + `{"c":{"N":"1"},"a":{"N":"1"},"b":{"S":"a"}}}`, schema},
		{"Scan", byC + `{"x":{"N":"1"},"a":{"S":"a"},"b":{"S":"a"}}}`, start},
		{"Scan", byC + `{"c":{"S":"a"},"x":{"S":"a"},"b":{"S":"a"}}}`, start + ": " + schema},
		{"Scan", strings.Replace(byC, "byC", "byCD", 1) + `{"c":{"S":"a"},"d":{"S":"a"},"x":{"N":"1"},"y":{"N":"1"}},"Select":"ALL_ATTRIBUTES"}`,
			"One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index byCD because its projection type is not ALL"},
		{"Query", queryByC + `{"x":{"N":"1"},"y":{"N":"1"},"c":{"S":"a"}}}`, start + ": " + schema},
		{"Query", strings.Replace(queryByC, "c = :c", "z = :c", 1) + `{"a":{"S":"a"},"b":{"S":"a"},"c":{"S":"a"}}}`, "Query condition missed key schema element: c"},
		{"Query", strings.Replace(queryByC, "c = :c", "z = :c", 1) + `{"a":{"S":"a"},"b":{"S":"a"},"c":{"N":"1"}}}`, schema},
		{"Scan", scan[:len(scan)-len(`"ExclusiveStartKey":`)] + `"IndexName":""}`,
			two + "Value '' at 'indexName'" + fails + pattern + "; Value '' at 'indexName'" + fails + short},
		{"DescribeTable", `{"TableName":"ab"}`, length},
		{"DescribeTable", `{"TableName":"abc;"}`, one + "Value 'abc;' at 'tableName'" + fails + pattern},
		{"DeleteTable", `{"TableName":""}`, length},
		{"UpdateTable", `{"TableName":"a;"}`, length},
		{"UpdateTable", `{"TableName":"items","GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"byC","ProvisionedThroughput":{}}}]}`,
			two + "Value null at '" + units + "readCapacityUnits'" + fails + "not be null; Value null at '" + units + "writeCapacityUnits'" + fails + "not be null"},
		{"UpdateTable", `{"TableName":"items","GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"absent","ProvisionedThroughput":{"ReadCapacityUnits":1000000000001,"WriteCapacityUnits":1}}}]}`,
			"This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate"},
		{"ListTables", `{"ExclusiveStartTableName":""}`, two + "Value '' at 'exclusiveStartTableName'" + fails + pattern + "; Value '' at 'exclusiveStartTableName'" + fails + short},
		{"BatchGetItem", `{"RequestItems":{"absent":{"Keys":[{"a":{"S":"a"}},{"a":{"S":"b"}},{"a":{"S":"a"}}]}}}`, "Provided list of item keys contains duplicates"},
		{"BatchGetItem", `{"ReturnItemCollectionMetrics":"hi"}`, one + "Value null at 'requestItems'" + fails + "not be null"},
	} {
		require.Equal(t, "api error ValidationException: "+c[2], rawError(t, r, c[0], c[1]).Error(), c[1])
	}
	fault := rawError(t, r, "UntagResource", fmt.Sprintf(`{"ResourceArn":"%sx","TagKeys":["a"]}`, r.service.arn("items")))
	require.Equal(t, "api error ResourceNotFoundException: Requested resource not found", fault.Error())
}

// A key is good in the segment that it lies in, and in no other.
func TestStartingKeysOfOtherSegmentsAreRefused(t *testing.T) {
	r := open(t, Options{})
	r.create("plain", "pk", "", "pk:S")
	ask := func(segment int) error {
		resp, out := raw(t, r, "Scan", fmt.Sprintf(`{"TableName":"plain","Segment":%d,"TotalSegments":4096,"ExclusiveStartKey":{"pk":{"S":"1668"}}}`, segment))
		if resp.StatusCode == 200 {
			return nil
		}
		return fmt.Errorf("%s", out)
	}
	require.NoError(t, ask(1), "as on AWS")
	require.ErrorContains(t, ask(0), "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 4096 Segment: 0")
}

// A path that leads on where there is nothing of its kind is refused whatever is to be done there.
func TestPathsThatDoNotLeadOn(t *testing.T) {
	r := open(t, Options{})
	r.create("plain", "pk", "", "pk:S")
	r.put("plain", attrs(t, `{"pk":{"S":"a"},"b":{"S":"a"},"c":{"M":{"1":{"S":"a"}}},"d":{"L":[{"S":"a"},{"S":"b"}]}}`))
	for _, path := range []string{"b.#1", "b[1]", "y.#1", "y[1]", "c[1]", "d.#1"} {
		for _, update := range []string{"set %s = :a, #1 = :a", "remove %s set #1 = :a", "delete %s :a set #1 = :a", "add %s :a set #1 = :a"} {
			body := fmt.Sprintf(`{"TableName":"plain","Key":{"pk":{"S":"a"}},"UpdateExpression":"%s",`+
				`"ExpressionAttributeNames":{"#1":"1"},"ExpressionAttributeValues":{":a":{"SS":["a"]}}}`, fmt.Sprintf(update, path))
			require.Equal(t, "api error ValidationException: The document path provided in the update expression is invalid for update",
				rawError(t, r, "UpdateItem", body).Error(), body)
		}
	}
	require.Equal(t, "b=a c={1=a} d=[a b] pk=a", show(r.get("plain", av{"pk": S("a")})))
}
