package dynamodb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func TestTablesAreDescribedAsTheyWereMade(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := open(t, Options{Now: func() time.Time { return now }, Limits: ptr(AWSLimits())})
	in := &ddb.CreateTableInput{
		TableName: str("orders"), KeySchema: keySchema("pk", "sk"), BillingMode: types.BillingModeProvisioned,
		AttributeDefinitions:      []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}, {AttributeName: str("sk"), AttributeType: "N"}, {AttributeName: str("g"), AttributeType: "B"}},
		ProvisionedThroughput:     &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(10), WriteCapacityUnits: aws.Int64(20)},
		WarmThroughput:            &types.WarmThroughput{ReadUnitsPerSecond: aws.Int64(15000), WriteUnitsPerSecond: aws.Int64(2000)},
		DeletionProtectionEnabled: aws.Bool(true),
	}
	x := gsi("byG", "g", "sk", types.ProjectionTypeInclude, "a", "b")
	x.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(2)}
	in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, x)
	made, err := r.CreateTable(ctx, in)
	require.NoError(t, err)
	require.Equal(t, types.TableStatusCreating, made.TableDescription.TableStatus)
	out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("orders")})
	require.NoError(t, err)
	d := out.Table
	require.Equal(t, types.TableStatusActive, d.TableStatus)
	require.Equal(t, "arn:aws:dynamodb:us-east-1:000000000000:table/orders", *d.TableArn)
	require.Equal(t, in.KeySchema, d.KeySchema)
	require.Equal(t, in.AttributeDefinitions, d.AttributeDefinitions)
	require.Equal(t, now, d.CreationDateTime.UTC())
	require.Equal(t, int64(20), *d.ProvisionedThroughput.WriteCapacityUnits)
	require.Equal(t, int64(15000), *d.WarmThroughput.ReadUnitsPerSecond)
	require.True(t, *d.DeletionProtectionEnabled)
	require.Equal(t, x.KeySchema, d.GlobalSecondaryIndexes[0].KeySchema)
	require.Equal(t, x.Projection, d.GlobalSecondaryIndexes[0].Projection)
	require.Equal(t, int64(2), *d.GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits)
	require.Equal(t, 5, r.service.Stats().Tables["orders"].Partitions, "warm throughput decides the partitions")

	_, err = r.CreateTable(ctx, in)
	fails(t, err, "ResourceInUseException", "Table already exists: orders")
	_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("orders")})
	fails(t, err, "ValidationException", "protected against deletion")

	_, err = r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: str("orders"), BillingMode: types.BillingModePayPerRequest, DeletionProtectionEnabled: aws.Bool(false)})
	require.NoError(t, err)
	out, err = r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("orders")})
	require.NoError(t, err)
	require.Equal(t, types.BillingModePayPerRequest, out.Table.BillingModeSummary.BillingMode)
	require.Zero(t, *out.Table.GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits)
	deleted, err := r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("orders")})
	require.NoError(t, err)
	last := deleted.TableDescription
	require.Equal(t, types.TableStatusDeleting, last.TableStatus)
	require.Equal(t, d.TableArn, last.TableArn)
	require.Nil(t, last.CreationDateTime, "AWS shows no more of it")
	require.Empty(t, last.KeySchema)
	require.Empty(t, last.AttributeDefinitions)
	require.Empty(t, last.GlobalSecondaryIndexes)
	_, err = r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("orders")})
	fails(t, err, "ResourceNotFoundException", "Requested resource not found: Table: orders not found")
}

func ptr[T any](v T) *T { return &v }

func TestATableMadeAgainIsEmpty(t *testing.T) {
	r := open(t, Options{})
	for range 3 {
		r.create("items", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
		for _, index := range []*string{nil, str("byG")} {
			out, err := r.Scan(ctx, &ddb.ScanInput{TableName: str("items"), IndexName: index})
			require.NoError(t, err)
			require.Zero(t, out.Count)
		}
		r.put("items", av{"pk": S("a"), "g": S("g")})
		_, err := r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("items")})
		require.NoError(t, err)
	}
}

