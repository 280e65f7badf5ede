// Package cloudtest serves a real Lambda to tests of faults: real processes, the real API, and
// the two admin pages that faults read.
//
// Start with [Start]; a test binary whose TestMain calls [Main] first is its own function.
package cloudtest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	function "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/lambda"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/lifeline"
)

// Event is what the function gets.
type Event struct {
	HTTPMethod string        `json:"httpMethod,omitempty"`
	Sleep      time.Duration `json:"sleep,omitempty"`
	Fail       bool          `json:"fail,omitempty"`
}

// Answer is what it answers.
type Answer struct {
	StatusCode int    `json:"statusCode"`
	Version    string `json:"version"`
}

// Main runs the function if Lambda has started this process, and then never returns.
func Main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return
	}
	if err := lifeline.Watch(nil); err != nil {
		panic(err)
	}
	function.Start(func(_ context.Context, e Event) (Answer, error) {
		time.Sleep(e.Sleep)
		if e.Fail {
			return Answer{}, errors.New("on demand")
		}
		return Answer{StatusCode: http.StatusOK, Version: os.Getenv("AWS_LAMBDA_FUNCTION_VERSION")}, nil
	})
}

// Cloud is a running Lambda.
type Cloud struct {
	URL    string
	Lambda *lambda.Service
	Client *sdk.Client
	Stop   func() // before the end of the test
	t      testing.TB
}

// Start serves Lambda until the end of the test.
func Start(t testing.TB) *Cloud {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: silent{}})
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	service, err := lambda.Open(lambda.Options{DB: db, Dir: t.TempDir(), FunctionLog: t.Output(), Log: log})
	require.NoError(t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, log)
	mux.Handle("lambda", 1<<20, service)
	admin := http.NewServeMux()
	reply := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	admin.HandleFunc("GET /_stampede/stats", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]any{"lambda": service.Stats()}) })
	admin.HandleFunc("GET /_stampede/lambda/environments", func(w http.ResponseWriter, _ *http.Request) { reply(w, service.Environments()) })
	mux.Fallback(admin)
	server := httptest.NewServer(mux)
	stop := sync.OnceFunc(func() {
		server.CloseClientConnections()
		server.Close()
		require.NoError(t, service.Close())
		require.NoError(t, db.Close())
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(stop)
	client := sdk.New(sdk.Options{
		BaseEndpoint: aws.String(server.URL), Region: "us-east-1", RetryMaxAttempts: 1, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return &Cloud{URL: server.URL, Lambda: service, Client: client, Stop: stop, t: t}
}

// Create makes a function of this test binary with version 1 behind the alias live.
func (c *Cloud) Create(name string) {
	c.t.Helper()
	self, err := os.Executable()
	require.NoError(c.t, err)
	_, err = c.Client.CreateFunction(context.Background(), &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String("r"), Handler: &name, Runtime: types.RuntimeProvidedal2023, Timeout: aws.Int32(30), Publish: true,
		Code:        &types.FunctionCode{S3Bucket: aws.String("hot-reload"), S3Key: &self},
		Environment: &types.Environment{Variables: map[string]string{"OWN": "kept"}},
	})
	require.NoError(c.t, err)
	_, err = c.Client.CreateAlias(context.Background(), &sdk.CreateAliasInput{FunctionName: &name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	require.NoError(c.t, err)
}

type silent struct{}

func (silent) Infof(string, ...any)         {}
func (silent) Errorf(string, ...any)        {}
func (silent) Fatalf(f string, args ...any) { panic(f) }
