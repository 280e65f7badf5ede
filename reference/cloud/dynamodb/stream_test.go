package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	stypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// streamRig is a rig with an unmodified client of the API of streams.
type streamRig struct {
	*rig
	streams *dynamodbstreams.Client
}

func openStreams(t testing.TB, o Options) *streamRig {
	r := open(t, o)
	return &streamRig{r, dynamodbstreams.New(dynamodbstreams.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.url), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer: retry.AddWithMaxAttempts(retry.NewStandard(), 1), HTTPClient: r.Options().HTTPClient,
	})}
}

// stream switches a table's stream on and returns its ARN.
func (r *streamRig) stream(table string, view types.StreamViewType) string {
	r.t.Helper()
	_, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: &table, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view}})
	require.NoError(r.t, err)
	return *r.described(table).LatestStreamArn
}

func (r *streamRig) unstream(table string) {
	r.t.Helper()
	_, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: &table, StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
	require.NoError(r.t, err)
}

func (r *streamRig) described(table string) *types.TableDescription {
	r.t.Helper()
	out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: &table})
	require.NoError(r.t, err)
	return out.Table
}

func (r *streamRig) shards(arn string) []stypes.Shard {
	r.t.Helper()
	out, err := r.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	require.NoError(r.t, err)
	return out.StreamDescription.Shards
}

func (r *streamRig) iterator(arn, shard string, typ stypes.ShardIteratorType, number *string) *string {
	r.t.Helper()
	out, err := r.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &shard, ShardIteratorType: typ, SequenceNumber: number})
	require.NoError(r.t, err)
	return out.ShardIterator
}

// records reads an iterator until it has no more, and returns the next one.
func (r *streamRig) records(it *string) (all []stypes.Record, next *string) {
	r.t.Helper()
	for it != nil {
		out, err := r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
		require.NoError(r.t, err)
		it = out.NextShardIterator
		if len(out.Records) == 0 {
			return all, it
		}
		all = append(all, out.Records...)
	}
	return all, nil
}

// all reads every record of a stream.
func (r *streamRig) all(arn string) (out []stypes.Record) {
	r.t.Helper()
	for _, sh := range r.shards(arn) {
		got, _ := r.records(r.iterator(arn, *sh.ShardId, stypes.ShardIteratorTypeTrimHorizon, nil))
		out = append(out, got...)
	}
	return out
}

// showRecord prints a record: event, key, old and new image.
func showRecord(rec stypes.Record) string {
	parts := []string{string(rec.EventName)}
	for _, image := range []map[string]stypes.AttributeValue{rec.Dynamodb.Keys, rec.Dynamodb.OldImage, rec.Dynamodb.NewImage} {
		if image == nil {
			parts = append(parts, "-")
			continue
		}
		parts = append(parts, "{"+showImage(image)+"}")
	}
	if rec.UserIdentity != nil {
		parts = append(parts, *rec.UserIdentity.Type+" "+*rec.UserIdentity.PrincipalId)
	}
	return strings.Join(parts, " ")
}

func showImage(m map[string]stypes.AttributeValue) string {
	plain := av{}
	for k, v := range m {
		switch v := v.(type) {
		case *stypes.AttributeValueMemberS:
			plain[k] = S(v.Value)
		case *stypes.AttributeValueMemberN:
			plain[k] = N(v.Value)
		default:
			plain[k] = S(fmt.Sprintf("%T", v))
		}
	}
	return show(plain)
}

func showRecords(all []stypes.Record) (out []string) {
	for _, rec := range all {
		out = append(out, showRecord(rec))
	}
	return out
}

// work makes changes of every kind, and some that change nothing.
func (r *streamRig) work(table string) {
	key := av{"pk": S("a")}
	r.put(table, av{"pk": S("a"), "x": N(1)})
	r.put(table, av{"pk": S("a"), "x": N(1)}) // the same again
	_, err := r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: str("SET x = x + :n"), ExpressionAttributeValues: av{":n": N(1)}})
	require.NoError(r.t, err)
	_, err = r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: str("REMOVE absent")})
	require.NoError(r.t, err)
	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: &table, Key: av{"pk": S("absent")}})
	require.NoError(r.t, err)
	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: &table, Key: key})
	require.NoError(r.t, err)
}

