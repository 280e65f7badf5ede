package processing

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"sort"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/retailflow/stampede/reference/api"
	embedded "github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/store"
)

// serve starts the embedded DynamoDB behind its wire protocol and returns the SDK's client.
func serve(tb testing.TB) *dynamodb.Client {
	limits := embedded.NoLimits()
	service, err := embedded.Open(embedded.Options{Dir: tb.TempDir(), Limits: &limits})
	require.NoError(tb, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, time.Now, slog.New(slog.DiscardHandler))
	mux.Handle("dynamodb", 16<<20, service)
	server := httptest.NewServer(mux)
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		require.NoError(tb, service.Close())
	})
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// create makes the two tables and the story's tenants.
func create(tb testing.TB, client *dynamodb.Client, tables Tables) {
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	schema := func(pk, sk string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: aws.String(pk), KeyType: types.KeyTypeHash}, {AttributeName: aws.String(sk), KeyType: types.KeyTypeRange}}
	}
	for _, table := range []string{tables.Core, tables.Analytics} {
		_, err := client.CreateTable(tb.Context(), &dynamodb.CreateTableInput{
			TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest, KeySchema: schema("pk", "sk"),
			AttributeDefinitions: []types.AttributeDefinition{attribute("pk"), attribute("sk"), attribute("gsi1pk"), attribute("gsi1sk")},
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("gsi1"), KeySchema: schema("gsi1pk", "gsi1sk"),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}},
		})
		require.NoError(tb, err)
		err = dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
		}).Wait(tb.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(table)}, time.Minute)
		require.NoError(tb, err)
	}
	for _, id := range storyTenants {
		tenant := store.Tenant{ID: id, Zone: storyZone}
		_, err := client.TransactWriteItems(tb.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{putAction(tables.Core, tenant.Item())}})
		require.NoError(tb, err)
	}
}

// copyOf scans the tables into a world, where a story can be checked.
func copyOf(tb testing.TB, client *dynamodb.Client, tables Tables) *world {
	w := newWorld(0, storyEnd)
	for name, table := range map[string]string{"core": tables.Core, "analytics": tables.Analytics} {
		pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String(table), ConsistentRead: aws.Bool(true)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(tb.Context())
			require.NoError(tb, err)
			for _, it := range page.Items {
				w.set(name, store.KeyOf(it), it)
			}
		}
	}
	return w
}

// TestProtocolOverTheWire tells the same stories to the embedded DynamoDB through the SDK:
// deliveries, redeliveries and overlapping workers at once, in real time.
func TestProtocolOverTheWire(t *testing.T) {
	client := serve(t)
	for seed := range uint64(12) {
		tables := Tables{fmt.Sprintf("core-%d", seed), fmt.Sprintf("analytics-%d", seed)}
		create(t, client, tables)
		rng := rand.New(rand.NewPCG(seed, 2))
		s := newStory(rng)
		var group errgroup.Group
		for _, name := range append(s.names, s.names...) {
			shards := 1 + rng.IntN(3)
			group.Go(func() error {
				p := NewProcess(ProcessOptions{DB: client, Objects: s, Tables: tables, Version: "1",
					Shards: func(string, time.Time) int { return shards }, Now: func() time.Time { return storyHours }})
				return p.Object(context.Background(), "raw", name)
			})
		}
		worker := func(now time.Time, passes int) func() error {
			n := NewInsights(InsightsOptions{DB: client, Tables: tables, CoarseEvery: -1, Now: func() time.Time { return now }})
			n.db.actions = 5
			return func() error {
				for range passes {
					report, err := n.Handle(context.Background(), Pass{Shard: store.MarkerShard(storyTenants[0])})
					if err != nil || report.Stopped > 0 {
						return fmt.Errorf("%+v: %w", report, err)
					}
				}
				return nil
			}
		}
		for range 3 {
			group.Go(worker(storyHours, 4))
		}
		require.NoError(t, group.Wait(), "seed %d", seed)
		require.NoError(t, worker(storyEnd, 3)(), "seed %d", seed)
		require.NoError(t, s.check(copyOf(t, client, tables)), "seed %d", seed)
	}
}

