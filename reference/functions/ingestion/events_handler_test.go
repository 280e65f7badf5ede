package ingestion_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/ingestion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAcceptedBatchIsInItsStreams(t *testing.T) {
	b := newBucket()
	r := invoke(t, eventsHandler(t, b), post("[ "+event("product.viewed", 1, viewed)+",\n"+event("order.created", 2, created)+" , "+event("customer.created", 3, customer)+"]",
		"x-correlation-id", "corr-42"))

	require.Equal(t, http.StatusAccepted, r.StatusCode, r.Body)
	require.Equal(t, "corr-42", r.Headers["X-Correlation-Id"])
	require.Equal(t, api.BatchAnswer{Accepted: 3, Correlation: "corr-42"}, batchAnswer(t, r))
	require.Equal(t, map[string]int{"stampede-products": 1, "stampede-orders": 1, "stampede-customers": 1}, b.calls)

	for _, stream := range api.Streams {
		records := b.records(t, stream)
		require.Len(t, records, 1)
		require.Equal(t, "t0001", records[0].Tenant)
		require.Equal(t, now.UnixMilli(), records[0].ReceivedMs)
		require.Equal(t, "corr-42", records[0].Correlation)
		require.Equal(t, "7", records[0].Version)
	}
	order := b.events(t, api.Orders)[0]
	id := idAt(now, 2)
	require.Equal(t, id[:], order.Id)
	require.Equal(t, api.EventType_ORDER_CREATED, order.Type)
	require.Equal(t, now.UnixMilli(), order.TimeMs, "the id's time where the event has none")
	require.Equal(t, int64(6*255+6*339), order.Amount)
	require.Equal(t, []int64{1530, 2034}, []int64{order.Lines[0].Total, order.Lines[1].Total})
	require.NotZero(t, order.Content)

	person := b.events(t, api.Customers)[0]
	require.Equal(t, "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72", person.EmailHash,
		"sha256 of ada@example.com")
	require.Equal(t, "GB", person.Country)
}

func TestBatchStatuses(t *testing.T) {
	good := event("product.viewed", 1, viewed)
	big := strings.Repeat("x", api.MaxEventBytes)
	tests := map[string]struct {
		request events.APIGatewayProxyRequest
		broken  string // stream that refuses
		status  int
		code    string
	}{
		"accepted":                  {post("[" + good + "]"), "", 202, ""},
		"duplicate ids":             {post("[" + good + "," + good + "]"), "", 202, ""},
		"mixed":                     {post("[" + good + ",{}]"), "", 207, ""},
		"none valid":                {post("[{},{}]"), "", 400, ""},
		"500 events":                {post("[" + strings.Repeat(good+",", 499) + good + "]"), "", 202, ""},
		"501 events":                {post("[" + strings.Repeat(good+",", 500) + good + "]"), "", 413, "batch_too_large"},
		"million empty events":      {post("[" + strings.Repeat("{},", 1_000_000) + "{}]"), "", 413, "batch_too_large"},
		"over 4 MiB":                {post("[" + strings.Repeat(" ", api.MaxBatchBytes) + good + "]"), "", 413, "body_too_large"},
		"exactly 4 MiB":             {post("[" + strings.Repeat(" ", api.MaxBatchBytes-2-len(good)) + good + "]"), "", 202, ""},
		"event over 256 KiB":        {post("[" + good + "," + event("product.viewed", 2, `{"sku":"`+big+`"}`) + "]"), "", 207, ""},
		"empty batch":               {post("[]"), "", 400, "batch_empty"},
		"empty body":                {post(""), "", 400, "body_malformed"},
		"no array":                  {post(good), "", 400, "body_malformed"},
		"array without end":         {post("[" + good), "", 400, "body_malformed"},
		"trailing text":             {post("[" + good + "]x"), "", 400, "body_malformed"},
		"trailing comma":            {post("[" + good + ",]"), "", 400, "body_malformed"},
		"missing comma":             {post("[" + good + good + "]"), "", 400, "body_malformed"},
		"broken event":              {post("[" + good + ",{\"id\":}]"), "", 400, "body_malformed"},
		"deeply nested":             {post("[" + strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + "]"), "", 400, "body_malformed"},
		"not UTF-8":                 {base64Body("[" + event("product.viewed", 1, "{\"sku\":\"\xff\"}") + "]"), "", 400, "body_malformed"},
		"not base64":                {notBase64(), "", 400, "body_malformed"},
		"other content type":        {post("["+good+"]", "content-type", "application/json"), "", 415, "content_type_unsupported"},
		"content type with charset": {post("["+good+"]", "content-type", api.BatchContentType+"; charset=utf-8"), "", 202, ""},
		"other encoding":            {post("["+good+"]", "Content-Encoding", "br"), "", 415, "content_encoding_unsupported"},
		"gzip":                      {gzipped(zip("[" + good + "]")), "", 202, ""},
		"gzip that is none":         {gzipped("AAAA"), "", 400, "body_malformed"},
		"gzip cut short":            {gzipped(zip("[" + good + "]")[:24]), "", 400, "body_malformed"},
		"gzip bomb":                 {gzipped(zip("[" + strings.Repeat(" ", 64<<20) + "]")), "", 413, "body_too_large"},
		"foreign tenant":            {foreign("t0002"), "", 403, "foreign_tenant"},
		"any tenant":                {foreign("*"), "", 202, ""},
		"impossible tenant":         {impossibleTenant(), "", 404, "not_found"},
		"stream refuses":            {post("[" + good + "]"), "stampede-products", 503, "not_delivered"},
		"one of two refuses":        {post("[" + good + "," + event("order.created", 2, created) + "]"), "stampede-orders", 503, "not_delivered"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			b.refuse[tt.broken] = true
			r := invoke(t, eventsHandler(t, b), tt.request)
			require.Equal(t, tt.status, r.StatusCode, "%.300s", r.Body)
			require.Equal(t, tt.code, code(t, r))
			require.Equal(t, "req-1", r.Headers["X-Correlation-Id"], "the gateway's id where the caller gives none")
			if tt.status == 503 {
				require.Equal(t, "1", r.Headers["Retry-After"])
			}
			if tt.status >= 400 && tt.broken == "" {
				require.Empty(t, b.calls, "nothing refused may be delivered")
			}
		})
	}
}

