package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/quota"
)

// clocked is a service with AWS's own numbers on a clock that stands still.
func clocked(t *testing.T, change func(*Limits)) (*rig, *clock) {
	now := newClock()
	l := AWSLimits()
	if change != nil {
		change(&l)
	}
	return open(t, Options{Limits: &l, Now: now.now}), now
}

// keysByPartition are n keys of every partition of a table.
func (r *rig) keysByPartition(table string, n int) map[int][]string {
	out := map[int][]string{}
	for i := range 100 * n {
		k := fmt.Sprint("k", i)
		p := r.partitionOf(table, k)
		if len(out[p]) < n {
			out[p] = append(out[p], k)
		}
	}
	return out
}

// tenUnits is an item that costs ten write units.
func tenUnits(pk string) av {
	return av{"pk": S(pk), "x": &types.AttributeValueMemberB{Value: make([]byte, 10*1024-20)}}
}

func TestAHotPartitionThrottlesAt1000UnitsWhileItsNeighboursDoNot(t *testing.T) {
	r, now := clocked(t, nil)
	r.create("one", "pk", "", "pk:S")
	keys := r.keysByPartition("one", 3)
	require.Len(t, keys, 4)
	write := func(partition, i int) error {
		_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: tenUnits(keys[partition][i%3])})
		return err
	}
	for i := range 100 {
		require.NoError(t, write(0, i))
	}
	err := write(0, 0)
	fails(t, err, "ThrottlingException", "check if you have a hot key")
	var throttled *types.ThrottlingException
	require.ErrorAs(t, err, &throttled)
	require.Equal(t, "TableWriteKeyRangeThroughputExceeded", *throttled.ThrottlingReasons[0].Reason)
	require.Equal(t, "arn:aws:dynamodb:us-east-1:000000000000:table/one", *throttled.ThrottlingReasons[0].Resource)
	for partition := 1; partition < 4; partition++ {
		for i := range 99 {
			require.NoError(t, write(partition, i))
		}
	}

	report := r.service.Throttles()
	require.Len(t, report.Recent, 1)
	got := report.Recent[0]
	require.NotEmpty(t, got.RequestID)
	require.NotEmpty(t, got.Keys)
	got.RequestID = ""
	require.Equal(t, Throttle{
		At: now.now(), Operation: "PutItem", Table: "one", Partition: 0, Keys: "[0000000000000000,4000000000000000)", Limit: "partition write capacity",
		Reason: "TableWriteKeyRangeThroughputExceeded", Metric: "WriteKeyRangeThroughputThrottleEvents", Allowed: 1000, Fill: 0, RecoverSeconds: 0.01, Source: sources[quota.PartitionLimit],
	}, got)
	require.Equal(t, []ThrottleCount{{"one", "", "WriteKeyRangeThroughputThrottleEvents", 1}}, report.Counts)
	require.Len(t, report.Partitions, 4)
	require.Equal(t, int64(1), report.Partitions[0].Refused)
	require.Equal(t, [2]float64{1, 0}, report.Partitions[0].Fill)
	require.Len(t, report.Limits, 1)
	require.Equal(t, int64(1), report.Limits[0].Count)
	var metrics strings.Builder
	require.NoError(t, r.service.WriteMetrics(&metrics))
	labels := `{table="one",index="",partition="0",keys="[0000000000000000,4000000000000000)",limit="partition write capacity"}`
	require.Contains(t, metrics.String(), "\nstampede_dynamodb_throttled_total"+labels+" 1\n")
	require.Contains(t, metrics.String(), "\nstampede_dynamodb_limit_units"+labels+" 1000\n")
	require.Contains(t, metrics.String(), "\nstampede_dynamodb_limit_fill"+labels+" 0\n")
	require.Contains(t, metrics.String(), "\nstampede_dynamodb_limit_recover_seconds"+labels+" 0.01\n")
	_, err = json.Marshal(report)
	require.NoError(t, err)

	now.add(10 * time.Millisecond)
	require.NoError(t, write(0, 0))
}

