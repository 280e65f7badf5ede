package run

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reports"
)

// refusal is one hostile or broken request and the status that the event API promises for it.
type refusal struct {
	name   string
	path   string
	header http.Header
	body   []byte
	want   int
	ids    []api.ID // of the events inside, in order
}

// refusals are the requests that a public event API must turn away, and two that it must not:
// one that comes again, and one of which a part is good. What is refused must not be found
// afterwards, the rest once; the ledger sees to it.
func refusals(seed uint64, now time.Time, us tenant.Tenant, other string) []refusal {
	random := plan.Rand(seed, "refusals", 0)
	newID := func(at time.Time) api.ID {
		var bits [10]byte
		for i := range bits {
			bits[i] = byte(random.Uint32())
		}
		return api.NewID(at, bits)
	}
	viewed := func(id api.ID) []byte {
		body, err := probeBody(id, now)
		if err != nil {
			panic(err) // constant input
		}
		return body
	}
	events, webhooks := "/v1/tenants/"+us.ID+"/events", "/v1/tenants/"+us.ID+"/webhooks/"
	key := func(apiKey string) http.Header {
		return http.Header{"Content-Type": {api.BatchContentType}, "X-Api-Key": {apiKey}}
	}
	bare, foreign, early, late, big, many, unsigned := newID(now), newID(now), newID(now.Add(time.Hour)), newID(now.Add(-40*24*time.Hour)), newID(now), newID(now), newID(now)

	padded, _ := json.Marshal([]api.CloudEvent{{SpecVersion: "1.0", ID: big.String(), Source: "/stampede/probe",
		Type: "product.viewed", Time: now, Data: json.RawMessage(`{"sku":"` + strings.Repeat("x", api.MaxEventBytes+1) + `"}`)}})
	crowd := []byte("[" + strings.TrimSuffix(strings.Repeat(string(bytes.Trim(viewed(many), "[]"))+",", api.MaxBatchEvents+1), ",") + "]")
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(bytes.Repeat([]byte(" "), api.MaxBatchBytes+1))
	_ = zip.Close()
	zipped := key(us.APIKey)
	zipped.Set("Content-Encoding", "gzip")

	again, good, bad, alone := newID(now), newID(now), newID(now.Add(time.Hour)), newID(now)
	mixed := []byte("[" + string(bytes.Trim(viewed(good), "[]")) + "," + string(bytes.Trim(viewed(bad), "[]")) + "]")
	return []refusal{
		{name: "an event", path: events, header: key(us.APIKey), body: viewed(again), want: 202, ids: []api.ID{again}},
		{name: "the same event again", path: events, header: key(us.APIKey), body: viewed(again), want: 202, ids: []api.ID{again}},
		{name: "a batch of which half is good", path: events, header: key(us.APIKey), body: mixed, want: 207, ids: []api.ID{good, bad}},
		{name: "no credentials", path: events, header: http.Header{"Content-Type": {api.BatchContentType}}, body: viewed(bare), want: 401, ids: []api.ID{bare}},
		{name: "another tenant's key", path: events, header: key(other), body: viewed(foreign), want: 403, ids: []api.ID{foreign}},
		{name: "malformed JSON", path: events, header: key(us.APIKey), body: []byte(`[{"specversion":`), want: 400},
		{name: "an id from the future", path: events, header: key(us.APIKey), body: viewed(early), want: 400, ids: []api.ID{early}},
		{name: "an id 40 days old", path: events, header: key(us.APIKey), body: viewed(late), want: 400, ids: []api.ID{late}},
		{name: "an event over 256 KiB", path: events, header: key(us.APIKey), body: padded, want: 400, ids: []api.ID{big}},
		{name: "more than 500 events", path: events, header: key(us.APIKey), body: crowd, want: 413, ids: []api.ID{many}},
		{name: "a gzip bomb", path: events, header: zipped, body: bomb.Bytes(), want: 413},
		{name: "a webhook with a wrong signature", path: webhooks + api.Shopify, header: http.Header{
			"Content-Type": {"application/json"}, "X-Shopify-Topic": {"orders/create"}, "X-Shopify-Event-Id": {unsigned.String()},
			"X-Shopify-Triggered-At": {now.UTC().Format(time.RFC3339Nano)}, "X-Shopify-Hmac-Sha256": {"bm90IGEgc2lnbmF0dXJl"},
		}, body: []byte(`{"id":1}`), want: 401, ids: []api.ID{api.WebhookID(api.Shopify, unsigned.String(), now)}},
		{name: "a WooCommerce webhook with a wrong signature", path: webhooks + api.WooCommerce, header: http.Header{
			"Content-Type": {"application/json"}, "X-Wc-Webhook-Topic": {"order.created"}, "X-Wc-Webhook-Signature": {"bm90IGEgc2lnbmF0dXJl"},
		}, body: []byte(`{"id":1}`), want: 401},
		{name: "an Adobe Commerce webhook with a wrong signature", path: webhooks + api.Magento, header: http.Header{
			"Content-Type": {"application/json"}, "X-Adobe-Commerce-Webhook-Signature": {"bm90IGEgc2lnbmF0dXJl"},
		}, body: []byte(`{"eventName":"observer.sales_order_save_after","data":{"order":{"entity_id":1}}}`), want: 401},
		{name: "a webhook that is not signed", path: webhooks + api.Custom, header: http.Header{"Content-Type": {"application/cloudevents+json"}},
			body: bytes.Trim(viewed(alone), "[]"), want: 401, ids: []api.ID{alone}},
	}
}

// sendRefusals sends them and checks the answers. What the journal holds of them lets the
// ledger look for their ids in the sinks.
func sendRefusals(ctx context.Context, p *platform, j *journal, list []refusal, tenantID string, since func() time.Duration) reports.Check {
	check := reports.Check{Name: "refusals", Group: reports.GroupData, Status: reports.Pass, Required: true,
		Objective: "broken and hostile requests get the promised status", Numbers: map[string]float64{"requests": float64(len(list))}}
	wrong := 0
	for _, r := range list {
		var facts []event.Fact
		for _, id := range r.ids {
			facts = append(facts, probeFact(id, id.Time()))
		}
		attempt := j.begin(ledger.Attempt{Tenant: tenantID, Events: facts}, since())
		got, err := send(ctx, p, r)
		j.end(attempt, got, err, len(facts), since())
		if err == nil && got.status == r.want {
			continue
		}
		wrong++
		said := fmt.Sprintf("%s: want %d, got %d", r.name, r.want, got.status)
		if err != nil {
			said = fmt.Sprintf("%s: want %d, got %v", r.name, r.want, err)
		}
		check.Examples = append(check.Examples, said)
	}
	check.Observed = fmt.Sprintf("%d of %d", len(list)-wrong, len(list))
	check.Numbers["wrong"] = float64(wrong)
	if wrong > 0 {
		check.Status = reports.Fail
	}
	return check
}

func send(ctx context.Context, p *platform, r refusal) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header = r.header
	return p.do(req)
}
