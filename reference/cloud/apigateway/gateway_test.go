package apigateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/cloud/apigateway"
	"github.com/retailflow/stampede/reference/cloud/issuer"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key1, key2, keyAny = "key-of-tenant-one-0001", "key-of-tenant-two-0002", "key-of-the-harness-000"

// lambda answers as its function says, and keeps the payloads.
type lambda struct {
	mu       sync.Mutex
	payloads []events.APIGatewayProxyRequest
	raw      []byte
	arn      string
	answer   func(ctx context.Context, payload []byte) ([]byte, string, string, error)
}

func (l *lambda) Invoke(ctx context.Context, arn string, payload []byte) ([]byte, string, string, error) {
	var request events.APIGatewayProxyRequest
	err := json.Unmarshal(payload, &request)
	l.mu.Lock()
	l.payloads, l.raw, l.arn = append(l.payloads, request), bytes.Clone(payload), arn
	l.mu.Unlock()
	if err != nil {
		return nil, "", "", err
	}
	return l.answer(ctx, payload)
}

func says(status int, body string) func(context.Context, []byte) ([]byte, string, string, error) {
	return func(context.Context, []byte) ([]byte, string, string, error) {
		out, err := json.Marshal(events.APIGatewayProxyResponse{StatusCode: status, Headers: map[string]string{"x-correlation-id": "c"}, Body: body})
		return out, "", "7", err
	}
}

// world is a gateway with its clients.
type world struct {
	t       testing.TB
	fs      *vfs.MemFS
	db      *pebble.DB
	lambda  *lambda
	issuer  *issuer.Issuer
	gateway *apigateway.Service
	server  *httptest.Server
	client  *sdk.Client
	http    *http.Client
	clock   time.Time
	limits  *apigateway.Limits
	slow    time.Duration // of the gateway; 0: its default
}