func TestUnreachableStreamIs503AndLoggedOnce(t *testing.T) {
	b := newBucket()
	b.down["stampede-products"] = true
	var log bytes.Buffer
	o := options(t, b)
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	h, err := ingestion.NewEvents(o)
	require.NoError(t, err)

	require.Equal(t, 503, invoke(t, h, post("["+event("product.viewed", 1, viewed)+"]", "x-correlation-id", "c1")).StatusCode)
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), `"correlation_id":"c1"`)
	require.Contains(t, log.String(), "connection refused")

	log.Reset()
	b.down["stampede-products"] = false
	require.Equal(t, 202, invoke(t, h, post("["+event("product.viewed", 1, viewed)+"]")).StatusCode)
	require.Empty(t, log.String(), "no line for a success")
}

func TestRefusalsByIndex(t *testing.T) {
	with := func(from, to string) string {
		return strings.Replace(event("order.created", 7, created), from, to, 1)
	}
	id := func(at time.Time) string { return with(idAt(now, 7).String(), idAt(at, 7).String()) }
	tests := map[string]struct{ event, code string }{
		"id just inside":             {id(now.Add(api.MaxAhead)), ""},
		"id ahead":                   {id(now.Add(api.MaxAhead + time.Millisecond)), ingestion.CodeTimeOutOfRange},
		"id 35 days back":            {id(now.Add(-api.MaxBack)), ""},
		"id further back":            {id(now.Add(-api.MaxBack - time.Millisecond)), ingestion.CodeTimeOutOfRange},
		"UUIDv4":                     {with("-7000-", "-4000-"), ingestion.CodeID},
		"no id":                      {with(`"id":"`+idAt(now, 7).String()+`",`, ""), ingestion.CodeID},
		"no specversion":             {with(`"specversion":"1.0",`, ""), ingestion.CodeSpecVersion},
		"specversion 0.3":            {with("1.0", "0.3"), ingestion.CodeSpecVersion},
		"no source":                  {with("/shop/x", ""), ingestion.CodeSource},
		"unknown type":               {with("order.created", "order.lost"), ingestion.CodeType},
		"bad time":                   {with(`"type"`, `"time":"yesterday","type"`), ingestion.CodeTime},
		"time with zone":             {with(`"type"`, `"time":"2026-11-27T11:00:00.5+05:30","type"`), ""},
		"not JSON data":              {with(`"type"`, `"datacontenttype":"text/xml","type"`), ingestion.CodeContentType},
		"extension attributes":       {with(`"type"`, `"traceparent":"x","any":{"a":[1]},"type"`), ""},
		"null event":                 {"null", ingestion.CodeSpecVersion},
		"number for an event":        {"7", ingestion.CodeMalformed},
		"text for a quantity":        {with(`"quantity":6`, `"quantity":"6"`), ingestion.CodeMalformed},
		"fraction for a quantity":    {with(`"quantity":6`, `"quantity":6.5`), ingestion.CodeMalformed},
		"quantity above 63 bits":     {with(`"quantity":6`, `"quantity":9223372036854775808`), ingestion.CodeMalformed},
		"total too large":            {with(`"quantity":6`, `"quantity":9223372036854775807`), ingestion.CodeData},
		"quantity zero":              {with(`"quantity":6`, `"quantity":0`), ""},
		"quantity below zero":        {with(`"quantity":6`, `"quantity":-9360`), ""},
		"price 0.001":                {with("2.55", "0.001"), ""},
		"negative price":             {with("2.55", "-11062.06"), ""},
		"price with an exponent":     {with("2.55", "1e9"), ingestion.CodeData},
		"no price":                   {with("2.55", ""), ingestion.CodeData},
		"no lines":                   {event("order.created", 7, `{"order":"1","currency":"EUR","lines":[]}`), ingestion.CodeData},
		"no data":                    {event("order.created", 7, `null`), ingestion.CodeData},
		"no customer":                {with(`"customer":"17850",`, ""), ""},
		"small currency":             {with("GBP", "gbp"), ingestion.CodeData},
		"control character":          {with("85123A", `851\u000023A`), ingestion.CodeData},
		"long SKU":                   {with("85123A", strings.Repeat("A", 129)), ingestion.CodeData},
		"paid":                       {event("order.paid", 7, `{"order":"1","currency":"EUR","amount_minor":1999}`), ""},
		"paid too much":              {event("order.paid", 7, `{"order":"1","currency":"EUR","amount_minor":1000000000000001}`), ingestion.CodeData},
		"fulfilled":                  {event("order.fulfilled", 7, `{"order":"1","currency":"EUR"}`), ""},
		"stock":                      {event("inventory.adjusted", 7, `{"sku":"A","quantity":-3,"sequence":18446744073709551615}`), ""},
		"stock without SKU":          {event("inventory.adjusted", 7, `{"quantity":3,"sequence":1}`), ingestion.CodeData},
		"product":                    {event("product.updated", 7, `{"sku":"A","title":"Ä","category":"c","price_minor":799,"currency":"EUR"}`), ""},
		"product price, no currency": {event("product.updated", 7, `{"sku":"A","price_minor":799}`), ingestion.CodeData},
		"long title":                 {event("product.updated", 7, `{"sku":"A","title":"`+strings.Repeat("A", 513)+`"}`), ingestion.CodeData},
		"customer without id":        {event("customer.created", 7, `{"email":"a@example.com"}`), ingestion.CodeData},
		"country name":               {event("customer.created", 7, `{"customer":"c","country":"France"}`), ingestion.CodeData},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			r := invoke(t, eventsHandler(t, b), post("["+event("product.viewed", 1, viewed)+","+tt.event+"]"))
			answer := batchAnswer(t, r)
			if tt.code == "" {
				require.Equal(t, 202, r.StatusCode, r.Body)
				return
			}
			require.Equal(t, 207, r.StatusCode, r.Body)
			require.Equal(t, 1, answer.Accepted)
			require.Equal(t, 1, answer.Refused)
			require.Equal(t, api.EventResult{Index: 0, ID: idAt(now, 1).String(), Status: 202}, answer.Results[0])
			require.Equal(t, 1, answer.Results[1].Index)
			require.Equal(t, 400, answer.Results[1].Status)
			require.Equal(t, tt.code, answer.Results[1].Code)
			require.NotEmpty(t, answer.Results[1].Detail)
			total := 0
			for _, stream := range api.Streams {
				total += len(b.events(t, stream))
			}
			require.Equal(t, 1, total, "only the valid event is delivered")
		})
	}
}

