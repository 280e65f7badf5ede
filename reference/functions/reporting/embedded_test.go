package reporting_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	embedded "github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/store"
)

// embeddedTables serves what a shop left in memory from the embedded DynamoDB, over the SDK.
func embeddedTables(t testing.TB, from *table) *dynamodb.Client {
	limits := embedded.NoLimits()
	service, err := embedded.Open(embedded.Options{Dir: t.TempDir(), Limits: &limits})
	require.NoError(t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("dynamodb", 16<<20, service)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		require.NoError(t, service.Close())
	})
	client := dynamodb.New(dynamodb.Options{BaseEndpoint: &server.URL, Region: "us-east-1", HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	ctx := context.Background()
	for _, name := range []string{"core", "analytics"} {
		_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}}})
		require.NoError(t, err)
		require.NoError(t, dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
		}).Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)}, time.Minute))
		var writes []types.WriteRequest
		for _, it := range from.items {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
		}
		for batch := range slices.Chunk(writes, 25) {
			_, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: batch}})
			require.NoError(t, err)
		}
	}
	return client
}

func TestSummaryFromTheEmbeddedDynamoDB(t *testing.T) {
	memory := newTable()
	s := openShop(t, memory, "t0001", "Asia/Kolkata", 5, noon.Add(-40*time.Hour).Truncate(time.Hour), noon.Truncate(time.Minute), noon)
	memory.put(store.CoarseMarkerItem(store.HourMarkerKey("t0001", noon.Add(-5*time.Hour).Truncate(time.Hour)), "x"))
	c := &clock{noon}
	a := analytics(t, embeddedTables(t, memory), c)
	start, end := store.Date{Year: 2026, Month: 11, Day: 27}.Bounds(s.zone)
	for range 2 {
		got := read[api.Summary](t, get(t, a, "t0001", "/analytics/summary", "date", "2026-11-27"))
		require.Equal(t, s.sum(start, end).Count, got.Events)
		require.Equal(t, s.sum(start, end).IDs.String(), got.IDs)
		c.at = c.at.Add(6 * time.Second) // the second time by generations
	}
	require.Equal(t, 404, get(t, a, "t0001", "/inventory/{sku}", "{sku}", "A").StatusCode)
	require.Equal(t, 404, get(t, a, "t0001", "/analytics/orders/{order}", "{order}", "1").StatusCode)
}

// BenchmarkSummary is a summary of today over the SDK: from the container's memory, by
// generations after 6 s, and read in full.
func BenchmarkSummary(b *testing.B) {
	memory := newTable()
	openShop(b, memory, "t0001", "Asia/Kolkata", 5, noon.Add(-40*time.Hour).Truncate(time.Hour), noon.Truncate(time.Minute), noon)
	client := embeddedTables(b, memory)
	for name, step := range map[string]time.Duration{"cache=fresh": 0, "cache=checked": 6 * time.Second, "cache=none": -1} {
		b.Run(name, func(b *testing.B) {
			c := &clock{noon}
			a := analytics(b, client, c)
			for b.Loop() {
				if step < 0 {
					a = analytics(b, client, c)
				} else {
					c.at = c.at.Add(step % (24 * time.Hour))
				}
				get(b, a, "t0001", "/analytics/summary", "from", "2026-11-26T18:30:00Z", "to", "2026-11-27T12:18:00Z")
			}
		})
	}
}
