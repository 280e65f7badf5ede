package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/sqs"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// world is a service on a disk that forgets what was not synced.
type world struct {
	t       *testing.T
	fs      *vfs.MemFS
	db      *pebble.DB
	service *sqs.Service
	server  *httptest.Server
	client  *awssqs.Client
	clock   *clock
	limits  *sqs.Limits
}

// clock is the real one, plus what a test adds.
type clock struct {
	mu  sync.Mutex
	add time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

func newWorld(t *testing.T, limits *sqs.Limits) *world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	w := &world{t: t, fs: vfs.NewCrashableMem(), clock: &clock{}, limits: limits}
	w.open()
	t.Cleanup(func() {
		w.close()
		goleak.VerifyNone(t, before)
	})
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	w.db, err = pebble.Open("db", &pebble.Options{FS: w.fs, Logger: silent{}})
	require.NoError(w.t, err)
	w.service, err = sqs.Open(sqs.Options{DB: w.db, Limits: w.limits, Now: w.clock.now})
	require.NoError(w.t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("sqs", sqs.MaxBody, wire.HandlerFunc(func(rw http.ResponseWriter, r *wire.Request) {
		r.Now = w.clock.now()
		w.service.ServeAWS(rw, r)
	}))
	w.server = httptest.NewServer(mux)
	w.client = awssqs.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.server.URL), HTTPClient: w.server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	})
}

func (w *world) close() {
	require.NoError(w.t, w.service.Close())
	w.server.Close()
	require.NoError(w.t, w.db.Close())
}

// crash loses everything that was not synced and opens again.
func (w *world) crash() {
	w.t.Helper()
	kept := w.fs.CrashClone(vfs.CrashCloneCfg{})
	w.close()
	w.fs = kept
	w.open()
}

