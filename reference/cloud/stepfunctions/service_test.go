package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func openDB(t testing.TB, fs vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: fs, Logger: quiet{}})
	require.NoError(t, err)
	return db
}

// invoker answers by a function; nil echoes.
type invoker func(ctx context.Context, arn string, payload []byte) ([]byte, error)

func (f invoker) Invoke(ctx context.Context, arn string, payload []byte) ([]byte, error) {
	if f == nil {
		return payload, nil
	}
	return f(ctx, arn, payload)
}

// serve opens a Service and a client for it; both end with the test.
func serve(t testing.TB, o Options) (*Service, *sfn.Client) {
	t.Helper()
	if o.DB == nil {
		o.DB = openDB(t, vfs.NewMem())
		t.Cleanup(func() { require.NoError(t, o.DB.Close()) })
	}
	if o.Lambda == nil {
		o.Lambda = invoker(nil)
	}
	s, err := Open(o)
	require.NoError(t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("states", MaxBody, s)
	server := httptest.NewServer(mux)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		require.NoError(t, s.Close())
	})
	return s, sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

const role = "arn:aws:iam::000000000000:role/states"

func create(t testing.TB, c *sfn.Client, name, definition string) string {
	t.Helper()
	out, err := c.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &definition, RoleArn: aws.String(role)})
	require.NoError(t, err)
	return *out.StateMachineArn
}

// await returns an execution once it has ended.
func await(t testing.TB, c *sfn.Client, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		out, err := c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		require.NoError(t, err)
		if out.Status != types.ExecutionStatusRunning {
			return out
		}
		require.True(t, time.Now().Before(deadline), "%s still runs", arn)
	}
}

