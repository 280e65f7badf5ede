package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func TestInvokeRunsARealProcessAndKeepsItWarm(t *testing.T) {
	b := start(t, func(o *Options) { o.Variables = map[string]string{"AWS_ACCESS_KEY_ID": "local"} })
	b.create("f", func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"COLOUR": "blue"}}
	})
	asked := time.Now()
	first := b.call("f", "", job{Env: "COLOUR", Print: "hello"})
	took := time.Since(asked)
	require.Equal(t, "blue", first.Env)
	require.Equal(t, "$LATEST", first.Version)
	require.Equal(t, "arn:aws:lambda:us-east-1:000000000000:function:f", first.ARN)
	require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0$`, first.Trace)
	require.LessOrEqual(t, first.Left, 30*time.Second)
	require.GreaterOrEqual(t, first.Left, 30*time.Second-took-10*time.Millisecond, "a deadline is in whole milliseconds")
	for range 20 {
		again := b.call("f", "", job{Env: "AWS_ACCESS_KEY_ID"})
		require.Equal(t, first.PID, again.PID, "a client that waits for its answer never causes a second cold start")
		require.Equal(t, "local", again.Env)
		require.NotEqual(t, first.RequestID, again.RequestID)
	}
	s := b.stat("f", "$LATEST")
	require.EqualValues(t, 21, s.Invocations)
	require.EqualValues(t, 1, s.ColdStarts)
	require.Zero(t, s.Errors)
	require.GreaterOrEqual(t, s.BilledMS, int64(21))
	b.printed("f/$LATEST hello", 1)
}

func TestInvokePassesTraceClientContextAndLog(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	client := base64.StdEncoding.EncodeToString([]byte(`{"custom":{"k":"v"}}`))
	out, err := b.client.Invoke(context.Background(), &sdk.InvokeInput{
		FunctionName: aws.String("f"), Payload: encode(t, job{Print: "from the function"}), LogType: types.LogTypeTail, ClientContext: &client,
	})
	require.NoError(t, err)
	require.Equal(t, "$LATEST", *out.ExecutedVersion)
	require.Contains(t, string(out.Payload), `"Client":{"k":"v"}`)
	log, err := base64.StdEncoding.DecodeString(*out.LogResult)
	require.NoError(t, err)
	require.Equal(t, "from the function", string(log))

	r, err := b.Invoke(context.Background(), "f", "", []byte(`{}`), http.Header{"X-Amzn-Trace-Id": {"Root=1-2-3"}})
	require.NoError(t, err)
	require.Contains(t, string(r.Payload), `"Trace":"Root=1-2-3"`)
	require.Contains(t, string(r.Payload), r.RequestID)
	_, err = b.Invoke(context.Background(), "f", "", []byte(`{}`), http.Header{"X-Amzn-Trace-Id": {"a\r\nb: c"}})
	require.Error(t, err)
}

func TestInvokeReportsTheFunctionsFailures(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	b.create("hasty", func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(1) })
	seven, zero := 7, 0
	for _, c := range []struct {
		function, kind, message string
		job                     job
	}{
		{"f", "errorString", "no luck", job{Fail: "no luck"}},
		{"f", "string", "on demand", job{Panic: true}},
		{"f", "Runtime.ExitError", "exit status 7", job{Exit: &seven}},
		{"f", "Runtime.ExitError", "without providing a reason", job{Exit: &zero}},
		{"hasty", "Sandbox.Timedout", "Task timed out after 1.00 seconds", job{Sleep: time.Minute}},
	} {
		out := b.try(c.function, "", c.job)
		require.NotNil(t, out.FunctionError, c.message)
		require.Equal(t, "Unhandled", *out.FunctionError, c.message)
		f := parseFailure(t, out.Payload)
		require.Equal(t, c.kind, f.Type, c.message)
		require.Contains(t, f.Message, c.message)
	}
	s := b.stat("f", "$LATEST")
	require.EqualValues(t, 4, s.Errors)
	require.EqualValues(t, 2, s.DiedBusy, "the two exits; after a panic the answer came first")
	s = b.stat("hasty", "$LATEST")
	require.EqualValues(t, 1, s.Errors)
	require.EqualValues(t, 1, s.Timeouts)
	require.Zero(t, s.DiedBusy, "a timeout is our own doing")
	require.NotZero(t, b.call("f", "", job{}).PID, "the function still works")
}

func TestKillInMidInvocationIsCountedAndReported(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	done := make(chan *sdk.InvokeOutput)
	go func() { done <- b.try("f", "", job{Sleep: time.Minute}) }()
	pids := b.busy("f", 1)
	require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	out := <-done
	require.Equal(t, "Unhandled", *out.FunctionError)
	f := parseFailure(t, out.Payload)
	require.Equal(t, "Runtime.ExitError", f.Type)
	require.Contains(t, f.Message, "signal: killed")
	require.EqualValues(t, 1, b.stat("f", "$LATEST").DiedBusy)

	pid := b.call("f", "", job{}).PID
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return b.stat("f", "$LATEST").DiedIdle == 1 }, eventually, tick)
	require.NotEqual(t, pid, b.call("f", "", job{}).PID)
	require.EqualValues(t, 1, b.stat("f", "$LATEST").DiedBusy)
}

func TestTimeoutKillsTheWholeGroup(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	kid := b.call("f", "", job{Spawn: true}).Grandkid
	require.True(t, alive(kid))
	exit := 0
	b.try("f", "", job{Exit: &exit})
	require.Eventually(t, func() bool { return !alive(kid) }, eventually, tick)
}

func TestInitFailureIsAnAnswer(t *testing.T) {
	hasty := AWSLimits()
	hasty.InitTimeout = 300 * time.Millisecond
	b, impatient := start(t, nil), start(t, func(o *Options) { o.Limits = &hasty })
	for name, want := range map[string]string{"exit": "exit status 7", "hang": "Initialization timed out"} {
		b := b
		if name == "hang" {
			b = impatient
		}
		b.create(name, func(in *sdk.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"INIT": name}}
		})
		out := b.try(name, "", job{})
		require.NotNil(t, out.FunctionError)
		require.Contains(t, parseFailure(t, out.Payload).Message, want)
		require.EqualValues(t, 1, b.stat(name, "$LATEST").InitErrors)
		require.Zero(t, b.stat(name, "$LATEST").ColdStarts)
	}
	b.create("absent", func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/nowhere/to/be/found"}}
	})
	out := b.try("absent", "", job{})
	require.Equal(t, "Runtime.InvalidEntrypoint", parseFailure(t, out.Payload).Type)
	require.Contains(t, b.output.String(), "lambda_init_failed")
}

func TestWrapperGetsTheBootstrapAsArgument(t *testing.T) {
	b := start(t, nil)
	b.create("f", func(in *sdk.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/usr/bin/env WRAPPED=yes"}}
	})
	require.Equal(t, "yes", b.call("f", "", job{Env: "WRAPPED"}).Env)
}

func TestConcurrentInvocationsGetProcessesOfTheirOwn(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	const n = 6
	gate, open := b.gate()
	pids := make(chan int, n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { pids <- b.call("f", "", job{Until: gate}).PID })
	}
	b.busy("f", n)
	open()
	wg.Wait()
	close(pids)
	seen := map[int]bool{}
	for pid := range pids {
		seen[pid] = true
	}
	require.Len(t, seen, n)
	require.Equal(t, n, b.stat("f", "$LATEST").MaxConcurrent)
	require.Eventually(t, func() bool { return b.stat("f", "$LATEST").Busy == 0 }, eventually, tick)
}

func TestThrottlingNamesItsLimit(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	_, err := b.client.PutFunctionConcurrency(context.Background(), &sdk.PutFunctionConcurrencyInput{
		FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1)})
	require.NoError(t, err)
	var wg sync.WaitGroup
	gate, open := b.gate()
	wg.Go(func() { b.call("f", "", job{Until: gate}) })
	b.busy("f", 1)
	_, err = b.client.Invoke(context.Background(), &sdk.InvokeInput{FunctionName: aws.String("f")})
	var refused *types.TooManyRequestsException
	require.ErrorAs(t, err, &refused)
	require.Equal(t, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, refused.Reason)
	open()
	wg.Wait()

	got, err := b.client.GetFunctionConcurrency(context.Background(), &sdk.GetFunctionConcurrencyInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.EqualValues(t, 1, *got.ReservedConcurrentExecutions)
	s := b.Stats()
	require.EqualValues(t, 1, s.Functions[0].Throttles)
	require.Len(t, s.LimitHits, 1)
	require.Equal(t, "reserved concurrency", s.LimitHits[0].Limit)
	require.Equal(t, "f", s.LimitHits[0].Resource)
	_, err = b.client.DeleteFunctionConcurrency(context.Background(), &sdk.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	b.call("f", "", job{})
	_, err = b.client.PutFunctionConcurrency(context.Background(), &sdk.PutFunctionConcurrencyInput{
		FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(901)})
	var invalid *types.InvalidParameterValueException
	require.ErrorAs(t, err, &invalid)
}

func TestPayloadLimits(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	big := []byte(`"` + strings.Repeat("x", 6<<20) + `"`)
	_, err := b.client.Invoke(context.Background(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: big})
	var tooLarge *types.RequestTooLargeException
	require.ErrorAs(t, err, &tooLarge)
	_, err = b.client.Invoke(context.Background(), &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: big[:1<<20+1], InvocationType: types.InvocationTypeEvent})
	require.ErrorAs(t, err, &tooLarge)

	out := b.try("f", "", job{Answer: 6<<20 + 100})
	require.Equal(t, "Function.ResponseSizeTooLarge", parseFailure(t, out.Payload).Type)
	require.Len(t, b.call("f", "", job{Answer: 5 << 20}).Fill, 5<<20, "the environment survives it")
	require.Len(t, b.Stats().LimitHits, 2)
}

func TestInvokingNothing(t *testing.T) {
	b := start(t, nil)
	b.create("f", nil)
	for _, ref := range []string{"g", "f:nope", "f:7"} {
		_, err := b.client.Invoke(context.Background(), &sdk.InvokeInput{FunctionName: &ref})
		var notFound *types.ResourceNotFoundException
		require.ErrorAs(t, err, &notFound, ref)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.Invoke(ctx, "f", "", encode(t, job{Sleep: 10 * time.Millisecond}), nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.Invoke(context.Background(), "f", "", []byte(`{}`), nil)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	_, err = b.Invoke(context.Background(), "f", "", []byte(`{}`), nil)
	var e *wire.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, http.StatusServiceUnavailable, e.Status)
}

func TestIdleEnvironmentsAreReaped(t *testing.T) {
	limits := AWSLimits()
	limits.IdleTimeout = 50 * time.Millisecond
	b := start(t, func(o *Options) { o.Limits = &limits })
	b.create("f", nil)
	burn := 50 * time.Millisecond // more than the coarsest clock of processor time, 10 ms a tick
	pid := b.call("f", "", job{Burn: burn}).PID
	var s FunctionStats
	require.Eventually(t, func() bool { s = b.stat("f", "$LATEST"); return s.Environments == 0 }, eventually, tick)
	require.False(t, alive(pid))
	require.Empty(t, b.Environments())
	require.Zero(t, s.DiedIdle, "reaping is no death")
	require.GreaterOrEqual(t, s.CPUSeconds, (burn / 2).Seconds(), "its CPU time is kept")
	b.call("f", "", job{})
	require.EqualValues(t, 2, b.stat("f", "$LATEST").ColdStarts)
}
