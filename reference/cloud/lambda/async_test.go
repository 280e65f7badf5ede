package lambda

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// fastRetries are AWS's limits with retries that a test can wait for.
func fastRetries() *Limits {
	l := AWSLimits()
	l.AsyncRetry1, l.AsyncRetry2 = 20*time.Millisecond, 40*time.Millisecond
	return &l
}

func (b *bench) send(name string, j job) {
	b.t.Helper()
	out, err := b.client.Invoke(ctx, &sdk.InvokeInput{FunctionName: &name, Payload: encode(b.t, j), InvocationType: types.InvocationTypeEvent})
	require.NoError(b.t, err)
	require.EqualValues(b.t, http.StatusAccepted, out.StatusCode)
	require.Empty(b.t, out.Payload)
}

func (b *bench) settled(want AsyncStats) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.Stats().Async == want }, eventually, tick, "want %+v", want)
}

func TestAsyncEventIsRunOnce(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	b.send("f", job{Print: "ran"})
	b.settled(AsyncStats{Accepted: 1, Succeeded: 1})
	_, err := b.InvokeEvent("f", "$LATEST", encode(t, job{Print: "ran"}), nil)
	require.NoError(t, err)
	b.settled(AsyncStats{Accepted: 2, Succeeded: 2})
	b.printed("f/$LATEST ran", 2)
	_, err = b.InvokeEvent("g", "", nil, nil)
	require.Error(t, err)
}

func TestAsyncEventIsRetriedTwiceThenDropped(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits = fastRetries() })
	b.create("f", nil)
	b.send("f", job{Print: "tried", Fail: "never"})
	b.settled(AsyncStats{Accepted: 1, Retried: 2, Dropped: 1})
	b.printed("f/$LATEST tried", 3)
	require.Contains(t, b.output.String(), "lambda_event_dropped")

	_, err := b.client.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(0)})
	require.NoError(t, err)
	b.send("f", job{Fail: "never"})
	b.settled(AsyncStats{Accepted: 2, Retried: 2, Dropped: 2})
	got, err := b.client.GetFunctionEventInvokeConfig(ctx, &sdk.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.EqualValues(t, 0, *got.MaximumRetryAttempts)
	_, err = b.client.PutFunctionEventInvokeConfig(ctx, &sdk.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(3)})
	require.Error(t, err)
}

func TestAcceptedEventsSurviveACrash(t *testing.T) {
	disk := vfs.NewCrashableMem()
	db := openDB(t, disk)
	b := start(t, func(o *Options) { o.DB = db })
	b.create("f", nil)
	_, err := b.client.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	require.NoError(t, err)
	const n = 20
	for i := range n {
		b.send("f", job{Print: fmt.Sprintf("event %d.", i)})
	}
	require.Eventually(t, func() bool { return b.Stats().Async.Retried >= n }, eventually, tick, "a stopped function throttles events, which wait")
	copied := disk.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, b.Close())
	require.NoError(t, b.options.DB.Close())
	b.options.DB = openDB(t, copied)
	b.open()
	_, err = b.client.DeleteFunctionConcurrency(ctx, &sdk.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return b.Stats().Async.Pending == 0 }, eventually, tick)
	now := b.Stats().Async
	require.Equal(t, AsyncStats{Succeeded: n, Retried: now.Retried}, now)
	for i := range n {
		b.printed(fmt.Sprintf("f/$LATEST event %d.", i), 1)
	}
	require.NoError(t, b.Close())
	require.NoError(t, b.options.DB.Close())
}

func TestRetryIn(t *testing.T) {
	limits := AWSLimits()
	two := 2
	for _, c := range []struct {
		name      string
		before    event
		age       time.Duration
		throttled bool
		config    eventsConfig
		wait      time.Duration
		again     bool
	}{
		{name: "first failure", wait: time.Minute, again: true},
		{name: "second failure", before: event{Failures: 1}, wait: 2 * time.Minute, again: true},
		{name: "third failure", before: event{Failures: 2}},
		{name: "first throttle", throttled: true, wait: time.Second, again: true},
		{name: "fourth throttle", before: event{Throttles: 3, Failures: 2}, throttled: true, wait: 8 * time.Second, again: true},
		{name: "many throttles", before: event{Throttles: 100}, throttled: true, wait: 5 * time.Minute, again: true},
		{name: "failure after throttles", before: event{Throttles: 9}, wait: time.Minute, again: true},
		{name: "too old", age: 6*time.Hour - time.Second, throttled: true, wait: time.Second, again: true},
		{name: "older", age: 6*time.Hour - time.Second + 1, throttled: true, wait: time.Second},
		{name: "the function's own age", age: time.Second, throttled: true, config: eventsConfig{MaximumEventAgeInSeconds: &two}, wait: time.Second, again: true},
	} {
		e := c.before
		wait, again := e.retryIn(c.age, c.throttled, c.config, &limits)
		require.Equal(t, c.again, again, c.name)
		require.Equal(t, c.wait, wait, c.name)
	}
}