const task = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f:live","End":true}}}`
const long = `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestStateMachinesByTheSDK(t *testing.T) {
	_, c := serve(t, Options{})
	ctx := t.Context()
	arn := create(t, c, "roll-up", task)
	require.Equal(t, "arn:aws:states:us-east-1:000000000000:stateMachine:roll-up", arn)
	require.Equal(t, arn, create(t, c, "roll-up", task), "the same again is the same")
	_, err := c.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("roll-up"), Definition: aws.String(long), RoleArn: aws.String(role)})
	require.Equal(t, "StateMachineAlreadyExists", code(err))
	_, err = c.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("x"), Definition: aws.String(`{"StartAt":"A","States":{"A":{"Type":"Wait","End":true}}}`), RoleArn: aws.String(role)})
	require.Equal(t, "InvalidDefinition", code(err))
	require.ErrorContains(t, err, "at /States/A")

	up, err := c.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: &arn, Definition: aws.String(long)})
	require.NoError(t, err)
	d, err := c.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	require.NoError(t, err)
	require.Equal(t, long, *d.Definition)
	require.Equal(t, *up.RevisionId, *d.RevisionId)
	require.Equal(t, types.StateMachineStatusActive, d.Status)
	_, err = c.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: &arn})
	require.Equal(t, "MissingRequiredParameter", code(err))

	for i := range 5 {
		create(t, c, fmt.Sprintf("m%d", i), task)
	}
	var names []string
	pages := sfn.NewListStateMachinesPaginator(c, &sfn.ListStateMachinesInput{MaxResults: 2})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		require.NoError(t, err)
		for _, m := range page.StateMachines {
			names = append(names, *m.Name)
		}
	}
	require.Equal(t, []string{"m0", "m1", "m2", "m3", "m4", "roll-up"}, names)

	_, err = c.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: &arn})
	require.NoError(t, err)
	_, err = c.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	require.Equal(t, "StateMachineDoesNotExist", code(err))
	_, err = c.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String("nonsense")})
	require.Equal(t, "InvalidArn", code(err))

	v, err := c.ValidateStateMachineDefinition(ctx, &sfn.ValidateStateMachineDefinitionInput{Definition: aws.String(`{"StartAt":"A","States":{"A":{"Type":"Pass"}}}`)})
	require.NoError(t, err)
	require.Equal(t, types.ValidateStateMachineDefinitionResultCodeFail, v.Result)
	require.Equal(t, "/States/A", *v.Diagnostics[0].Location)
}

func TestExecutionByTheSDK(t *testing.T) {
	_, c := serve(t, Options{Lambda: invoker(func(_ context.Context, arn string, payload []byte) ([]byte, error) {
		if strings.Contains(string(payload), "fail") {
			return nil, NewFunctionError([]byte(`{"errorType":"Boom","errorMessage":"why"}`))
		}
		return []byte(`{"arn":"` + arn + `","got":` + string(payload) + `}`), nil
	})})
	ctx := t.Context()
	arn := create(t, c, "m", task)
	started, err := c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Name: aws.String("one"), Input: aws.String(`{ "a": "<b>" }`)})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:states:us-east-1:000000000000:execution:m:one", *started.ExecutionArn)
	out := await(t, c, *started.ExecutionArn)
	require.Equal(t, types.ExecutionStatusSucceeded, out.Status)
	require.Equal(t, `{ "a": "<b>" }`, *out.Input)
	require.Equal(t, `{"arn":"arn:aws:lambda:us-east-1:000000000000:function:f:live","got":{"a":"<b>"}}`, *out.Output)
	require.WithinDuration(t, *started.StartDate, *out.StartDate, time.Millisecond)

	h, err := c.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: started.ExecutionArn, MaxResults: 4})
	require.NoError(t, err)
	require.Len(t, h.Events, 4)
	rest, err := c.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: started.ExecutionArn, NextToken: h.NextToken})
	require.NoError(t, err)
	var kinds []types.HistoryEventType
	for i, e := range append(h.Events, rest.Events...) {
		require.EqualValues(t, i+1, e.Id)
		kinds = append(kinds, e.Type)
	}
	require.Equal(t, []types.HistoryEventType{"ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"}, kinds)
	reverse, err := c.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: started.ExecutionArn, ReverseOrder: true, MaxResults: 1})
	require.NoError(t, err)
	require.EqualValues(t, 7, reverse.Events[0].Id)

	failing, err := c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Input: aws.String(`"fail"`)})
	require.NoError(t, err)
	out = await(t, c, *failing.ExecutionArn)
	require.Equal(t, types.ExecutionStatusFailed, out.Status)
	require.Equal(t, "Boom", *out.Error)
	require.JSONEq(t, `{"errorType":"Boom","errorMessage":"why"}`, *out.Cause)

	list, err := c.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &arn, StatusFilter: types.ExecutionStatusFailed})
	require.NoError(t, err)
	require.Len(t, list.Executions, 1)
	require.Equal(t, *failing.ExecutionArn, *list.Executions[0].ExecutionArn)

	for _, bad := range []*sfn.StartExecutionInput{{Input: aws.String(`{`)}, {Input: aws.String(`"` + strings.Repeat("x", 262_144) + `"`)}} {
		bad.StateMachineArn = &arn
		_, err = c.StartExecution(ctx, bad)
		require.Equal(t, "InvalidExecutionInput", code(err))
	}
	_, err = c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Name: aws.String("a b")})
	require.Equal(t, "InvalidName", code(err))
	_, err = c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String("arn:aws:states:us-east-1:000000000000:execution:m:none")})
	require.Equal(t, "ExecutionDoesNotExist", code(err))
}

func TestNamesAreUniqueAndStartsIdempotent(t *testing.T) {
	s, c := serve(t, Options{})
	ctx := t.Context()
	arn := create(t, c, "m", long)
	start := func(input string) (*sfn.StartExecutionOutput, error) {
		return c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Name: aws.String("n"), Input: &input})
	}
	var all sync.WaitGroup
	answers := make([]*sfn.StartExecutionOutput, 16)
	for i := range answers {
		all.Go(func() { answers[i], _ = start(`{}`) })
	}
	all.Wait()
	for _, a := range answers {
		require.NotNil(t, a)
		require.Equal(t, answers[0].StartDate, a.StartDate)
	}
	require.EqualValues(t, 1, s.Stats().Started)
	_, err := start(`{"other":1}`)
	require.Equal(t, "ExecutionAlreadyExists", code(err))

	stopped, err := c.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: answers[0].ExecutionArn, Error: aws.String("Op"), Cause: aws.String("enough")})
	require.NoError(t, err)
	out := await(t, c, *answers[0].ExecutionArn)
	require.Equal(t, types.ExecutionStatusAborted, out.Status)
	require.Equal(t, "enough", *out.Cause)
	require.Equal(t, stopped.StopDate.UnixMilli(), out.StopDate.UnixMilli())
	_, err = start(`{}`)
	require.Equal(t, "ExecutionAlreadyExists", code(err), "a closed execution keeps its name")
	again, err := c.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: answers[0].ExecutionArn})
	require.NoError(t, err)
	require.Equal(t, stopped.StopDate, again.StopDate)
	require.Zero(t, s.Stats().Running)
}

func TestStoppedExecutionCancelsItsTask(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	_, c := serve(t, Options{Lambda: invoker(func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		close(began)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})})
	arn := create(t, c, "m", task)
	started, err := c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &arn})
	require.NoError(t, err)
	<-began
	_, err = c.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: started.ExecutionArn})
	require.NoError(t, err)
	<-ended
}

func TestStatsTellTasksFromWaits(t *testing.T) {
	began, answer := make(chan struct{}), make(chan struct{})
	s, c := serve(t, Options{Lambda: invoker(func(_ context.Context, _ string, payload []byte) ([]byte, error) {
		close(began)
		<-answer
		return payload, nil
	})})
	for name, definition := range map[string]string{"works": task, "waits": long} {
		arn := create(t, c, name, definition)
		_, err := c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &arn})
		require.NoError(t, err)
	}
	<-began
	require.Equal(t, []MachineStats{{Name: "waits", Running: 1}, {Name: "works", Running: 1, Tasks: 1}}, s.Stats().Machines)
	close(answer)
	require.Eventually(t, func() bool { return s.Stats().Succeeded == 1 }, 30*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return len(s.Stats().Machines) == 1 }, 30*time.Second, time.Millisecond)
	require.Equal(t, "waits", s.Stats().Machines[0].Name)
}

func TestTaskTimesOut(t *testing.T) {
	_, c := serve(t, Options{Lambda: invoker(func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})})
	arn := create(t, c, "m", strings.Replace(task, `"End"`, `"TimeoutSeconds":1,"End"`, 1))
	started, err := c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &arn})
	require.NoError(t, err)
	out := await(t, c, *started.ExecutionArn)
	require.Equal(t, "States.Timeout", *out.Error)
}

func TestErrorsOfLambdaAreNamed(t *testing.T) {
	for _, e := range []struct {
		err         error
		name, cause string
	}{
		{&FunctionError{"T", "c"}, "T", "c"},
		{NewFunctionError([]byte(`oops`)), "Lambda.Unknown", "oops"},
		{fmt.Errorf("invoke: %w", wire.Errorf(429, "TooManyRequestsException", "Rate Exceeded.")), "Lambda.TooManyRequestsException", "Rate Exceeded."},
		{&smithy.GenericAPIError{Code: "ServiceException", Message: "m"}, "Lambda.ServiceException", "m"},
		{errors.New("connection refused"), "Lambda.SdkClientException", "connection refused"},
	} {
		name, cause := classify(e.err)
		require.Equal(t, e.name, name)
		require.Equal(t, e.cause, cause)
	}
}

func TestLimitsBite(t *testing.T) {
	at := time.Now()
	limits := AWSLimits()
	limits.StartRate, limits.StartBurst, limits.OpenExecutions = 1, 3, 2
	s, c := serve(t, Options{Limits: &limits, Now: func() time.Time { return at }})
	arn := create(t, c, "m", long)
	for range 2 {
		_, err := s.StartExecution(t.Context(), arn, "", nil)
		require.NoError(t, err)
	}
	_, err := s.StartExecution(t.Context(), arn, "", nil)
	require.ErrorContains(t, err, "ExecutionLimitExceeded")
	_, err = s.StartExecution(t.Context(), arn, "", nil)
	require.ErrorContains(t, err, "ThrottlingException")
	hits := s.Stats().LimitHits
	require.Len(t, hits, 2)
	require.Equal(t, "StartExecution rate", hits[0].Limit)
	require.Equal(t, "open executions", hits[1].Limit)
}

func TestTransitionRateDelays(t *testing.T) {
	limits := AWSLimits()
	limits.TransitionRate, limits.TransitionBurst = 20, 1
	s, c := serve(t, Options{Limits: &limits})
	chain := `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Next":"U"},
	  "U":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Next":"V"},"V":{"Type":"Succeed"}}}`
	arn := create(t, c, "m", strings.ReplaceAll(chain, "\n", ""))
	began := time.Now()
	for range 10 {
		_, err := s.StartExecution(t.Context(), arn, "", nil)
		require.NoError(t, err)
	}
	list, err := c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &arn})
	require.NoError(t, err)
	for _, e := range list.Executions {
		require.Equal(t, types.ExecutionStatusSucceeded, await(t, c, *e.ExecutionArn).Status)
	}
	require.Greater(t, time.Since(began), 750*time.Millisecond, "30 transitions at 20/s")
	require.Equal(t, "state transition rate", s.Stats().LimitHits[0].Limit)
}

