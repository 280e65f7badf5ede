package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

var at = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// request builds a request as a server receives it.
func request(t testing.TB, method, target, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://127.0.0.1:4566"+target, strings.NewReader(body))
	require.NoError(t, err)
	for k, v := range header {
		r.Header[k] = v
	}
	return r
}

// signed signs r with the SDK's own signer.
func signed(t testing.TB, r *http.Request, hash, service string) *http.Request {
	t.Helper()
	creds := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "secret"}
	require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), creds, r, hash, service, "us-east-1", at))
	return r
}

// arrived is r after it crossed a wire: parsed anew from its URL.
func arrived(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(r.URL.RequestURI())
	require.NoError(t, err)
	r = r.Clone(context.Background())
	r.URL = u
	return r
}

func check(t testing.TB, r *http.Request, body string, now time.Time) *Error {
	t.Helper()
	a, ok, err := parseAuthorization(r)
	require.True(t, ok)
	if err != nil {
		return err
	}
	v := verifier{secrets: Credentials{"local": "secret"}}
	return v.verify(r, &a, []byte(body), now)
}

func TestSignaturesOfTheSDKAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, body string
		header               http.Header
	}{
		"json post":             {"POST", "/", `{"a":1}`, http.Header{"X-Amz-Target": {"S.Do"}, "Content-Type": {"application/x-amz-json-1.0"}}},
		"empty body":            {"GET", "/", "", nil},
		"query out of order":    {"GET", "/x?b=2&a=1&a=0&c", "", nil},
		"query needing escapes": {"GET", "/x?k=a%2Fb&k=a-b&j=%C3%BC+%2B~*", "", nil},
		"escaped path":          {"GET", "/2015-03-31/functions/a%3Ab%20c%2F%C3%BC/invocations", "", nil},
		"spaces in header":      {"POST", "/", "x", http.Header{"X-Amz-Meta": {"  a   b  c "}}},
		"header twice":          {"POST", "/", "x", http.Header{"X-Amz-Meta": {"a", "b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := arrived(t, signed(t, request(t, c.method, c.target, c.body, c.header), hashOf(c.body), "dynamodb"))
			if err := check(t, r, c.body, at); err != nil {
				t.Fatalf("verify(%s %s) = %v, want nil", c.method, c.target, err)
			}
		})
	}
}

func TestATamperedRequestIsRefused(t *testing.T) {
	build := func() *http.Request {
		return signed(t, request(t, "POST", "/p?q=1", `{"a":1}`, http.Header{"X-Amz-Target": {"S.Do"}}), hashOf(`{"a":1}`), "dynamodb")
	}
	for name, c := range map[string]struct {
		change func(r *http.Request)
		body   string
		want   string
	}{
		"body":             {func(*http.Request) {}, `{"a":2}`, "InvalidSignatureException"},
		"method":           {func(r *http.Request) { r.Method = "PUT" }, `{"a":1}`, "InvalidSignatureException"},
		"path":             {func(r *http.Request) { r.URL.Path = "/other" }, `{"a":1}`, "InvalidSignatureException"},
		"query":            {func(r *http.Request) { r.URL.RawQuery = "q=2" }, `{"a":1}`, "InvalidSignatureException"},
		"host":             {func(r *http.Request) { r.Host = "elsewhere" }, `{"a":1}`, "InvalidSignatureException"},
		"target":           {func(r *http.Request) { r.Header.Set("X-Amz-Target", "S.Drop") }, `{"a":1}`, "InvalidSignatureException"},
		"added token":      {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "t") }, `{"a":1}`, "InvalidSignatureException"},
		"added unsigned":   {func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", unsignedPayload) }, `{"a":2}`, "InvalidSignatureException"},
		"date":             {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260501T120001Z") }, `{"a":1}`, "InvalidSignatureException"},
		"another day":      {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260502T120000Z") }, `{"a":1}`, "InvalidSignatureException"},
		"no date":          {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, `{"a":1}`, "IncompleteSignatureException"},
		"date not a date":  {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260501yesterday") }, `{"a":1}`, "IncompleteSignatureException"},
		"service in scope": {replaceAuth("/dynamodb/", "/sqs/"), `{"a":1}`, "InvalidSignatureException"},
		"region in scope":  {replaceAuth("/us-east-1/", "/eu-west-1/"), `{"a":1}`, "InvalidSignatureException"},
		"access key":       {replaceAuth("Credential=local/", "Credential=else/"), `{"a":1}`, "UnrecognizedClientException"},
		"host not signed":  {replaceAuth("host;", ""), `{"a":1}`, "InvalidSignatureException"},
		"no signature":     {replaceAuth("Signature=", "Sig="), `{"a":1}`, "IncompleteSignatureException"},
		"signature not hex": {func(r *http.Request) {
			r.Header.Set("Authorization", r.Header.Get("Authorization")+"zz")
		}, `{"a":1}`, "InvalidSignatureException"},
		"scope too short": {replaceAuth("/aws4_request", ""), `{"a":1}`, "IncompleteSignatureException"},
	} {
		t.Run(name, func(t *testing.T) {
			r := build()
			require.Nil(t, check(t, r, `{"a":1}`, at), "before the change")
			c.change(r)
			err := check(t, r, c.body, at)
			require.NotNil(t, err)
			require.Equal(t, c.want, err.Code, err.Message)
		})
	}
}

func replaceAuth(old, with string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
	}
}

func TestAPayloadMayBeLeftUnsigned(t *testing.T) {
	header := http.Header{"X-Amz-Content-Sha256": {unsignedPayload}}
	r := signed(t, request(t, "POST", "/", "x", header), unsignedPayload, "dynamodb")
	require.Nil(t, check(t, r, "anything", at))
}

func TestASignedHashMustBeThatOfTheBody(t *testing.T) {
	header := http.Header{"X-Amz-Content-Sha256": {hashOf("x")}}
	r := signed(t, request(t, "POST", "/", "x", header), hashOf("x"), "dynamodb")
	require.Nil(t, check(t, r, "x", at))
	err := check(t, r, "y", at)
	require.NotNil(t, err)
	require.Equal(t, "InvalidSignatureException", err.Code)
}

func presign(t testing.TB, target string, expires string) *http.Request {
	t.Helper()
	r := request(t, "GET", target, "", nil)
	if expires != "" {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", expires)
		r.URL.RawQuery = q.Encode()
	}
	creds := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "secret"}
	to, _, err := v4.NewSigner().PresignHTTP(context.Background(), creds, r, hashOf(""), "lambda", "us-east-1", at)
	require.NoError(t, err)
	u, err := url.Parse(to)
	require.NoError(t, err)
	return request(t, "GET", u.RequestURI(), "", nil)
}

