package dynamodb

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/quota"
)

// small makes partitions of ten units a second, so that a test meets them with few calls.
func small(t *testing.T, change func(*Limits)) (*rig, *clock) {
	now := newClock()
	l := AWSLimits()
	l.PartitionReadUnits, l.PartitionWriteUnits, l.OnDemandReadUnits, l.OnDemandWriteUnits = 10, 10, 40, 40
	if change != nil {
		change(&l)
	}
	return open(t, Options{Limits: &l, Now: now.now}), now
}

func (r *rig) hits() map[string]int64 {
	out := map[string]int64{}
	for _, h := range r.service.Stats().LimitHits {
		out[h.Limit+" of "+h.Resource+" at "+h.Allowed] = h.Count
	}
	return out
}

// otherPartition is a key whose partition is not that of key.
func (r *rig) partitionOf(table, pk string) int {
	tab, err := r.service.table([]byte(table))
	require.NoError(r.t, err)
	ch := change{verb: verbDelete, table: tab, given: docOf(r.t, `{"pk":{"S":"`+pk+`"}}`)}
	require.NoError(r.t, ch.prepare())
	return tab.meter.mu.spaces[0].Of(ch.at())
}

func TestAHotKeyIsThrottledWhileOthersAreNot(t *testing.T) {
	r, now := small(t, nil)
	r.create("one", "pk", "", "pk:S")
	hot, calm := "hot", ""
	for i := 0; calm == ""; i++ {
		if k := fmt.Sprint(i); r.partitionOf("one", k) != r.partitionOf("one", hot) {
			calm = k
		}
	}
	write := func(pk string) error {
		_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S(pk)}})
		return err
	}
	for range 10 {
		require.NoError(t, write(hot))
	}
	for range 3 {
		fails(t, write(hot), "ThrottlingException", "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index")
	}
	require.NoError(t, write(calm))
	require.Equal(t, map[string]int64{fmt.Sprintf("partition write capacity of one/partition-%d at 10 WCU/s", r.partitionOf("one", hot)): 3}, r.hits())
	hit := r.service.Stats().LimitHits[0]
	require.Equal(t, quota.Hit{Service: "dynamodb", Limit: hit.Limit, Resource: hit.Resource, Count: 3, First: now.now(), Last: now.now(), Allowed: "10 WCU/s", Source: sources[quota.PartitionLimit]}, hit)
	now.add(100 * time.Millisecond)
	require.NoError(t, write(hot))
	fails(t, write(hot), "ThrottlingException", "")

	stats := r.service.Stats()
	require.Equal(t, OperationStats{Calls: 16, Failed: 4, Throttled: 4}, stats.Operations["PutItem"])
	require.Equal(t, 12.0, stats.Tables["one"].WriteUnits)
}

func TestBatchesReturnWhatWasThrottled(t *testing.T) {
	r, now := small(t, func(l *Limits) { l.OnDemandReadUnits, l.OnDemandWriteUnits = 10, 10 }) // one partition
	r.create("one", "pk", "", "pk:S")
	write := func() (*ddb.BatchWriteItemOutput, error) {
		var requests []types.WriteRequest
		for i := range 15 {
			requests = append(requests, putRequest(av{"pk": S(fmt.Sprint(i)), "n": N(i)}))
		}
		return r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": requests}})
	}
	out, err := write()
	require.NoError(t, err)
	require.Len(t, out.UnprocessedItems["one"], 5)
	require.Equal(t, "n=10 pk=10", show(out.UnprocessedItems["one"][0].PutRequest.Item))
	_, err = write()
	fails(t, err, "ThrottlingException", "")

	var keys []map[string]types.AttributeValue
	for i := range 15 {
		keys = append(keys, av{"pk": S(fmt.Sprint(i))})
	}
	get := func() (*ddb.BatchGetItemOutput, error) {
		return r.BatchGetItem(ctx, &ddb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"one": {Keys: keys, ConsistentRead: aws.Bool(true)}}})
	}
	got, err := get()
	require.NoError(t, err)
	require.Len(t, got.Responses["one"], 10)
	require.Len(t, got.UnprocessedKeys["one"].Keys, 5)
	require.True(t, *got.UnprocessedKeys["one"].ConsistentRead)
	_, err = get()
	fails(t, err, "ThrottlingException", "")
	now.add(time.Second)
	_, err = get()
	require.NoError(t, err)
}

