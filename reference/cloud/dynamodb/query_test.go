package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// orders is a table with two customers' orders by number, and indexes by state.
func orders(t *testing.T) *rig {
	r := open(t, Options{})
	r.create("orders", "pk", "sk", "pk:S sk:N state:S at:S",
		gsi("byState", "state", "at", types.ProjectionTypeAll), gsi("keys", "state", "", types.ProjectionTypeKeysOnly), gsi("some", "state", "at", types.ProjectionTypeInclude, "amount"))
	for i := range 10 {
		m := av{"pk": S("c1"), "sk": N(i - 3), "amount": N(i * 10), "x": S("x")}
		if i%2 == 0 {
			m["state"], m["at"] = S("open"), S(fmt.Sprintf("2026-%02d", i+1))
		}
		r.put("orders", m)
	}
	r.put("orders", av{"pk": S("c2"), "sk": N(1), "state": S("open"), "at": S("2025-12"), "amount": N(7)})
	return r
}

func (r *rig) ask(in *ddb.QueryInput, values av) (*ddb.QueryOutput, error) {
	in.TableName, in.ExpressionAttributeValues = str("orders"), values
	return r.Query(ctx, in)
}

func column(items []map[string]types.AttributeValue, name string) string {
	var out []string
	for _, m := range items {
		out = append(out, showValue(m[name]))
	}
	return strings.Join(out, " ")
}

func TestQueryKeyConditions(t *testing.T) {
	r := orders(t)
	values := av{":p": S("c1"), ":a": N(0), ":b": N(3)}
	for _, c := range []struct{ condition, want string }{
		{"pk = :p", "-3 -2 -1 0 1 2 3 4 5 6"},
		{"pk = :p AND sk = :a", "0"},
		{"pk = :p AND sk < :a", "-3 -2 -1"},
		{"pk = :p AND sk <= :a", "-3 -2 -1 0"},
		{"pk = :p AND sk > :b", "4 5 6"},
		{"sk >= :b AND pk = :p", "3 4 5 6"},
		{"pk = :p AND sk BETWEEN :a AND :b", "0 1 2 3"},
		{"pk = :p AND :b > sk", "-3 -2 -1 0 1 2"},
	} {
		used := av{}
		for name, v := range values {
			if strings.Contains(c.condition, name) {
				used[name] = v
			}
		}
		out, err := r.ask(&ddb.QueryInput{KeyConditionExpression: &c.condition}, used)
		require.NoError(t, err, c.condition)
		require.Equal(t, c.want, column(out.Items, "sk"), c.condition)
		require.Nil(t, out.LastEvaluatedKey)
		back, err := r.ask(&ddb.QueryInput{KeyConditionExpression: &c.condition, ScanIndexForward: aws.Bool(false)}, used)
		require.NoError(t, err)
		for i := range out.Items {
			require.Equal(t, out.Items[i], back.Items[len(back.Items)-1-i], c.condition)
		}
	}
}