type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (w *world) create(name string, attributes map[string]string) string {
	w.t.Helper()
	out, err := w.client.CreateQueue(context.Background(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	require.NoError(w.t, err)
	return *out.QueueUrl
}

func (w *world) send(url, body string) string {
	w.t.Helper()
	out, err := w.client.SendMessage(context.Background(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	require.NoError(w.t, err)
	return *out.MessageId
}

func (w *world) receive(url string, wait int32) []types.Message {
	w.t.Helper()
	out, err := w.client.ReceiveMessage(context.Background(), &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	})
	require.NoError(w.t, err)
	return out.Messages
}

func (w *world) delete(url string, m types.Message) {
	w.t.Helper()
	_, err := w.client.DeleteMessage(context.Background(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	require.NoError(w.t, err)
}

// counts are visible, in flight and delayed.
func (w *world) counts(url string) (n [3]int) {
	w.t.Helper()
	out, err := w.client.GetQueueAttributes(context.Background(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	require.NoError(w.t, err)
	for i, name := range []string{"", "NotVisible", "Delayed"} {
		v, err := strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"+name])
		require.NoError(w.t, err)
		n[i] = v
	}
	return n
}

func bodies(messages []types.Message) (b []string) {
	for _, m := range messages {
		b = append(b, *m.Body)
	}
	return b
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestAMessageIsSentReceivedAndDeleted(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", nil)
	id, err := w.client.SendMessage(context.Background(), &awssqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("<body>&ü"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"kind": {DataType: aws.String("String"), StringValue: aws.String("k")},
			"raw":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1}},
		}})
	require.NoError(t, err)
	require.Equal(t, [3]int{1, 0, 0}, w.counts(url))

	got := w.receive(url, 0)
	require.Len(t, got, 1)
	require.Equal(t, "<body>&ü", *got[0].Body)
	require.Equal(t, *id.MessageId, *got[0].MessageId)
	require.Equal(t, *id.MD5OfMessageAttributes, *got[0].MD5OfMessageAttributes)
	require.Equal(t, []byte{0, 1}, got[0].MessageAttributes["raw"].BinaryValue)
	require.Equal(t, "1", got[0].Attributes["ApproximateReceiveCount"])
	require.Equal(t, "local", got[0].Attributes["SenderId"])
	require.Equal(t, [3]int{0, 1, 0}, w.counts(url))
	require.Empty(t, w.receive(url, 0))

	w.delete(url, got[0])
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url))
	w.delete(url, got[0]) // deleting twice is no error
	w.clock.advance(time.Hour)
	require.Empty(t, w.receive(url, 0))
}

func TestTheChecksumOfAttributesIsThatOfAWS(t *testing.T) {
	// The value is AWS's own answer, as the moto project recorded it.
	w := newWorld(t, nil)
	url := w.create("q", nil)
	out, err := w.client.SendMessage(context.Background(), &awssqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("derp"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"timestamp": {DataType: aws.String("Number"), StringValue: aws.String("1493147359900")},
		}})
	require.NoError(t, err)
	require.Equal(t, "235c5c510d26fb653d073faed50ae77c", *out.MD5OfMessageAttributes)
}

func TestALongPollWakesWhenAMessageArrives(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", nil)
	got := make(chan time.Duration)
	var sent time.Time
	go func() {
		m := w.receive(url, 20)
		if len(m) == 1 {
			got <- time.Since(sent)
		}
		close(got)
	}()
	require.Never(t, func() bool { return len(got) > 0 }, 50*time.Millisecond, 10*time.Millisecond)
	sent = time.Now()
	w.send(url, "b")
	took, ok := <-got
	require.True(t, ok, "the poll must return the message")
	require.Less(t, took, 15*time.Second, "an empty poll takes 20")
}

func TestALongPollWakesWhenAMessageBecomesVisible(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", map[string]string{"VisibilityTimeout": "1", "ReceiveMessageWaitTimeSeconds": "20"})
	w.send(url, "b")
	require.Len(t, w.receive(url, 0), 1)
	begin := time.Now()
	require.Len(t, w.receive(url, 20), 1)
	require.Less(t, time.Since(begin), 15*time.Second, "an empty poll takes 20")
}

func TestClosingEndsLongPolls(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", nil)
	done := make(chan int)
	go func() { done <- len(w.receive(url, 20)) }()
	require.Never(t, func() bool { return len(done) > 0 }, 50*time.Millisecond, 10*time.Millisecond)
	require.NoError(t, w.service.Close())
	require.Zero(t, <-done)
}

func TestAcknowledgedMessagesSurviveACrash(t *testing.T) {
	w := newWorld(t, nil)
	w.create("q", nil)
	w.crash()
	found, err := w.client.GetQueueUrl(context.Background(), &awssqs.GetQueueUrlInput{QueueName: aws.String("q")})
	require.NoError(t, err, "the queue is durable")
	url := *found.QueueUrl
	w.send(url, "one")
	w.crash()
	url = strings.Replace(url, url[:strings.LastIndex(url, "/000")], w.server.URL, 1)
	_, err = w.client.SendMessageBatch(context.Background(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("two")}, {Id: aws.String("b"), MessageBody: aws.String("three")}}})
	require.NoError(t, err)
	w.crash()
	require.NoError(t, w.service.Send(context.Background(), "arn:aws:sqs:us-east-1:000000000000:q", "four"))
	w.crash()
	got := w.receive(url, 0)
	require.ElementsMatch(t, []string{"one", "two", "three", "four"}, bodies(got))

	w.crash()
	require.Equal(t, [3]int{4, 0, 0}, w.counts(url), "what was in flight is visible again")
	w.delete(url, got[0]) // a receipt from before the crash still deletes
	w.crash()
	require.NotContains(t, bodies(w.receive(url, 0)), *got[0].Body, "a delete is durable")
	require.Equal(t, [3]int{0, 3, 0}, w.counts(url))

	w.crash()
	_, err = w.client.PurgeQueue(context.Background(), &awssqs.PurgeQueueInput{QueueUrl: &url})
	require.NoError(t, err)
	w.crash()
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url), "a purge is durable")
	w.send(url, "five")
	_, err = w.client.DeleteQueue(context.Background(), &awssqs.DeleteQueueInput{QueueUrl: &url})
	require.NoError(t, err)
	w.crash()
	_, err = w.client.GetQueueUrl(context.Background(), &awssqs.GetQueueUrlInput{QueueName: aws.String("q")})
	var missing *types.QueueDoesNotExist
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "AWS.SimpleQueueService.NonExistentQueue", code(err))
	url = w.create("q", nil)
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url), "a new queue of the same name is empty")
}

