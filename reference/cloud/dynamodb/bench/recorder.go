package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// signedFor is the host that recorded requests are signed for. Whoever answers them does not
// resolve it.
const signedFor = "http://dynamodb.us-east-1.amazonaws.com"

// newClient is the SDK's client, sending through h.
func newClient(url string, h aws.HTTPClient) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), HTTPClient: h,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// recorder is an HTTP client that keeps what it is to send, as bytes of HTTP/1.1, and answers
// with an empty object.
type recorder struct{ sent [][]byte }

// Do implements [aws.HTTPClient].
func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		return nil, fmt.Errorf("record request: %w", err)
	}
	r.sent = append(r.sent, b.Bytes())
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// prepare makes a row's requests, signed now, for each client its own list.
func prepare(ctx context.Context, r row, partitions, clients int) ([][][]byte, error) {
	var rec recorder
	client := newClient(signedFor, &rec)
	g := &generator{rng: rand.New(rand.NewPCG(uint64(partitions), 11)), partitions: partitions}
	out := make([][][]byte, clients)
	for i := range r.calls {
		g.client, g.serial = i%clients, i
		rec.sent = nil
		if err := r.call(ctx, client, g); err != nil {
			return nil, fmt.Errorf("make request: %w", err)
		}
		out[g.client] = append(out[g.client], rec.sent...)
	}
	return out, nil
}