func TestReplaySettingWidensTheTimeRange(t *testing.T) {
	o := options(t, newBucket())
	o.MaxBack = 20 * 365 * 24 * time.Hour
	h, err := ingestion.NewEvents(o)
	require.NoError(t, err)
	old := strings.Replace(event("product.viewed", 1, viewed), idAt(now, 1).String(), idAt(now.AddDate(-15, 0, 0), 1).String(), 1)
	require.Equal(t, 202, invoke(t, h, post("["+old+"]")).StatusCode)
}

func TestEqualEventsHaveEqualContentAndOthersDoNot(t *testing.T) {
	b := newBucket()
	h := eventsHandler(t, b)
	spaced := strings.Replace(event("order.created", 1, created), `"data":`, `"traceparent": "x", "data" : `, 1)
	other := strings.Replace(event("order.created", 1, created), "2.55", "2.56", 1)
	for _, e := range []string{event("order.created", 1, created), spaced, other} {
		require.Equal(t, 202, invoke(t, h, post("["+e+"]")).StatusCode)
	}
	events := b.events(t, api.Orders)
	require.Equal(t, events[0].Content, events[1].Content, "a replay that is only written otherwise is no conflict")
	require.NotEqual(t, events[0].Content, events[2].Content)
	require.Equal(t, uint64(0xd3c487e250e0aea7), events[0].Content, "pinned: a change would call every replay a conflict")
}

