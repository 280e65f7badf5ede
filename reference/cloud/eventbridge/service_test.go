package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/eventbridge"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// targets are targets that can fail.
type targets struct {
	mu    sync.Mutex
	got   map[string][]string // payloads by ARN
	tries int
	fail  func(arn string) error
}

func (t *targets) Deliver(_ context.Context, arn string, payload []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries++
	if t.fail != nil {
		if err := t.fail(arn); err != nil {
			return err
		}
	}
	t.got[arn] = append(t.got[arn], string(payload))
	return nil
}

func (t *targets) set(fail func(string) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail = fail
}

func (t *targets) of(arn string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.got[arn]...)
}

var errDown = errors.New("down")

func down(string) error { return errDown }

// world is a service on a disk that forgets what was not synced.
type world struct {
	t       *testing.T
	options eventbridge.Options
	fs      *vfs.MemFS
	db      *pebble.DB
	targets *targets
	service *eventbridge.Service
	server  *httptest.Server
	client  *awsevents.Client
}

func newWorld(t *testing.T, o eventbridge.Options) *world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	w := &world{t: t, options: o, fs: vfs.NewCrashableMem(), targets: &targets{got: map[string][]string{}}}
	w.open()
	t.Cleanup(func() {
		w.close()
		goleak.VerifyNone(t, before)
	})
	return w
}

type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (w *world) open() {
	w.t.Helper()
	var err error
	w.db, err = pebble.Open("db", &pebble.Options{FS: w.fs, Logger: silent{}})
	require.NoError(w.t, err)
	w.options.DB, w.options.Targets = w.db, w.targets
	w.service, err = eventbridge.Open(w.options)
	require.NoError(w.t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("events", eventbridge.MaxBody, w.service)
	w.server = httptest.NewServer(mux)
	w.client = awsevents.NewFromConfig(aws.Config{
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

// crash loses everything that was not synced, does what is given, and opens
// again.
func (w *world) crash(meanwhile ...func()) {
	w.t.Helper()
	kept := w.fs.CrashClone(vfs.CrashCloneCfg{})
	w.close()
	for _, do := range meanwhile {
		do()
	}
	w.fs = kept
	w.open()
}

func (w *world) rule(name, pattern string, arns ...string) {
	w.t.Helper()
	out, err := w.client.PutRule(context.Background(), &awsevents.PutRuleInput{Name: &name, EventPattern: &pattern})
	require.NoError(w.t, err)
	require.Equal(w.t, "arn:aws:events:us-east-1:000000000000:rule/"+name, *out.RuleArn)
	in := &awsevents.PutTargetsInput{Rule: &name}
	for i, arn := range arns {
		in.Targets = append(in.Targets, types.Target{Id: aws.String(fmt.Sprint(i)), Arn: aws.String(arn)})
	}
	if len(arns) > 0 {
		_, err = w.client.PutTargets(context.Background(), in)
		require.NoError(w.t, err)
	}
}

func (w *world) put(detail string) {
	w.t.Helper()
	out, err := w.client.PutEvents(context.Background(), &awsevents.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: aws.String("shop"), DetailType: aws.String("order"), Detail: &detail}}})
	require.NoError(w.t, err)
	require.Zero(w.t, out.FailedEntryCount, "%v", out.Entries)
}

func (w *world) drained() {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.service.Stats().Pending == 0 }, 30*time.Second, 2*time.Millisecond)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

const (
	queueA = "arn:aws:sqs:us-east-1:000000000000:a"
	queueB = "arn:aws:sqs:us-east-1:000000000000:b"
)

