package ingestion_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

var (
	now   = time.Date(2026, 11, 27, 10, 4, 30, 0, time.UTC)
	names = ingestion.StreamNames{"stampede-products", "stampede-orders", "stampede-customers"}
)

// bucket is a Firehose that keeps what it is given, unless told otherwise.
type bucket struct {
	mu     sync.Mutex
	data   map[string][]byte // by stream: records one after another, as in an S3 object
	calls  map[string]int
	refuse map[string]bool // answered with a failed record
	down   map[string]bool // not answered
}

func newBucket() *bucket {
	return &bucket{data: map[string][]byte{}, calls: map[string]int{}, refuse: map[string]bool{}, down: map[string]bool{}}
}

func (b *bucket) PutRecordBatch(_ context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	stream := *in.DeliveryStreamName
	b.calls[stream]++
	switch {
	case b.down[stream]:
		return nil, errors.New("connection refused")
	case b.refuse[stream]:
		return &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(1)}, nil
	}
	for _, r := range in.Records {
		b.data[stream] = append(b.data[stream], r.Data...)
	}
	return &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(0)}, nil
}

// records reads a stream's bytes as a processing function does.
func (b *bucket) records(t testing.TB, stream api.Stream) []*api.Record {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*api.Record
	for rest := b.data["stampede-"+string(stream)]; len(rest) > 0; {
		message, n := protowire.ConsumeBytes(rest)
		require.Positive(t, n, "record behind its length")
		rest = rest[n:]
		r := new(api.Record)
		require.NoError(t, proto.Unmarshal(message, r))
		require.Empty(t, r.ProtoReflect().GetUnknown())
		out = append(out, r)
	}
	return out
}

func (b *bucket) events(t testing.TB, stream api.Stream) []*api.Event {
	var out []*api.Event
	for _, r := range b.records(t, stream) {
		out = append(out, r.Events...)
	}
	return out
}

func options(t testing.TB, client ingestion.Firehose) ingestion.Options {
	delivery := ingestion.NewDelivery(client, names)
	t.Cleanup(func() { require.NoError(t, delivery.Close()) })
	return ingestion.Options{Delivery: delivery, Version: "7", Now: func() time.Time { return now }}
}

func eventsHandler(t testing.TB, client ingestion.Firehose) *ingestion.Events {
	h, err := ingestion.NewEvents(options(t, client))
	require.NoError(t, err)
	return h
}

// post is a request as the gateway hands it to the function.
func post(body string, headers ...string) events.APIGatewayProxyRequest {
	r := events.APIGatewayProxyRequest{
		Resource: "/v1/tenants/{tenant}/events", Path: "/v1/tenants/t0001/events", HTTPMethod: "POST",
		Headers:        map[string]string{"content-type": api.BatchContentType, "Host": "localhost"},
		PathParameters: map[string]string{"tenant": "t0001"}, Body: body,
		RequestContext: events.APIGatewayProxyRequestContext{RequestID: "req-1", Authorizer: map[string]any{"tenant": "t0001"}},
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers[headers[i]] = headers[i+1]
	}
	return r
}

type invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

func invoke(t testing.TB, h invoker, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	t.Helper()
	payload, err := json.Marshal(r)
	require.NoError(t, err)
	out, err := h.Invoke(context.Background(), payload)
	require.NoError(t, err)
	var answer events.APIGatewayProxyResponse
	require.NoError(t, json.Unmarshal(out, &answer))
	require.Equal(t, "application/json", answer.Headers["Content-Type"])
	return answer
}

func batchAnswer(t testing.TB, r events.APIGatewayProxyResponse) api.BatchAnswer {
	t.Helper()
	var answer api.BatchAnswer
	require.NoError(t, json.Unmarshal([]byte(r.Body), &answer))
	return answer
}

func code(t testing.TB, r events.APIGatewayProxyResponse) string {
	t.Helper()
	var problem struct{ Code, Message string }
	require.NoError(t, json.Unmarshal([]byte(r.Body), &problem))
	return problem.Code
}

// idAt is a fixed id of an instant.
func idAt(at time.Time, n byte) api.ID { return api.NewID(at, [10]byte{9: n}) }

func event(kind string, n byte, data string) string {
	return `{"specversion":"1.0","id":"` + idAt(now, n).String() + `","source":"/shop/x","type":"` + kind + `","data":` + data + `}`
}

const (
	viewed   = `{"sku":"85123A","customer":"17850"}`
	created  = `{"order":"536365","customer":"17850","currency":"GBP","lines":[{"sku":"85123A","quantity":6,"unit_price":"2.55"},{"sku":"71053","quantity":6,"unit_price":"3.39"}]}`
	customer = `{"customer":"17850","email":" Ada@Example.com ","country":"GB"}`
)

func zip(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func replaceCurrency(body, currency string) string {
	quoted, _ := json.Marshal(currency)
	return strings.Replace(body, `"currency":"EUR"`, `"currency":`+string(quoted), 1)
}
