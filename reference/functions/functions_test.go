package functions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions"
)

func environment() map[string]string {
	return map[string]string{
		"_HANDLER": "ingest-events", "AWS_LAMBDA_FUNCTION_VERSION": "7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
		"CORE_TABLE": "core", "ANALYTICS_TABLE": "analytics", "RAW_BUCKET": "raw",
		"STREAM_PRODUCTS": "p", "STREAM_ORDERS": "o", "STREAM_CUSTOMERS": "c",
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2",
	}
}

func TestEnvironmentNamesEverythingThatIsMissing(t *testing.T) {
	env := environment()
	e, err := functions.ReadEnvironment(func(name string) string { return env[name] })
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:2", e.Endpoint("s3"))
	require.Equal(t, "http://127.0.0.1:1", e.Endpoint("firehose"))
	require.Equal(t, "o", e.Streams[1])

	env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], env["EVENT_MAX_BACK"], env["LOG_LEVEL"] = "much", "-1h", "loud"
	for _, name := range []string{"_HANDLER", "CORE_TABLE", "STREAM_ORDERS"} {
		delete(env, name)
	}
	_, err = functions.ReadEnvironment(func(name string) string { return env[name] })
	for _, want := range []string{"_HANDLER is not set", "CORE_TABLE is not set", "STREAM_ORDERS is not set", `"much"`, `"-1h"`, "loud"} {
		require.ErrorContains(t, err, want)
	}
}

func TestEveryHandlerIsMade(t *testing.T) {
	env := environment()
	e, err := functions.ReadEnvironment(func(name string) string { return env[name] })
	require.NoError(t, err)
	var names []string
	for _, h := range functions.Handlers() {
		names = append(names, h.Name)
		handler, err := h.New(functions.NewPlatform(e, slog.New(slog.DiscardHandler)))
		require.NoError(t, err, h.Name)
		require.NotNil(t, handler)
	}
	require.Equal(t, []string{"ingest-events", "ingest-webhooks", "process-products", "process-orders", "process-customers",
		"process-insights", "query-analytics"}, names)
}

func TestUnknownHandlerIsAnError(t *testing.T) {
	env := environment()
	env["_HANDLER"] = "ingest-weather"
	err := functions.Serve(functions.Handlers(), func(name string) string { return env[name] }, io.Discard)
	require.ErrorContains(t, err, `"ingest-weather": no such function`)
}

// TestBootstrapServesOverTheRuntimeAPI runs the program as Lambda does: one invocation in, one
// answer out, with a delivery over the SDK's own protocol in between.
func TestBootstrapServesOverTheRuntimeAPI(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-o", binary, "./bootstrap")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	target := make(chan string, 8)
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target <- r.Header.Get("X-Amz-Target")
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, `{"FailedPutCount":0,"RequestResponses":[{"RecordId":"1"}]}`)
	}))
	defer aws.Close()

	id, err := uuid.NewV7()
	require.NoError(t, err)
	payload, err := json.Marshal(events.APIGatewayProxyRequest{HTTPMethod: "POST", Headers: map[string]string{"Content-Type": api.BatchContentType},
		PathParameters: map[string]string{"tenant": "t0001"}, RequestContext: events.APIGatewayProxyRequestContext{RequestID: "r"},
		Body: fmt.Sprintf(`[{"specversion":"1.0","id":%q,"source":"/x","type":"product.viewed","data":{"sku":"A"}}]`, id)})
	require.NoError(t, err)
	answer := make(chan []byte, 1)
	invoked := false
	done := make(chan struct{})
	runtimeAPI := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/next") && !invoked:
			invoked = true
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(10*time.Second).UnixMilli()))
			_, _ = w.Write(payload)
		case strings.HasSuffix(r.URL.Path, "/response"):
			body, _ := io.ReadAll(r.Body)
			answer <- body
			w.WriteHeader(http.StatusAccepted)
		default:
			select {
			case <-done:
			case <-r.Context().Done():
			}
		}
	}))
	defer runtimeAPI.Close()
	defer close(done)

	cmd := exec.Command(binary)
	env := environment()
	env["AWS_ENDPOINT_URL"], env["AWS_LAMBDA_RUNTIME_API"] = aws.URL, strings.TrimPrefix(runtimeAPI.URL, "http://")
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()

	select {
	case body := <-answer:
		var response events.APIGatewayProxyResponse
		require.NoError(t, json.Unmarshal(body, &response))
		require.Equal(t, 202, response.StatusCode, response.Body)
		require.Equal(t, "Firehose_20150804.PutRecordBatch", <-target)
	case <-time.After(time.Minute):
		_ = cmd.Process.Signal(os.Kill)
		_ = cmd.Wait()
		t.Fatalf("no answer; stderr: %s", stderr.String())
	}
}
