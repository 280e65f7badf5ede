package dynamodb

import (
	"bytes"
	"compress/gzip"
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
	r.put("items", av{"pk": S("small")})
	r.put("items", av{"pk": S("large"), "x": S(strings.Repeat("snow ", 4000))})
	for _, c := range []struct {
		pk, accept string
		want       bool
	}{
		{"large", "", false}, {"large", "identity", false}, {"large", "gzip;q=0", false}, {"large", "br", false},
		{"large", "gzip", true}, {"large", "deflate, gzip;q=0.5", true}, {"small", "gzip", false},
	} {
		t.Run(c.pk+" "+c.accept, func(t *testing.T) {
			w := r.past("GetItem", fmt.Sprintf(`{"TableName":"items","Key":{"pk":{"S":"%s"}}}`, c.pk), http.Header{"Accept-Encoding": {c.accept}})
			body := w.Body.Bytes()
			require.Equal(t, strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10), w.Header().Get("X-Amz-Crc32"), "the checksum is of what is sent")
			require.Equal(t, strconv.Itoa(len(body)), w.Header().Get("Content-Length"))
			require.Equal(t, map[bool]string{true: "gzip"}[c.want], w.Header().Get("Content-Encoding"))
			if c.want {
				require.Less(t, len(body), 1000)
				z, err := gzip.NewReader(bytes.NewReader(body))
				require.NoError(t, err)
				body, err = io.ReadAll(z)
				require.NoError(t, err)
			}
			require.Contains(t, string(body), `"pk":{"S":"`+c.pk+`"}`)
		})
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
	}
}