func TestQueryPagesFiltersAndProjects(t *testing.T) {
	r := orders(t)
	in := &ddb.QueryInput{KeyConditionExpression: str("pk = :p"), FilterExpression: str("amount >= :t"), ProjectionExpression: str("sk, #t"), ExpressionAttributeNames: map[string]string{"#t": "amount"},
		Limit: aws.Int32(4), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ConsistentRead: aws.Bool(true)}
	var pages []string
	for {
		out, err := r.ask(in, av{":p": S("c1"), ":t": N(50)})
		require.NoError(t, err)
		pages = append(pages, fmt.Sprintf("%s (%d of %d)", showAll(out.Items), out.Count, out.ScannedCount))
		require.Equal(t, 1.0, *out.ConsumedCapacity.CapacityUnits)
		if out.LastEvaluatedKey == nil {
			break
		}
		require.Len(t, out.LastEvaluatedKey, 2)
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	require.Equal(t, []string{" (0 of 4)", "amount=50 sk=2; amount=60 sk=3; amount=70 sk=4 (3 of 4)", "amount=80 sk=5; amount=90 sk=6 (2 of 2)"}, pages)
	out, err := r.ask(&ddb.QueryInput{KeyConditionExpression: str("pk = :p"), Select: types.SelectCount}, av{":p": S("c1")})
	require.NoError(t, err)
	require.Equal(t, int32(10), out.Count)
	require.Nil(t, out.Items)
}

func TestQueryOfIndexes(t *testing.T) {
	r := orders(t)
	out, err := r.ask(&ddb.QueryInput{IndexName: str("byState"), KeyConditionExpression: str("#s = :s AND begins_with(#a, :a)"), ExpressionAttributeNames: map[string]string{"#s": "state", "#a": "at"}},
		av{":s": S("open"), ":a": S("2026-0")})
	require.NoError(t, err)
	require.Equal(t, "2026-01 2026-03 2026-05 2026-07 2026-09", column(out.Items, "at"))
	require.Equal(t, "amount=0 at=2026-01 pk=c1 sk=-3 state=open x=x", show(out.Items[0]))

	keys := &ddb.QueryInput{IndexName: str("keys"), KeyConditionExpression: str("#s = :s"), ExpressionAttributeNames: map[string]string{"#s": "state"}, Limit: aws.Int32(2)}
	seen := map[string]bool{}
	for {
		out, err := r.ask(keys, av{":s": S("open")})
		require.NoError(t, err)
		for _, m := range out.Items {
			require.Len(t, m, 3)
			seen[show(m)] = true
		}
		if keys.ExclusiveStartKey = out.LastEvaluatedKey; keys.ExclusiveStartKey == nil {
			break
		}
		require.Len(t, out.LastEvaluatedKey, 3)
	}
	require.Len(t, seen, 6)

	out, err = r.ask(&ddb.QueryInput{IndexName: str("some"), KeyConditionExpression: str("#s = :s AND #a < :a"), ExpressionAttributeNames: map[string]string{"#s": "state", "#a": "at"}}, av{":s": S("open"), ":a": S("2026")})
	require.NoError(t, err)
	require.Equal(t, "amount=7 at=2025-12 pk=c2 sk=1 state=open", showAll(out.Items))
}

func TestIndexesFollowTheirItems(t *testing.T) {
	r := orders(t)
	count := func(state string) string {
		out, err := r.ask(&ddb.QueryInput{IndexName: str("byState"), KeyConditionExpression: str("#s = :s"), ExpressionAttributeNames: map[string]string{"#s": "state"}}, av{":s": S(state)})
		require.NoError(t, err)
		return column(out.Items, "sk")
	}
	update := func(expression string, values av) {
		_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("orders"), Key: av{"pk": S("c1"), "sk": N(-3)}, UpdateExpression: &expression,
			ExpressionAttributeNames: map[string]string{"#s": "state"}, ExpressionAttributeValues: values})
		require.NoError(t, err)
	}
	require.Equal(t, "1 -3 -1 1 3 5", count("open"))
	update("SET #s = :s", av{":s": S("paid")})
	require.Equal(t, "1 -1 1 3 5", count("open"))
	require.Equal(t, "-3", count("paid"))
	update("REMOVE #s", nil)
	require.Equal(t, "", count("paid"))
	_, err := r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("orders"), Key: av{"pk": S("c2"), "sk": N(1)}})
	require.NoError(t, err)
	require.Equal(t, "-1 1 3 5", count("open"))
}

func TestFaultsOfQueries(t *testing.T) {
	r := orders(t)
	for _, c := range []struct {
		in     ddb.QueryInput
		values av
		want   string
	}{
		{ddb.QueryInput{}, nil, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{ddb.QueryInput{KeyConditionExpression: str("sk = :p")}, av{":p": N(1)}, "Query condition missed key schema element: pk"},
		{ddb.QueryInput{KeyConditionExpression: str("pk > :p")}, av{":p": S("c1")}, "Query key condition not supported"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p AND amount = :t")}, av{":p": S("c1"), ":t": N(1)}, "Query condition missed key schema element: sk"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p")}, av{":p": N(1)}, "Condition parameter type does not match schema type"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p OR sk = :p")}, av{":p": S("c1")}, "Invalid operator used in KeyConditionExpression: OR"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p"), FilterExpression: str("sk > :n")}, av{":p": S("c1"), ":n": N(1)}, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p"), IndexName: str("absent")}, av{":p": S("c1")}, "The table does not have the specified index: absent"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p"), IndexName: str("keys"), ConsistentRead: aws.Bool(true)}, av{":p": S("c1")}, "Consistent reads are not supported on global secondary indexes"},
		{ddb.QueryInput{KeyConditionExpression: str("#s = :p"), IndexName: str("keys"), ExpressionAttributeNames: map[string]string{"#s": "state"}, Select: types.SelectAllAttributes}, av{":p": S("c1")}, "Select type ALL_ATTRIBUTES is not supported for global secondary index keys because its projection type is not ALL"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p"), ExclusiveStartKey: av{"pk": S("c1")}}, av{":p": S("c1")}, "The provided starting key is invalid"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p"), ExclusiveStartKey: av{"pk": S("c2"), "sk": N(1)}}, av{":p": S("c1")}, "The provided starting key is outside query boundaries based on provided conditions"},
		{ddb.QueryInput{KeyConditionExpression: str("pk = :p"), Limit: aws.Int32(0)}, av{":p": S("c1")}, "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
	} {
		_, err := r.ask(&c.in, c.values)
		fails(t, err, "ValidationException", c.want)
	}
}