func TestAnObjectsEventReachesTheQueuesOfItsRules(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	w.rule("orders", `{"source":["aws.s3"],"detail":{"object":{"key":[{"prefix":"orders/"}]}}}`, queueA)
	w.rule("all", `{"source":[{"prefix":"aws."}]}`, queueA, queueB)
	w.rule("products", `{"detail":{"object":{"key":[{"prefix":"products/"}]}}}`, queueB)
	err := w.service.Put(context.Background(), eventbridge.Entry{Source: "aws.s3", DetailType: "Object Created",
		Resources: []string{"arn:aws:s3:::raw"}, Time: time.Date(2026, 5, 1, 14, 0, 0, 5, time.FixedZone("x", 7200)),
		Detail: json.RawMessage(`{"object":{"key":"orders/x&y","size":5}}`)})
	require.NoError(t, err)
	w.drained()
	require.Len(t, w.targets.of(queueA), 2)
	require.Len(t, w.targets.of(queueB), 1)
	text := w.targets.of(queueB)[0]
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &event))
	require.Regexp(t, `^[0-9a-f-]{36}$`, event["id"])
	delete(event, "id")
	require.Equal(t, map[string]any{"version": "0", "detail-type": "Object Created", "source": "aws.s3", "account": "000000000000",
		"time": "2026-05-01T12:00:00Z", "region": "us-east-1", "resources": []any{"arn:aws:s3:::raw"},
		"detail": map[string]any{"object": map[string]any{"key": "orders/x&y", "size": 5.0}}}, event)
	require.Contains(t, text, "x&y", "not escaped for HTML")
	st := w.service.Stats()
	require.EqualValues(t, 1, st.Events)
	require.Equal(t, eventbridge.RuleStats{Name: "all", Matched: 1, Delivered: 2}, st.Rules[0])
	require.Len(t, st.Rules, 2, "the rule that did not match has no numbers")
}

func TestAcceptedEventsSurviveACrashUntilDelivered(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	w.targets.set(down)
	w.rule("r", `{"source":["shop"]}`, queueA, queueB)
	w.crash()
	w.put(`{"n":1}`)
	w.crash()
	require.NoError(t, w.service.Put(context.Background(), eventbridge.Entry{Source: "shop", DetailType: "t", Detail: json.RawMessage(`{"n":2}`)}))
	w.crash()
	require.Equal(t, 4, w.service.Stats().Pending)
	w.crash(func() {
		w.targets.set(func(arn string) error {
			if arn == queueB {
				return errDown
			}
			return nil
		})
	})
	require.Eventually(t, func() bool { return w.service.Stats().Pending == 2 }, 30*time.Second, 2*time.Millisecond,
		"one target does not wait for the other")
	w.put(`{"n":3}`) // carries the deletions to the disk
	w.crash(func() { w.targets.set(nil) })
	w.drained()
	require.Len(t, w.targets.of(queueB), 3)
	numbers := map[string]bool{}
	for _, text := range w.targets.of(queueA) {
		numbers[text[strings.Index(text, `"n":`)+4:][:1]] = true
	}
	require.Equal(t, map[string]bool{"1": true, "2": true, "3": true}, numbers)
}

func TestWhatATargetGets(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	w.rule("r", `{"source":["shop"]}`)
	_, err := w.client.PutTargets(context.Background(), &awsevents.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{
		{Id: aws.String("fixed"), Arn: aws.String("arn:1"), Input: aws.String(`{"fixed":true}`)},
		{Id: aws.String("part"), Arn: aws.String("arn:2"), InputPath: aws.String("$.detail.order")},
		{Id: aws.String("all"), Arn: aws.String("arn:3"), InputPath: aws.String("$")},
		{Id: aws.String("none"), Arn: aws.String("arn:4"), InputPath: aws.String("$.detail.nothing.there")},
	}})
	require.NoError(t, err)
	w.put(`{"order":{"id":9007199254740993}}`)
	w.drained()
	require.Equal(t, []string{`{"fixed":true}`}, w.targets.of("arn:1"))
	require.Equal(t, []string{`{"id":9007199254740993}`}, w.targets.of("arn:2"), "numbers keep their digits")
	require.Contains(t, w.targets.of("arn:3")[0], `"detail-type":"order"`)
	require.Equal(t, []string{`null`}, w.targets.of("arn:4"))
}