func TestAStreamTellsEveryChange(t *testing.T) {
	for view, want := range map[types.StreamViewType][]string{
		types.StreamViewTypeKeysOnly:        {"INSERT {pk=a} - -", "MODIFY {pk=a} - -", "REMOVE {pk=a} - -"},
		types.StreamViewTypeNewImage:        {"INSERT {pk=a} - {pk=a x=1}", "MODIFY {pk=a} - {pk=a x=2}", "REMOVE {pk=a} - -"},
		types.StreamViewTypeOldImage:        {"INSERT {pk=a} - -", "MODIFY {pk=a} {pk=a x=1} -", "REMOVE {pk=a} {pk=a x=2} -"},
		types.StreamViewTypeNewAndOldImages: {"INSERT {pk=a} - {pk=a x=1}", "MODIFY {pk=a} {pk=a x=1} {pk=a x=2}", "REMOVE {pk=a} {pk=a x=2} -"},
	} {
		for _, limits := range []Limits{NoLimits(), AWSLimits()} {
			t.Run(string(view)+fmt.Sprint(limits.off()), func(t *testing.T) {
				r := openStreams(t, Options{Limits: &limits})
				r.create("items", "pk", "", "pk:S")
				r.put("items", av{"pk": S("before")})
				arn := r.stream("items", view)
				r.work("items")
				got := r.all(arn)
				require.Equal(t, want, showRecords(got))
				for i, rec := range got {
					require.Equal(t, "aws:dynamodb", *rec.EventSource)
					require.Equal(t, "us-east-1", *rec.AwsRegion)
					require.Equal(t, "1.1", *rec.EventVersion)
					require.Equal(t, string(view), string(rec.Dynamodb.StreamViewType))
					require.WithinDuration(t, time.Now(), *rec.Dynamodb.ApproximateCreationDateTime, time.Minute)
					if i > 0 {
						require.Greater(t, *rec.Dynamodb.SequenceNumber, *got[i-1].Dynamodb.SequenceNumber)
						require.NotEqual(t, *rec.EventID, *got[i-1].EventID)
					}
				}
				if view == types.StreamViewTypeNewImage {
					require.Equal(t, int64(3+3+3), *got[0].Dynamodb.SizeBytes, "key pk=a, image pk=a x=1") // 2+1, 2+1, 1+2
				}
			})
		}
	}
}

func TestBatchesAndTransactionsAreInTheStream(t *testing.T) {
	r := openStreams(t, Options{})
	for _, table := range []string{"one", "two"} {
		r.create(table, "pk", "sk", "pk:S sk:N")
	}
	one, two := r.stream("one", types.StreamViewTypeNewImage), r.stream("two", types.StreamViewTypeOldImage)
	_, err := r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"one": {{PutRequest: &types.PutRequest{Item: av{"pk": S("a"), "sk": N(1)}}}},
		"two": {{PutRequest: &types.PutRequest{Item: av{"pk": S("b"), "sk": N(1)}}}, {DeleteRequest: &types.DeleteRequest{Key: av{"pk": S("absent"), "sk": N(1)}}}},
	}})
	require.NoError(t, err)
	write := []types.TransactWriteItem{
		{Put: &types.Put{TableName: str("one"), Item: av{"pk": S("a"), "sk": N(2)}}},
		{Delete: &types.Delete{TableName: str("two"), Key: av{"pk": S("b"), "sk": N(1)}}},
		{ConditionCheck: &types.ConditionCheck{TableName: str("one"), Key: av{"pk": S("a"), "sk": N(1)}, ConditionExpression: str("attribute_exists(pk)")}},
	}
	_, err = r.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: write})
	require.NoError(t, err)
	write[2].ConditionCheck.ConditionExpression = str("attribute_not_exists(pk)")
	_, err = r.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: write})
	fails(t, err, "TransactionCanceledException", "")
	require.Equal(t, []string{"INSERT {pk=a sk=1} - {pk=a sk=1}", "INSERT {pk=a sk=2} - {pk=a sk=2}"}, showRecords(r.all(one)))
	require.Equal(t, []string{"INSERT {pk=b sk=1} - -", "REMOVE {pk=b sk=1} {pk=b sk=1} -"}, showRecords(r.all(two)))
}

