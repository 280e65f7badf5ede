package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

// knock sends a request as it stands; a secret signs it.
func knock(t *testing.T, r *rig, method, query, body, secret string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, r.url+"/"+query, strings.NewReader(body))
	require.NoError(t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	if secret != "" {
		sum := sha256.Sum256([]byte(body))
		creds := aws.Credentials{AccessKeyID: "local", SecretAccessKey: secret}
		require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), creds, req, hex.EncodeToString(sum[:]), "dynamodb", "us-east-1", time.Now()))
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(out)
}

func sent(kind, target string) http.Header {
	h := http.Header{}
	if kind != "" {
		h.Set("Content-Type", kind)
	}
	if target != "" {
		h.Set("X-Amz-Target", target)
	}
	return h
}

const (
	listTables = "DynamoDB_20120810.ListTables"
	forgery    = "wrong" // a secret that is not the one
)

// What is said, and its checksum, were taken from AWS by the authors of
// https://github.com/architect/dynalite/blob/main/test/connection.js
func TestWhoIsTurnedAwayHearsWhatAWSSays(t *testing.T) {
	r := open(t, Options{})
	const notFound, unknown, syntax = "3552371480", "1368724161", "3948637019"
	for name, c := range map[string]struct {
		method, query, body, secret string
		header                      http.Header
		status                      int
		sum                         string
	}{
		"health":                          {"GET", "", "", "", nil, 200, "3128867991"},
		"health, signed":                  {"GET", "", "", "local", nil, 200, "3128867991"},
		"put":                             {"PUT", "", "", "", nil, 404, notFound},
		"delete, signed":                  {"DELETE", "", "", "local", sent(jsonAWS, listTables), 404, notFound},
		"options without origin":          {"OPTIONS", "", "", "", nil, 404, notFound},
		"a body without type":             {"POST", "", "{}", "", sent("", listTables), 404, notFound},
		"a body without type, signed":     {"POST", "", "{}", "local", sent("", listTables), 404, notFound},
		"a type like ours":                {"POST", "", "{}", "local", sent("application/jsonasdf", listTables), 404, notFound},
		"the next type":                   {"POST", "", "{}", "local", sent("application/x-amz-json-1.1", listTables), 404, notFound},
		"not JSON":                        {"POST", "", "hi", "", sent(jsonPlain+"  ;   asfd", ""), 400, syntax},
		"not JSON, signed":                {"POST", "", "hi", "local", sent(jsonAWS, "whatever"), 400, syntax},
		"not JSON, forged":                {"POST", "", "hi", forgery, sent(jsonAWS, listTables), 400, syntax},
		"no target":                       {"POST", "", "", "", nil, 400, unknown},
		"no target, signed":               {"POST", "", "", "local", http.Header{"Origin": {"whatever"}}, 400, unknown},
		"no operation":                    {"POST", "", "{}", "", sent(jsonAWS, "DynamoDB_20120810.ListTable"), 400, unknown},
		"no operation, forged":            {"POST", "", "{}", forgery, sent(jsonAWS, "DynamoDB_20120810.ListTable"), 400, unknown},
		"no signature":                    {"POST", "", "", "", sent("", listTables), 400, "2088342776"},
		"another scheme":                  {"POST", "?X-Amz-Algorith", "", "", with(sent("", listTables), "Authorization", "X"), 400, "2088342776"},
		"two signatures":                  {"POST", "?X-Amz-Algorithm", "", "", with(sent("", listTables), "Authorization", "X"), 400, "2139606068"},
		"an empty header":                 {"POST", "", "", "", with(sent("", listTables), "Authorization", "AWS4-"), 400, "1828866742"},
		"no signed headers, after spaces": {"POST", "", "", "", with(with(sent("", listTables), "Authorization", "AWS4- Signature=b Credential=a"), "Date", "a"), 400, "15336762"},
		"no signed headers, after commas": {"POST", "", "", "", with(with(sent("", listTables), "Authorization", "AWS4- Signature=b, Credential=a"), "Date", "a"), 400, "164353342"},
		"an empty query":                  {"POST", "?X-Amz-Algorithm", "", "", sent("", listTables), 400, "2900502663"},
		"no signed headers in a query":    {"POST", "?X-Amz-Algorithm=a&X-Amz-Credential=b&X-Amz-Signature=c&X-Amz-Date=d", "", "", sent("", listTables), 400, "3712057481"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := knock(t, r, c.method, c.query, c.body, c.secret, c.header)
			require.Equal(t, c.status, resp.StatusCode, body)
			require.Equal(t, c.sum, resp.Header.Get("X-Amz-Crc32"), body)
			require.Equal(t, checksum([]byte(body)), c.sum)
			require.Regexp(t, "^[0-9A-Z]{52}$", resp.Header.Get("X-Amzn-Requestid"))
			if c.status == http.StatusBadRequest {
				require.Equal(t, map[bool]string{true: jsonAWS, false: jsonPlain}[c.header.Get("Content-Type") == jsonAWS], resp.Header.Get("Content-Type"))
			}
			require.Equal(t, map[bool]string{true: "*"}[c.header.Get("Origin") != ""], resp.Header.Get("Access-Control-Allow-Origin"))
			require.Equal(t, c.header.Get("Origin") != "", resp.Header.Get("Access-Control-Expose-Headers") != "")
		})
	}
}