func TestBadEntriesFailAlone(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	w.rule("r", `{"source":[{"exists":true}]}`, queueA)
	entry := func(source, kind, detail string) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{Source: &source, DetailType: &kind, Detail: &detail}
	}
	other := entry("s", "t", "{}")
	other.EventBusName = aws.String("other")
	out, err := w.client.PutEvents(context.Background(), &awsevents.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("s", "t", `{"ok":1}`), entry("", "t", "{}"), entry("s", "", "{}"), entry("s", "t", ""), entry("s", "t", " "), entry("s", "t", "[1]"), entry("s", "t", "{"),
		entry("aws.s3", "t", "{}"), other}})
	require.NoError(t, err)
	require.EqualValues(t, 8, out.FailedEntryCount)
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	require.Equal(t, []string{"", "InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "MalformedDetail",
		"NotAuthorizedForSourceException", "InvalidArgument"}, codes)
	require.NotEmpty(t, *out.Entries[0].EventId)
	w.drained()
	require.Len(t, w.targets.of(queueA), 1)
}

func TestRulesAreManaged(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	ctx := context.Background()
	w.rule("b", `{"source":["shop"]}`, queueA, queueB)
	w.rule("a", `{"source":["shop"]}`)
	_, err := w.client.PutRule(ctx, &awsevents.PutRuleInput{Name: aws.String("c"), ScheduleExpression: aws.String("rate(5 minutes)"),
		State: types.RuleStateDisabled, Description: aws.String("d")})
	require.NoError(t, err)
	w.crash()
	list, err := w.client.ListRules(ctx, &awsevents.ListRulesInput{Limit: aws.Int32(2)})
	require.NoError(t, err)
	require.Len(t, list.Rules, 2)
	rest, err := w.client.ListRules(ctx, &awsevents.ListRulesInput{NextToken: list.NextToken})
	require.NoError(t, err)
	require.Len(t, rest.Rules, 1)
	require.Equal(t, types.RuleStateDisabled, rest.Rules[0].State)
	require.Equal(t, "rate(5 minutes)", *rest.Rules[0].ScheduleExpression)
	d, err := w.client.DescribeRule(ctx, &awsevents.DescribeRuleInput{Name: aws.String("b")})
	require.NoError(t, err)
	require.Equal(t, `{"source":["shop"]}`, *d.EventPattern)
	require.Equal(t, types.RuleStateEnabled, d.State)

	_, err = w.client.DisableRule(ctx, &awsevents.DisableRuleInput{Name: aws.String("b")})
	require.NoError(t, err)
	w.put(`{}`)
	w.drained()
	require.Empty(t, w.targets.of(queueA), "disabled")
	_, err = w.client.EnableRule(ctx, &awsevents.EnableRuleInput{Name: aws.String("b")})
	require.NoError(t, err)
	w.put(`{}`)
	w.drained()
	require.Len(t, w.targets.of(queueA), 1)

	_, err = w.client.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: aws.String("b")})
	require.Equal(t, "ValidationException", code(err))
	removed, err := w.client.RemoveTargets(ctx, &awsevents.RemoveTargetsInput{Rule: aws.String("b"), Ids: []string{"0", "7"}})
	require.NoError(t, err)
	require.EqualValues(t, 1, removed.FailedEntryCount)
	left, err := w.client.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{Rule: aws.String("b")})
	require.NoError(t, err)
	require.Len(t, left.Targets, 1)
	require.Equal(t, queueB, *left.Targets[0].Arn)
	_, err = w.client.RemoveTargets(ctx, &awsevents.RemoveTargetsInput{Rule: aws.String("b"), Ids: []string{"1"}})
	require.NoError(t, err)
	_, err = w.client.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: aws.String("b")})
	require.NoError(t, err)
	w.crash()
	_, err = w.client.DescribeRule(ctx, &awsevents.DescribeRuleInput{Name: aws.String("b")})
	require.Equal(t, "ResourceNotFoundException", code(err))
}