func TestAStreamIsSwitchedAndListed(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := openStreams(t, Options{Now: func() time.Time { return now }})
	in := &ddb.CreateTableInput{
		TableName: str("items"), KeySchema: keySchema("pk", ""), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: str("pk"), AttributeType: "S"}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true)},
	}
	_, err := r.CreateTable(ctx, in)
	fails(t, err, "ValidationException", "One or more parameter values were invalid: Table is being created with a stream enabled, UpdateViewType is required")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(false), StreamViewType: types.StreamViewTypeKeysOnly}
	_, err = r.CreateTable(ctx, in)
	fails(t, err, "ValidationException", "Table is being created with a stream disabled, UpdateViewType should not be specified")
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "Fisk"}
	_, err = r.CreateTable(ctx, in)
	fails(t, err, "ValidationException", "at 'streamSpecification.streamViewType' failed to satisfy constraint: Member must satisfy enum value set: [NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]")
	in.StreamSpecification.StreamViewType = types.StreamViewTypeNewImage
	made, err := r.CreateTable(ctx, in)
	require.NoError(t, err)
	first := itemsARN + "/stream/2026-11-27T08:00:00.000"
	require.Equal(t, first, *made.TableDescription.LatestStreamArn)
	require.Equal(t, "2026-11-27T08:00:00.000", *made.TableDescription.LatestStreamLabel)
	require.Equal(t, in.StreamSpecification, made.TableDescription.StreamSpecification)

	update := func(on bool, view types.StreamViewType) error {
		_, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: str("items"), StreamSpecification: &types.StreamSpecification{StreamEnabled: &on, StreamViewType: view}})
		return err
	}
	fails(t, update(true, types.StreamViewTypeKeysOnly), "ValidationException", "Table already has an enabled stream: TableName: items")
	fails(t, update(true, ""), "ValidationException", "If stream is being enabled then UpdateViewType is required")
	fails(t, update(false, types.StreamViewTypeKeysOnly), "ValidationException", "If stream is being disabled, then UpdateViewType must not be specified")
	require.NoError(t, update(false, ""))
	fails(t, update(false, ""), "ValidationException", "Table has no stream to disable: TableName: items")
	require.Nil(t, r.described("items").StreamSpecification)
	require.Equal(t, first, *r.described("items").LatestStreamArn, "the last one is still named")

	r.put("items", av{"pk": S("unseen")})
	require.NoError(t, update(true, types.StreamViewTypeOldImage))
	second := *r.described("items").LatestStreamArn
	require.Equal(t, itemsARN+"/stream/2026-11-27T08:00:00.001", second, "labels are told apart")
	r.create("other", "pk", "", "pk:S")
	third := r.stream("other", types.StreamViewTypeKeysOnly)

	list := func(table *string) (arns []string) {
		in := &dynamodbstreams.ListStreamsInput{TableName: table, Limit: aws.Int32(1)}
		for {
			out, err := r.streams.ListStreams(ctx, in)
			require.NoError(t, err)
			for _, s := range out.Streams {
				arns = append(arns, *s.StreamArn)
				require.Equal(t, *s.StreamArn, "arn:aws:dynamodb:us-east-1:000000000000:table/"+*s.TableName+"/stream/"+*s.StreamLabel)
			}
			if in.ExclusiveStartStreamArn = out.LastEvaluatedStreamArn; in.ExclusiveStartStreamArn == nil {
				return arns
			}
		}
	}
	require.Equal(t, []string{first, second, third}, list(nil))
	require.Equal(t, []string{first, second}, list(str("items")))
	require.Empty(t, list(str("absent")))

	_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("items")})
	require.NoError(t, err)
	require.Equal(t, []string{first, second}, list(str("items")), "streams outlive their table")
	for arn, want := range map[string]stypes.StreamStatus{first: stypes.StreamStatusDisabled, second: stypes.StreamStatusDisabled, third: stypes.StreamStatusEnabled} {
		out, err := r.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
		require.NoError(t, err)
		d := out.StreamDescription
		require.Equal(t, want, d.StreamStatus, arn)
		require.Equal(t, want == stypes.StreamStatusDisabled, d.Shards[0].SequenceNumberRange.EndingSequenceNumber != nil)
		require.Equal(t, "pk", *d.KeySchema[0].AttributeName)
		require.Equal(t, arn[strings.LastIndexByte(arn, '/')+1:], *d.StreamLabel)
		require.NotNil(t, d.CreationRequestDateTime)
	}
	now = now.Add(24 * time.Hour)
	require.NoError(t, r.service.store.TrimStreams(now))
	require.Equal(t, []string{third}, list(nil), "a day later they are gone")
}