func newWorld(t testing.TB, limits *apigateway.Limits) *world {
	w := &world{t: t, fs: vfs.NewCrashableMem(), lambda: &lambda{answer: says(202, "{}")}, clock: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC), limits: limits}
	w.open(w.fs)
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) open(fs *vfs.MemFS) {
	var err error
	w.fs = fs
	w.db, err = pebble.Open("db", &pebble.Options{FS: fs, Logger: quiet{}})
	require.NoError(w.t, err)
	w.issuer, err = issuer.Open(issuer.Options{DB: w.db})
	require.NoError(w.t, err)
	w.gateway, err = apigateway.Open(apigateway.Options{DB: w.db, Invoker: w.lambda, Keys: w.issuer, Limits: w.limits, Slow: w.slow, Now: func() time.Time { return w.clock }})
	require.NoError(w.t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("apigateway", apigateway.MaxBody, w.gateway)
	mux.Fallback(w.gateway)
	w.server = httptest.NewServer(mux)
	w.http = &http.Client{Transport: new(http.Transport)}
	w.client = sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &w.server.URL, HTTPClient: w.http, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(format)
}

func (w *world) close() {
	w.http.CloseIdleConnections()
	w.server.Close()
	require.NoError(w.t, w.gateway.Close())
	require.NoError(w.t, w.db.Close())
}

// deploy imports the real document and the tenants' keys.
func (w *world) deploy() *world {
	ctx := context.Background()
	imported, err := w.client.ImportRestApi(ctx, &sdk.ImportRestApiInput{Body: api.Document()})
	require.NoError(w.t, err)
	_, err = w.client.CreateDeployment(ctx, &sdk.CreateDeploymentInput{RestApiId: imported.Id, StageName: aws.String("live")})
	require.NoError(w.t, err)
	_, err = w.client.ImportApiKeys(ctx, &sdk.ImportApiKeysInput{Format: types.ApiKeysFormatCsv,
		Body: []byte("name,key,description,enabled\nt0001," + key1 + ",one,true\nt0002," + key2 + ",,false\n*," + keyAny + ",,TRUE\n")})
	require.NoError(w.t, err)
	return w
}

const (
	eventsPath  = "/v1/tenants/t0001/events"
	summaryPath = "/v1/tenants/t0001/analytics/summary"
	hookPath    = "/v1/tenants/t0001/webhooks/shopify"
)

// send makes a request; headers are name, value, …
func (w *world) send(method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.server.URL+path, body)
	require.NoError(w.t, err)
	if method == "POST" {
		r.Header.Set("Content-Type", api.BatchContentType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.http.Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, "application/json", response.Header.Get("Content-Type"))
	require.Len(w.t, response.Header.Get("X-Amzn-RequestId"), 36)
	return response, string(raw)
}

func TestRequestReachesItsFunctionInProxyFormat(t *testing.T) {
	w := newWorld(t, nil).deploy()
	r, body := w.send("POST", eventsPath+"?a=1&a=2&b=%C3%A4", strings.NewReader("[\"\\\"\n\tä\"]"), "x-api-key", key1, "X-Correlation-Id", "c-1")
	require.Equal(t, 202, r.StatusCode)
	require.Equal(t, "{}", body)
	require.Equal(t, "ingest-events:7", r.Header.Get("X-Stampede-Version"))
	require.Equal(t, "c", r.Header.Get("X-Correlation-Id"))

	require.Equal(t, "arn:aws:lambda:us-east-1:000000000000:function:ingest-events:live", w.lambda.arn)
	got := w.lambda.payloads[0]
	require.Equal(t, "/v1/tenants/{tenant}/events", got.Resource)
	require.Equal(t, eventsPath, got.Path)
	require.Equal(t, "POST", got.HTTPMethod)
	require.Equal(t, "[\"\\\"\n\tä\"]", got.Body)
	require.False(t, got.IsBase64Encoded)
	require.Equal(t, map[string]string{"tenant": "t0001"}, got.PathParameters)
	require.Equal(t, map[string]string{"a": "2", "b": "ä"}, got.QueryStringParameters)
	require.Equal(t, []string{"1", "2"}, got.MultiValueQueryStringParameters["a"])
	require.Equal(t, "c-1", got.Headers["X-Correlation-Id"])
	require.Equal(t, []string{"c-1"}, got.MultiValueHeaders["X-Correlation-Id"])
	require.Equal(t, r.Header.Get("X-Amzn-RequestId"), got.RequestContext.RequestID)
	require.Equal(t, "putEvents", got.RequestContext.OperationName)
	require.Equal(t, "live", got.RequestContext.Stage)
	require.Equal(t, "127.0.0.1", got.RequestContext.Identity.SourceIP)
	require.Equal(t, map[string]any{"tenant": "t0001"}, got.RequestContext.Authorizer)
}

func TestBinaryAndEncodedBodiesGoInBase64(t *testing.T) {
	w := newWorld(t, nil).deploy()
	w.send("POST", eventsPath, strings.NewReader("\x1f\x8b\x00"), "x-api-key", key1)
	w.send("POST", eventsPath, strings.NewReader("plain"), "x-api-key", key1, "Content-Encoding", "gzip")
	require.Equal(t, []string{"H4sA", "cGxhaW4="}, []string{w.lambda.payloads[0].Body, w.lambda.payloads[1].Body})
	require.True(t, w.lambda.payloads[0].IsBase64Encoded && w.lambda.payloads[1].IsBase64Encoded)

	w.lambda.answer = func(context.Context, []byte) ([]byte, string, string, error) {
		return []byte(`{"statusCode":200,"headers":{"Transfer-Encoding":"chunked"},"multiValueHeaders":{"x-two":["a","b"]},"body":"H4sA","isBase64Encoded":true}`), "", "1", nil
	}
	r, body := w.send("GET", summaryPath, nil, "x-api-key", key1)
	require.Equal(t, "\x1f\x8b\x00", body)
	require.Equal(t, []string{"a", "b"}, r.Header["X-Two"])
}

func TestPathsAreMatchedEscaped(t *testing.T) {
	w := newWorld(t, nil).deploy()
	r, _ := w.send("GET", "/v1/tenants/t0001/inventory/A%2F1%20%C3%A4", nil, "x-api-key", key1)
	require.Equal(t, 202, r.StatusCode)
	require.Equal(t, "A/1 ä", w.lambda.payloads[0].PathParameters["sku"])
}

func TestStatusesOfTheGatewayItself(t *testing.T) {
	w := newWorld(t, nil).deploy()
	token := func(tenant string, ttl time.Duration) string {
		text, err := w.issuer.Mint(tenant, "s", ttl, w.clock)
		require.NoError(t, err)
		return "Bearer " + text
	}
	good, other, anyTenant, short := token("t0001", time.Hour), token("t0002", time.Hour), token("*", time.Hour), token("t0001", time.Second)
	body := "[]"
	tests := map[string]struct {
		method, path, body string
		headers            []string
		status             int
		message            string
	}{
		"key":                   {"POST", eventsPath, body, []string{"x-api-key", key1}, 202, ""},
		"key of any":            {"POST", eventsPath, body, []string{"x-api-key", keyAny}, 202, ""},
		"key of another":        {"POST", "/v1/tenants/t0002/events", body, []string{"x-api-key", key1}, 403, "User is not authorized to access this resource"},
		"key that is disabled":  {"POST", "/v1/tenants/t0002/events", body, []string{"x-api-key", key2}, 401, "Unauthorized"},
		"unknown key":           {"POST", eventsPath, body, []string{"x-api-key", "nobody"}, 401, "Unauthorized"},
		"unknown key and token": {"POST", eventsPath, body, []string{"x-api-key", "nobody", "Authorization", good}, 401, "Unauthorized"},
		"no credentials":        {"POST", eventsPath, body, nil, 401, "Unauthorized"},
		"token":                 {"GET", summaryPath, "", []string{"Authorization", good}, 202, ""},
		"token of any":          {"GET", summaryPath, "", []string{"Authorization", anyTenant}, 202, ""},
		"token of another":      {"GET", summaryPath, "", []string{"Authorization", other}, 403, "User is not authorized to access this resource"},
		"no token":              {"GET", summaryPath, "", []string{"Authorization", "Bearer x"}, 401, "Unauthorized"},
		"basic":                 {"GET", summaryPath, "", []string{"Authorization", "Basic dDAwMDE6eA=="}, 401, "Unauthorized"},
		"token without key":     {"GET", summaryPath, "", []string{"Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJ0MDAwMSIsImV4cCI6OTk5OTk5OTk5OX0."}, 401, "Unauthorized"},
		"changed token":         {"GET", summaryPath, "", []string{"Authorization", good[:len(good)-4] + "AAAA"}, 401, "Unauthorized"},
		"webhook":               {"POST", hookPath, "{}", []string{"Content-Type", "application/json"}, 202, ""},
		"no such path":          {"GET", "/v1/nothing", "", []string{"x-api-key", key1}, 403, "Missing Authentication Token"},
		"no such method":        {"DELETE", eventsPath, "", []string{"x-api-key", key1}, 403, "Missing Authentication Token"},
		"longer path":           {"POST", eventsPath + "/1", body, []string{"x-api-key", key1}, 403, "Missing Authentication Token"},
		"no tenant":             {"POST", "/v1/tenants//events", body, []string{"x-api-key", keyAny}, 403, "Missing Authentication Token"},
		"root":                  {"GET", "/", "", nil, 403, "Missing Authentication Token"},
		"other content type":    {"POST", eventsPath, body, []string{"x-api-key", key1, "Content-Type", "text/xml"}, 415, "Unsupported Media Type"},
		"content type in capitals": {"POST", eventsPath, body, []string{"x-api-key", key1, "Content-Type", "Application/CloudEvents-Batch+JSON; charset=utf-8"},
			202, ""},
		"10 MB and a byte": {"POST", eventsPath, strings.Repeat(" ", 10<<20+1), []string{"x-api-key", key1}, 413, "Request Too Long"},
		"10 MB":            {"POST", eventsPath, strings.Repeat(" ", 10<<20), []string{"x-api-key", key1}, 202, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(w.lambda.payloads)
			r, got := w.send(tt.method, tt.path, strings.NewReader(tt.body), tt.headers...)
			require.Equal(t, tt.status, r.StatusCode, got)
			if tt.message != "" {
				require.JSONEq(t, `{"message":"`+tt.message+`"}`, got)
				require.NotEmpty(t, r.Header.Get("X-Amzn-ErrorType"))
				require.Len(t, w.lambda.payloads, before, "no function sees it")
			}
		})
	}
	t.Run("token that expired after it was verified", func(t *testing.T) {
		r, _ := w.send("GET", summaryPath, nil, "Authorization", short)
		require.Equal(t, 202, r.StatusCode)
		w.clock = w.clock.Add(time.Second)
		r, _ = w.send("GET", summaryPath, nil, "Authorization", short)
		require.Equal(t, 401, r.StatusCode)
	})
	t.Run("large body of unknown length", func(t *testing.T) {
		r, _ := w.send("POST", eventsPath, io.MultiReader(strings.NewReader(strings.Repeat(" ", 10<<20)), strings.NewReader("x")), "x-api-key", key1)
		require.Equal(t, 413, r.StatusCode)
	})
}

