package lambda

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// fakeQueue is a queue without visibility timeouts: what is received stays away until it is
// released.
type fakeQueue struct {
	mu       sync.Mutex
	visible  []Message
	hidden   map[string]Message
	received map[string]int // by body
	deleted  map[string]int
	broken   error
	calls    int
	largest  int
	more     chan struct{} // closed when something becomes visible
}

var _ Queue = (*fakeQueue)(nil)

func newFakeQueue() *fakeQueue {
	return &fakeQueue{hidden: map[string]Message{}, received: map[string]int{}, deleted: map[string]int{}, more: make(chan struct{})}
}

func (q *fakeQueue) send(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range bodies {
		q.visible = append(q.visible, Message{ID: "id-" + body, Receipt: "r-" + body, Body: body, MD5: "md5", Attributes: map[string]string{}})
	}
	q.signal()
}

func (q *fakeQueue) signal() { close(q.more); q.more = make(chan struct{}) }

func (q *fakeQueue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
	q.signal()
}

func (q *fakeQueue) Receive(ctx context.Context, _ string, most int, wait time.Duration) ([]Message, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		q.mu.Lock()
		q.calls++
		if q.broken != nil {
			defer q.mu.Unlock()
			return nil, q.broken
		}
		if n := min(most, len(q.visible)); n > 0 {
			defer q.mu.Unlock()
			got := append([]Message(nil), q.visible[:n]...)
			q.visible = q.visible[n:]
			for i := range got {
				q.received[got[i].Body]++
				got[i].Attributes = map[string]string{"ApproximateReceiveCount": strconv.Itoa(q.received[got[i].Body])}
				q.hidden[got[i].Receipt] = got[i]
			}
			q.largest = max(q.largest, n)
			return got, nil
		}
		more := q.more
		q.mu.Unlock()
		select {
		case <-more:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *fakeQueue) Delete(_ context.Context, _ string, receipts []string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range receipts {
		q.deleted[q.hidden[r].Body]++
		delete(q.hidden, r)
	}
	return q.broken
}

func (q *fakeQueue) Release(_ context.Context, _ string, receipts []string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range receipts {
		q.visible = append(q.visible, q.hidden[r])
		delete(q.hidden, r)
	}
	q.signal()
	return q.broken
}

func (q *fakeQueue) count(of map[string]int, body string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return of[body]
}

const queueARN = "arn:aws:sqs:us-east-1:000000000000:process-orders"

// consumer reads an SQS event; a body that says so makes it fail, report a failure or be slow.
type consumer struct {
	Records []struct {
		MessageID      string `json:"messageId"`
		Body           string `json:"body"`
		EventSourceARN string `json:"eventSourceARN"`
		Attributes     map[string]string
	}
}

func consume(e consumer) (any, error) {
	type item struct {
		ID string `json:"itemIdentifier"`
	}
	var out struct {
		Failures []item `json:"batchItemFailures"`
	}
	for _, r := range e.Records {
		if r.EventSourceARN != queueARN {
			return nil, errors.New("wrong source " + r.EventSourceARN)
		}
		first := r.Attributes["ApproximateReceiveCount"] == "1"
		switch r.Body {
		case "fail once":
			if first {
				return nil, errors.New("as told")
			}
		case "report once":
			if first {
				out.Failures = append(out.Failures, item{r.MessageID})
			}
		case "slow", "slow once":
			if first || r.Body == "slow" {
				time.Sleep(time.Minute)
			}
		}
	}
	return out, nil
}

func (b *bench) mapQueue(change func(*sdk.CreateEventSourceMappingInput)) *sdk.CreateEventSourceMappingOutput {
	b.t.Helper()
	b.create("f", func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"ROLE": "consumer"}}
	})
	in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String(queueARN)}
	if change != nil {
		change(in)
	}
	out, err := b.client.CreateEventSourceMapping(ctx, in)
	require.NoError(b.t, err)
	return out
}

func reportFailuresToo(in *sdk.CreateEventSourceMappingInput) {
	in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
}