func TestListTablesPages(t *testing.T) {
	r := open(t, Options{})
	for i := range 7 {
		r.create(fmt.Sprintf("table-%d", i), "pk", "", "pk:S")
	}
	var got []string
	in := &ddb.ListTablesInput{Limit: aws.Int32(3)}
	for {
		out, err := r.ListTables(ctx, in)
		require.NoError(t, err)
		got = append(got, fmt.Sprint(out.TableNames))
		if in.ExclusiveStartTableName = out.LastEvaluatedTableName; in.ExclusiveStartTableName == nil {
			break
		}
	}
	require.Equal(t, []string{"[table-0 table-1 table-2]", "[table-3 table-4 table-5]", "[table-6]"}, got)
}

func TestFaultsOfTables(t *testing.T) {
	r := open(t, Options{})
	const one = `"TableName":"items","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"`
	for body, want := range map[string]string{
		`{}`:                 "The parameter 'TableName' is required but was not present in the request",
		`{"TableName":"ab"}`: "3 validation errors detected",
		`{` + one + `,"KeySchema":[{"AttributeName":"pk","KeyType":"RANGE"}]}`:                                                                                                                                                      "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
		`{` + one + `,"KeySchema":[{"AttributeName":"x","KeyType":"HASH"}]}`:                                                                                                                                                        "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], AttributeDefinitions: [pk]",
		`{` + one + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"pk","KeyType":"RANGE"}]}`:                                                                                                              "Invalid KeySchema: Some index key attribute have no definition",
		`{` + one + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`:                                                                                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
		`{"TableName":"items","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`:                                                                           "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
		`{"TableName":"items","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`: "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
		`{` + one + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"GlobalSecondaryIndexes":[{"IndexName":"abc","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE"}}]}`:        "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
		`{` + one + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"LocalSecondaryIndexes":[{"IndexName":"abc","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`:             "Table KeySchema does not have a range key",
	} {
		fails(t, rawError(t, r, "CreateTable", body), "ValidationException", want)
	}
	long := strings.Repeat("n", 256)
	const (
		bare    = `{"TableName":"items","BillingMode":"PAY_PER_REQUEST",`
		hash    = `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`
		ranged  = `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]`
		defined = `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]`
		all     = `"Projection":{"ProjectionType":"ALL"}`
	)
	for _, c := range [][2]string{
		{bare + `"AttributeDefinitions":[{}],` + hash + `}`, "2 validation errors detected: Value null at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: Member must not be null; Value null at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must not be null"},
		{bare + defined + `,"KeySchema":[{"KeyType":"HASH"},{"AttributeName":"a"}]}`, "2 validation errors detected: Value null at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must not be null; Value null at 'keySchema.2.member.keyType' failed to satisfy constraint: Member must not be null"},
		{bare + `"AttributeDefinitions":[{"AttributeName":"` + long + `","AttributeType":"S"}],` + hash + `}`, "Value '" + long + "' at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{bare + defined + `,"KeySchema":[{"AttributeName":"` + long + `","KeyType":"HASH"}]}`, "at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{bare + defined + `,` + ranged + `,"GlobalSecondaryIndexes":[{"IndexName":"abc",` + hash + `,"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["` + long + `"]}}]}`, "at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes.1.member' failed to satisfy constraint: Member must have length less than or equal to 255"},
		{bare + defined + `,` + ranged + `,"GlobalSecondaryIndexes":[{"IndexName":"abc",` + hash + `,"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a","a"]}}]}`, "Duplicate"},
		{bare + defined + `,` + ranged + `,"LocalSecondaryIndexes":[{}]}`, "3 validation errors detected: Value null at 'localSecondaryIndexes.1.member.indexName' failed to satisfy constraint: Member must not be null; Value null at 'localSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must not be null; Value null at 'localSecondaryIndexes.1.member.projection' failed to satisfy constraint: Member must not be null"},
		{bare + defined + `,` + ranged + `,"LocalSecondaryIndexes":[{"IndexName":"abc","KeySchema":[],"Projection":{"NonKeyAttributes":[]}}]}`, "2 validation errors detected: Value '[]' at 'localSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '[]' at 'localSecondaryIndexes.1.member.projection.nonKeyAttributes' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{bare + `"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"pk","AttributeType":"N"}],` + hash + `}`, "Duplicate AttributeName in AttributeDefinitions: pk"},
		{bare + defined + `,"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"pk","KeyType":"HASH"}]}`, "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
		{bare + defined + `,` + ranged + `,"LocalSecondaryIndexes":[]}`, "List of LocalSecondaryIndexes is empty"},
		{bare + defined + `,` + ranged + `,"GlobalSecondaryIndexes":[]}`, "List of GlobalSecondaryIndexes is empty"},
		{bare + defined + `,` + hash + `,"LocalSecondaryIndexes":[{"IndexName":"abc","KeySchema":[{"AttributeName":"c","KeyType":"RANGE"}],` + all + `}]}`, "Table KeySchema does not have a range key"},
		{bare + defined + `,` + ranged + `,"GlobalSecondaryIndexes":[{"IndexName":"abc","KeySchema":[{"AttributeName":"c","KeyType":"RANGE"},{"AttributeName":"d","KeyType":"RANGE"}],` + all + `}]}`, "Keys: [c, d], AttributeDefinitions: [pk, sk]"},
		{`{"TableName":"items","AttributeDefinitions":[],` + hash + `,"ProvisionedThroughput":{"ReadCapacityUnits":1000000000001,"WriteCapacityUnits":1}}`, "Given value 1000000000001 for ReadCapacityUnits is out of bounds"},
	} {
		fails(t, rawError(t, r, "CreateTable", c[0]), "ValidationException", c[1])
	}
	var many []string
	for i := range maxGlobalIndexes + 1 {
		many = append(many, fmt.Sprintf(`{"IndexName":"index-%d",%s,%s}`, i, hash, all))
	}
	fails(t, rawError(t, r, "CreateTable", bare+defined+`,`+ranged+`,"GlobalSecondaryIndexes":[`+strings.Join(many, ",")+`]}`), "ValidationException", "GlobalSecondaryIndex count exceeds the per-table limit of 20")
	r.create("items", "pk", "", "pk:S")
	fails(t, rawError(t, r, "ListTables", `{"Limit":101}`), "ValidationException", "Member must have value less than or equal to 100")
	fails(t, rawError(t, r, "DescribeTable", `{"TableName":5}`), "SerializationException", "")
}