func TestPagesEndAtOneMegabyte(t *testing.T) {
	r := open(t, Options{})
	r.create("orders", "pk", "sk", "pk:S sk:N")
	for i := range 30 {
		r.put("orders", av{"pk": S("a"), "sk": N(i), "x": S(strings.Repeat("x", 100_000))})
	}
	in := &ddb.QueryInput{KeyConditionExpression: str("pk = :p"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ConsistentRead: aws.Bool(true)}
	var counts []int32
	var units []float64
	for {
		in.TableName, in.ExpressionAttributeValues = str("orders"), av{":p": S("a")}
		out, err := r.Query(ctx, in, again)
		require.NoError(t, err)
		counts, units = append(counts, out.Count), append(units, *out.ConsumedCapacity.CapacityUnits)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	require.Equal(t, []int32{11, 11, 8}, counts)
	require.Equal(t, []float64{269, 269, 196}, units)
}

func TestParallelScanReturnsEveryItemOnce(t *testing.T) {
	r := open(t, Options{})
	r.create("orders", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	for i := range 200 {
		r.put("orders", av{"pk": S(fmt.Sprintf("k%d", i)), "n": N(i), "g": S(fmt.Sprint(i % 5))})
	}
	for _, index := range []*string{nil, str("byG")} {
		for _, segments := range []int32{1, 4} {
			seen := map[string]int{}
			for s := range segments {
				in := &ddb.ScanInput{TableName: str("orders"), IndexName: index, FilterExpression: str("n < :n"), ExpressionAttributeValues: av{":n": N(100)}, Limit: aws.Int32(17)}
				if segments > 1 {
					in.Segment, in.TotalSegments = aws.Int32(s), aws.Int32(segments)
				}
				p := ddb.NewScanPaginator(r.Client, in)
				for p.HasMorePages() {
					out, err := p.NextPage(ctx)
					require.NoError(t, err)
					for _, m := range out.Items {
						seen[showValue(m["pk"])]++
					}
				}
			}
			require.Len(t, seen, 100)
			for k, n := range seen {
				require.Equal(t, 1, n, k)
			}
		}
	}
	for want, in := range map[string]*ddb.ScanInput{
		"The TotalSegments parameter is required":      {Segment: aws.Int32(1)},
		"The Segment parameter is required":            {TotalSegments: aws.Int32(1)},
		"Segment: 3 is not less than TotalSegments: 3": {Segment: aws.Int32(3), TotalSegments: aws.Int32(3)},
	} {
		in.TableName = str("orders")
		_, err := r.Scan(ctx, in)
		fails(t, err, "ValidationException", want)
	}
}

func TestLocalIndexesFetchWholeItemsOnDemand(t *testing.T) {
	r := open(t, Options{})
	_, err := r.CreateTable(ctx, &ddb.CreateTableInput{TableName: str("orders"), BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema("pk", "sk"),
		AttributeDefinitions:  []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}, {AttributeName: str("sk"), AttributeType: "N"}, {AttributeName: str("l"), AttributeType: "S"}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{IndexName: str("byL"), KeySchema: keySchema("pk", "l"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}}})
	require.NoError(t, err)
	for i := range 3 {
		r.put("orders", av{"pk": S("a"), "sk": N(i), "l": S(fmt.Sprint(9 - i)), "x": N(i)})
	}
	in := &ddb.QueryInput{IndexName: str("byL"), KeyConditionExpression: str("pk = :p"), ConsistentRead: aws.Bool(true)}
	out, err := r.ask(in, av{":p": S("a")})
	require.NoError(t, err)
	require.Equal(t, "l=7 pk=a sk=2; l=8 pk=a sk=1; l=9 pk=a sk=0", showAll(out.Items))
	in.Select = types.SelectAllAttributes
	out, err = r.ask(in, av{":p": S("a")})
	require.NoError(t, err)
	require.Equal(t, "l=7 pk=a sk=2 x=2; l=8 pk=a sk=1 x=1; l=9 pk=a sk=0 x=0", showAll(out.Items))
	put, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("orders"), Item: av{"pk": S("a"), "sk": N(5)}, ReturnItemCollectionMetrics: types.ReturnItemCollectionMetricsSize})
	require.NoError(t, err)
	require.Equal(t, "pk=a", show(put.ItemCollectionMetrics.ItemCollectionKey))
	require.Equal(t, []float64{0, 1}, put.ItemCollectionMetrics.SizeEstimateRangeGB)
}