func TestMappingDeletesWhatSucceedsAndReleasesWhatFails(t *testing.T) {
	q := newFakeQueue()
	b := start(t, func(o *Options) { o.Queue = q })
	b.mapQueue(reportFailuresToo)
	q.send("a", "report once", "b")
	require.Eventually(t, func() bool { return q.count(q.deleted, "report once") == 1 }, eventually, tick)
	require.Equal(t, 2, q.count(q.received, "report once"))
	require.Equal(t, 1, q.count(q.received, "a"), "the others of the batch are not delivered again")
	require.Equal(t, 1, q.count(q.deleted, "b"))

	q.send("fail once")
	require.Eventually(t, func() bool { return q.count(q.deleted, "fail once") == 1 }, eventually, tick)
	require.Equal(t, 2, q.count(q.received, "fail once"))
	m := b.Stats().Mappings[0]
	require.EqualValues(t, 2, m.Failed)
	require.Equal(t, queueARN, m.Queue)
	require.Equal(t, 5, m.Pollers)
}

func TestMappingDeliversAgainWhatAKilledFunctionHeld(t *testing.T) {
	q := newFakeQueue()
	b := start(t, func(o *Options) { o.Queue = q })
	b.mapQueue(nil)
	q.send("slow once")
	require.NoError(t, syscall.Kill(b.busy("f", 1)[0], syscall.SIGKILL))
	require.Eventually(t, func() bool { return q.count(q.deleted, "slow once") == 1 }, eventually, tick)
	require.EqualValues(t, 1, b.stat("f", "$LATEST").DiedBusy)
}

func TestMappingBatchesUpToItsSize(t *testing.T) {
	q := newFakeQueue()
	b := start(t, func(o *Options) { o.Queue = q })
	b.mapQueue(func(in *sdk.CreateEventSourceMappingInput) {
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(25), aws.Int32(1)
		in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
	})
	bodies := make([]string, 50)
	for i := range bodies {
		bodies[i] = strconv.Itoa(i)
	}
	q.send(bodies...)
	require.Eventually(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.deleted) == 50
	}, eventually, tick)
	m := b.Stats().Mappings[0]
	require.EqualValues(t, 50, m.Messages)
	require.LessOrEqual(t, m.Batches, int64(4))
	require.Equal(t, 2, m.Pollers)
	require.Equal(t, 10, q.largest, "SQS gives at most ten at once")
}

func TestMappingOutlivesADeadQueue(t *testing.T) {
	q := newFakeQueue()
	b := start(t, func(o *Options) { o.Queue = q })
	b.mapQueue(nil)
	q.fail(errors.New("connection refused"))
	require.Eventually(t, func() bool { return b.Stats().Mappings[0].Errors >= 10 }, eventually, tick)
	q.mu.Lock()
	before := q.calls
	q.mu.Unlock()
	require.Less(t, before, 60, "it backs off")
	q.fail(nil)
	q.send("a")
	require.Eventually(t, func() bool { return q.count(q.deleted, "a") == 1 }, eventually, tick)
}

func TestMappingSurvivesARestartAndStops(t *testing.T) {
	q := newFakeQueue()
	disk := vfs.NewCrashableMem()
	db := openDB(t, disk)
	b := start(t, func(o *Options) { o.Queue = q; o.DB = db; o.Drain = 50 * time.Millisecond })
	m := b.mapQueue(nil)
	q.send("slow once")
	b.busy("f", 1)
	copied := disk.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, b.Close())
	require.Len(t, q.visible, 1, "a message in hand goes back at once when the service closes")
	require.NoError(t, b.options.DB.Close())
	b.options.DB = openDB(t, copied)
	b.open()
	require.Eventually(t, func() bool { return q.count(q.deleted, "slow once") == 1 }, eventually, tick)

	_, err := b.client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: aws.Bool(false)})
	require.NoError(t, err)
	q.send("a")
	got, err := b.client.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: m.UUID})
	require.NoError(t, err)
	require.Equal(t, "Disabled", *got.State)
	require.Zero(t, q.count(q.received, "a"))
	_, err = b.client.UpdateEventSourceMapping(ctx, &sdk.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: aws.Bool(true)})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return q.count(q.deleted, "a") == 1 }, eventually, tick)
	_, err = b.client.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: m.UUID})
	require.NoError(t, err)
	list, err := b.client.ListEventSourceMappings(ctx, &sdk.ListEventSourceMappingsInput{})
	require.NoError(t, err)
	require.Empty(t, list.EventSourceMappings)
	require.NoError(t, b.Close())
	require.NoError(t, b.options.DB.Close())
}

