package processing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a world without a scheduler: one table, objects, and calls from several goroutines.
type bench struct {
	*actor
	mu      sync.Mutex
	objects map[string][]byte
	log     bytes.Buffer
	level   slog.Level
	writes  []string // sort keys in the order in which BatchWriteItem wrote them
}

func newBench(now time.Time) *bench {
	w := newWorld(1, now)
	w.quiet = true
	return &bench{actor: &actor{world: w}, objects: map[string][]byte{}}
}

func (b *bench) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.actor.BatchGetItem(ctx, in)
}

func (b *bench) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range in.RequestItems["analytics"] {
		if r.PutRequest != nil {
			b.writes = append(b.writes, store.KeyOf(r.PutRequest.Item).SK)
		}
	}
	return b.actor.BatchWriteItem(ctx, in)
}

func (b *bench) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.actor.Query(ctx, in)
}

func (b *bench) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.actor.TransactWriteItems(ctx, in)
}

func (b *bench) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	body, ok := b.objects[aws.ToString(in.Bucket)+"/"+aws.ToString(in.Key)]
	if !ok {
		return nil, errors.New("NoSuchKey")
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(body)), ContentLength: aws.Int64(int64(len(body)))}, nil
}

func (b *bench) process() *Process {
	return NewProcess(ProcessOptions{DB: b, Objects: b, Tables: Tables{"core", "analytics"}, Version: "9",
		Now: func() time.Time { return b.world.now }, Log: slog.New(slog.NewJSONHandler(&b.log, &slog.HandlerOptions{Level: b.level}))})
}

func (b *bench) insights() *Insights {
	return NewInsights(InsightsOptions{DB: b, Tables: Tables{"core", "analytics"}, CoarseEvery: -1,
		Now: func() time.Time { return b.world.now }, Log: slog.New(slog.NewJSONHandler(&b.log, &slog.HandlerOptions{Level: b.level}))})
}

// put stores an object of records and processes it.
func (b *bench) put(t testing.TB, key string, records ...*api.Record) {
	var body []byte
	for _, rec := range records {
		body = appendRecord(body, rec)
	}
	b.objects["raw/"+key] = body
	b.handle(t, b.process(), message("raw", key))
}

// handle has a batch processed, all of it.
func (b *bench) handle(t testing.TB, p *Process, batch events.SQSEvent) {
	t.Helper()
	out, err := p.Handle(context.Background(), batch)
	require.NoError(t, err)
	require.Empty(t, out.BatchItemFailures)
}

func (b *bench) pass(t testing.TB, tenant string) Report {
	report, err := b.insights().Handle(context.Background(), Pass{Shard: store.MarkerShard(tenant)})
	require.NoError(t, err)
	return report
}

// rollup reads one roll-up with its parts.
func (b *bench) rollup(t testing.TB, key store.Key) (store.Rollup, codec.Rollup) {
	from, to := store.BucketRange(key, key)
	db := newDatabase(b, 1, pause)
	items, _, err := db.query(context.Background(), "analytics", span{pk: key.PK, from: from, to: to, consistent: true})
	require.NoError(t, err)
	rollups, err := store.Rollups(items)
	require.NoError(t, err)
	require.Len(t, rollups, 1)
	r, err := codec.DecodeRollup(rollups[0].Data)
	require.NoError(t, err)
	return rollups[0], r
}

func (b *bench) count(table, part string) int {
	n := 0
	for _, it := range b.world.items(table) {
		if strings.Contains(store.KeyOf(it).String(), part) {
			n++
		}
	}
	return n
}

func message(bucket, key string) events.SQSEvent {
	return events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m1", Body: fmt.Sprintf(
		`{"version":"0","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":%q},"object":{"key":%q,"size":9}}}`, bucket, key)}}}
}

// orderEvents makes distinct paid orders of one minute.
func orderEvents(n int, minute time.Time) []*api.Event {
	rng := rand.New(rand.NewPCG(3, 3))
	out := make([]*api.Event, n)
	for i := range out {
		id := api.NewID(minute.Add(time.Duration(i%60000)*time.Millisecond), random10(rng))
		out[i] = &api.Event{Id: id[:], Type: api.EventType_ORDER_REFUNDED, Order: fmt.Sprint("#", i), Currency: "EUR", Amount: 7, Content: uint64(i), TimeMs: minute.UnixMilli()}
	}
	return out
}

