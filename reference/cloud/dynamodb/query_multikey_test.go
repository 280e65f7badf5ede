package dynamodb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// multi is a global index by several attributes of a kind.
func multi(name, hashes, sorts string) types.GlobalSecondaryIndex {
	x := types.GlobalSecondaryIndex{IndexName: &name, Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}
	for _, h := range strings.Fields(hashes) {
		x.KeySchema = append(x.KeySchema, types.KeySchemaElement{AttributeName: &h, KeyType: types.KeyTypeHash})
	}
	for _, s := range strings.Fields(sorts) {
		x.KeySchema = append(x.KeySchema, types.KeySchemaElement{AttributeName: &s, KeyType: types.KeyTypeRange})
	}
	return x
}

// matches is a table of matches by two attributes of the partition key, two of the sort key.
func matches(t *testing.T) *rig {
	r := open(t, Options{})
	r.create("matches", "id", "", "id:S cup:S year:N round:N court:S", multi("many", "cup year", "round court"), multi("one", "cup", "round court"))
	for i := range 24 {
		r.put("matches", av{"id": S(fmt.Sprintf("%02d", i)), "cup": S([]string{"a", "a\x00"}[i%2]), "year": N(2025 + i/2%2), "round": N(i/4%3 - 1), "court": S("c" + fmt.Sprint(i/12)), "x": N(i)})
	}
	r.put("matches", av{"id": S("none"), "cup": S("a"), "year": N(2025), "round": N(1)}) // lacks one
	return r
}

func TestAnIndexByManyAttributes(t *testing.T) {
	r := matches(t)
	values := av{":c": S("a"), ":y": N(2025), ":r": N(0), ":s": N(1), ":k": S("c0"), ":p": S("c")}
	ask := func(index, condition string, limit int32) (*ddb.QueryOutput, error) {
		used := av{}
		for name, v := range values {
			if strings.Contains(condition, name) {
				used[name] = v
			}
		}
		in := &ddb.QueryInput{TableName: str("matches"), IndexName: &index, KeyConditionExpression: &condition, ExpressionAttributeValues: used,
			ExpressionAttributeNames: map[string]string{"#y": "year"}, Limit: aws.Int32(limit)}
		if !strings.Contains(condition, "#y") {
			in.ExpressionAttributeNames = nil
		}
		all := &ddb.QueryOutput{}
		for {
			out, err := r.Query(ctx, in)
			if err != nil {
				return nil, err
			}
			all.Items = append(all.Items, out.Items...)
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				return all, nil
			}
			if index == "many" {
				require.Len(t, out.LastEvaluatedKey, 5, "all keys of index and table")
			}
		}
	}
	for _, c := range []struct{ index, condition, want string }{
		{"many", "cup = :c AND #y = :y", "00 12 04 16 08 20"},
		{"many", "#y = :y AND round = :r AND cup = :c", "04 16"},
		{"many", "cup = :c AND #y = :y AND round >= :r", "04 16 08 20"},
		{"many", "cup = :c AND #y = :y AND round < :s", "00 12 04 16"},
		{"many", "cup = :c AND #y = :y AND round BETWEEN :r AND :s", "04 16 08 20"},
		{"many", "court = :k AND cup = :c AND #y = :y AND round = :r", "04"},
		{"many", "cup = :c AND #y = :y AND round = :r AND court > :k", "16"},
		{"many", "cup = :c AND #y = :y AND round = :r AND begins_with(court, :p)", "04 16"},
		{"one", "cup = :c AND round = :r AND court <= :k", "04 06"}, // equal keys go by the table's hash
	} {
		for _, limit := range []int32{1, 2, 100} {
			out, err := ask(c.index, c.condition, limit)
			require.NoError(t, err, c.condition)
			require.Equal(t, c.want, column(out.Items, "id"), "%s by %d", c.condition, limit)
		}
	}
	const hash = "HASH key attributes %s must have equality conditions specified in the query"
	const sort = "RANGE key attributes %s must have equality conditions specified in the query because a condition is present on key attribute %s"
	for _, c := range []struct{ index, condition, want string }{
		{"many", "cup = :c", fmt.Sprintf(hash, "year")},
		{"many", "round = :r", fmt.Sprintf(hash, "cup, year")},
		{"many", "cup = :c AND #y > :y", fmt.Sprintf(hash, "year")},
		{"many", "cup = :c AND #y = :y AND court = :k", fmt.Sprintf(sort, "round", "court")},
		{"many", "cup = :c AND #y = :y AND round > :r AND court = :k", fmt.Sprintf(sort, "round", "court")},
		{"many", "cup = :c AND #y = :y AND begins_with(round, :p)", "Condition parameter type does not match schema type"},
		{"many", "cup = :c AND #y = :y AND begins_with(round, :r)", "Incorrect operand type"},
		{"many", "cup = :c AND #y = :y AND x = :r", "Query key condition not supported"},
		{"one", "round = :r", "Query condition missed key schema element: cup"},
		{"one", "cup > :c AND round = :r", "Query key condition not supported"},
	} {
		_, err := ask(c.index, c.condition, 9)
		fails(t, err, "ValidationException", c.want)
	}
	_, err := r.Query(ctx, &ddb.QueryInput{TableName: str("matches"), KeyConditionExpression: str("id = :c AND cup = :c AND court = :c"), ExpressionAttributeValues: av{":c": S("a")}})
	fails(t, err, "ValidationException", "Conditions can be of length 1 or 2 only")

	// an entry comes and goes with the last of its attributes
	set := func(update string, values av) {
		_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("matches"), Key: av{"id": S("none")}, UpdateExpression: &update, ExpressionAttributeValues: values})
		require.NoError(t, err)
	}
	set("SET court = :c", av{":c": S("c9")})
	out, err := ask("many", "cup = :c AND #y = :y AND round = :s", 9)
	require.NoError(t, err)
	require.Equal(t, "08 20 none", column(out.Items, "id"))
	set("REMOVE round", nil)
	out, err = ask("many", "cup = :c AND #y = :y", 9)
	require.NoError(t, err)
	require.NotContains(t, column(out.Items, "id"), "none")
	_, err = r.PutItem(ctx, &ddb.PutItemInput{TableName: str("matches"), Item: av{"id": S("z"), "court": N(1)}})
	fails(t, err, "ValidationException", "Type mismatch for Index Key court Expected: S Actual: N IndexName: many")
	_, err = r.PutItem(ctx, &ddb.PutItemInput{TableName: str("matches"), Item: av{"id": S("z"), "court": S("")}})
	fails(t, err, "ValidationException", "cannot contain an empty string value. IndexName: many, IndexKey: court")
}

