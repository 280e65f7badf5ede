package deploy

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"
)

func TestLambdaAliasesSpeakTheRealAPI(t *testing.T) {
	var path, body string
	status, answer, kind := 200, `{"FunctionVersion":"3","RevisionId":"r9","RoutingConfig":{"AdditionalVersionWeights":{"4":0.11}}}`, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		path, body = r.Method+" "+r.URL.Path, string(raw)
		w.Header().Set("X-Amzn-ErrorType", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	aliases := LambdaAliases{Client: lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})}
	a, err := aliases.Get(t.Context(), "ingest-events", "live")
	require.NoError(t, err)
	require.Equal(t, "GET /2015-03-31/functions/ingest-events/aliases/live", path)
	require.Equal(t, Alias{Version: "3", Weights: map[string]float64{"4": 0.11}, RevisionID: "r9"}, a)

	_, err = aliases.Set(t.Context(), "ingest-events", "live", "3", nil, "r9")
	require.NoError(t, err)
	require.Equal(t, "PUT /2015-03-31/functions/ingest-events/aliases/live", path)
	var sent map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &sent))
	require.Equal(t, map[string]any{"FunctionVersion": "3", "RevisionId": "r9", "RoutingConfig": map[string]any{"AdditionalVersionWeights": map[string]any{}}}, sent,
		"old weights are removed by an empty map")

	for code, want := range map[string]error{"PreconditionFailedException": ErrRevision, "TooManyRequestsException": ErrThrottled} {
		status, kind, answer = map[string]int{"PreconditionFailedException": 412, "TooManyRequestsException": 429}[code], code, `{"Message":"no"}`
		_, err = aliases.Set(t.Context(), "f", "live", "3", nil, "r9")
		require.ErrorIs(t, err, want)
	}
}