func with(h http.Header, name, value string) http.Header {
	h.Set(name, value)
	return h
}

// Whatever is said first, nobody is let in whose signature is not right.
func TestNobodyPassesTheDoorUnverified(t *testing.T) {
	r := open(t, Options{})
	create := `{"TableName":"forged","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}],` +
		`"KeySchema":[{"AttributeName":"a","KeyType":"HASH"}]}`
	header := sent(jsonAWS, "DynamoDB_20120810.CreateTable")
	for secret, want := range map[string]string{"": "MissingAuthenticationTokenException", forgery: "InvalidSignatureException"} {
		resp, body := knock(t, r, "POST", "", create, secret, header.Clone())
		require.Equal(t, 400, resp.StatusCode)
		require.Contains(t, body, "com.amazon.coral.service#"+want)
	}
	var tables struct{ TableNames []string }
	_, body := knock(t, r, "POST", "", "{}", "local", sent(jsonAWS, listTables))
	require.NoError(t, json.Unmarshal([]byte(body), &tables))
	require.Empty(t, tables.TableNames)
}

func TestPagesOfOtherOriginsMayCall(t *testing.T) {
	r := open(t, Options{})
	for _, secret := range []string{"", "local"} {
		resp, body := knock(t, r, "OPTIONS", "", "", secret, http.Header{"Origin": {"whatever"},
			"Access-Control-Request-Headers": {"a, b, c"}, "Access-Control-Request-Method": {"d"}})
		require.Equal(t, 200, resp.StatusCode)
		require.Empty(t, body)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "a, b, c",
			"Access-Control-Allow-Methods": "d", "Access-Control-Max-Age": "172800", "Content-Length": "0",
		} {
			require.Equal(t, want, resp.Header.Get(name), name)
		}
	}
	resp, _ := knock(t, r, "POST", "", "{}", "local", with(sent(jsonAWS, listTables), "Origin", "whatever"))
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "*", resp.Header.Get("Access-Control-Allow-Origin"))
}

func TestABodyBeyondSixteenMegabytes(t *testing.T) {
	r := open(t, Options{})
	resp, body := knock(t, r, "POST", "", strings.Repeat("a", MaxBody+1), "", nil)
	require.Equal(t, 413, resp.StatusCode)
	require.Equal(t, []string{"chunked"}, resp.TransferEncoding)
	require.Empty(t, body)
	resp, _ = knock(t, r, "POST", "", strings.Repeat("a", MaxBody), "", nil)
	require.Equal(t, 404, resp.StatusCode)
}
