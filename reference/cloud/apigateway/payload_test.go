package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
)

// FuzzPayload says that whatever a client sends, the function gets JSON, and in it the body and
// the path parameter byte for byte.
func FuzzPayload(f *testing.F) {
	f.Add("A%2F1", "a=1&b=%zz&=&a", "X-Any", "v\"\\\n", []byte("[{\"a\":\"\\u0000\"}]\x00\x1f\x7f"), false)
	f.Add("%C3%A4", "", "Accept", "\xff", []byte{0xff, 0xfe}, true)
	routes, _, err := compile(api.Document())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, sku, query, name, value string, body []byte, encoded bool) {
		path := "/v1/tenants/t0001/inventory/" + sku
		route, params, ok := routes.match("GET", path)
		if !ok {
			return
		}
		plain, err := url.PathUnescape(sku)
		require.NoError(t, err)
		r := &http.Request{Method: "GET", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{name: {value, value}}, Host: "h", Proto: "HTTP/1.1"}
		if encoded {
			r.Header["Content-Encoding"] = []string{"gzip"}
		}
		p := proxied{route: route, params: params, request: r, id: "i", identity: identity{tenant: value}, body: body, now: time.Unix(0, 0)}
		var got events.APIGatewayProxyRequest
		require.NoError(t, json.Unmarshal(p.append(nil), &got))
		want := string(body)
		if got.IsBase64Encoded {
			raw, err := base64.StdEncoding.DecodeString(got.Body)
			require.NoError(t, err)
			got.Body = string(raw)
		}
		require.Equal(t, want, got.Body)
		if utf8.ValidString(plain) {
			require.Equal(t, plain, got.PathParameters["sku"])
		}
	})
}

// FuzzMatch holds the router against a search that splits and compares.
func FuzzMatch(f *testing.F) {
	routes, _, err := compile(api.Document())
	require.NoError(f, err)
	for _, r := range routes.routes {
		f.Add(r.method, r.resource)
	}
	f.Add("POST", "//v1/tenants/a/events")
	f.Fuzz(func(t *testing.T, method, path string) {
		got, _, ok := routes.match(method, path)
		var want *route
		have := strings.Split(path, "/")
		for _, r := range routes.routes {
			parts := strings.Split(r.resource, "/")
			same := r.method == method && len(parts) == len(have)
			for i := 0; same && i < len(parts); i++ {
				if strings.HasPrefix(parts[i], "{") {
					_, err := url.PathUnescape(have[i])
					same = have[i] != "" && err == nil
				} else {
					same = parts[i] == have[i]
				}
			}
			if same {
				want = r
			}
		}
		require.Equal(t, want != nil, ok, path)
		require.Same(t, want, got)
	})
}

func FuzzCompile(f *testing.F) {
	f.Add(api.Document())
	f.Fuzz(func(t *testing.T, document []byte) { _, _, _ = compile(document) })
}

// BenchmarkPayload is the CPU of building a payload with a body of 20 events, 6 KB.
func BenchmarkPayload(b *testing.B) {
	routes, _, err := compile(api.Document())
	require.NoError(b, err)
	body := []byte("[" + strings.Repeat(`{"specversion":"1.0","id":"01a21c76-b02b-7369-8f12-8c6f3b8d68c0","source":"/shop/example","type":"order.created","data":{"order":"536365","customer":"c-17850","currency":"GBP","lines":[{"sku":"85123A","quantity":6,"unit_price":"2.55"}]}},`, 20) + "]")
	r := httptest.NewRequest("POST", "/v1/tenants/t0001/events", nil)
	r.Header = http.Header{"Content-Type": {api.BatchContentType}, "X-Api-Key": {strings.Repeat("k", 40)}, "User-Agent": {"vegeta"}, "Content-Length": {"6000"}, "Accept-Encoding": {"gzip"}}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		route, params, _ := routes.match("POST", r.URL.EscapedPath())
		p := proxied{route: route, params: params, request: r, id: "01a21c76-b02b-7369-8f12-8c6f3b8d68c0", body: body}
		out = p.append(out[:0])
	}
}
