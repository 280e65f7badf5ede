package dynamodb

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
)

// past sends a request to the service with headers, past the mux.
func (r *rig) past(action, body string, header http.Header) *httptest.ResponseRecorder {
	req := wireRequest(action, body)
	req.HTTP = httptest.NewRequest(http.MethodPost, "/", nil)
	for name, values := range header {
		req.HTTP.Header[name] = values
	}
	if header["Content-Type"] == nil {
		req.HTTP.Header.Set("Content-Type", jsonAWS)
	}
	req.HTTP.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	w := httptest.NewRecorder()
	r.service.ServeAWS(w, req)
	return w
}

func TestLargeAnswersAreCompressedForThoseWhoTakeIt(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	r.put("items", av{"pk": S("small"), "x": S(strings.Repeat("x", compressFrom-50))})
	r.put("items", av{"pk": S("large"), "x": S(strings.Repeat("x", compressFrom))})
	for _, c := range []struct{ pk, accept, want string }{
		{"large", "", ""}, {"large", "identity", ""}, {"large", "gzip", "gzip"}, {"large", "deflate", "deflate"}, {"small", "gzip", ""},
	} {
		t.Run(c.pk+" "+c.accept, func(t *testing.T) {
			w := r.past("GetItem", fmt.Sprintf(`{"TableName":"items","Key":{"pk":{"S":"%s"}}}`, c.pk), http.Header{"Accept-Encoding": {c.accept}})
			body := w.Body.Bytes()
			require.Equal(t, strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10), w.Header().Get("X-Amz-Crc32"), "the checksum is of what is sent")
			require.Equal(t, strconv.Itoa(len(body)), w.Header().Get("Content-Length"))
			require.Equal(t, c.want, w.Header().Get("Content-Encoding"))
			var z io.Reader
			var err error
			switch c.want {
			case "gzip":
				z, err = gzip.NewReader(bytes.NewReader(body))
			case "deflate":
				z, err = zlib.NewReader(bytes.NewReader(body))
			default:
				z = bytes.NewReader(body)
			}
			require.NoError(t, err)
			if c.want != "" {
				require.Less(t, len(body), compressFrom/30)
			}
			body, err = io.ReadAll(z)
			require.NoError(t, err)
			require.Contains(t, string(body), `"pk":{"S":"`+c.pk+`"}`)
		})
	}
}

// How ScyllaDB's tests saw AWS read the header.
func TestAcceptEncoding(t *testing.T) {
	for accept, want := range map[string]string{
		"": "", "identity": "", "br": "", "x-gzip": "", `"gzip"`: "", "gzip br": "", "gzip:q=1": "", "identity;q=0": "",
		"gzip, deflate": "gzip", "br, identity, deflate, gzip": "deflate", "GZIP, identity": "gzip", "dog, gzip ,, cat": "gzip",
		"gzip;q=0.8, deflate;q=0.5": "gzip", "br, gzip;q=0, deflate; q = 0.5 , identity;q=0": "deflate",
		"*": "gzip", "*, deflate;q=0.5": "gzip", "*, deflate": "deflate", "*, identity": "gzip", "*, gzip;q=0.5": "deflate",
		"gzip ;q=0": "", "*;q=0": "", "*;q=0.5,identity": "gzip", "gzip;q=0.5,identity;q=0.8": "gzip", "br;q=0.8,identity;q=0.5,*;q=0": "",
		"deflate;q=0.5, gzip;q=31": "gzip", "gzip;q=31,deflate;q=51": "gzip", "deflate;q=0.5, gzip;q=0.2": "deflate", "deflate;q=0.5, gzip;q=1;q=0.2": "gzip",
		"deflate;q=0.5,gzip;q=0.": "deflate", "deflate;q=0.5,gzip;q=0.x": "gzip", "deflate;q=0.5,gzip;q=0. x": "gzip", "deflate;q=-0.5,gzip;q=0.2": "gzip",
		"gzip;q= 0;q=1": "", "gzip;q =0;q=1": "gzip", "gzip; q=0;q=1": "", "gzip;nq=0;q=1": "", "gzip;q=0, gzip;q=1, gzip;q=0": "gzip",
		"br,identity;q=0.5,gzip;q=0.0001": "gzip",
	} {
		require.Equal(t, want, acceptedEncoding(&http.Request{Header: http.Header{"Accept-Encoding": {accept}}}), accept)
	}
	require.Empty(t, acceptedEncoding(&http.Request{Header: http.Header{"Accept-Encoding": {"identity", "gzip"}}}), "only the first header counts")
	require.Empty(t, acceptedEncoding(nil))
}

func TestBodiesMayBeCompressed(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	encoded := func(encoding, text string) string {
		b, err := compressed([]byte(text), encoding)
		require.NoError(t, err)
		return string(b)
	}
	put := func(pk string) string {
		return fmt.Sprintf(`{"TableName":"items","Item":{"pk":{"S":"%s"}}}`, pk)
	}
	for _, c := range []struct {
		pk, encoding, body string
		status             int
	}{
		{"plain", "identity", put("plain"), 200},
		{"gzip", "gzip", encoded("gzip", put("gzip")), 200},
		{"two", "gzip", encoded("gzip", put("two")[:10]) + encoded("gzip", put("two")[10:]), 200},
		{"deflate", "deflate", encoded("deflate", put("deflate")), 200},
		{"none", "gzip", put("none"), 500},
		{"nor", "deflate", put("nor"), 500},
		{"unknown", "garbage", put("unknown"), 500},
		{"cut", "gzip", encoded("gzip", put("cut"))[:30], 500},
		{"large", "gzip", encoded("gzip", put("large")+strings.Repeat(" ", MaxBody)), 500},
		{"", "gzip", "", 500},
		{"", "deflate", "", 500},
	} {
		w := r.past("PutItem", c.body, http.Header{"Content-Encoding": {c.encoding}})
		require.Equal(t, c.status, w.Code, c.pk)
		if c.pk != "" {
			require.Equal(t, c.status == 200, r.get("items", av{"pk": S(c.pk)}) != nil, c.pk)
		}
	}
}

// The SDK asks for gzip if it is told to, and then checks the sum over what was sent.
func TestTheSDKTakesCompressedAnswers(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	long := strings.Repeat("snow ", 4000)
	r.put("items", av{"pk": S("a"), "x": S(long)})
	out, err := r.GetItem(ctx, &ddb.GetItemInput{TableName: str("items"), Key: av{"pk": S("a")}}, func(o *ddb.Options) { o.EnableAcceptEncodingGzip = true })
	require.NoError(t, err)
	require.Equal(t, long, showValue(out.Item["x"]))
}

func TestAnAnswerHasTheRequestsKindOfJSON(t *testing.T) {
	r := open(t, Options{})
	for sent, want := range map[string]string{
		"application/x-amz-json-1.0": "application/x-amz-json-1.0", "application/json": "application/json",
		"application/json; charset=utf-8": "application/json",
	} {
		w := r.past("ListTables", "{}", http.Header{"Content-Type": {sent}})
		require.Equal(t, want, w.Header().Get("Content-Type"), sent)
		require.Equal(t, "Server", w.Header().Get("Server"), "as AWS calls itself")
	}
}
