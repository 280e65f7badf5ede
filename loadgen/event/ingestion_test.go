package event_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/retail"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

// stream is a Firehose that keeps the events it is given.
type stream struct {
	mu     sync.Mutex
	events map[api.ID]event.Fact
}

func (s *stream) PutRecordBatch(_ context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range in.Records {
		for rest := r.Data; len(rest) > 0; {
			message, n := protowire.ConsumeBytes(rest)
			if n < 0 {
				return nil, protowire.ParseError(n)
			}
			rest = rest[n:]
			var record api.Record
			if err := proto.Unmarshal(message, &record); err != nil {
				return nil, err
			}
			for _, e := range record.Events {
				f, err := event.FactOf(e)
				if err != nil {
					return nil, err
				}
				s.events[f.ID] = f
			}
		}
	}
	return &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(0)}, nil
}

// shops knows the tenants of a population.
type shops []tenant.Tenant

func (s shops) Shop(_ context.Context, id string) (ingestion.Shop, error) {
	for i := range s {
		if s[i].ID == id {
			return ingestion.Shop{Platform: string(s[i].Platform), Secret: s[i].WebhookSecret, Currency: s[i].Currency}, nil
		}
	}
	return ingestion.Shop{}, ingestion.ErrNoShop
}

// The platform's own ingestion must take every request, and read from it what the generator
// expects: this is the contract that the ledger stands on.
func TestIngestionReadsTheExpectedFacts(t *testing.T) {
	m, p, tenants := fixture(t, 3)
	taken := &stream{events: map[api.ID]event.Fact{}}
	delivery := ingestion.NewDelivery(taken, ingestion.StreamNames{"p", "o", "c"})
	defer func() { require.NoError(t, delivery.Close()) }()
	o := ingestion.Options{Delivery: delivery, Now: func() time.Time { return epoch.Add(5 * time.Second) }}
	batches, err := ingestion.NewEvents(o)
	require.NoError(t, err)
	webhooks, err := ingestion.NewWebhooks(o, shops(tenants))
	require.NoError(t, err)

	send := func(r event.Request, webhook bool) {
		in := events.APIGatewayProxyRequest{
			HTTPMethod: r.Method, Path: r.Path, PathParameters: map[string]string{"tenant": r.Tenant}, Body: string(r.Body), Headers: map[string]string{},
			RequestContext: events.APIGatewayProxyRequestContext{RequestID: "r", Authorizer: map[string]any{"tenant": r.Tenant}},
		}
		for name := range r.Header {
			in.Headers[name] = r.Header.Get(name)
		}
		invoke := batches.Invoke
		if webhook {
			in.RequestContext.Authorizer = nil // signed, not authorized
			invoke = webhooks.Invoke
		}
		payload, err := json.Marshal(in)
		require.NoError(t, err)
		out, err := invoke(context.Background(), payload)
		require.NoError(t, err)
		var answer events.APIGatewayProxyResponse
		require.NoError(t, json.Unmarshal(out, &answer))
		require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, answer.StatusCode, "%s\n%s", answer.Body, r.Body)
		for _, want := range r.Facts {
			require.Empty(t, cmp.Diff(want, taken.events[want.ID]), "%s %s", want.Type, r.Body)
		}
	}
	n, sent := 0, map[string]int{} // by platform and type
	for e := range p.Entries() {
		if e.Kind == plan.Read {
			continue
		}
		r, err := m.Make(e)
		require.NoError(t, err)
		if _, platform, webhook := strings.Cut(r.Path, "/webhooks/"); webhook {
			send(r, true)
			sent[platform]++
			sent[platform+" "+r.Facts[0].Type.Name()]++
			continue
		}
		if n += len(r.Facts); n <= 12000 {
			send(r, false)
		}
	}
	for i, one := range tenants { // Magento shops send few: all that they send, here
		if e := (plan.Entry{Kind: plan.Webhook, Events: 1, Tenant: int32(i), Body: uint64(i)}); one.Platform == tenant.Magento && i < 1200 {
			r, err := m.Make(e)
			require.NoError(t, err)
			send(r, true)
			sent["magento "+r.Facts[0].Type.Name()]++
		}
	}
	for platform, types := range map[string]int{"shopify": 8, "woocommerce": 8, "magento": 8, "custom": 6} {
		of := 0
		for name := range sent {
			if strings.HasPrefix(name, platform+" ") {
				of++
			}
		}
		require.GreaterOrEqual(t, of, types, "types of %s in %v", platform, sent)
		require.NotZero(t, sent[platform], platform)
	}

	day, err := retail.Excerpt()
	require.NoError(t, err)
	requests, err := day.Batches(retail.Target{Tenant: &tenants[0], Day: retail.LastWholeDay(epoch, tenants[0].Location()), Key: []byte("k")})
	require.NoError(t, err)
	for _, r := range requests {
		send(r, false)
	}
}