func TestBadMappingsAreRefused(t *testing.T) {
	q := newFakeQueue()
	b := start(t, func(o *Options) { o.Queue = q })
	b.mapQueue(nil)
	other := aws.String(queueARN + "2")
	for name, in := range map[string]*sdk.CreateEventSourceMappingInput{
		"exists":         {EventSourceArn: aws.String(queueARN)},
		"no queue":       {EventSourceArn: aws.String("arn:aws:kinesis:r:1:stream/x")},
		"no function":    {EventSourceArn: other, FunctionName: aws.String("g")},
		"size":           {EventSourceArn: other, BatchSize: aws.Int32(10001)},
		"size, window":   {EventSourceArn: other, BatchSize: aws.Int32(11)},
		"window":         {EventSourceArn: other, MaximumBatchingWindowInSeconds: aws.Int32(301)},
		"scaling":        {EventSourceArn: other, ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(1)}},
		"filter":         {EventSourceArn: other, FilterCriteria: &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String("{}")}}}},
		"response types": {EventSourceArn: other, FunctionResponseTypes: []types.FunctionResponseType{"X"}},
	} {
		if in.FunctionName == nil {
			in.FunctionName = aws.String("f")
		}
		_, err := b.client.CreateEventSourceMapping(ctx, in)
		require.Error(t, err, name)
	}
	require.Len(t, b.mappings.list(), 1)
}

func TestSplitBatch(t *testing.T) {
	batch := []Message{{ID: "1", Receipt: "a"}, {ID: "2", Receipt: "b"}}
	for answer, want := range map[string][2]int{
		"":                           {2, 0},
		"null":                       {2, 0},
		"{}":                         {2, 0},
		`{"batchItemFailures":[]}`:   {2, 0},
		`{"batchItemFailures":null}`: {2, 0},
		`{"batchItemFailures":[{"itemIdentifier":"2"}]}`: {1, 1},
		`{"batchItemFailures":[{"itemIdentifier":"3"}]}`: {0, 2},
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:  {0, 2},
		`{"batchItemFailures":[{"x":"2"}]}`:              {0, 2},
		`"text"`:                                         {0, 2},
		"{":                                              {0, 2},
	} {
		ok, failed, err := splitBatch(batch, []byte(answer))
		require.Equal(t, want, [2]int{len(ok), len(failed)}, answer)
		if want[0] == 0 {
			require.ErrorIs(t, err, errBadReport, answer)
		} else {
			require.NoError(t, err, answer)
		}
	}
}

func FuzzSplitBatch(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"2"}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		batch := []Message{{ID: "1", Receipt: "a"}, {ID: "2", Receipt: "b"}, {ID: "3", Receipt: "c"}}
		ok, failed, err := splitBatch(batch, answer)
		require.Len(t, append(ok, failed...), len(batch), "no message is forgotten or counted twice")
		if err != nil {
			require.Empty(t, ok, "an answer that is not understood deletes nothing")
		}
	})
}

func TestReleaseAfter(t *testing.T) {
	tried := func(n string) []Message {
		return []Message{{}, {Attributes: map[string]string{"ApproximateReceiveCount": n}}}
	}
	for n, want := range map[string]time.Duration{"": 1000, "1": 1000, "2": 2000, "5": 16000, "7": 20000, "1000": 20000, "x": 1000} {
		require.Equal(t, want*time.Millisecond, releaseAfter(tried(n)), n)
	}
}

func TestPollersGrowWhileAllAreBusy(t *testing.T) {
	limits := AWSLimits()
	p := newPollers(&limits, 0)
	require.Equal(t, 5, p.start)
	p.running = p.start
	now := time.Unix(0, 0)
	for range 4 {
		require.Zero(t, p.got(now))
	}
	require.Equal(t, 1, p.got(now), "the last idle one was busy too")
	require.Zero(t, p.got(now), "300 a minute are one in 200 ms")
	require.Equal(t, 6, p.running)
	require.Equal(t, 1, p.got(now.Add(200*time.Millisecond)))
	require.True(t, p.empty())
	require.True(t, p.empty())
	require.False(t, p.empty(), "never below the start")

	small := newPollers(&limits, 2)
	small.running = small.start
	require.Equal(t, 2, small.start)
	small.got(now)
	require.Zero(t, small.got(now))
	for range 2000 {
		now = now.Add(time.Second)
		p.busy = p.running - 1
		p.got(now)
	}
	require.Equal(t, limits.MappingMax, p.running)
}