func TestBadRulesAreRefused(t *testing.T) {
	limits := eventbridge.AWSLimits()
	limits.Rules, limits.TargetsPerRule = 1, 2
	w := newWorld(t, eventbridge.Options{Limits: &limits})
	ctx := context.Background()
	w.rule("r", `{"a":[1]}`, queueA, queueB)
	rule := func(in awsevents.PutRuleInput) error {
		if in.Name == nil {
			in.Name = aws.String("r")
		}
		_, err := w.client.PutRule(ctx, &in)
		return err
	}
	target := func(in types.Target) error {
		in.Id = aws.String("0")
		_, err := w.client.PutTargets(ctx, &awsevents.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{in}})
		return err
	}
	_, third := w.client.PutTargets(ctx, &awsevents.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{{Id: aws.String("2"), Arn: aws.String(queueA)}}})
	for _, c := range []struct {
		what string
		err  error
		want string
	}{
		{"pattern", rule(awsevents.PutRuleInput{EventPattern: aws.String(`{"a":1}`)}), "InvalidEventPatternException"},
		{"schedule", rule(awsevents.PutRuleInput{ScheduleExpression: aws.String("rate(1 second)")}), "ValidationException"},
		{"neither", rule(awsevents.PutRuleInput{}), "ValidationException"},
		{"name", rule(awsevents.PutRuleInput{Name: aws.String("a b"), EventPattern: aws.String(`{"a":[1]}`)}), "ValidationException"},
		{"long", rule(awsevents.PutRuleInput{EventPattern: aws.String(`{"a":["` + strings.Repeat("x", 2048) + `"]}`)}), "ValidationException"},
		{"bus", rule(awsevents.PutRuleInput{EventPattern: aws.String(`{"a":[1]}`), EventBusName: aws.String("other")}), "ResourceNotFoundException"},
		{"one too many", rule(awsevents.PutRuleInput{Name: aws.String("s"), EventPattern: aws.String(`{"a":[1]}`)}), "LimitExceededException"},
		{"three targets", third, "LimitExceededException"},
		{"arn", target(types.Target{Arn: aws.String("queue")}), "ValidationException"},
		{"input", target(types.Target{Arn: aws.String(queueA), Input: aws.String("{")}), "ValidationException"},
		{"path", target(types.Target{Arn: aws.String(queueA), InputPath: aws.String("detail")}), "ValidationException"},
		{"transformer", target(types.Target{Arn: aws.String(queueA), InputTransformer: &types.InputTransformer{InputTemplate: aws.String("x")}}), "ValidationException"},
		{"retries", target(types.Target{Arn: aws.String(queueA), RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)}}), "ValidationException"},
	} {
		require.Equal(t, c.want, code(c.err), c.what)
	}
	require.Len(t, w.service.Stats().LimitHits, 3)
}

func TestPatternsAreTestedOverTheAPI(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	try := func(pattern, event string) (bool, error) {
		out, err := w.client.TestEventPattern(context.Background(), &awsevents.TestEventPatternInput{EventPattern: &pattern, Event: &event})
		if err != nil {
			return false, err
		}
		return out.Result, nil
	}
	const event = `{"id":"1","account":"1","source":"s","time":"2026-05-01T12:00:00Z","region":"r","resources":[],"detail-type":"t","detail":{"n":1}}`
	got, err := try(`{"detail":{"n":[1]}}`, event)
	require.NoError(t, err)
	require.True(t, got)
	got, err = try(`{"detail":{"n":[2]}}`, event)
	require.NoError(t, err)
	require.False(t, got)
	_, err = try(`{"detail":{"n":1}}`, event)
	require.Equal(t, "InvalidEventPatternException", code(err))
	_, err = try(`{"detail":{"n":[1]}}`, `{"id":"1"}`)
	require.Equal(t, "ValidationException", code(err))
}