func TestRecordsStayBelowTheLimit(t *testing.T) {
	b := newBucket()
	h := eventsHandler(t, b)
	var lines []string
	for range 5500 {
		lines = append(lines, `{"sku":"`+strings.Repeat("s", 110)+`","quantity":1,"unit_price":"1"}`)
	}
	// Fifteen events just below 256 KiB, nearly all of it text that the record has to carry too.
	big := event("order.created", 1, `{"order":"1","currency":"EUR","lines":[`+strings.Join(lines[:1600], ",")+`]}`)
	require.Less(t, len(big), api.MaxEventBytes)
	r := invoke(t, h, post("["+strings.Repeat(big+",", 14)+big+"]"))
	require.Equal(t, 202, r.StatusCode, "%.300s", r.Body)
	require.Equal(t, map[string]int{"stampede-orders": 1}, b.calls)
	require.Len(t, b.events(t, api.Orders), 15)
	require.Greater(t, len(b.records(t, api.Orders)), 1)
	for _, r := range b.records(t, api.Orders) {
		require.Equal(t, "t0001", r.Tenant)
	}
}

func TestCorrelationIsTheCallersOnlyIfSane(t *testing.T) {
	h := eventsHandler(t, newBucket())
	for given, want := range map[string]string{
		"4bf92f35-77b3.A_b:c": "4bf92f35-77b3.A_b:c", "": "req-1", "a b": "req-1", "<script>": "req-1",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "req-1", "ä": "req-1",
	} {
		r := invoke(t, h, post("["+event("product.viewed", 1, viewed)+"]", "X-Correlation-ID", given))
		require.Equal(t, want, batchAnswer(t, r).Correlation)
	}
}

func TestPayloadThatIsNoRequestIsAnError(t *testing.T) {
	_, err := eventsHandler(t, newBucket()).Invoke(context.Background(), []byte(`{"body":`))
	require.ErrorContains(t, err, "read proxy request")
}

func TestOptionsNameEverythingThatIsMissing(t *testing.T) {
	_, err := ingestion.NewWebhooks(ingestion.Options{MaxBack: -1}, nil)
	require.ErrorContains(t, err, "delivery")
	require.ErrorContains(t, err, "time range")
	require.ErrorContains(t, err, "shops")
}

func base64Body(body string) events.APIGatewayProxyRequest {
	r := post(encode(body))
	r.IsBase64Encoded = true
	return r
}

func notBase64() events.APIGatewayProxyRequest {
	r := post("***")
	r.IsBase64Encoded = true
	return r
}

func gzipped(body string) events.APIGatewayProxyRequest {
	r := post(body, "content-encoding", "gzip")
	r.IsBase64Encoded = true
	return r
}

func foreign(owner string) events.APIGatewayProxyRequest {
	r := post("[" + event("product.viewed", 1, viewed) + "]")
	r.RequestContext.Authorizer = map[string]any{"tenant": owner}
	return r
}

func impossibleTenant() events.APIGatewayProxyRequest {
	r := post("[" + event("product.viewed", 1, viewed) + "]")
	r.PathParameters["tenant"] = "a#b"
	r.RequestContext.Authorizer = nil
	return r
}