func TestFailuresOfFunctions(t *testing.T) {
	w := newWorld(t, &apigateway.Limits{IntegrationTimeout: 300 * time.Millisecond}).deploy()
	refused := func(status int) error { return wire.Errorf(status, "X", "y") }
	tests := map[string]struct {
		answer, functionError string
		err                   error
		status                int
		retry                 string
	}{
		"crash":            {`{"errorType":"Runtime.ExitError"}`, "Unhandled", nil, 502, ""},
		"no JSON":          {`x`, "", nil, 502, ""},
		"no status":        {`{"body":"x"}`, "", nil, 502, ""},
		"status as text":   {`{"statusCode":"200"}`, "", nil, 502, ""},
		"strange status":   {`{"statusCode":99}`, "", nil, 502, ""},
		"broken base64":    {`{"statusCode":200,"body":"*","isBase64Encoded":true}`, "", nil, 502, ""},
		"throttled":        {"", "", refused(429), 429, "1"},
		"payload too long": {"", "", refused(413), 413, ""},
		"lambda failing":   {"", "", refused(500), 503, "1"},
		"unreachable":      {"", "", errors.New("connection refused"), 503, "1"},
		"too late":         {"", "", context.DeadlineExceeded, 504, ""},
		"503 of its own":   {`{"statusCode":503,"headers":{"Retry-After":"9"},"body":"{}"}`, "", nil, 503, "9"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.lambda.answer = func(ctx context.Context, _ []byte) ([]byte, string, string, error) {
				if errors.Is(tt.err, context.DeadlineExceeded) {
					<-ctx.Done()
				}
				return []byte(tt.answer), tt.functionError, "3", tt.err
			}
			r, body := w.send("POST", eventsPath, strings.NewReader("[]"), "x-api-key", key1)
			require.Equal(t, tt.status, r.StatusCode, body)
			require.Equal(t, tt.retry, r.Header.Get("Retry-After"))
			require.Equal(t, "ingest-events:3", r.Header.Get("X-Stampede-Version"))
			require.NotContains(t, body, "Runtime", "what happened inside stays inside")
		})
	}
}