func TestQuotasOfCalls(t *testing.T) {
	w := newWorld(t, eventbridge.Options{})
	put := func(n int, detail string) error {
		in := &awsevents.PutEventsInput{}
		for range n {
			in.Entries = append(in.Entries, types.PutEventsRequestEntry{Source: aws.String("shop"), DetailType: aws.String("t"), Detail: &detail})
		}
		_, err := w.client.PutEvents(context.Background(), in)
		return err
	}
	require.Equal(t, "ValidationException", code(put(11, "{}")))
	require.Equal(t, "ValidationException", code(put(2, `{"x":"`+strings.Repeat("x", 1<<19)+`"}`)))
	require.Equal(t, map[string]int64{"entries a call": 1, "entry size": 1}, hits(w.service))
}

func TestRatesOfCallsAndInvocations(t *testing.T) {
	limits := eventbridge.AWSLimits()
	limits.PutsPerSecond = 2
	limits.InvocationsPerSecond = 20
	bubbleWith(t, eventbridge.Options{Limits: &limits}, func(t *testing.T, s *eventbridge.Service, targets *targets, call func(action, body string)) {
		call("PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"shop\"]}"}`)
		call("PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:a"}]}`)
		for i := range 25 {
			require.NoError(t, s.Put(t.Context(), eventbridge.Entry{Source: "shop", DetailType: "t", Detail: json.RawMessage(fmt.Sprint(i))}))
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		require.Less(t, len(targets.of("arn:a")), 25, "25 deliveries at 20/s with a burst of 20 take a quarter of a second")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		require.Len(t, targets.of("arn:a"), 25)
		const entry = `{"Entries":[{"Source":"shop","DetailType":"t","Detail":"{}"}]}`
		call("PutEvents", entry)
		call("PutEvents", entry)
		throttled := answer(s, "PutEvents", entry)
		require.Equal(t, 400, throttled.Code)
		require.Contains(t, throttled.Header().Get("X-Amzn-Errortype"), "ThrottlingException")
		time.Sleep(time.Second)
		call("PutEvents", entry)
		require.Equal(t, []string{"PutEvents per second", "invocations per second"}, slices.Sorted(maps.Keys(hits(s))))
	})
}

// hits are the limits that were met, and how often.
func hits(s *eventbridge.Service) map[string]int64 {
	all := map[string]int64{}
	for _, h := range s.Stats().LimitHits {
		all[h.Limit] += h.Count
	}
	return all
}

// bubble runs a service on a fake clock.
func bubble(t *testing.T, run func(t *testing.T, s *eventbridge.Service, targets *targets, call func(action, body string))) {
	bubbleWith(t, eventbridge.Options{}, run)
}

func bubbleWith(t *testing.T, o eventbridge.Options, run func(t *testing.T, s *eventbridge.Service, targets *targets, call func(action, body string))) {
	synctest.Test(t, func(t *testing.T) {
		db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: silent{}})
		require.NoError(t, err)
		to := &targets{got: map[string][]string{}}
		o.DB, o.Targets = db, to
		s, err := eventbridge.Open(o)
		require.NoError(t, err)
		run(t, s, to, func(action, body string) {
			t.Helper()
			rec := answer(s, action, body)
			require.Equal(t, 200, rec.Code, rec.Body.String())
		})
		require.NoError(t, s.Close())
		require.NoError(t, db.Close())
	})
}

// answer calls a service without its wire.
func answer(s *eventbridge.Service, action, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.ServeAWS(rec, &wire.Request{Service: "events", Action: action, Body: []byte(body), Now: time.Now(), HTTP: httptest.NewRequest("POST", "/", nil)})
	return rec
}