func TestTransactionsAreCancelledForLackOfCapacity(t *testing.T) {
	r, _ := small(t, func(l *Limits) { l.OnDemandReadUnits, l.OnDemandWriteUnits = 10, 10 })
	r.create("one", "pk", "", "pk:S")
	var items []types.TransactWriteItem
	for i := range 6 {
		items = append(items, txPut(av{"pk": S(fmt.Sprint(i))}))
	}
	err := r.transact(items...)
	fails(t, err, "TransactionCanceledException", "[None, None, None, None, None, ThrottlingError]")
	require.Nil(t, r.get("one", av{"pk": S("0")}))
}

func TestAHotIndexHoldsTheTableBack(t *testing.T) {
	r, _ := small(t, nil)
	r.create("one", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeAll))
	var err error
	n := 0
	for i := 0; err == nil; i++ {
		n = i
		_, err = r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S(fmt.Sprint(i)), "g": S("same")}})
	}
	fails(t, err, "ThrottlingException", "Throughput exceeds the current capacity for one or more global secondary indexes.")
	require.Equal(t, 10, n)
	_, err = r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S("other")}})
	require.NoError(t, err, "what the index does not hold is not held back")
}

func TestProvisionedTablesBurstThenThrottle(t *testing.T) {
	r, now := small(t, func(l *Limits) { l.Burst = 5 * time.Second; l.PartitionWriteUnits = 1000 })
	_, err := r.CreateTable(ctx, &ddb.CreateTableInput{TableName: str("one"), KeySchema: keySchema("pk", ""), AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}},
		ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(2)}})
	require.NoError(t, err)
	count := func() (n int) {
		for {
			if _, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S("a")}}); err != nil {
				fails(t, err, "ProvisionedThroughputExceededException", "")
				return n
			}
			n++
		}
	}
	require.Equal(t, 10, count())
	now.add(time.Second)
	require.Equal(t, 2, count())
	require.Equal(t, map[string]int64{"provisioned write capacity of one at 2 WCU/s": 2}, r.hits())
	_, err = r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: str("one"), ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(30)}})
	require.NoError(t, err)
	now.add(time.Second)
	require.Equal(t, 30, count())
}

// A write whose condition does not hold costs its units all the same, and is throttled.
func TestFailedConditionsAreThrottled(t *testing.T) {
	r, now := small(t, func(l *Limits) { l.Burst = 5 * time.Second; l.PartitionWriteUnits = 1000 })
	_, err := r.CreateTable(ctx, &ddb.CreateTableInput{TableName: str("one"), KeySchema: keySchema("pk", ""), AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}},
		ProvisionedThroughput: &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(2)}})
	require.NoError(t, err)
	r.put("one", av{"pk": S("a")})
	unmet := func() (n int) {
		for {
			_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S("a")}, ConditionExpression: str("attribute_not_exists(pk)")})
			var failed *types.ConditionalCheckFailedException
			if !errors.As(err, &failed) {
				fails(t, err, "ProvisionedThroughputExceededException", "")
				return n
			}
			n++
		}
	}
	require.Equal(t, 9, unmet())
	now.add(time.Second)
	require.Equal(t, 2, unmet(), "and there is no debt")
}

func TestLargeReadsAreChargedAfterwards(t *testing.T) {
	r, now := small(t, nil)
	r.create("one", "pk", "sk", "pk:S sk:N")
	for i := range 4 { // 4 of 40 kB: 160 kB are 40 units, four seconds of a partition
		now.add(time.Minute)
		r.put("one", av{"pk": S("a"), "sk": N(i), "x": &types.AttributeValueMemberB{Value: make([]byte, 40_000)}})
	}
	query := func() error {
		_, err := r.Query(ctx, &ddb.QueryInput{TableName: str("one"), KeyConditionExpression: str("pk = :p"), ExpressionAttributeValues: av{":p": S("a")}, ConsistentRead: aws.Bool(true)})
		return err
	}
	now.add(time.Minute)
	require.NoError(t, query())
	fails(t, query(), "ThrottlingException", "")
	now.add(2900 * time.Millisecond)
	fails(t, query(), "ThrottlingException", "")
	now.add(200 * time.Millisecond)
	require.NoError(t, query())
	require.Len(t, r.hits(), 1)
}

func TestWithoutLimitsNothingIsThrottled(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	for range 3000 {
		w := &discard{header: map[string][]string{}}
		r.service.ServeAWS(w, wireRequest("PutItem", `{"TableName":"one","Item":{"pk":{"S":"a"}}}`))
		require.Equal(t, 200, w.status)
	}
	require.Empty(t, r.service.Stats().LimitHits)
}