func TestAccountThrottle(t *testing.T) {
	w := newWorld(t, &apigateway.Limits{RequestsPerSecond: 0.5, Burst: 2}).deploy()
	get := func() *http.Response { r, _ := w.send("GET", summaryPath, nil, "x-api-key", key1); return r }
	require.Equal(t, []int{202, 202, 429}, []int{get().StatusCode, get().StatusCode, get().StatusCode})
	require.Equal(t, "2", get().Header.Get("Retry-After"))
	w.clock = w.clock.Add(2 * time.Second)
	require.Equal(t, 202, get().StatusCode)
	stats := w.gateway.Stats()
	require.Equal(t, int64(2), stats.Throttled)
	require.Len(t, stats.LimitHits, 1)
	require.Equal(t, int64(2), stats.LimitHits[0].Count)
	require.Equal(t, "0.5 requests/s, burst 2", stats.LimitHits[0].Allowed)
}

func TestUsagePlanThrottlesEachKeyByItself(t *testing.T) {
	w := newWorld(t, nil).deploy()
	ctx := context.Background()
	plan, err := w.client.CreateUsagePlan(ctx, &sdk.CreateUsagePlanInput{Name: aws.String("basic"), Throttle: &types.ThrottleSettings{RateLimit: 1, BurstLimit: 1}})
	require.NoError(t, err)
	keys, err := w.client.GetApiKeys(ctx, &sdk.GetApiKeysInput{NameQuery: aws.String("t0001")})
	require.NoError(t, err)
	_, err = w.client.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: keys.Items[0].Id, KeyType: aws.String("API_KEY")})
	require.NoError(t, err)
	_, err = w.client.CreateUsagePlanKey(ctx, &sdk.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: keys.Items[0].Id, KeyType: aws.String("API_KEY")})
	var conflict *types.ConflictException
	require.ErrorAs(t, err, &conflict)

	send := func(key string) int { r, _ := w.send("GET", summaryPath, nil, "x-api-key", key); return r.StatusCode }
	require.Equal(t, []int{202, 429, 202, 202}, []int{send(key1), send(key1), send(keyAny), send(keyAny)})
}