func TestKeysOfManyAttributesAreChecked(t *testing.T) {
	r := open(t, Options{})
	for i, c := range []struct{ hashes, sorts, want string }{
		{"a b c d", "e f g h", ""},
		{"a b", "", ""},
		{"a b c d e", "", "The KeySchema exceeds the maximum allowed number of HASH key attributes"},
		{"a", "b c d e f", "The KeySchema exceeds the maximum allowed number of RANGE key attributes"},
		{"a a", "", "The KeySchema contains multiple key attributes with the same name"},
		{"a b", "a", "The KeySchema contains multiple key attributes with the same name"},
		{"", "a b", "The first KeySchemaElement is not a HASH key type"},
		{"a z", "", "Some index key attributes are not defined in AttributeDefinitions"},
	} {
		made, old := fmt.Sprintf("made%d", i), fmt.Sprintf("old%d", i)
		r.create(old, "pk", "", "pk:S")
		x := multi("byMany", c.hashes, c.sorts)
		defined := map[string]bool{"pk": true}
		in := &ddb.CreateTableInput{TableName: &made, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("pk", ""), GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{x},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}}}
		for _, k := range x.KeySchema {
			if name := *k.AttributeName; !defined[name] && name != "z" {
				in.AttributeDefinitions, defined[name] = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: "S"}), true
			}
		}
		created, err := r.CreateTable(ctx, in)
		added, err2 := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: &old, AttributeDefinitions: in.AttributeDefinitions, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
			Create: &types.CreateGlobalSecondaryIndexAction{IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: x.Projection}}}})
		if c.want != "" {
			fails(t, err, "ValidationException", c.want)
			fails(t, err2, "ValidationException", c.want)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, x.KeySchema, created.TableDescription.GlobalSecondaryIndexes[0].KeySchema)
		require.NoError(t, err2)
		require.Equal(t, x.KeySchema, added.TableDescription.GlobalSecondaryIndexes[0].KeySchema)
	}
	x := multi("byMany", "a", "b")
	x.KeySchema = append(x.KeySchema, types.KeySchemaElement{AttributeName: str("pk"), KeyType: types.KeyTypeHash})
	in := &ddb.CreateTableInput{TableName: str("new"), BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("pk", "a"), GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{x},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}, {AttributeName: str("a"), AttributeType: "S"}, {AttributeName: str("b"), AttributeType: "S"}}}
	_, err := r.CreateTable(ctx, in)
	fails(t, err, "ValidationException", "All HASH key attributes must precede RANGE key attributes in the KeySchema")
	in.GlobalSecondaryIndexes = nil
	local := multi("local", "pk", "a b")
	in.LocalSecondaryIndexes = []types.LocalSecondaryIndex{{IndexName: local.IndexName, KeySchema: local.KeySchema, Projection: local.Projection}}
	_, err = r.CreateTable(ctx, in)
	fails(t, err, "ValidationException", "'localSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must have length less than or equal to 2")
}
