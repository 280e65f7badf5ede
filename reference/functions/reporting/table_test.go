package reporting_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/reporting"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

type item = map[string]types.AttributeValue

// table is both tables in memory, with the calls that were made.
type table struct {
	mu      sync.Mutex
	items   map[store.Key]item
	page    int // items a page; 0: all
	fail    error
	gets    int
	queries []string // "pk projection"
}

func newTable() *table { return &table{items: map[store.Key]item{}} }

func (t *table) put(items ...item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, it := range items {
		t.items[store.KeyOf(it)] = it
	}
}

func (t *table) rollup(key store.Key, gen int64, zone string, sum codec.Rollup) {
	head, parts := store.Rollup{Key: key, Gen: gen, Data: sum.Encode(), Zone: zone}.Items()
	t.put(append(parts, head)...)
}

func (t *table) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gets++
	return &dynamodb.GetItemOutput{Item: t.items[store.KeyOf(in.Key)]}, t.fail
}

func (t *table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail != nil {
		return nil, t.fail
	}
	text := func(name string) string {
		return in.ExpressionAttributeValues[name].(*types.AttributeValueMemberS).Value
	}
	projection := ""
	if in.ProjectionExpression != nil {
		projection = *in.ProjectionExpression
	}
	t.queries = append(t.queries, text(":pk")+" "+projection)
	var keys []store.Key
	for key := range t.items {
		if key.PK == text(":pk") && key.SK >= text(":from") && key.SK <= text(":to") &&
			(in.ExclusiveStartKey == nil || key.SK > store.KeyOf(in.ExclusiveStartKey).SK) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b store.Key) int { return strings.Compare(a.SK, b.SK) })
	out := new(dynamodb.QueryOutput)
	for i, key := range keys {
		if t.page > 0 && i == t.page {
			out.LastEvaluatedKey = keys[i-1].Item()
			break
		}
		got := item{}
		for name, value := range t.items[key] {
			if projection == "" || slices.Contains(strings.Split(projection, ", "), name) {
				got[name] = value
			}
		}
		out.Items = append(out.Items, got)
	}
	return out, nil
}

// clock is set by tests.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func analytics(t testing.TB, db reporting.DynamoDB, c *clock) *reporting.Analytics {
	a, err := reporting.NewAnalytics(reporting.Options{DB: db, Core: "core", Analytics: "analytics", Now: c.now})
	require.NoError(t, err)
	return a
}

// get asks for a resource below the tenant; query is name, value, …
func get(t testing.TB, a *reporting.Analytics, tenant, resource string, params ...string) events.APIGatewayProxyResponse {
	t.Helper()
	r := events.APIGatewayProxyRequest{HTTPMethod: "GET", Resource: "/v1/tenants/{tenant}" + resource,
		PathParameters: map[string]string{"tenant": tenant}, QueryStringParameters: map[string]string{},
		RequestContext: events.APIGatewayProxyRequestContext{RequestID: "req-1", Authorizer: map[string]any{"tenant": "t0001"}}}
	for i := 0; i < len(params); i += 2 {
		if strings.HasPrefix(params[i], "{") {
			r.PathParameters[strings.Trim(params[i], "{}")] = params[i+1]
		} else {
			r.QueryStringParameters[params[i]] = params[i+1]
		}
	}
	payload, err := json.Marshal(r)
	require.NoError(t, err)
	out, err := a.Invoke(context.Background(), payload)
	require.NoError(t, err)
	var answer events.APIGatewayProxyResponse
	require.NoError(t, json.Unmarshal(out, &answer))
	return answer
}

func read[T any](t testing.TB, r events.APIGatewayProxyResponse) T {
	t.Helper()
	require.Equal(t, 200, r.StatusCode, r.Body)
	var value T
	require.NoError(t, json.Unmarshal([]byte(r.Body), &value))
	return value
}

// shop is a tenant's events of some days as roll-ups: all minutes, and the hours and days that
// ended long enough ago, as the processing functions leave them behind.
type shop struct {
	tenant  string
	zone    *time.Location
	minutes map[time.Time]codec.Rollup
}

func openShop(t testing.TB, db *table, tenant, zoneName string, seed uint64, from, to, now time.Time) *shop {
	zone, err := time.LoadLocation(zoneName)
	require.NoError(t, err)
	db.put(store.Tenant{ID: tenant, Zone: zoneName, Currency: "EUR"}.Item())
	s := &shop{tenant: tenant, zone: zone, minutes: map[time.Time]codec.Rollup{}}
	rng := rand.New(rand.NewPCG(seed, 1))
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		if rng.IntN(3) > 0 {
			s.minutes[at] = randomMinute(rng, at)
			db.rollup(store.MinuteKey(tenant, at), 1, "", s.minutes[at])
		}
	}
	settled := now.Add(-store.Settle)
	for h := from.Truncate(time.Hour); h.Before(to); h = h.Add(time.Hour) {
		if end := h.Add(time.Hour); !end.After(settled) {
			db.rollup(store.HourKey(tenant, h), 1, "", s.sum(h, end))
		}
	}
	for d := store.DateIn(from, zone); ; d = d.Next(1) {
		start, end := d.Bounds(zone)
		if end.After(settled) {
			return s
		}
		db.rollup(store.DayKey(tenant, d), 1, zoneName, s.sum(start, end))
	}
}

func randomMinute(rng *rand.Rand, at time.Time) codec.Rollup {
	n := int64(rng.IntN(9) + 1)
	sum := codec.Rollup{Count: n, Types: map[api.EventType]int64{api.EventType_ORDER_CREATED: n},
		Currencies:     []codec.Turnover{{Currency: "EUR", Orders: n, Units: 2 * n, Gross: int64(rng.IntN(100_000)), Refunded: int64(rng.IntN(100))}},
		SKUs:           []codec.SKU{{SKU: "A", Currency: "EUR", Units: 2 * n, Amount: int64(rng.IntN(1000))}, {SKU: "B", Views: n}},
		LastReceivedMs: at.UnixMilli(), LastCorrelation: at.Format(time.RFC3339)}
	for range n {
		var random [10]byte
		for i := range random {
			random[i] = byte(rng.Uint32())
		}
		sum.IDs = sum.IDs.Add(api.NewID(at, random))
	}
	return sum
}

func (s *shop) sum(from, to time.Time) codec.Rollup {
	var all []codec.Rollup
	for at, m := range s.minutes {
		if !at.Before(from) && at.Before(to) {
			all = append(all, m)
		}
	}
	return codec.Merge(all...)
}

var errDown = errors.New("connection refused")

// slowTable holds queries back until it is released.
type slowTable struct {
	*table
	release chan struct{}
}

func (s *slowTable) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	<-s.release
	return s.table.Query(ctx, in, o...)
}

func mustMarshal(t testing.TB, e *api.Event) []byte {
	raw, err := proto.Marshal(e)
	require.NoError(t, err)
	return raw
}