func TestAnIteratorBeginsWhereItIsToldTo(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	r := openStreams(t, Options{Now: func() time.Time { return now }})
	r.create("items", "pk", "", "pk:S")
	arn := r.stream("items", types.StreamViewTypeKeysOnly)
	sh := r.shards(arn)[0]
	early := r.iterator(arn, *sh.ShardId, stypes.ShardIteratorTypeLatest, nil)
	start := r.iterator(arn, *sh.ShardId, stypes.ShardIteratorTypeAfterSequenceNumber, sh.SequenceNumberRange.StartingSequenceNumber)
	for _, pk := range []string{"a", "b", "c"} {
		r.put("items", av{"pk": S(pk)})
	}
	all, next := r.records(early)
	require.Equal(t, []string{"INSERT {pk=a} - -", "INSERT {pk=b} - -", "INSERT {pk=c} - -"}, showRecords(all))
	same, _ := r.records(start)
	require.Equal(t, all, same)
	none, next := r.records(next)
	require.Empty(t, none)
	b := all[1].Dynamodb.SequenceNumber
	for typ, want := range map[stypes.ShardIteratorType]string{
		stypes.ShardIteratorTypeAtSequenceNumber: "[INSERT {pk=b} - - INSERT {pk=c} - -]", stypes.ShardIteratorTypeAfterSequenceNumber: "[INSERT {pk=c} - -]",
	} {
		got, _ := r.records(r.iterator(arn, *sh.ShardId, typ, b))
		require.Equal(t, want, fmt.Sprint(showRecords(got)))
	}
	out, err := r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: early, Limit: aws.Int32(2)})
	require.NoError(t, err)
	require.Len(t, out.Records, 2)
	rest, _ := r.records(out.NextShardIterator)
	require.Equal(t, all[2:], rest)

	now = now.Add(iteratorLife)
	_, err = r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
	require.NoError(t, err)
	now = now.Add(time.Millisecond)
	_, err = r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
	fails(t, err, "ExpiredIteratorException", "")

	ask := func(arn, shard, typ string, number *string) error {
		_, err := r.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &shard, ShardIteratorType: stypes.ShardIteratorType(typ), SequenceNumber: number})
		return err
	}
	fails(t, ask(arn, *sh.ShardId, "AT_SEQUENCE_NUMBER", nil), "ValidationException", "")
	fails(t, ask(arn, *sh.ShardId, "LATEST", b), "ValidationException", "")
	fails(t, ask(arn, *sh.ShardId, "bulle", b), "ValidationException", "enum value set")
	fails(t, ask(arn, *sh.ShardId, "AT_SEQUENCE_NUMBER", str("sdfsafglldfngjdafnasdflgnaldklkafdsgklnasdlv")), "ValidationException", "less than or equal to 40")
	fails(t, ask(arn, *sh.ShardId, "AT_SEQUENCE_NUMBER", str(sequenceNumber(99))), "ValidationException", "Invalid SequenceNumber")
	fails(t, ask(arn, strings.Repeat("x", 30), "LATEST", nil), "ResourceNotFoundException", "")
	fails(t, ask(strings.Repeat("x", 50), *sh.ShardId, "LATEST", nil), "ValidationException", "Invalid StreamArn")
	fails(t, ask(arn+"1", *sh.ShardId, "LATEST", nil), "ResourceNotFoundException", "Requested resource not found: Stream: "+arn+"1 not found")
	_, err = r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: str("sdfsdfsgagaddafgagasg"), Limit: aws.Int32(1001)})
	fails(t, err, "ValidationException", "less than or equal to 1000")
	_, err = r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: str("sdfsdfsgagaddafgagasg")})
	fails(t, err, "ValidationException", "Invalid ShardIterator")
}