// throttlingReasons are what an error says of its throttling.
func throttlingReasons(t *testing.T, err error) []types.ThrottlingReason {
	t.Helper()
	var throughput *types.ProvisionedThroughputExceededException
	var throttling *types.ThrottlingException
	var requests *types.RequestLimitExceeded
	switch {
	case errors.As(err, &throughput):
		return throughput.ThrottlingReasons
	case errors.As(err, &throttling):
		return throttling.ThrottlingReasons
	case errors.As(err, &requests):
		return requests.ThrottlingReasons
	}
	require.Fail(t, "not throttled", "%v", err)
	return nil
}

func TestEveryLimitHasItsErrorAndItsReason(t *testing.T) {
	provisioned := func(read, write int64) *types.ProvisionedThroughput {
		return &types.ProvisionedThroughput{ReadCapacityUnits: &read, WriteCapacityUnits: &write}
	}
	onDemand := types.BillingModePayPerRequest
	put := func(r *rig, i int) error {
		_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S(fmt.Sprint("k", i)), "g": S("same")}})
		return err
	}
	read := func(r *rig, i int) error {
		_, err := r.GetItem(ctx, &ddb.GetItemInput{TableName: str("one"), Key: av{"pk": S(fmt.Sprint("k", i))}, ConsistentRead: aws.Bool(true)})
		return err
	}
	readIndex := func(r *rig, i int) error {
		_, err := r.Query(ctx, &ddb.QueryInput{TableName: str("one"), IndexName: str("byG"), KeyConditionExpression: str("g = :g"), ExpressionAttributeValues: av{":g": S("other")}})
		return err
	}
	for _, c := range []struct {
		reason, code, message string
		limits                func(*Limits)
		table                 ddb.CreateTableInput
		index                 types.GlobalSecondaryIndex
		call                  func(r *rig, i int) error
	}{
		{"TableWriteProvisionedThroughputExceeded", "ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
			nil, ddb.CreateTableInput{ProvisionedThroughput: provisioned(5, 5)}, types.GlobalSecondaryIndex{ProvisionedThroughput: provisioned(50, 50)}, put},
		{"IndexWriteProvisionedThroughputExceeded", "ProvisionedThroughputExceededException", "for one or more global secondary indexes of the table was exceeded",
			nil, ddb.CreateTableInput{ProvisionedThroughput: provisioned(50, 50)}, types.GlobalSecondaryIndex{ProvisionedThroughput: provisioned(5, 5)}, put},
		{"TableReadProvisionedThroughputExceeded", "ProvisionedThroughputExceededException", "for the table was exceeded",
			nil, ddb.CreateTableInput{ProvisionedThroughput: provisioned(5, 5)}, types.GlobalSecondaryIndex{ProvisionedThroughput: provisioned(50, 50)}, read},
		{"IndexReadProvisionedThroughputExceeded", "ProvisionedThroughputExceededException", "",
			nil, ddb.CreateTableInput{ProvisionedThroughput: provisioned(50, 50)}, types.GlobalSecondaryIndex{ProvisionedThroughput: provisioned(5, 5)}, readIndex},
		{"TableWriteKeyRangeThroughputExceeded", "ProvisionedThroughputExceededException", "for the table was exceeded",
			func(l *Limits) { l.PartitionWriteUnits = 5 }, ddb.CreateTableInput{ProvisionedThroughput: provisioned(50, 3000)}, types.GlobalSecondaryIndex{ProvisionedThroughput: provisioned(50, 1)},
			func(r *rig, i int) error {
				_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S("hot")}})
				return err
			}},
		{"IndexWriteKeyRangeThroughputExceeded", "ThrottlingException", "Throughput exceeds the current capacity for one or more global secondary indexes.",
			func(l *Limits) { l.PartitionWriteUnits = 100 }, ddb.CreateTableInput{BillingMode: onDemand}, types.GlobalSecondaryIndex{}, put},
		{"TableWriteMaxOnDemandThroughputExceeded", "ThrottlingException", "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
			nil, ddb.CreateTableInput{BillingMode: onDemand, OnDemandThroughput: &types.OnDemandThroughput{MaxWriteRequestUnits: aws.Int64(5)}}, types.GlobalSecondaryIndex{}, put},
		{"IndexWriteMaxOnDemandThroughputExceeded", "ThrottlingException", "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
			nil, ddb.CreateTableInput{BillingMode: onDemand}, types.GlobalSecondaryIndex{OnDemandThroughput: &types.OnDemandThroughput{MaxWriteRequestUnits: aws.Int64(5)}}, put},
		{"TableWriteAccountLimitExceeded", "RequestLimitExceeded", "Throughput exceeds the current throughput limit for your account.",
			func(l *Limits) { l.TableWriteUnits = 5 }, ddb.CreateTableInput{BillingMode: onDemand}, types.GlobalSecondaryIndex{}, put},
		{"TableReadAccountLimitExceeded", "RequestLimitExceeded", "Throughput exceeds the current throughput limit for your account.",
			func(l *Limits) { l.TableReadUnits = 5 }, ddb.CreateTableInput{BillingMode: onDemand}, types.GlobalSecondaryIndex{}, read},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r, _ := clocked(t, func(l *Limits) {
				l.Burst = time.Second
				if c.limits != nil {
					c.limits(l)
				}
			})
			c.table.TableName, c.table.KeySchema = str("one"), keySchema("pk", "")
			c.table.AttributeDefinitions = []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}, {AttributeName: str("g"), AttributeType: "S"}}
			c.index.IndexName, c.index.KeySchema, c.index.Projection = str("byG"), keySchema("g", ""), &types.Projection{ProjectionType: types.ProjectionTypeAll}
			c.table.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{c.index}
			_, err := r.CreateTable(ctx, &c.table)
			require.NoError(t, err)
			n := 0
			for err = c.call(r, n); err == nil && n < 1000; err = c.call(r, n) {
				n++
			}
			fails(t, err, c.code, c.message)
			got := throttlingReasons(t, err)
			require.Len(t, got, 1)
			require.Equal(t, c.reason, *got[0].Reason)
			arn := "arn:aws:dynamodb:us-east-1:000000000000:table/one"
			if strings.HasPrefix(c.reason, "Index") {
				arn += "/index/byG"
			}
			require.Equal(t, arn, *got[0].Resource)
			require.Equal(t, int64(1), r.service.Stats().Operations[r.service.Throttles().Recent[0].Operation].Throttled)
		})
	}
}

func TestTheRecordOfThrottlesIsBounded(t *testing.T) {
	var all throttles
	for i := range keptThrottles + 10 {
		all.note(refusal{table: "one", metric: "m", requestID: fmt.Sprint(i)})
	}
	recent := all.recent()
	require.Len(t, recent, keptThrottles)
	require.Equal(t, fmt.Sprint(keptThrottles+9), recent[0].RequestID)
	require.Equal(t, "10", recent[keptThrottles-1].RequestID)
	require.Equal(t, []ThrottleCount{{"one", "", "m", keptThrottles + 10}}, all.counts())
	for i := range keptLimits + 10 {
		all.note(refusal{table: "two", metric: "m", short: quota.Shortage{Partition: i}})
	}
	require.Len(t, all.limits(), keptLimits)
	var whole throttles
	for i := range 3 {
		whole.note(refusal{table: "one", short: quota.Shortage{Limit: quota.ProvisionedLimit, Partition: i}})
	}
	require.Len(t, whole.limits(), 1)
	require.Equal(t, int64(3), whole.limits()[0].Count)
	require.Equal(t, -1, whole.limits()[0].Last.Partition)
}
