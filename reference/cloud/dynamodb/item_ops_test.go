package dynamodb

import (
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

const everything = `{"pk":{"S":"a"},"sk":{"N":"1"},"s":{"S":"text \"ä\""},"e":{"S":""},"n":{"N":"-123.5"},"b":{"B":"AQID"},"t":{"BOOL":true},"f":{"BOOL":false},"z":{"NULL":true},` +
	`"ss":{"SS":["x","y"]},"ns":{"NS":["1","2.5"]},"bs":{"BS":["AQ==","Ag=="]},"l":{"L":[{"S":"1"},{"L":[]},{"M":{"k":{"N":"1"}}}]},"m":{"M":{"a":{"M":{}}}}}`

func TestPutThenGetReturnsTheItem(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "sk", "pk:S sk:N")
	want := attrs(t, everything)
	r.put("items", want)
	require.Equal(t, want, r.get("items", av{"pk": S("a"), "sk": N(1)}))
	require.Nil(t, r.get("items", av{"pk": S("a"), "sk": N(2)}))

	out, err := r.GetItem(ctx, &ddb.GetItemInput{TableName: str("items"), Key: av{"pk": S("a"), "sk": N("1.0")},
		ProjectionExpression: str("#s, l[2].k, m.a"), ExpressionAttributeNames: map[string]string{"#s": "s"}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
	require.NoError(t, err)
	require.Equal(t, `l=[{k=1}] m={a={}} s=text "ä"`, show(out.Item))
	require.Equal(t, 0.5, *out.ConsumedCapacity.CapacityUnits)
}

func TestPutReturnsTheOldItemAndReplacesAll(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	r.put("items", av{"pk": S("a"), "x": N(1), "y": N(2)})
	out, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("items"), Item: av{"pk": S("a"), "x": N(3)}, ReturnValues: types.ReturnValueAllOld})
	require.NoError(t, err)
	require.Equal(t, "pk=a x=1 y=2", show(out.Attributes))
	require.Equal(t, "pk=a x=3", show(r.get("items", av{"pk": S("a")})))
}

func TestDeleteReturnsTheOldItem(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	r.put("items", av{"pk": S("a"), "x": N(1)})
	in := &ddb.DeleteItemInput{TableName: str("items"), Key: av{"pk": S("a")}, ReturnValues: types.ReturnValueAllOld}
	out, err := r.DeleteItem(ctx, in)
	require.NoError(t, err)
	require.Equal(t, "pk=a x=1", show(out.Attributes))
	require.Nil(t, r.get("items", in.Key))
	out, err = r.DeleteItem(ctx, in)
	require.NoError(t, err)
	require.Nil(t, out.Attributes)
}

func TestConditionsGuardWrites(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	put := func(gen int, condition string, values av) error {
		_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("items"), Item: av{"pk": S("a"), "gen": N(gen)}, ConditionExpression: &condition, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
		return err
	}
	require.NoError(t, put(1, "attribute_not_exists(pk)", nil))
	err := put(9, "attribute_not_exists(pk)", nil)
	fails(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	var failed *types.ConditionalCheckFailedException
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "gen=1 pk=a", show(failed.Item))
	require.NoError(t, put(2, "gen = :g", av{":g": N(1)}))
	fails(t, put(3, "gen = :g", av{":g": N(1)}), "ConditionalCheckFailedException", "")
	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("items"), Key: av{"pk": S("a")}, ConditionExpression: str("gen > :g"), ExpressionAttributeValues: av{":g": N(2)}})
	fails(t, err, "ConditionalCheckFailedException", "")
	_, err = r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("items"), Key: av{"pk": S("b")}, ConditionExpression: str("attribute_exists(pk)"), UpdateExpression: str("REMOVE x")})
	fails(t, err, "ConditionalCheckFailedException", "")
	require.Equal(t, "gen=2 pk=a", show(r.get("items", av{"pk": S("a")})))
	require.Nil(t, r.get("items", av{"pk": S("b")}))
}