func TestAnAnswerHoldsAMegabyteOfRecords(t *testing.T) {
	r := openStreams(t, Options{})
	r.create("items", "pk", "", "pk:S")
	arn := r.stream("items", types.StreamViewTypeNewAndOldImages)
	big := strings.Repeat("x", 390<<10)
	for i := range 3 {
		r.put("items", av{"pk": S("a"), "n": N(i), "big": S(big)})
	}
	it, counts := r.iterator(arn, *r.shards(arn)[0].ShardId, stypes.ShardIteratorTypeTrimHorizon, nil), []int{}
	for range 4 {
		out, err := r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
		require.NoError(t, err)
		counts, it = append(counts, len(out.Records)), out.NextShardIterator
	}
	require.Equal(t, []int{1, 1, 1, 0}, counts, "390, 780 and 780 KB: no two fit")
}

func TestShardsFollowEachOther(t *testing.T) {
	now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	fs := vfs.NewMem()
	r := openStreams(t, Options{FS: fs, Now: func() time.Time { return now }})
	r.create("items", "pk", "", "pk:S")
	arn := r.stream("items", types.StreamViewTypeKeysOnly)
	follow := r.iterator(arn, *r.shards(arn)[0].ShardId, stypes.ShardIteratorTypeTrimHorizon, nil)
	var want []string
	for i := range 8 { // a record every three hours
		r.put("items", av{"pk": S(fmt.Sprint(i))})
		want = append(want, fmt.Sprintf("INSERT {pk=%d} - -", i))
		now = now.Add(3 * time.Hour)
	}
	now = now.Add(-3 * time.Hour)
	shards := r.shards(arn)
	require.Len(t, shards, 4, "two in each: a shard takes records for four hours, and another follows with the next")
	for i := 1; i < len(shards); i++ {
		require.Equal(t, shards[i-1].ShardId, shards[i].ParentShardId)
		require.NotNil(t, shards[i-1].SequenceNumberRange.EndingSequenceNumber)
		require.Greater(t, *shards[i].SequenceNumberRange.StartingSequenceNumber, *shards[i-1].SequenceNumberRange.EndingSequenceNumber)
		require.Greater(t, *shards[i].ShardId, *shards[i-1].ShardId)
	}
	require.Equal(t, want, showRecords(r.all(arn)))
	child, err := r.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn, ShardFilter: &stypes.ShardFilter{Type: stypes.ShardFilterTypeChildShards, ShardId: shards[1].ShardId}})
	require.NoError(t, err)
	require.Equal(t, shards[2:3], child.StreamDescription.Shards)
	page, err := r.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn, Limit: aws.Int32(2), ExclusiveStartShardId: shards[0].ShardId})
	require.NoError(t, err)
	require.Equal(t, shards[1:3], page.StreamDescription.Shards)
	require.Equal(t, shards[2].ShardId, page.StreamDescription.LastEvaluatedShardId)

	_, err = r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: follow})
	fails(t, err, "ExpiredIteratorException", "")
	old := r.iterator(arn, *shards[0].ShardId, stypes.ShardIteratorTypeAtSequenceNumber, shards[0].SequenceNumberRange.StartingSequenceNumber)
	now = now.Add(4 * time.Hour) // 08:00 is 25 hours ago, 11:00 not yet 24
	require.NoError(t, r.service.store.TrimStreams(now))
	now = now.Add(-4 * time.Hour)
	_, err = r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: old})
	fails(t, err, "TrimmedDataAccessException", "")
	require.Equal(t, want[1:], showRecords(r.all(arn)))
}

