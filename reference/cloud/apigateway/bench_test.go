package apigateway_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/cloud/apigateway"
)

// discard is a ResponseWriter without a connection.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

type body struct{ *bytes.Reader }

func (body) Close() error { return nil }

// BenchmarkGateway is the CPU of a request with 20 events, without the HTTP server and Lambda.
func BenchmarkGateway(b *testing.B) {
	w := newWorld(b, &apigateway.Limits{RequestsPerSecond: 1e12, Burst: 1e12}).deploy()
	answer := []byte(`{"statusCode":202,"headers":{"Content-Type":"application/json","X-Correlation-Id":"01a21c76"},"isBase64Encoded":false,"body":"{\"accepted\":20,\"refused\":0,\"correlation_id\":\"01a21c76\"}"}`)
	gateway := w.gatewayWith(b, func(context.Context, string, []byte) ([]byte, string, string, error) { return answer, "", "1", nil })
	events := []byte("[" + strings.Repeat(`{"specversion":"1.0","id":"01a21c76-b02b-7369-8f12-8c6f3b8d68c0","source":"/shop/example","type":"order.created","data":{"order":"536365","customer":"c-17850","currency":"GBP","lines":[{"sku":"85123A","quantity":6,"unit_price":"2.55"}]}},`, 20) + "]")
	r, err := http.NewRequest("POST", "http://localhost"+eventsPath, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {api.BatchContentType}, "X-Api-Key": {key1}, "User-Agent": {"vegeta"}, "Accept-Encoding": {"gzip"}}
	r.ContentLength = int64(len(events))
	reader := bytes.NewReader(events)
	r.Body = body{reader}
	b.ReportAllocs()
	began := cpuNanoseconds()
	for b.Loop() {
		reader.Reset(events)
		gateway.ServeHTTP(discard{http.Header{}}, r)
	}
	b.ReportMetric(float64(cpuNanoseconds()-began)/float64(b.N), "cpu-ns/request")
}

type invokerFunc func(context.Context, string, []byte) ([]byte, string, string, error)

func (f invokerFunc) Invoke(ctx context.Context, arn string, payload []byte) ([]byte, string, string, error) {
	return f(ctx, arn, payload)
}

// gatewayWith is a second gateway on the same database.
func (w *world) gatewayWith(b *testing.B, f invokerFunc) *apigateway.Service {
	gateway, err := apigateway.Open(apigateway.Options{DB: w.db, Invoker: f, Keys: w.issuer, Limits: w.limits})
	if err != nil {
		b.Fatal(err)
	}
	return gateway
}

func cpuNanoseconds() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}