// BenchmarkPass is what a second of 20x of normal levels (3,472 events, 2,400 tenants of lognormal
// size, three streams every two seconds, a pass every five) costs in CPU, client, HTTP and
// the embedded DynamoDB together. Half of what it measures is the table's.
func BenchmarkPass(b *testing.B) {
	client := serve(b)
	tables := Tables{"core", "analytics"}
	create(b, client, tables)
	rng := rand.New(rand.NewPCG(4, 4))
	weights := make([]float64, 2400)
	total := 0.0
	for i := range weights {
		total += math.Exp(1.5 * rng.NormFloat64())
		weights[i] = total
	}
	now := storyDay.Add(12 * time.Hour)
	objects := &story{objects: map[string][]byte{}}
	process := NewProcess(ProcessOptions{DB: client, Objects: objects, Tables: tables, Version: "1", Now: func() time.Time { return now }})
	insights := NewInsights(InsightsOptions{DB: client, Tables: tables, Now: func() time.Time { return now }})
	var processCPU, passCPU time.Duration
	events, minutes := 0, 0
	for b.Loop() {
		// Five seconds: eight objects.
		var names []string
		for i := range 8 {
			body, n := benchObject(rng, weights, now, 3472*5/8)
			name := fmt.Sprintf("%d/%d", now.Unix(), i)
			objects.objects[name] = body
			names = append(names, name)
			events += n
		}
		processCPU += cpu(func() {
			for _, name := range names {
				require.NoError(b, process.Object(b.Context(), "raw", name))
			}
		})
		passCPU += cpu(func() {
			for shard := range store.MarkerShards {
				report, err := insights.Handle(b.Context(), Pass{Shard: shard})
				require.NoError(b, err)
				require.Zero(b, report.Left+report.Stopped)
				minutes += report.Minutes
			}
		})
		now = now.Add(5 * time.Second)
	}
	b.ReportMetric(float64(processCPU.Microseconds())/float64(events), "cpu-µs-process/event")
	b.ReportMetric(float64(passCPU.Microseconds())/float64(events), "cpu-µs-pass/event")
	b.ReportMetric(float64(passCPU.Milliseconds())/float64(b.N), "cpu-ms/pass")
	b.ReportMetric(float64(minutes)/float64(b.N), "tenant-minutes/pass")
}

// benchObject is an object of one stream: requests of about 20 events, most of them of large tenants.
func benchObject(rng *rand.Rand, weights []float64, now time.Time, events int) (body []byte, n int) {
	for n < events {
		tenant := sort.SearchFloat64s(weights, rng.Float64()*weights[len(weights)-1])
		rec := &api.Record{Tenant: fmt.Sprintf("t%04d", tenant), ReceivedMs: now.UnixMilli(), Correlation: fmt.Sprintf("0197c2f0-%028d", n), Version: "1"}
		size := 1 + int(rng.ExpFloat64()*20)
		for range size {
			e := randomEvent(rng)
			if rng.IntN(100) < 60 { // the mix is mostly views
				e = &api.Event{Type: api.EventType_PRODUCT_VIEWED, Content: rng.Uint64(), TimeMs: now.UnixMilli(), Customer: "c-10293848"}
			}
			if e.Type.Stream() == api.Products {
				e.Sku = fmt.Sprintf("SKU-%05d", rng.IntN(200))
				e.Sequence = uint64(now.UnixMilli()) + uint64(rng.IntN(1000))
			} else {
				e.Order = fmt.Sprintf("order-%d", rng.Uint32())
			}
			id := api.NewID(now.Add(time.Duration(rng.IntN(5000))*time.Millisecond), random10(rng))
			e.Id = id[:]
			rec.Events = append(rec.Events, e)
			n++
		}
		body = appendRecord(body, rec)
	}
	return body, n
}

// cpu is the process's user and system time of f.
func cpu(f func()) time.Duration {
	spent := func() time.Duration {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := spent()
	f()
	return spent() - before
}