// What an index does not project, a local one fetches from its table and a global one refuses.
func TestProjectionsBeyondAnIndex(t *testing.T) {
	r := open(t, Options{})
	keysOnly := &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	_, err := r.CreateTable(ctx, &ddb.CreateTableInput{
		TableName: str("rows"), KeySchema: keySchema("pk", "sk"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: str("pk"), AttributeType: "S"}, {AttributeName: str("sk"), AttributeType: "S"}, {AttributeName: str("b"), AttributeType: "S"},
		},
		LocalSecondaryIndexes:  []types.LocalSecondaryIndex{{IndexName: str("local"), KeySchema: keySchema("pk", "b"), Projection: keysOnly}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: str("global"), KeySchema: keySchema("b", ""), Projection: keysOnly}},
	})
	require.NoError(t, err)
	r.put("rows", av{"pk": S("p"), "sk": S("s"), "b": S("b"), "d": S("far")})
	query := func(index, key, projection string) (*ddb.QueryOutput, error) {
		return r.Query(ctx, &ddb.QueryInput{TableName: str("rows"), IndexName: &index, KeyConditionExpression: str(key + " = :k"),
			ExpressionAttributeValues: av{":k": S(key[:1])}, ProjectionExpression: &projection})
	}
	for projection, want := range map[string]string{"d": "d=far", "b, d": "b=b d=far", "sk": "sk=s"} {
		out, err := query("local", "pk", projection)
		require.NoError(t, err)
		require.Len(t, out.Items, 1)
		require.Equal(t, want, show(out.Items[0]))
	}
	_, err = query("global", "b", "pk, d")
	fails(t, err, "ValidationException", "Global secondary index global does not project [d]")
	out, err := query("global", "b", "pk, sk")
	require.NoError(t, err)
	require.Equal(t, "pk=p sk=s", show(out.Items[0]))
}

// The orders are AWS's: https://github.com/architect/dynalite/blob/main/test/query.js
func TestEqualKeysOfAnIndexComeInTheOrderOfAWS(t *testing.T) {
	r := open(t, Options{})
	r.create("equal", "a", "b", "a:S b:S c:S d:S", gsi("equal", "c", "d", types.ProjectionTypeAll))
	for c, want := range map[string]string{
		"1": "bb aa ce ea da cd",
		"2": "aa da ba ca db cb",
	} {
		for key := range strings.FieldsSeq(want) {
			r.put("equal", av{"a": S(key[:1]), "b": S(key[1:]), "c": S(c), "d": S("a")})
		}
		keys := strings.Fields(want)
		for _, forward := range []bool{true, false} {
			var got []string
			in := &ddb.QueryInput{TableName: str("equal"), IndexName: str("equal"), KeyConditionExpression: str("c = :c"),
				ExpressionAttributeValues: av{":c": S(c)}, ScanIndexForward: &forward, Limit: aws.Int32(4)}
			for {
				out, err := r.Query(ctx, in)
				require.NoError(t, err)
				for _, m := range out.Items {
					got = append(got, showValue(m["a"])+showValue(m["b"]))
				}
				if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
					break
				}
			}
			if !forward {
				slices.Reverse(got)
			}
			require.Equal(t, keys, got)
		}
	}
}
