package ingestion_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/functions/ingestion"
)

// BenchmarkEvents is the CPU of ingest-events per event of a batch of 20 in the default mix:
// without delivery, and with the real SDK against a server that answers at once (whose own
// CPU is in the figure). Run it as a function runs: GOMAXPROCS=1 GOGC=400.
func BenchmarkEvents(b *testing.B) {
	var batch []string
	for i := range 20 {
		switch {
		case i < 12:
			batch = append(batch, event("product.viewed", byte(i), viewed))
		case i < 14:
			batch = append(batch, event("inventory.adjusted", byte(i), `{"sku":"85123A","quantity":12,"sequence":99}`))
		case i < 18:
			batch = append(batch, event("order.created", byte(i), created))
		default:
			batch = append(batch, event("customer.created", byte(i), customer))
		}
	}
	payload, err := json.Marshal(post("[" + strings.Join(batch, ",") + "]"))
	require.NoError(b, err)
	for _, tt := range []struct {
		name   string
		client ingestion.Firehose
	}{{"delivery=none", newBucket()}, {"delivery=sdk", sdk(b)}} {
		b.Run(tt.name, func(b *testing.B) {
			h := eventsHandler(b, tt.client)
			began := cpuNanoseconds()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Invoke(context.Background(), payload); err != nil {
					b.Fatal(err)
				}
				if k, ok := tt.client.(*bucket); ok {
					clear(k.data)
				}
			}
			b.ReportMetric(float64(cpuNanoseconds()-began)/float64(b.N)/20, "cpu-ns/event")
		})
	}
}

func cpuNanoseconds() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// sdk is the real client against a server that reads and answers, no more.
func sdk(b *testing.B) *firehose.Client {
	const body = `{"FailedPutCount":0,"RequestResponses":[{"RecordId":"0123456789abcdef"}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, body)
	}))
	transport := new(http.Transport)
	b.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	return firehose.New(firehose.Options{Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
}