// TestEveryRequestCanBeFollowedAtDebug: lines about many requests carry some of their correlation
// ids; at level debug each one is found in its object and in its minute's roll-up, once.
func TestEveryRequestCanBeFollowedAtDebug(t *testing.T) {
	const requests = lineIDs + 30
	for level, want := range map[slog.Level]int{slog.LevelInfo: 0, slog.LevelDebug: 1} {
		b := newBench(storyNow)
		b.level = level
		minute := minutes[3]
		var records []*api.Record
		for i, e := range orderEvents(requests, minute) {
			records = append(records, &api.Record{Tenant: "t0001", Correlation: fmt.Sprintf("corr-%03d", i), ReceivedMs: int64(i), Events: []*api.Event{e}})
		}
		b.put(t, "orders/one", records...)
		_, err := b.insights().Handle(context.Background(), Pass{Shard: store.MarkerShard("t0001")})
		require.NoError(t, err)
		for i := range requests {
			id := fmt.Sprintf("corr-%03d", i)
			for _, message := range []string{"object requests", "minute rolled up"} {
				found := 0
				for line := range strings.Lines(b.log.String()) {
					if strings.Contains(line, `"msg":"`+message+`"`) && strings.Contains(line, `"`+id+`"`) {
						found++
					}
				}
				require.Equal(t, want, found, "%s of %s at %s", message, id, level)
			}
		}
		if level == slog.LevelDebug {
			require.Contains(t, b.log.String(), fmt.Sprintf(`"msg":"minute rolled up","tenant":"t0001","minute":%q,"gen":1,`, minute.UTC().Format(time.RFC3339)))
		}
	}
}

func TestAnObjectBecomesBlocksAndThenMarkers(t *testing.T) {
	b := newBench(storyNow)
	minute := minutes[3]
	b.put(t, "orders/one",
		&api.Record{Tenant: "t0001", Correlation: "corr-1", ReceivedMs: 5, Events: append(orderEvents(3, minute), orderEvents(1, minute.Add(time.Minute))...)},
		&api.Record{Tenant: "t0002", Correlation: "corr-2", ReceivedMs: 6, Events: orderEvents(2, minute)})
	require.Len(t, b.writes, 3+3)
	for i, sk := range b.writes {
		require.Equal(t, i >= 3, strings.HasPrefix(sk, "minute#"), "markers come after all blocks: %v", b.writes)
	}
	blocks := 0
	for _, it := range b.world.items("analytics") {
		if e, err := store.ParseBlock(it); err == nil {
			blocks++
			require.Equal(t, "9", e.Version, "blocks record the executed version")
			require.Equal(t, codec.ObjectIDOf("raw", "orders/one"), e.Ref.Object)
			expires := it[store.AttrExpires].(*types.AttributeValueMemberN).Value
			require.Equal(t, fmt.Sprint(e.Minute.AddDate(0, 0, 90).Unix()), expires)
		}
	}
	require.Equal(t, 3, blocks)
	require.Equal(t, 1, strings.Count(b.log.String(), "\n"), "one line an object")
	require.Contains(t, b.log.String(), `"correlation_ids":["corr-1","corr-2"]`)

	before := len(b.world.items("analytics"))
	b.handle(t, b.process(), message("raw", "orders/one"))
	require.Len(t, b.world.items("analytics"), before, "a redelivery rewrites the same items")

	b.log.Reset()
	report := b.pass(t, "t0001")
	require.Equal(t, 2, report.Commits)
	require.Equal(t, 4, report.Facts)
	require.Contains(t, b.log.String(), "corr-1")
	require.Equal(t, 1, strings.Count(b.log.String(), "\n"), "one line a pass")
	_, r := b.rollup(t, store.MinuteKey("t0001", minute))
	require.Equal(t, int64(3), r.Count)
	require.Equal(t, "corr-1", r.LastCorrelation)
}