func TestAStreamGoesOnAfterARestart(t *testing.T) {
	fs := vfs.NewMem()
	var arn string
	var it *string
	t.Run("before", func(t *testing.T) {
		r := openStreams(t, Options{FS: fs})
		r.create("items", "pk", "", "pk:S")
		arn = r.stream("items", types.StreamViewTypeKeysOnly)
		r.put("items", av{"pk": S("a")})
		_, it = r.records(r.iterator(arn, *r.shards(arn)[0].ShardId, stypes.ShardIteratorTypeTrimHorizon, nil))
	})
	t.Run("after", func(t *testing.T) {
		r := openStreams(t, Options{FS: fs})
		r.put("items", av{"pk": S("b")})
		got, _ := r.records(it)
		require.Equal(t, []string{"INSERT {pk=b} - -"}, showRecords(got), "the iterator is good, and no number was given twice")
		require.Len(t, r.all(arn), 2)
		r.unstream("items")
		r.put("items", av{"pk": S("c")})
		require.Len(t, r.all(arn), 2)
	})
}

// A stream that was made, but not given to its table, is closed at the next start.
func TestAStreamWithoutATableIsClosed(t *testing.T) {
	fs := vfs.NewMem()
	t.Run("before", func(t *testing.T) {
		r := openStreams(t, Options{FS: fs})
		r.create("items", "pk", "", "pk:S")
		d := *(*r.service.tables.Load())["items"].definition
		require.NoError(t, r.service.startStream(time.Now(), &d, viewKeys))
	})
	t.Run("after", func(t *testing.T) {
		r := openStreams(t, Options{FS: fs})
		out, err := r.streams.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{})
		require.NoError(t, err)
		require.Len(t, out.Streams, 1)
		require.NotNil(t, r.shards(*out.Streams[0].StreamArn)[0].SequenceNumberRange.EndingSequenceNumber)
	})
}

// Followers that read while writers write see every record once and in order: for one item the
// counts rise by one.
func TestAFollowerMissesNothing(t *testing.T) {
	r := openStreams(t, Options{})
	r.create("items", "pk", "", "pk:S")
	arn := r.stream("items", types.StreamViewTypeNewImage)
	it := r.iterator(arn, *r.shards(arn)[0].ShardId, stypes.ShardIteratorTypeTrimHorizon, nil)
	const writers, each = 4, 50
	stop := make(chan error, writers)
	for w := range writers {
		go func() {
			for range each {
				if _, err := r.UpdateItem(context.Background(), &ddb.UpdateItemInput{
					TableName: str("items"), Key: av{"pk": S(fmt.Sprint("item", w%2))}, UpdateExpression: str("ADD n :one"), ExpressionAttributeValues: av{":one": N(1)},
				}); err != nil {
					stop <- err
					return
				}
			}
			stop <- nil
		}()
	}
	last, total, running := map[string]int{}, 0, writers
	for running > 0 || total < writers*each {
		select {
		case err := <-stop:
			require.NoError(t, err)
			running--
		default:
		}
		out, err := r.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
		require.NoError(t, err)
		it = out.NextShardIterator
		for _, rec := range out.Records {
			total++
			pk := rec.Dynamodb.Keys["pk"].(*stypes.AttributeValueMemberS).Value
			last[pk]++
			require.Equal(t, fmt.Sprint(last[pk]), rec.Dynamodb.NewImage["n"].(*stypes.AttributeValueMemberN).Value)
		}
		if running == 0 && len(out.Records) == 0 {
			break
		}
	}
	require.Equal(t, writers*each, total)
}

func TestTargetsOfTheTwoAPIsAreToldApart(t *testing.T) {
	r := openStreams(t, Options{})
	_, out := raw(t, r.rig, "ListStreams", `{}`) // with the prefix of the other API
	require.Contains(t, string(out), "UnknownOperationException")
	resp, out := raw(t, r.rig, "ListTables", `{}`)
	require.Equal(t, 200, resp.StatusCode, "%s", out)
	require.True(t, json.Valid(out))
}

func FuzzIterator(f *testing.F) {
	f.Add(iterator{stream: 1, shard: 2, next: 3, horizon: true, made: time.UnixMilli(4)}.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if it, ok := parseIterator(text); ok {
			again, ok := parseIterator(it.String())
			require.True(t, ok)
			require.Equal(t, it, again)
		}
	})
}