func TestOldReceiptsDoNotTouchNewMessages(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", nil)
	w.send(url, "old")
	old := w.receive(url, 0)[0]
	w.delete(url, old)
	w.crash()
	url = w.create("q", nil)
	w.send(url, "new")
	w.delete(url, old)
	require.Equal(t, []string{"new"}, bodies(w.receive(url, 0)))
}

func TestPoisonGoesToTheDeadLetterQueueAndBack(t *testing.T) {
	w := newWorld(t, nil)
	dlq := w.create("q-dlq", nil)
	const dlqARN = "arn:aws:sqs:us-east-1:000000000000:q-dlq"
	url := w.create("q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlqARN + `","maxReceiveCount":"2"}`})
	id := w.send(url, "poison")
	for i := range 2 {
		got := w.receive(url, 0)
		require.Len(t, got, 1, "receive %d", i+1)
		require.Equal(t, strconv.Itoa(i+1), got[0].Attributes["ApproximateReceiveCount"])
		_, err := w.client.ChangeMessageVisibility(context.Background(), &awssqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0})
		require.NoError(t, err)
	}
	require.Empty(t, w.receive(url, 0))
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url))
	w.crash()
	dead := w.receive(dlq, 0)
	require.Equal(t, []string{"poison"}, bodies(dead))
	require.Equal(t, id, *dead[0].MessageId)
	require.Equal(t, "arn:aws:sqs:us-east-1:000000000000:q", dead[0].Attributes["DeadLetterQueueSourceArn"])
	require.Equal(t, "1", dead[0].Attributes["ApproximateReceiveCount"])
	sources, err := w.client.ListDeadLetterSourceQueues(context.Background(), &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dlq})
	require.NoError(t, err)
	require.Len(t, sources.QueueUrls, 1)

	w.clock.advance(time.Minute)
	_, err = w.client.StartMessageMoveTask(context.Background(), &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(dlqARN)})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.counts(url) == [3]int{1, 0, 0} }, 30*time.Second, 5*time.Millisecond)
	tasks, err := w.client.ListMessageMoveTasks(context.Background(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(dlqARN)})
	require.NoError(t, err)
	require.EqualValues(t, 1, tasks.Results[0].ApproximateNumberOfMessagesMoved)
	w.crash()
	require.Equal(t, []string{"poison"}, bodies(w.receive(url, 0)))
	require.Equal(t, [3]int{0, 0, 0}, w.counts(dlq))
}

func TestAMissingDeadLetterQueueLosesNothing(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", map[string]string{"VisibilityTimeout": "0",
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:gone","maxReceiveCount":1}`})
	w.send(url, "b")
	require.Len(t, w.receive(url, 0), 1)
	require.Empty(t, w.receive(url, 0))
	require.Equal(t, [3]int{1, 0, 0}, w.counts(url))
}

func TestDelaysAndRetention(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", map[string]string{"DelaySeconds": "10", "MessageRetentionPeriod": "60"})
	w.send(url, "late")
	require.Equal(t, [3]int{0, 0, 1}, w.counts(url))
	w.crash()
	url = w.create("q", nil)
	require.Equal(t, [3]int{0, 0, 1}, w.counts(url), "a delay survives a crash")
	w.clock.advance(11 * time.Second)
	require.Equal(t, []string{"late"}, bodies(w.receive(url, 0)))
	w.clock.advance(time.Minute)
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url))
	require.EqualValues(t, 1, w.service.Stats().Queues[0].Expired)
}