func TestBadMessagesComeBackAndWriteNothing(t *testing.T) {
	b := newBench(storyNow)
	good := appendRecord(nil, &api.Record{Tenant: "t0001", Events: orderEvents(2, minutes[0])})
	b.objects["raw/cut"] = good[:len(good)-1]
	b.objects["raw/tail"] = append(append([]byte{}, good...), 0xff)
	b.objects["raw/old"] = appendRecord(good, &api.Record{Tenant: "t0001", Events: orderEvents(1, storyNow.AddDate(0, 0, -81))})
	for name, tt := range map[string]struct {
		message events.SQSEvent
		want    error
	}{
		"no object":         {message("raw", "nothing"), nil},
		"no JSON":           {events.SQSEvent{Records: []events.SQSMessage{{Body: "hello"}}}, nil},
		"another event":     {events.SQSEvent{Records: []events.SQSMessage{{Body: `{"detail-type":"Object Deleted","detail":{"bucket":{"name":"raw"},"object":{"key":"cut"}}}`}}}, nil},
		"no key":            {message("raw", ""), nil},
		"cut object":        {message("raw", "cut"), codec.ErrCorrupt},
		"object with junk":  {message("raw", "tail"), codec.ErrCorrupt},
		"object of the old": {message("raw", "old"), ErrTooOld},
	} {
		_, err := b.process().Handle(context.Background(), tt.message)
		require.Error(t, err, name)
		if tt.want != nil {
			require.ErrorIs(t, err, tt.want, name)
		}
		require.Empty(t, b.world.items("analytics"), name)
	}
}

// A bad message goes back to the queue alone, wherever in the batch it stands.
func TestABadMessageTakesNoOtherWithIt(t *testing.T) {
	for _, bad := range []int{0, 1, 2} {
		b := newBench(storyNow)
		var batch events.SQSEvent
		for i := range 3 {
			key := fmt.Sprintf("orders/%d", i)
			b.objects["raw/"+key] = appendRecord(nil, &api.Record{Tenant: fmt.Sprintf("t000%d", i+1), Events: orderEvents(1, minutes[0])})
			if i == bad {
				b.objects["raw/"+key] = b.objects["raw/"+key][:5]
			}
			m := message("raw", key).Records[0]
			m.MessageId = fmt.Sprint(i)
			batch.Records = append(batch.Records, m)
		}
		out, err := b.process().Handle(context.Background(), batch)
		require.NoError(t, err)
		require.Equal(t, []events.SQSBatchItemFailure{{ItemIdentifier: fmt.Sprint(bad)}}, out.BatchItemFailures)
		blocks := 0
		for _, it := range b.world.items("analytics") {
			if _, err := store.ParseBlock(it); err == nil {
				blocks++
			}
		}
		require.Equal(t, 2, blocks)
	}
}

func TestAnEmptyObjectIsDone(t *testing.T) {
	b := newBench(storyNow)
	b.put(t, "orders/empty")
	require.Empty(t, b.world.items("analytics"))
}

func TestShardCountsAreWrittenAheadAndOnce(t *testing.T) {
	b := newBench(storyNow)
	b.put(t, "orders/early", &api.Record{Tenant: "t0001", Events: orderEvents(1, storyDay.Add(time.Minute))})
	require.Equal(t, 1, b.count("analytics", " SHARDS"))
	late := storyDay.Add(59 * time.Minute)
	p := b.process()
	p.shards.decide = func(string, time.Time) int { return 5 } // another deployment
	b.objects["raw/late"] = appendRecord(nil, &api.Record{Tenant: "t0001", Events: orderEvents(1, late)})
	b.handle(t, p, message("raw", "late"))
	shards, err := store.ParseShards(b.world.at("analytics", store.ShardsKey("t0001", storyDay)).now)
	require.NoError(t, err)
	require.Equal(t, 1, shards, "the first count holds")
	shards, err = store.ParseShards(b.world.at("analytics", store.ShardsKey("t0001", storyDay.Add(time.Hour))).now)
	require.NoError(t, err)
	require.Equal(t, 5, shards, "the next hour's count is there before it starts")
}