func TestHistoriesAndRetentionAreBounded(t *testing.T) {
	var mu sync.Mutex
	at := time.Now()
	now := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	s, c := serve(t, Options{Histories: 3, Now: now})
	arn := create(t, c, "m", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	for i := range 5 {
		mu.Lock()
		at = at.Add(time.Millisecond)
		mu.Unlock()
		_, err := s.StartExecution(t.Context(), arn, fmt.Sprint(i), nil)
		require.NoError(t, err)
	}
	events := func(name string) int {
		h, err := c.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: aws.String(s.executionARN(executionPath("m", name)))})
		require.NoError(t, err)
		return len(h.Events)
	}
	require.Equal(t, []int{0, 0, 4, 4, 4}, []int{events("0"), events("1"), events("2"), events("3"), events("4")})
	_, err := s.StartExecution(t.Context(), arn, "0", nil)
	require.ErrorContains(t, err, "ExecutionAlreadyExists")
	mu.Lock()
	at = at.Add(91 * 24 * time.Hour)
	mu.Unlock()
	_, err = s.StartExecution(t.Context(), arn, "fresh", nil)
	require.NoError(t, err)
	list, err := c.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &arn})
	require.NoError(t, err)
	require.Len(t, list.Executions, 1, "after 90 days an execution and its name are gone")
	_, err = s.StartExecution(t.Context(), arn, "0", nil)
	require.NoError(t, err)
}