func TestUpdateReturnValues(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	for want, c := range map[string]struct {
		returns types.ReturnValue
	}{
		"":                               {types.ReturnValueNone},
		"m={a=1 b=2} n=5 pk=a x=7":       {types.ReturnValueAllOld},
		"m={a=1} n=5":                    {types.ReturnValueUpdatedOld},
		"m={a=2 b=2} n=6 new=1 pk=a x=7": {types.ReturnValueAllNew},
		"m={a=2} n=6 new=1":              {types.ReturnValueUpdatedNew},
	} {
		r.put("items", av{"pk": S("a"), "n": N(5), "x": N(7), "m": &types.AttributeValueMemberM{Value: av{"a": N(1), "b": N(2)}}})
		out, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("items"), Key: av{"pk": S("a")}, ReturnValues: c.returns,
			UpdateExpression: str("SET n = n + :one, m.a = :two, #new = :one"), ExpressionAttributeNames: map[string]string{"#new": "new"}, ExpressionAttributeValues: av{":one": N(1), ":two": N(2)}})
		require.NoError(t, err)
		require.Equal(t, want, show(out.Attributes), c.returns)
	}
	// Without an item the key is made; without an expression it is all there is.
	_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("items"), Key: av{"pk": S("fresh")}})
	require.NoError(t, err)
	require.Equal(t, "pk=fresh", show(r.get("items", av{"pk": S("fresh")})))
}

func TestFaultsOfItemRequests(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "sk", "pk:S sk:N g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	key := av{"pk": S("a"), "sk": N(1)}
	put := func(m av) error {
		_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("items"), Item: m})
		return err
	}
	update := func(expression string, values av) error {
		_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("items"), Key: key, UpdateExpression: &expression, ExpressionAttributeValues: values})
		return err
	}
	get := func(table string, key av) error {
		_, err := r.GetItem(ctx, &ddb.GetItemInput{TableName: &table, Key: key})
		return err
	}
	big := strings.Repeat("x", 400<<10)
	for want, err := range map[string]error{
		"One or more parameter values were invalid: Missing the key sk in the item":                 put(av{"pk": S("a")}),
		"One or more parameter values were invalid: Type mismatch for key sk expected: N actual: S": put(av{"pk": S("a"), "sk": S("1")}),
		"cannot contain an empty string value. Key: pk":                                             put(av{"pk": S(""), "sk": N(1)}),
		"Type mismatch for Index Key g Expected: S Actual: N IndexName: byG":                        put(av{"pk": S("a"), "sk": N(1), "g": N(1)}),
		"IndexName: byG, IndexKey: g":                                                               put(av{"pk": S("a"), "sk": N(1), "g": S("")}),
		"Item size has exceeded the maximum allowed size":                                           put(av{"pk": S("a"), "sk": N(1), "x": S(big)}),
		"Size of hashkey has exceeded the maximum size limit of2048 bytes":                          put(av{"pk": S(big[:2049]), "sk": N(1)}),
		"Number overflow": put(av{"pk": S("a"), "sk": N("1e200")}),
		"The provided key element does not match the schema":                                                                      get("items", av{"pk": S("a")}),
		"1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null":                  rawError(t, r, "GetItem", `{"TableName":"items"}`),
		"2 validation errors detected":                                                                                            rawError(t, r, "PutItem", `{}`),
		"Value 'x!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+": rawError(t, r, "GetItem", `{"TableName":"x!","Key":{}}`),
		"Cannot update attribute pk. This attribute is part of the key":                                                           update("SET pk = :v", av{":v": S("b")}),
		"Invalid UpdateExpression: Syntax error":                                                                                  update("SET x y", nil),
		"Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}":                                           update("REMOVE x", av{":v": N(1)}),
		"The document path provided in the update expression is invalid for update":                                               update("SET x.y = :v", av{":v": N(1)}),
		"ReturnValues can only be ALL_OLD or NONE":                                                                                rawError(t, r, "PutItem", `{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnValues":"ALL_NEW"}`),
		"at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set":                                      rawError(t, r, "PutItem", `{"TableName":"items","Item":{"pk":{"S":"a"},"sk":{"N":"1"}},"ReturnValues":"SOME"}`),
	} {
		fails(t, err, "ValidationException", want)
	}
	fails(t, get("absent", key), "ResourceNotFoundException", "Requested resource not found")
	fails(t, rawError(t, r, "GetItem", `{"TableName":`), "SerializationException", "")
	fails(t, rawError(t, r, "GetItem", `{"TableName":7}`), "SerializationException", "")
	fails(t, rawError(t, r, "PutItem", `{"TableName":"items","Item":{"pk":{"S":1}}}`), "SerializationException", "")
	fails(t, rawError(t, r, "ImportTable", `{}`), "UnknownOperationException", "")

	r.put("items", av{"pk": S("a"), "sk": N(1), "x": S(big[:300<<10])})
	fails(t, update("SET y = :v", av{":v": S(big[:200<<10])}), "ValidationException", "Item size to update has exceeded the maximum allowed size")
}