func TestAPresignedURLWorksUntilItExpires(t *testing.T) {
	for _, c := range []struct {
		expires string
		now     time.Time
		want    string
	}{
		{"60", at, ""},
		{"60", at.Add(60 * time.Second), ""},
		{"60", at.Add(61 * time.Second), "InvalidSignatureException"},
		{"3600", at.Add(59 * time.Minute), ""},
		{"", at.Add(15 * time.Minute), ""},
		{"", at.Add(15*time.Minute + time.Second), "InvalidSignatureException"},
		{"60", at.Add(-6 * time.Minute), "InvalidSignatureException"},
		{"604801", at, "IncompleteSignatureException"},
		{"0", at, "IncompleteSignatureException"},
	} {
		err := check(t, presign(t, "/path?a=1", c.expires), "", c.now)
		if c.want == "" {
			if err != nil {
				t.Errorf("presigned for %q at %s: got %v, want nil", c.expires, c.now.Sub(at), err)
			}
			continue
		}
		if err == nil || err.Code != c.want {
			t.Errorf("presigned for %q at %s: got %v, want %s", c.expires, c.now.Sub(at), err, c.want)
		}
	}
	r := presign(t, "/path?a=1", "60")
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "a=1", "a=2", 1)
	err := check(t, r, "", at)
	require.NotNil(t, err)
	require.Equal(t, "InvalidSignatureException", err.Code)
}

func TestRoutesThatAreNotVerified(t *testing.T) {
	m := NewMux(nil, nil, nil)
	text := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, s) })
	}
	answer := func(r *http.Request) string {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		return w.Body.String()
	}
	m.HandleRaw("s3", text("raw"))
	require.Equal(t, "raw", answer(signed(t, request(t, "PUT", "/b/k", "x", nil), hashOf("x"), "s3")))
	require.Contains(t, answer(request(t, "GET", "/x", "", nil)), "missing Authentication Token", "no fallback set")
	m.Fallback(text("fallback"))
	require.Equal(t, "fallback", answer(request(t, "GET", "/x", "", nil)))
	require.Equal(t, "fallback", answer(request(t, "GET", "/x", "", http.Header{"Authorization": {"Bearer abc"}})))
	require.Contains(t, answer(request(t, "POST", "/", "", http.Header{"X-Amz-Target": {"S.Do"}})), "missing Authentication Token")
}

// refuser remembers what it refused.
type refuser struct{ codes []string }

func (h *refuser) ServeAWS(w http.ResponseWriter, r *Request) { ReplyJSON(w, r, nil) }

func (h *refuser) RefuseAWS(w http.ResponseWriter, r *Request, fault *Error) {
	h.codes = append(h.codes, r.Service+" "+string(r.Body)+" "+fault.Code)
}

