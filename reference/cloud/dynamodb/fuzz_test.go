package dynamodb

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func wireRequest(action, body string) *wire.Request {
	return &wire.Request{Service: "dynamodb", Action: action, RequestID: "id", Body: []byte(body)}
}

// Whatever a body holds, the answer is JSON, a success or a fault of the caller's.
func FuzzRequests(f *testing.F) {
	for _, body := range []string{
		`{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":"x"}},"ConditionExpression":"attribute_not_exists(pk)","ReturnValues":"ALL_OLD"}`,
		`{"TableName":"items","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"UpdateExpression":"SET x = :v","ExpressionAttributeValues":{":v":{"L":[]}},"ReturnValues":"UPDATED_NEW"}`,
		`{"TableName":"items","KeyConditionExpression":"pk = :p AND sk > :n","ExpressionAttributeValues":{":p":{"S":"a"},":n":{"N":"0"}},"Limit":1,"Select":"COUNT"}`,
		`{"TableName":"items","IndexName":"byG","Segment":0,"TotalSegments":2,"ExclusiveStartKey":{"pk":{"S":"a"}}}`,
		`{"TableName":"items","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"AttributeUpdates":{"x":{"Action":"ADD","Value":{"NS":["1"]}}},"Expected":{"x":{"Exists":false},"y":{"ComparisonOperator":"IN","AttributeValueList":[{"S":"a"}]}},"ConditionalOperator":"OR"}`,
		`{"TableName":"items","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]},"sk":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"1"},{"N":"2"}]}},"QueryFilter":{"x":{"ComparisonOperator":"NULL"}},"AttributesToGet":["x"]}`,
		`{"TableName":"items","ScanFilter":{"x":{"ComparisonOperator":"NOT_CONTAINS","AttributeValueList":[{"B":"YQ=="}]}},"AttributesToGet":["x"]}`,
		`{"RequestItems":{"items":[{"PutRequest":{"Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"a"},"sk":{"N":"2"}}}}]}}`,
		`{"RequestItems":{"items":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1"}}],"ProjectionExpression":"pk"}}}`,
		`{"TransactItems":[{"Put":{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"}}}},{"ConditionCheck":{"TableName":"items","Key":{"pk":{"S":"b"},"sk":{"N":"1"}},"ConditionExpression":"size(pk) > sk"}}],"ClientRequestToken":"x"}`,
		`{"TransactItems":[{"Get":{"TableName":"items","Key":{"pk":{"S":"a"},"sk":{"N":"1"}}}}],"ReturnConsumedCapacity":"INDEXES"}`,
		`{"Statement":"SELECT pk, x[0].y FROM items.byG WHERE g IN ['x', ?] AND NOT begins_with(pk, 'a') ORDER BY g DESC","Parameters":[{"S":"y"}],"Limit":1,"ReturnConsumedCapacity":"INDEXES"}`,
		`{"Statement":"UPDATE items SET x = x + 1 REMOVE y WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *","NextToken":"e30="}`,
		`{"Statements":[{"Statement":"DELETE FROM items WHERE pk = 'a' AND sk = 1 AND x IS MISSING RETURNING ALL OLD *"},{"Statement":"SELECT * FROM items WHERE pk = 'a' AND sk = 1","ConsistentRead":true}]}`,
		`{"TransactStatements":[{"Statement":"INSERT INTO items VALUE {'pk': 'c', 'sk': 1, 's': <<'a'>>}"},{"Statement":"EXISTS(SELECT * FROM items WHERE pk = 'd' AND sk = 1 AND x = 1)"}],"ClientRequestToken":"p"}`,
		`{"TableName":"other","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`,
	} {
		f.Add(body)
	}
	r := open(f, Options{})
	r.create("items", "pk", "sk", "pk:S sk:N g:S", gsi("byG", "g", "", "ALL"))
	var actions []string
	for name := range operations {
		if !strings.Contains(name, "Table") {
			actions = append(actions, name)
		}
	}
	sort.Strings(actions)
	f.Fuzz(func(t *testing.T, body string) {
		for _, action := range actions {
			w := httptest.NewRecorder()
			r.service.ServeAWS(w, wireRequest(action, body))
			require.True(t, json.Valid(w.Body.Bytes()), "%s: %s", action, w.Body)
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code, "%s: %s", action, w.Body)
		}
	})
}