func TestTableCanBeNamedByItsARN(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("items")})
	require.NoError(t, err)
	_, err = r.PutItem(ctx, &ddb.PutItemInput{TableName: out.Table.TableArn, Item: av{"pk": S("a")}})
	require.NoError(t, err)
	require.Equal(t, "pk=a", show(r.get("items", av{"pk": S("a")})))
}

func TestConsumedCapacityOfWrites(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeKeysOnly))
	put := func(m av) *types.ConsumedCapacity {
		out, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("items"), Item: m, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
		require.NoError(t, err)
		return out.ConsumedCapacity
	}
	c := put(av{"pk": S("a"), "x": S(strings.Repeat("x", 2000))})
	require.Equal(t, 2.0, *c.CapacityUnits)
	require.Empty(t, c.GlobalSecondaryIndexes)
	c = put(av{"pk": S("a"), "g": S("1")}) // the larger of old and new, and a new entry
	require.Equal(t, 3.0, *c.CapacityUnits)
	require.Equal(t, 2.0, *c.Table.CapacityUnits)
	require.Equal(t, 1.0, *c.GlobalSecondaryIndexes["byG"].CapacityUnits)
	c = put(av{"pk": S("a"), "g": S("1"), "y": N(1)}) // the entry does not change
	require.Equal(t, 1.0, *c.CapacityUnits)
	c = put(av{"pk": S("a"), "g": S("2")}) // the entry moves: a delete and a put
	require.Equal(t, 3.0, *c.CapacityUnits)
}

// A local index lies in its table's partitions, and is shown apart from it.
func TestConsumedCapacityOfLocalIndexes(t *testing.T) {
	r := open(t, Options{})
	_, err := r.CreateTable(ctx, &ddb.CreateTableInput{TableName: str("items"), KeySchema: keySchema("pk", "sk"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions:  []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}, {AttributeName: str("sk"), AttributeType: "S"}, {AttributeName: str("at"), AttributeType: "S"}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{IndexName: str("byTime"), KeySchema: keySchema("pk", "at"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}}})
	require.NoError(t, err)
	put, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("items"), Item: av{"pk": S("a"), "sk": S("b"), "at": S("c"), "x": S(strings.Repeat("x", 1500))}, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
	require.NoError(t, err)
	require.Equal(t, 4.0, *put.ConsumedCapacity.CapacityUnits)
	require.Equal(t, 2.0, *put.ConsumedCapacity.Table.CapacityUnits)
	require.Equal(t, 2.0, *put.ConsumedCapacity.LocalSecondaryIndexes["byTime"].CapacityUnits)
	out, err := r.Query(ctx, &ddb.QueryInput{TableName: str("items"), IndexName: str("byTime"), KeyConditionExpression: str("pk = :p"), ExpressionAttributeValues: av{":p": S("a")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
	require.NoError(t, err)
	require.Equal(t, 0.5, *out.ConsumedCapacity.CapacityUnits)
	require.Zero(t, *out.ConsumedCapacity.Table.CapacityUnits)
	require.Equal(t, 0.5, *out.ConsumedCapacity.LocalSecondaryIndexes["byTime"].CapacityUnits)
}