func TestAServiceMayRefuseInItsOwnWords(t *testing.T) {
	m := NewMux(Credentials{"local": "secret"}, func() time.Time { return at.Add(time.Hour) }, nil)
	h := &refuser{}
	m.Handle("dynamodb", 10, h)
	m.Target("dynamodb", "DynamoDB_")
	m.Fallback(m.Unsigned("dynamodb"))
	target := http.Header{"X-Amz-Target": {"DynamoDB_20120810.ListTables"}}
	for _, r := range []*http.Request{
		signed(t, request(t, "POST", "/", "{}", target), hashOf("{}"), "dynamodb"),
		request(t, "POST", "/", "{}", target),
		request(t, "POST", "/", "hi", nil),
		request(t, "POST", "/", "more than it", target),
		request(t, "POST", "/?X-Amz-Algorithm=a", "{}", target),
	} {
		m.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.Equal(t, []string{
		"dynamodb {} InvalidSignatureException", "dynamodb {} MissingAuthenticationTokenException",
		"dynamodb hi MissingAuthenticationTokenException", "dynamodb  RequestEntityTooLargeException",
		"dynamodb {} IncompleteSignatureException",
	}, h.codes)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, request(t, "POST", "/", "{}", http.Header{"X-Amz-Target": {"AmazonSQS.ListQueues"}}))
	require.Len(t, h.codes, 5, "another service's target")
	require.Equal(t, "MissingAuthenticationTokenException", w.Header().Get("X-Amzn-Errortype"))
}

func TestABodyBeyondTheLimitIsRefused(t *testing.T) {
	m := NewMux(Credentials{"local": "secret"}, func() time.Time { return at }, nil)
	m.Handle("sqs", 10, HandlerFunc(func(w http.ResponseWriter, r *Request) { ReplyJSON(w, r, nil) }))
	do := func(body string, chunked bool) int {
		r := request(t, "POST", "/", body, nil)
		if chunked {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		m.ServeHTTP(w, signed(t, r, hashOf(body), "sqs"))
		return w.Code
	}
	for _, chunked := range []bool{false, true} {
		require.Equal(t, 200, do("0123456789", chunked))
		require.Equal(t, 413, do("0123456789a", chunked))
	}
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	var into struct {
		Name  string
		Count int
	}
	require.NoError(t, Decode(&Request{}, &into))
	require.NoError(t, Decode(&Request{Body: []byte(`{"Name":"n","Other":1}`)}, &into))
	require.Equal(t, "n", into.Name)
	for body, want := range map[string]string{
		`{"Count":"x"}`: `a string at offset 12 does not fit member "Count"`,
		`{"Count":1`:    "invalid JSON",
		`{} {}`:         "invalid JSON",
	} {
		err := Decode(&Request{Body: []byte(body)}, &into)
		require.ErrorContains(t, err, "SerializationException")
		require.ErrorContains(t, err, want)
	}
}

func TestTheKeyCacheStaysBounded(t *testing.T) {
	var c signingKeys
	for i := range maxSigningKeys + 10 {
		s := scope{"local", "20260501", "region-" + string(rune('a'+i%26)) + time.Duration(i).String(), "sqs"}
		require.Equal(t, deriveKey(s, "secret"), c.get(s, "secret"))
	}
	require.LessOrEqual(t, len(c.mu.keys), maxSigningKeys)
}

// FuzzVerify looks for input that panics or that passes without a signature made
// with the secret.
func FuzzVerify(f *testing.F) {
	r := signed(f, request(f, "POST", "/p?q=1", "body", nil), hashOf("body"), "dynamodb")
	f.Add(r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date"), "/p?q=1", "body")
	f.Add("AWS4-HMAC-SHA256 Credential=local/20260501/r/s/aws4_request,SignedHeaders=host;;,Signature=00", "20260501T120000Z", "/?%zz&=&a=%", "")
	f.Add("", "", presign(f, "/x?a=1", "60").URL.RequestURI(), "")
	v := verifier{secrets: Credentials{"local": "another secret"}}
	f.Fuzz(func(t *testing.T, auth, date, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := &http.Request{Method: "POST", URL: u, Host: "h", Header: http.Header{"Authorization": {auth}, "X-Amz-Date": {date}}}
		a, ok, fault := parseAuthorization(r)
		if !ok || fault != nil {
			return
		}
		if fault := v.verify(r, &a, []byte(body), at); fault == nil {
			t.Fatalf("verify(%q, %q, %q) passed without the secret", auth, date, target)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for name, body := range map[string]string{"body=400B": strings.Repeat("x", 400), "body=64KiB": strings.Repeat("x", 64<<10)} {
		b.Run(name, func(b *testing.B) {
			r := signed(b, request(b, "POST", "/", body, http.Header{
				"X-Amz-Target": {"DynamoDB_20120810.BatchWriteItem"}, "Content-Type": {"application/x-amz-json-1.0"},
				"Amz-Sdk-Invocation-Id": {"0f0f0f0f-0000-4000-8000-000000000000"}, "Amz-Sdk-Request": {"attempt=1; max=3"},
			}), hashOf(body), "dynamodb")
			v := verifier{secrets: Credentials{"local": "secret"}}
			payload := []byte(body)
			b.ReportAllocs()
			for b.Loop() {
				a, _, _ := parseAuthorization(r)
				if err := v.verify(r, &a, payload, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