func TestLimitsBite(t *testing.T) {
	limits := sqs.AWSLimits()
	limits.InFlight = 2
	w := newWorld(t, &limits)
	url := w.create("q", nil)
	for range 3 {
		w.send(url, "b")
	}
	require.Len(t, w.receive(url, 0), 2)
	_, err := w.client.ReceiveMessage(context.Background(), &awssqs.ReceiveMessageInput{QueueUrl: &url})
	var over *types.OverLimit
	require.ErrorAs(t, err, &over)

	big := strings.Repeat("x", 1<<20)
	w.send(url, big)
	_, err = w.client.SendMessage(context.Background(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(big + "x")})
	require.Equal(t, "InvalidParameterValue", code(err))
	half := aws.String(big[:1<<19+1])
	_, err = w.client.SendMessageBatch(context.Background(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: half}, {Id: aws.String("b"), MessageBody: half}}})
	var long *types.BatchRequestTooLong
	require.ErrorAs(t, err, &long)

	_, err = w.client.PurgeQueue(context.Background(), &awssqs.PurgeQueueInput{QueueUrl: &url})
	require.NoError(t, err)
	_, err = w.client.PurgeQueue(context.Background(), &awssqs.PurgeQueueInput{QueueUrl: &url})
	var soon *types.PurgeQueueInProgress
	require.ErrorAs(t, err, &soon)

	hits := map[string]int64{}
	for _, h := range w.service.Stats().LimitHits {
		require.Equal(t, "sqs", h.Service)
		require.NotEmpty(t, h.Source)
		hits[h.Limit] = h.Count
	}
	require.Equal(t, map[string]int64{"messages in flight": 1, "message size": 1, "batch size": 1, "purge interval": 1}, hits)
}

