package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

func serve(t *testing.T, now func() time.Time, set func(*wire.Mux)) string {
	t.Helper()
	mux := wire.NewMux(wire.Credentials{"local": "secret"}, now, nil)
	set(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func config(url, key, secret string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func code(t *testing.T, err error) string {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}

func TestOneAddressServesEachServiceToItsHandler(t *testing.T) {
	var got []*wire.Request
	url := serve(t, nil, func(m *wire.Mux) {
		m.Handle("dynamodb", 1<<20, wire.HandlerFunc(func(w http.ResponseWriter, r *wire.Request) {
			got = append(got, r)
			wire.ReplyJSON(w, r, map[string]any{"TableNames": []string{"t"}})
		}))
		m.Handle("sqs", 1<<20, wire.HandlerFunc(func(w http.ResponseWriter, r *wire.Request) {
			got = append(got, r)
			wire.ReplyJSON(w, r, nil)
		}))
		m.Handle("lambda", 1<<20, wire.HandlerFunc(func(w http.ResponseWriter, r *wire.Request) {
			got = append(got, r)
			wire.ReplyJSON(w, r, json.RawMessage(`{"FunctionName":"f"}`))
		}))
	})
	cfg := config(url, "local", "secret")

	tables, err := dynamodb.NewFromConfig(cfg).ListTables(context.Background(), &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	require.Equal(t, []string{"t"}, tables.TableNames)
	_, err = sqs.NewFromConfig(cfg).ListQueues(context.Background(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	fn, err := lambda.NewFromConfig(cfg).GetFunctionConfiguration(context.Background(),
		&lambda.GetFunctionConfigurationInput{FunctionName: aws.String("a:b c/ü"), Qualifier: aws.String("live +1")})
	require.NoError(t, err)
	require.Equal(t, "f", *fn.FunctionName)

	require.Len(t, got, 3)
	require.Equal(t, "dynamodb", got[0].Service)
	require.Equal(t, "ListTables", got[0].Action)
	require.Equal(t, "local", got[0].AccessKey)
	require.JSONEq(t, `{}`, string(got[0].Body))
	require.Equal(t, "ListQueues", got[1].Action)
	require.Equal(t, "lambda", got[2].Service)
	require.Empty(t, got[2].Action)
	require.Equal(t, "live +1", got[2].HTTP.URL.Query().Get("Qualifier"))
}

func TestErrorsReachTheSDKAsTypedErrors(t *testing.T) {
	var fail error
	url := serve(t, nil, func(m *wire.Mux) {
		h := wire.HandlerFunc(func(w http.ResponseWriter, r *wire.Request) { wire.ReplyError(w, r, fail) })
		m.Handle("dynamodb", 1<<20, h)
		m.Handle("lambda", 1<<20, h)
	})
	cfg := config(url, "local", "secret")
	ddb := func() error {
		_, err := dynamodb.NewFromConfig(cfg).DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: aws.String("abc")})
		return err
	}

	fail = wire.Errorf(400, "ResourceNotFoundException", "no table %s", "abc")
	var missing *ddbtypes.ResourceNotFoundException
	err := ddb()
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "no table abc", missing.ErrorMessage())

	fail = &wire.Error{Code: "TransactionCanceledException", Message: "m", Extra: map[string]any{
		"CancellationReasons": []map[string]any{{"Code": "ConditionalCheckFailed"}}}}
	var cancelled *ddbtypes.TransactionCanceledException
	require.ErrorAs(t, ddb(), &cancelled)
	require.Equal(t, "ConditionalCheckFailed", *cancelled.CancellationReasons[0].Code)

	fail = errors.New("disk on fire at /secret/path")
	err = ddb()
	require.Equal(t, "InternalFailure", code(t, err))
	require.NotContains(t, err.Error(), "secret")

	fail = wire.Errorf(429, "TooManyRequestsException", "slow down")
	_, err = lambda.NewFromConfig(cfg).GetFunction(context.Background(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	var many *lambdatypes.TooManyRequestsException
	require.ErrorAs(t, err, &many)
	require.Equal(t, "slow down", many.ErrorMessage())
	var resp interface{ HTTPStatusCode() int }
	require.ErrorAs(t, err, &resp)
	require.Equal(t, 429, resp.HTTPStatusCode())
}

func TestCallersWithoutTheSecretAreRefused(t *testing.T) {
	called := 0
	now := time.Now()
	url := serve(t, func() time.Time { return now }, func(m *wire.Mux) {
		h := wire.HandlerFunc(func(w http.ResponseWriter, r *wire.Request) { called++; wire.ReplyJSON(w, r, nil) })
		m.Handle("dynamodb", 1<<20, h)
		m.Handle("lambda", 1<<20, h)
	})
	list := func(cfg aws.Config) error {
		_, err := dynamodb.NewFromConfig(cfg).ListTables(context.Background(), &dynamodb.ListTablesInput{})
		return err
	}
	require.Equal(t, "UnrecognizedClientException", code(t, list(config(url, "stranger", "secret"))))
	require.Equal(t, "InvalidSignatureException", code(t, list(config(url, "local", "wrong"))))

	_, err := sqs.NewFromConfig(config(url, "local", "secret")).ListQueues(context.Background(), &sqs.ListQueuesInput{})
	require.Equal(t, "InvalidSignatureException", code(t, err), "a service that is not served")

	anonymous := config(url, "local", "secret")
	anonymous.Credentials = aws.AnonymousCredentials{}
	require.Equal(t, "MissingAuthenticationTokenException", code(t, list(anonymous)))

	_, err = lambda.NewFromConfig(config(url, "local", "wrong")).ListFunctions(context.Background(), &lambda.ListFunctionsInput{})
	var resp interface{ HTTPStatusCode() int }
	require.ErrorAs(t, err, &resp)
	require.Equal(t, 403, resp.HTTPStatusCode())
	require.Zero(t, called)
}

func TestClockSkewBeyondFiveMinutesIsRefused(t *testing.T) {
	var now time.Time
	url := serve(t, func() time.Time { return now }, func(m *wire.Mux) {
		m.Handle("dynamodb", 1<<20, wire.HandlerFunc(func(w http.ResponseWriter, r *wire.Request) { wire.ReplyJSON(w, r, nil) }))
	})
	for _, c := range []struct {
		skew time.Duration
		want string
	}{
		{4 * time.Minute, ""}, {-4 * time.Minute, ""},
		{6 * time.Minute, "Signature expired"}, {-6 * time.Minute, "Signature not yet current"},
	} {
		now = time.Now().Add(c.skew)
		_, err := dynamodb.NewFromConfig(config(url, "local", "secret")).ListTables(context.Background(), &dynamodb.ListTablesInput{})
		if c.want == "" {
			require.NoError(t, err, c.skew)
			continue
		}
		require.Equal(t, "InvalidSignatureException", code(t, err), c.skew)
		require.ErrorContains(t, err, c.want)
	}
}