// What was acknowledged, tables included, is there after a crash that forgets all that was not
// synced, taken after every single call.
func TestEveryAcknowledgedCallSurvivesACrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	r := open(t, Options{FS: mem})
	want := map[string]string{}
	check := func(after string) {
		t.Helper()
		s := open(t, Options{FS: mem.CrashClone(vfs.CrashCloneCfg{})})
		got := map[string]string{}
		names, err := s.ListTables(ctx, &ddb.ListTablesInput{})
		require.NoError(t, err)
		for _, name := range names.TableNames {
			out, err := s.Scan(ctx, &ddb.ScanInput{TableName: &name})
			require.NoError(t, err)
			got[name] = fmt.Sprint(out.Count)
			for _, m := range out.Items {
				got[name+"/"+showValue(m["pk"])] = show(m)
			}
		}
		require.Equal(t, want, got, "after %s", after)
	}
	r.create("one", "pk", "", "pk:S")
	want["one"] = "0"
	check("create")
	r.put("one", av{"pk": S("a"), "n": N(1)})
	want["one"], want["one/a"] = "1", "n=1 pk=a"
	check("put")
	_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("one"), Key: av{"pk": S("a")}, UpdateExpression: str("ADD n :n"), ExpressionAttributeValues: av{":n": N(1)}})
	require.NoError(t, err)
	want["one/a"] = "n=2 pk=a"
	check("update")
	_, err = r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": {putRequest(av{"pk": S("b")}), putRequest(av{"pk": S("c")})}}})
	require.NoError(t, err)
	want["one"], want["one/b"], want["one/c"] = "3", "pk=b", "pk=c"
	check("batch")
	require.NoError(t, r.transact(txPut(av{"pk": S("d")}), txDelete("b")))
	delete(want, "one/b")
	want["one/d"] = "pk=d"
	check("transaction")
	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("one"), Key: av{"pk": S("c")}})
	require.NoError(t, err)
	delete(want, "one/c")
	want["one"] = "2"
	check("delete")
	r.create("two", "pk", "", "pk:S")
	want["two"] = "0"
	check("second table")
	_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("one")})
	require.NoError(t, err)
	for k := range want {
		if k != "two" {
			delete(want, k)
		}
	}
	check("drop")
}
