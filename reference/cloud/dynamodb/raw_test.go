package dynamodb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// raw sends a signed body as it stands and returns the status and the answer.
func raw(t testing.TB, r *rig, action, body string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, r.url, bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	sum := sha256.Sum256([]byte(body))
	creds := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), creds, req, hex.EncodeToString(sum[:]), "dynamodb", "us-east-1", time.Now()))
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, out
}

// rawError is the API error that a body is answered with.
func rawError(t testing.TB, r *rig, action, body string) error {
	t.Helper()
	resp, out := raw(t, r, action, body)
	require.Equal(t, http.StatusBadRequest, resp.StatusCode, "%s", out)
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	require.NoError(t, json.Unmarshal(out, &e), "%s", out)
	return &smithy.GenericAPIError{Code: e.Type[strings.IndexByte(e.Type, '#')+1:], Message: e.Message}
}

func TestAnswersCarryAChecksumAndARequestID(t *testing.T) {
	r := open(t, Options{})
	for _, body := range []string{`{}`, `{"Limit":0}`} {
		resp, out := raw(t, r, "ListTables", body)
		require.Equal(t, strconv.FormatUint(uint64(crc32.ChecksumIEEE(out)), 10), resp.Header.Get("X-Amz-Crc32"))
		require.NotEmpty(t, resp.Header.Get("X-Amzn-Requestid"))
		require.Equal(t, "application/x-amz-json-1.0", resp.Header.Get("Content-Type"))
	}
}

// A list of a million elements is refused for its length, and costs memory for no more than are
// allowed.
func TestLongListsAreNotKept(t *testing.T) {
	r := open(t, Options{})
	many := strings.Repeat("{},", 1<<20) + "{}"
	for action, body := range map[string]string{
		"TransactWriteItems":    `{"TransactItems":[` + many + `]}`,
		"TransactGetItems":      `{"TransactItems":[` + many + `]}`,
		"BatchWriteItem":        `{"RequestItems":{"table":[` + many + `]}}`,
		"BatchGetItem":          `{"RequestItems":{"table":{"Keys":[` + many + `]}}}`,
		"ExecuteTransaction":    `{"TransactStatements":[` + many + `]}`,
		"BatchExecuteStatement": `{"Statements":[` + many + `]}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.Error(t, rawError(t, r, action, body), action)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), action)
	}
	many = strings.Repeat(`"table":{},`, 1<<19) + `"table":{}`
	for _, action := range []string{"BatchWriteItem", "BatchGetItem"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.Error(t, rawError(t, r, action, `{"RequestItems":{`+many+`}}`), action)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), action)
	}
}

func TestErrorsNameTheirNamespace(t *testing.T) {
	r := open(t, Options{})
	for action, want := range map[string]string{
		"GetItem":       "com.amazon.coral.validate#ValidationException",
		"DescribeTable": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
		"NoSuchThing":   "com.amazon.coral.service#UnknownOperationException",
	} {
		_, out := raw(t, r, action, `{"TableName":"absent"}`)
		require.Contains(t, string(out), `"__type":"`+want+`"`)
	}
}

func TestAPanicLeavesNoItemLocked(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	operations["Panic"] = func(c *call) error {
		tab, err := c.s.table([]byte("one"))
		require.NoError(t, err)
		ch := change{verb: verbDelete, table: tab, given: docOf(t, `{"pk":{"S":"a"}}`)}
		require.NoError(t, ch.prepare())
		require.NoError(t, c.begin().Lock(ch.key))
		panic("broken")
	}
	defer delete(operations, "Panic")
	require.PanicsWithValue(t, "broken", func() {
		r.service.ServeAWS(&discard{header: http.Header{}}, wireRequest("Panic", "{}"))
	})
	r.put("one", av{"pk": S("a")})
}