func TestASchedulePutsAnEventEveryMinute(t *testing.T) {
	bubble(t, func(t *testing.T, s *eventbridge.Service, targets *targets, call func(action, body string)) {
		call("PutRule", `{"Name":"tick","ScheduleExpression":"rate(1 minute)"}`)
		call("PutTargets", `{"Rule":"tick","Targets":[{"Id":"1","Arn":"arn:a"}]}`)
		begin := time.Now()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		got := targets.of("arn:a")
		require.Len(t, got, 10)
		for i, text := range got {
			var event struct {
				Source     string
				DetailType string `json:"detail-type"`
				Time       time.Time
				Resources  []string
			}
			require.NoError(t, json.Unmarshal([]byte(text), &event))
			require.Equal(t, "aws.events", event.Source)
			require.Equal(t, "Scheduled Event", event.DetailType)
			require.Equal(t, []string{"arn:aws:events:us-east-1:000000000000:rule/tick"}, event.Resources)
			require.WithinDuration(t, begin.Add(time.Duration(i+1)*time.Minute), event.Time, time.Second)
		}
		call("DisableRule", `{"Name":"tick"}`)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, targets.of("arn:a"), 10)
		require.EqualValues(t, 10, s.Stats().Rules[0].Fired)
	})
}

func TestATargetIsTriedForADayAndThenGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T, s *eventbridge.Service, targets *targets, call func(action, body string)) {
		call("PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"s\"]}"}`)
		call("PutTargets", `{"Rule":"r","Targets":[{"Id":"1","Arn":"arn:a"},
			{"Id":"2","Arn":"arn:b","DeadLetterConfig":{"Arn":"arn:dlq"},"RetryPolicy":{"MaximumRetryAttempts":3}}]}`)
		targets.set(func(arn string) error {
			if arn == "arn:dlq" {
				return nil
			}
			return errDown
		})
		call("PutEvents", `{"Entries":[{"Source":"s","DetailType":"t","Detail":"{}"}]}`)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, targets.of("arn:dlq"), 1, "after three retries")
		require.Equal(t, 1, s.Stats().Pending)
		require.InDelta(t, 60, s.Stats().OldestSeconds, 1)
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		require.Equal(t, 0, s.Stats().Pending)
		r := s.Stats().Rules[0]
		require.EqualValues(t, 1, r.Dropped)
		require.EqualValues(t, 1, r.DeadLettered)
		require.EqualValues(t, 186+4, r.Failures)
		require.EqualValues(t, 1, r.Delivered)
	})
}

func BenchmarkPut(b *testing.B) {
	db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: silent{}})
	require.NoError(b, err)
	limits := eventbridge.NoLimits()
	s, err := eventbridge.Open(eventbridge.Options{DB: db, Targets: &targets{got: map[string][]string{}}, Limits: &limits})
	require.NoError(b, err)
	defer func() { require.NoError(b, errors.Join(s.Close(), db.Close())) }()
	for _, body := range []string{`{"Name":"orders","EventPattern":"{\"source\":[\"aws.s3\"],\"detail\":{\"object\":{\"key\":[{\"prefix\":\"orders/\"}]}}}"}`,
		`{"Rule":"orders","Targets":[{"Id":"1","Arn":"arn:a"}]}`} {
		action := "PutTargets"
		if strings.Contains(body, "EventPattern") {
			action = "PutRule"
		}
		rec := httptest.NewRecorder()
		s.ServeAWS(rec, &wire.Request{Service: "events", Action: action, Body: []byte(body), Now: time.Now(), HTTP: httptest.NewRequest("POST", "/", nil)})
		require.Equal(b, 200, rec.Code, rec.Body.String())
	}
	entry := eventbridge.Entry{Source: "aws.s3", DetailType: "Object Created", Resources: []string{"arn:aws:s3:::raw"},
		Detail: json.RawMessage(`{"version":"0","bucket":{"name":"raw"},"object":{"key":"orders/2026/05/01/12/x","size":5242880}}`)}
	b.SetParallelism(32) // callers that share a disk write
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Put(context.Background(), entry); err != nil {
				b.Fatal(err)
			}
		}
	})
}