func TestBadCallsAreRefusedByName(t *testing.T) {
	w := newWorld(t, nil)
	ctx := context.Background()
	url := w.create("q", nil)
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	batch := func(entries ...types.SendMessageBatchRequestEntry) error {
		_, err := w.client.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
		return err
	}
	eleven := make([]types.SendMessageBatchRequestEntry, 11)
	for i := range eleven {
		eleven[i] = entry(strconv.Itoa(i), "b")
	}
	create := func(name string, attributes map[string]string) error {
		_, err := w.client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		return err
	}
	remove := func(handle string) error {
		_, err := w.client.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: &handle})
		return err
	}
	send := func(body string) error {
		_, err := w.client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		return err
	}
	for _, c := range []struct {
		what string
		err  error
		want string
	}{
		{"empty batch", batch([]types.SendMessageBatchRequestEntry{}...), "AWS.SimpleQueueService.EmptyBatchRequest"},
		{"large batch", batch(eleven...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
		{"same ids", batch(entry("a", "b"), entry("a", "c")), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
		{"bad id", batch(entry("a b", "b")), "AWS.SimpleQueueService.InvalidBatchEntryId"},
		{"same name, other attributes", create("q", map[string]string{"DelaySeconds": "5"}), "QueueAlreadyExists"},
		{"fifo", create("q.fifo", nil), "AWS.SimpleQueueService.UnsupportedOperation"},
		{"bad name", create("q q", nil), "InvalidParameterValue"},
		{"bad attribute", create("p", map[string]string{"Colour": "red"}), "InvalidAttributeName"},
		{"bad value", create("p", map[string]string{"VisibilityTimeout": "43201"}), "InvalidAttributeValue"},
		{"bad policy", create("p", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"x","maxReceiveCount":1}`}), "InvalidAttributeValue"},
		{"bad receipt", remove("nonsense"), "ReceiptHandleIsInvalid"},
		{"control character", send("a\x01"), "InvalidMessageContents"},
		{"unknown operation", func() error {
			_, err := w.client.AddPermission(ctx, &awssqs.AddPermissionInput{QueueUrl: &url, Label: aws.String("l"), AWSAccountIds: []string{"1"}, Actions: []string{"*"}})
			return err
		}(), "UnknownOperationException"},
	} {
		require.Equal(t, c.want, code(c.err), c.what)
	}
	require.NoError(t, create("q", map[string]string{"DelaySeconds": "0"}), "the same attributes are fine")
	out, err := w.client.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{entry("good", "b"), entry("bad", "\x01")}})
	require.NoError(t, err)
	require.Equal(t, "good", *out.Successful[0].Id)
	require.Equal(t, "InvalidMessageContents", *out.Failed[0].Code)
}

func TestBatchesOfReceipts(t *testing.T) {
	w := newWorld(t, nil)
	ctx := context.Background()
	url := w.create("q", nil)
	w.send(url, "a")
	w.send(url, "b")
	got := w.receive(url, 0)
	change, err := w.client.ChangeMessageVisibilityBatch(ctx, &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("1"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0}, {Id: aws.String("2"), ReceiptHandle: aws.String("x"), VisibilityTimeout: 0}}})
	require.NoError(t, err)
	require.Len(t, change.Successful, 1)
	require.Equal(t, "ReceiptHandleIsInvalid", *change.Failed[0].Code)
	require.Equal(t, [3]int{1, 1, 0}, w.counts(url))
	_, err = w.client.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 5})
	require.Equal(t, "AWS.SimpleQueueService.MessageNotInflight", code(err))
	del, err := w.client.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("1"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("2"), ReceiptHandle: got[1].ReceiptHandle}}})
	require.NoError(t, err)
	require.Len(t, del.Successful, 2)
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url))
}

func TestQueuesAreListedByPage(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"a-1", "a-2", "a-3", "b-1"} {
		w.create(name, nil)
	}
	p := awssqs.NewListQueuesPaginator(w.client, &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("a-"), MaxResults: aws.Int32(2)})
	var names []string
	for p.HasMorePages() {
		page, err := p.NextPage(context.Background())
		require.NoError(t, err)
		for _, url := range page.QueueUrls {
			names = append(names, url[strings.LastIndex(url, "/")+1:])
		}
	}
	require.Equal(t, []string{"a-1", "a-2", "a-3"}, names)
}

// Many senders and receivers at once: everything sent is received, and nothing
// is left once all is deleted.
func TestConcurrentUse(t *testing.T) {
	w := newWorld(t, nil)
	url := w.create("q", nil)
	const senders, each = 4, 25
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				w.send(url, fmt.Sprintf("%d-%d", i, j))
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	for range 3 {
		wg.Go(func() {
			for {
				mu.Lock()
				done := len(seen) == senders*each
				mu.Unlock()
				if done {
					return
				}
				for _, m := range w.receive(url, 1) {
					w.delete(url, m)
					mu.Lock()
					seen[*m.Body]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for body, n := range seen {
		require.Equal(t, 1, n, body)
	}
	require.Equal(t, [3]int{0, 0, 0}, w.counts(url))
	st := w.service.Stats().Queues[0]
	require.EqualValues(t, senders*each, st.Sent)
	require.EqualValues(t, senders*each, st.Deleted)
}

func BenchmarkSend(b *testing.B) {
	db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: silent{}})
	require.NoError(b, err)
	s, err := sqs.Open(sqs.Options{DB: db})
	require.NoError(b, err)
	defer func() { require.NoError(b, errors.Join(s.Close(), db.Close())) }()
	rec := httptest.NewRecorder()
	s.ServeAWS(rec, &wire.Request{Service: "sqs", Action: "CreateQueue", Body: []byte(`{"QueueName":"q"}`), Now: time.Now(),
		HTTP: httptest.NewRequest("POST", "/", nil)})
	require.Equal(b, 200, rec.Code, rec.Body.String())
	body := strings.Repeat("x", 700)
	b.SetParallelism(32) // callers that share a disk write
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Send(context.Background(), "arn:aws:sqs:us-east-1:000000000000:q", body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