func TestStatsByVersionAndOperation(t *testing.T) {
	w := newWorld(t, nil).deploy()
	began := w.clock
	answer := func(version string, status int, took time.Duration) {
		w.lambda.answer = func(context.Context, []byte) ([]byte, string, string, error) {
			w.clock = w.clock.Add(took)
			out, _ := json.Marshal(events.APIGatewayProxyResponse{StatusCode: status})
			return out, "", version, nil
		}
		w.send("POST", eventsPath, strings.NewReader("[]"), "x-api-key", key1)
	}
	answer("1", 202, 5*time.Millisecond)
	answer("1", 202, 142*time.Millisecond)
	answer("2", 503, time.Millisecond)
	answer("2", 202, 143*time.Millisecond)
	answer("2", 202, 10*time.Second)
	answer("2", 202, time.Millisecond)
	w.send("GET", "/nowhere", nil)

	stats := w.gateway.Stats()
	require.Len(t, stats.Versions, 2)
	one, two := stats.Versions[0], stats.Versions[1]
	require.Equal(t, apigateway.VersionStats{Function: "ingest-events", Version: "1", Requests: 2,
		LatencyLE:   []int64{1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2},
		FirstServed: began.Add(5 * time.Millisecond), LastServed: began.Add(147 * time.Millisecond)}, one)
	require.Equal(t, []int64{2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3}, two.LatencyLE)
	require.Equal(t, int64(4), two.Requests)
	require.Equal(t, int64(1), two.Errors5xx)
	require.Equal(t, int64(2), two.Slow)
	require.Equal(t, 142*time.Millisecond, stats.SlowAbove)
	require.Equal(t, began.Add(148*time.Millisecond), two.FirstBad)
	require.Equal(t, began.Add(10*time.Second+291*time.Millisecond), two.LastBad)
	require.Equal(t, began.Add(10*time.Second+292*time.Millisecond), two.LastServed)
	require.Equal(t, []apigateway.OperationStats{{Operation: "", Status: 403, Count: 1}, {Operation: "putEvents", Status: 202, Count: 5},
		{Operation: "putEvents", Status: 503, Count: 1}}, stats.Operations)
}

// TestSlowIsExact: an answer is slow from a nanosecond above the objective, wherever that lies
// among the buckets, and an error however long it took is an error once.
func TestSlowIsExact(t *testing.T) {
	for _, objective := range []time.Duration{time.Millisecond, 133 * time.Millisecond, 9 * time.Second} {
		w := newWorld(t, nil)
		w.close()
		w.slow = objective
		w.open(w.fs)
		w.deploy()
		for _, c := range []struct {
			status int
			took   time.Duration
		}{{202, objective}, {202, objective + 1}, {503, objective + time.Second}, {503, 0}, {202, 0}} {
			w.lambda.answer = func(context.Context, []byte) ([]byte, string, string, error) {
				w.clock = w.clock.Add(c.took)
				out, _ := json.Marshal(events.APIGatewayProxyResponse{StatusCode: c.status})
				return out, "", "1", nil
			}
			w.send("POST", eventsPath, strings.NewReader("[]"), "x-api-key", key1)
		}
		stats := w.gateway.Stats()
		require.Equal(t, objective, stats.SlowAbove)
		require.Equal(t, []int64{5, 2, 1}, []int64{stats.Versions[0].Requests, stats.Versions[0].Errors5xx, stats.Versions[0].Slow}, "%s", objective)
	}
}

func TestClosedGatewayRefuses(t *testing.T) {
	w := newWorld(t, nil).deploy()
	require.NoError(t, w.gateway.Close())
	r, _ := w.send("GET", summaryPath, nil, "x-api-key", key1)
	require.Equal(t, 503, r.StatusCode)
}

func TestRequestsAtOnce(t *testing.T) {
	w := newWorld(t, nil).deploy()
	w.lambda.answer = func(_ context.Context, payload []byte) ([]byte, string, string, error) {
		var request events.APIGatewayProxyRequest
		if err := json.Unmarshal(payload, &request); err != nil {
			return nil, "", "", err
		}
		out, err := json.Marshal(events.APIGatewayProxyResponse{StatusCode: 200, Body: request.Body})
		return out, "", request.RequestContext.RequestID[35:], err
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				body := strings.Repeat(string(rune('a'+i)), 1+j*7)
				r, got := w.send("POST", eventsPath, strings.NewReader(body), "x-api-key", key1)
				require.Equal(t, 200, r.StatusCode)
				require.Equal(t, body, got, "each gets its own")
			}
		})
	}
	wg.Wait()
	var total int64
	for _, v := range w.gateway.Stats().Versions {
		total += v.Requests
	}
	require.Equal(t, int64(400), total)
}
