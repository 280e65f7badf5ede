package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func putRequest(m av) types.WriteRequest {
	return types.WriteRequest{PutRequest: &types.PutRequest{Item: m}}
}

func deleteRequest(key av) types.WriteRequest {
	return types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
}

func TestBatchWriteThenBatchGet(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	r.create("two", "pk", "sk", "pk:S sk:N")
	r.put("one", av{"pk": S("gone")})
	out, err := r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, RequestItems: map[string][]types.WriteRequest{
		"one": {putRequest(av{"pk": S("a"), "x": N(1)}), deleteRequest(av{"pk": S("gone")})},
		"two": {putRequest(av{"pk": S("a"), "sk": N(1), "x": S(strings.Repeat("x", 3000))}), putRequest(av{"pk": S("a"), "sk": N(2)})},
	}})
	require.NoError(t, err)
	require.Empty(t, out.UnprocessedItems)
	units := map[string]float64{}
	for _, c := range out.ConsumedCapacity {
		units[*c.TableName] = *c.CapacityUnits
	}
	require.Equal(t, map[string]float64{"one": 2, "two": 4}, units)

	got, err := r.BatchGetItem(ctx, &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"one": {Keys: []map[string]types.AttributeValue{{"pk": S("a")}, {"pk": S("gone")}}},
		"two": {Keys: []map[string]types.AttributeValue{{"pk": S("a"), "sk": N(2)}, {"pk": S("a"), "sk": N(1)}}, ProjectionExpression: str("#k"), ExpressionAttributeNames: map[string]string{"#k": "sk"}},
	}})
	require.NoError(t, err)
	require.Equal(t, "pk=a x=1", showAll(got.Responses["one"]))
	require.Equal(t, "sk=2; sk=1", showAll(got.Responses["two"]))
	require.Empty(t, got.UnprocessedKeys)
}

func TestBatchGetAnswersAtMost16MB(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	ask := types.KeysAndAttributes{ProjectionExpression: str("pk, x")}
	for i := range 60 {
		key := av{"pk": S(fmt.Sprintf("k%02d", i))}
		ask.Keys = append(ask.Keys, key)
		r.put("one", av{"pk": key["pk"], "x": S(strings.Repeat("x", 390<<10))})
	}
	seen, calls := map[string]bool{}, 0
	next := map[string]types.KeysAndAttributes{"one": ask}
	for len(next) > 0 {
		calls++
		out, err := r.BatchGetItem(ctx, &ddb.BatchGetItemInput{RequestItems: next})
		require.NoError(t, err)
		for _, m := range out.Responses["one"] {
			seen[showValue(m["pk"])] = true
		}
		if next = out.UnprocessedKeys; len(next) > 0 {
			require.Equal(t, "pk, x", *next["one"].ProjectionExpression)
		}
	}
	require.Len(t, seen, 60)
	require.Equal(t, 2, calls)
}

func TestFaultsOfBatches(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	write := func(requests ...types.WriteRequest) error {
		_, err := r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": requests}})
		return err
	}
	var many []types.WriteRequest
	var keys []map[string]types.AttributeValue
	for i := range 101 {
		keys = append(keys, av{"pk": S(fmt.Sprint(i))})
		if i < 26 {
			many = append(many, putRequest(av{"pk": S(fmt.Sprint(i))}))
		}
	}
	get := func(table string, keys ...map[string]types.AttributeValue) error {
		_, err := r.BatchGetItem(ctx, &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys}}})
		return err
	}
	for _, c := range []struct {
		want string
		err  error
	}{
		{"Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]", write(many...)},
		{"Provided list of item keys contains duplicates", write(many[0], deleteRequest(av{"pk": S("0")}))},
		{"The provided key element does not match the schema", write(putRequest(av{"x": S("a")}))},
		{"The provided key element does not match the schema", write(deleteRequest(av{"x": S("a")}))},
		{"Item size has exceeded the maximum allowed size", write(putRequest(av{"pk": S("a"), "x": S(strings.Repeat("x", 410<<10))}))},
		{"must contain exactly one of the supported datatypes", rawError(t, r, "BatchWriteItem", `{"RequestItems":{"one":[{}]}}`)},
		{"Value null at 'requestItems' failed to satisfy constraint: Member must not be null", rawError(t, r, "BatchWriteItem", `{}`)},
		{"The requestItems parameter is required for BatchGetItem", rawError(t, r, "BatchGetItem", `{"RequestItems":{}}`)},
		{"Member must have length less than or equal to 100", get("one", keys...)},
		{"Provided list of item keys contains duplicates", get("one", keys[0], keys[0])},
		{"The provided key element does not match the schema", get("one", av{"x": S("a")})},
	} {
		fails(t, c.err, "ValidationException", c.want)
	}
	fails(t, get("absent", keys[0]), "ResourceNotFoundException", "Requested resource not found")
}

// JSON may name a table twice; two changes of one item are refused all the same.
func TestATableNamedTwiceInABatch(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	put := func(n string) string { return `"one":[{"PutRequest":{"Item":{"pk":{"S":"a"},"n":{"N":"` + n + `"}}}}]` }
	err := rawError(t, r, "BatchWriteItem", `{"RequestItems":{`+put("1")+`,`+put("2")+`}}`)
	fails(t, err, "ValidationException", "Provided list of item keys contains duplicates")
	require.Empty(t, r.get("one", av{"pk": S("a")}))
}

// Expressions with megabytes of names are not kept, however many of them are sent.
func TestLongExpressionsAreNotKept(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	for i := range 3 {
		_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("one"), Key: av{"pk": S("a")}, UpdateExpression: str("SET #a = :v"),
			ExpressionAttributeNames:  map[string]string{"#a": "n", "#unused": strings.Repeat("x", 10_000) + fmt.Sprint(i)},
			ExpressionAttributeValues: av{":v": N(1)}})
		fails(t, err, "ValidationException", "unused")
	}
	require.Empty(t, r.service.expressions.kept)
	_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("one"), Key: av{"pk": S("a")}, UpdateExpression: str("SET #a = :v"),
		ExpressionAttributeNames: map[string]string{"#a": "n"}, ExpressionAttributeValues: av{":v": N(1)}})
	require.NoError(t, err)
	require.Len(t, r.service.expressions.kept, 1)
}