// TestRollUpOverTheWire runs the shipped roll-up definition with a second between passes.
func TestRollUpOverTheWire(t *testing.T) {
	var mu sync.Mutex
	shards := map[int]int{}
	s, c := serve(t, Options{Lambda: invoker(func(_ context.Context, arn string, payload []byte) ([]byte, error) {
		var in struct{ Shard int }
		if err := json.Unmarshal(payload, &in); err != nil || !strings.HasSuffix(arn, ":process-insights:live") {
			return nil, fmt.Errorf("unexpected call of %s", arn)
		}
		mu.Lock()
		defer mu.Unlock()
		if shards[in.Shard]++; in.Shard == 2 && shards[2] == 1 {
			return nil, NewFunctionError([]byte(`{"errorType":"Runtime.ExitError"}`))
		}
		return []byte(`{"left":0}`), nil
	})})
	definition, err := os.ReadFile("../../deploy/rollup.asl.json")
	require.NoError(t, err)
	text := strings.NewReplacer("${ProcessInsights}", "arn:aws:lambda:us-east-1:000000000000:function:process-insights:live",
		`"rests": 11, "seconds": 5`, `"rests": 1, "seconds": 1`).Replace(string(definition))
	arn := create(t, c, "roll-up", text)
	execution, err := s.StartExecution(t.Context(), arn, "minute-1", nil)
	require.NoError(t, err)
	require.Equal(t, types.ExecutionStatusSucceeded, await(t, c, execution).Status)
	for shard := range 8 {
		want := 2
		if shard == 2 {
			want = 3 // the retry
		}
		require.Equal(t, want, shards[shard], "shard %d", shard)
	}
	require.LessOrEqual(t, s.Stats().Steps, int64(2+17+2), "one sync for each outcome and time at most")
}

func BenchmarkExecution(b *testing.B) {
	for name, definition := range map[string]string{"states=1": task, "states=roll-up-pass": strings.ReplaceAll(three, `"Seconds":1`, `"Seconds":0`)} {
		b.Run(name, func(b *testing.B) {
			s, c := serve(b, Options{Limits: new(Limits), Lambda: invoker(func(context.Context, string, []byte) ([]byte, error) {
				return []byte(`[0,1,2,3,4,5,6,7]`), nil
			})})
			arn := create(b, c, "m", definition)
			for b.Loop() {
				_, err := s.StartExecution(b.Context(), arn, "", nil)
				require.NoError(b, err)
			}
			require.Eventually(b, func() bool { return s.Stats().Running == 0 }, 30*time.Second, time.Millisecond)
		})
	}
}
