package clients

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a service in memory and tells where it answers.
func serve(t *testing.T) (url string) {
	t.Helper()
	limits := dynamodb.AWSLimits()
	s, err := dynamodb.Open(dynamodb.Options{Dir: "data", FS: vfs.NewMem(), Limits: &limits, ExpireEvery: 50 * time.Millisecond})
	require.NoError(t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("dynamodb", dynamodb.MaxBody, s)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, s.Close())
	})
	return server.URL
}

// missing skips a test whose client is not there, unless STAMPEDE_REQUIRE, a list with commas,
// names it.
func missing(t *testing.T, client, pkg string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ","), client) {
		t.Fatalf("%s is not here, and STAMPEDE_REQUIRE names it", client)
	}
	t.Skipf("install %s to test with it: apt-get install %s", client, pkg)
}

// environment is what a client needs, and nothing of the machine's own settings.
func environment(home string) []string {
	return append(os.Environ(), "HOME="+home, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_SESSION_TOKEN=")
}

// run runs a client and returns what it prints.
func run(t *testing.T, program string, args ...string) (out string, ok bool) {
	t.Helper()
	home := t.TempDir()
	if real, err := os.UserHomeDir(); err == nil { // where a version manager of Python looks
		home = real
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = environment(home)
	text, err := cmd.CombinedOutput()
	return string(text), err == nil
}

func TestBoto3(t *testing.T) {
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import boto3").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		missing(t, "boto3", "python3-boto3")
	}
	out, ok := run(t, python, "testdata/boto3_client.py", serve(t))
	require.True(t, ok, out)
	require.Contains(t, out, "OK", "unittest ran")
	require.NotContains(t, out, "Ran 0 tests")
}

func TestAWSCommandLine(t *testing.T) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		missing(t, "awscli", "awscli")
	}
	url := serve(t)
	call := func(want bool, command string, args ...string) string {
		t.Helper()
		// Version 1 of the command line prints values as JSON as version 2 does.
		all := append(append([]string{"--endpoint-url", url, "--output", "json"}, strings.Fields(command)...), args...)
		out, ok := run(t, aws, all...)
		require.Equal(t, want, ok, "%s: %s", command, out)
		return out
	}
	call(true, "dynamodb create-table --table-name items --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH --stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE --tags Key=env,Value=test")
	call(true, "dynamodb wait table-exists --table-name items")
	call(true, "dynamodb put-item --table-name items --item", `{"pk":{"S":"a"},"n":{"N":"1.50"},"l":{"L":[{"BOOL":true},{"NULL":true}]}}`)
	require.JSONEq(t, `{"Item":{"pk":{"S":"a"},"n":{"N":"1.5"},"l":{"L":[{"BOOL":true},{"NULL":true}]}}}`, call(true, "dynamodb get-item --table-name items --consistent-read --key", `{"pk":{"S":"a"}}`))
	out := call(false, "dynamodb put-item --table-name items --condition-expression attribute_not_exists(pk) --item", `{"pk":{"S":"a"}}`)
	require.Contains(t, out, "An error occurred (ConditionalCheckFailedException) when calling the PutItem operation: The conditional request failed")
	call(true, "dynamodb update-item --table-name items --update-expression", "SET n = n + :one", "--expression-attribute-values", `{":one":{"N":"1"}}`, "--key", `{"pk":{"S":"a"}}`)
	require.Contains(t, call(true, "dynamodb query --table-name items --key-condition-expression", "pk = :p", "--expression-attribute-values", `{":p":{"S":"a"}}`), `"2.5"`)
	require.Contains(t, call(true, "dynamodb scan --table-name items --page-size 1 --max-items 5"), `"Count": 1`)
	require.Contains(t, call(true, "dynamodb list-tags-of-resource --resource-arn arn:aws:dynamodb:us-east-1:000000000000:table/items"), `"env"`)
	call(true, "dynamodb update-time-to-live --table-name items --time-to-live-specification Enabled=true,AttributeName=ttl")
	require.Contains(t, call(true, "dynamodb describe-time-to-live --table-name items"), `"ENABLED"`)
	require.Contains(t, call(true, "dynamodbstreams list-streams --table-name items"), "table/items/stream/")
	require.Contains(t, call(false, "dynamodb describe-table --table-name absent"), "(ResourceNotFoundException) when calling the DescribeTable operation: Requested resource not found: Table: absent not found")
	call(true, "dynamodb delete-table --table-name items")
	require.JSONEq(t, `{"TableNames":[]}`, call(true, "dynamodb list-tables"))
}
