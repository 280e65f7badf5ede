package run_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/retailflow/stampede/chaos/faults/releasefunction"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions"
	"github.com/retailflow/stampede/reference/functions/ingestion"
	"github.com/retailflow/stampede/reference/functions/processing"
	"github.com/retailflow/stampede/reference/store/codec"
)

// What the environment of a function tells this binary.
const (
	brokenEnv = "STAMPEDE_TEST_BROKEN" // a key of broken
	soundEnv  = "STAMPEDE_TEST_SOUND"  // the program of all functions that it leaves sound
	delayEnv  = "STAMPEDE_TEST_DELAY"  // of the slow build

	shownEnv   = "STAMPEDE_TEST_SHOWN"   // a tenant that is shown
	insteadEnv = "STAMPEDE_TEST_INSTEAD" // the figures of this one
)

// broken are the builds that must be found out. Each replaces one function.
var broken = map[string]functions.Handler{
	"drops":   {Name: "ingest-events", New: newDropping},
	"doubles": {Name: "process-insights", New: insightsWith(doubling)},
	"swaps":   {Name: "process-insights", New: insightsWith(swapping)},
	"foreign": {Name: "query-analytics", New: newForeign},
	"longer":  {Name: "query-analytics", New: newLonger},
	"slow":    {Name: "query-analytics", New: newSlow},
	"aging":   {Name: "query-analytics", New: newAging},
}

// serveBroken is the function process. Functions that are not broken are the product's own.
func serveBroken() {
	handler, ok := broken[os.Getenv(brokenEnv)]
	if !ok || handler.Name != os.Getenv("_HANDLER") {
		sound := os.Getenv(soundEnv)
		fmt.Fprintln(os.Stderr, "error: exec:", syscall.Exec(sound, []string{sound}, os.Environ()))
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, "error:", functions.Serve([]functions.Handler{handler}, os.Getenv, os.Stderr))
	os.Exit(1)
}

// newDropping answers 202 and leaves every 30th order out of what it delivers, as often as it
// is sent.
func newDropping(p *functions.Platform) (lambda.Handler, error) {
	return ingestion.NewEvents(functions.IngestionOptions(p, dropping{p.Firehose()}))
}

type dropping struct{ ingestion.Firehose }

func (d dropping) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, options ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	var kept []types.Record
	for _, record := range in.Records {
		data, err := withoutOrders(record.Data)
		if err != nil {
			return nil, err
		}
		if data != nil {
			kept = append(kept, types.Record{Data: data})
		}
	}
	if len(kept) == 0 {
		return &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(0)}, nil
	}
	in.Records = kept
	return d.Firehose.PutRecordBatch(ctx, in, options...)
}

// withoutOrders drops events from a record; nil if none is left. Events keep their bytes.
func withoutOrders(data []byte) ([]byte, error) {
	var record api.Record
	if err := protodelim.UnmarshalFrom(bytes.NewReader(data), &record); err != nil {
		return nil, err
	}
	body, n := protowire.ConsumeBytes(data)
	if n < 0 {
		return nil, protowire.ParseError(n)
	}
	var out []byte
	kept := 0
	for i := 0; len(body) > 0; {
		number, _, _ := protowire.ConsumeTag(body)
		_, _, n := protowire.ConsumeField(body)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		field := body[:n]
		body = body[n:]
		if number == 5 {
			event := record.Events[i]
			i++
			if event.Type == api.EventType_ORDER_CREATED && xxh3.Hash(event.Id)%30 == 0 {
				continue
			}
			kept++
		}
		out = append(out, field...)
	}
	if kept == 0 {
		return nil, nil
	}
	return append(protowire.AppendVarint(nil, uint64(len(out))), out...), nil
}

type compute = func(done, fresh []codec.Block) (codec.Result, error)

// insightsWith is process-insights with other arithmetic.
func insightsWith(c compute) func(*functions.Platform) (lambda.Handler, error) {
	return func(p *functions.Platform) (lambda.Handler, error) {
		insights := processing.NewInsights(processing.InsightsOptions{DB: p.DynamoDB(functions.Patient), Compute: c, Log: p.Log,
			Tables: processing.Tables{Core: p.Env.CoreTable, Analytics: p.Env.AnalyticsTable}})
		return lambda.NewHandler(insights.Handle), nil
	}
}

// doubling counts an event that was delivered again once more.
func doubling(done, fresh []codec.Block) (codec.Result, error) {
	result, err := codec.Compute(done, fresh)
	if err != nil {
		return result, err
	}
	seen := map[api.ID]bool{}
	return result, each(done, fresh, func(b codec.Block, r codec.Request, raw []byte) error {
		e, err := codec.DecodeEvent(raw)
		if err != nil || !seen[e.ID] {
			seen[e.ID] = true
			return err
		}
		return again(&result, b, r, raw)
	})
}

// swapping loses an order of every minute that has another one of equal type and amount, and
// counts that one twice: numbers of events and sums of money are right.
func swapping(done, fresh []codec.Block) (codec.Result, error) {
	result, err := codec.Compute(done, fresh)
	if err != nil {
		return result, err
	}
	type counted struct {
		codec.Event
		block   codec.Block
		request codec.Request
		raw     []byte
	}
	var orders []counted
	seen := map[api.ID]bool{}
	err = each(done, fresh, func(b codec.Block, r codec.Request, raw []byte) error {
		e, err := codec.DecodeEvent(raw)
		if err != nil || seen[e.ID] || e.Amount == 0 || e.Type.Stream() != api.Orders {
			return err
		}
		seen[e.ID] = true
		orders = append(orders, counted{e, b, r, raw})
		return nil
	})
	if err != nil {
		return result, err
	}
	slices.SortFunc(orders, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Amount, b.Amount), bytes.Compare(a.Currency, b.Currency), bytes.Compare(a.ID[:], b.ID[:]))
	})
	for i := range orders[:max(len(orders)-1, 0)] {
		lost, doubled := orders[i], orders[i+1]
		if lost.Type != doubled.Type || lost.Amount != doubled.Amount || !bytes.Equal(lost.Currency, doubled.Currency) {
			continue
		}
		rest, err := codec.Compute(nil, without(lost.ID, done, fresh))
		if err != nil {
			return result, err
		}
		result.Rollup = rest.Rollup // order facts stay those of all events
		return result, again(&result, doubled.block, doubled.request, doubled.raw)
	}
	return result, nil
}

// each visits the events of blocks.
func each(done, fresh []codec.Block, visit func(codec.Block, codec.Request, []byte) error) error {
	for _, b := range slices.Concat(done, fresh) {
		for _, r := range b.Requests {
			for _, raw := range r.Events {
				if err := visit(b, r, raw); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// again counts an event once more.
func again(result *codec.Result, b codec.Block, r codec.Request, raw []byte) error {
	r.Events = [][]byte{raw}
	b.Requests = []codec.Request{r}
	one, err := codec.Compute(nil, []codec.Block{b})
	result.Rollup = codec.Merge(result.Rollup, one.Rollup)
	return err
}

// without copies blocks, an event left out.
func without(id api.ID, done, fresh []codec.Block) []codec.Block {
	blocks := slices.Concat(done, fresh)
	for i := range blocks {
		blocks[i].Requests = slices.Clone(blocks[i].Requests)
		for j := range blocks[i].Requests {
			r := &blocks[i].Requests[j]
			r.Events = slices.DeleteFunc(slices.Clone(r.Events), func(raw []byte) bool {
				e, err := codec.DecodeEvent(raw)
				return err == nil && e.ID == id
			})
		}
	}
	return blocks
}

// handlerFunc is a handler without state.
type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// newForeign answers one tenant with the figures of another, under its own name.
func newForeign(p *functions.Platform) (lambda.Handler, error) {
	sound, err := functions.NewQueryAnalytics(p)
	if err != nil {
		return nil, err
	}
	shown, instead := os.Getenv(shownEnv), os.Getenv(insteadEnv)
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var request struct {
			Params map[string]string `json:"pathParameters"`
		}
		if err := json.Unmarshal(payload, &request); err != nil || request.Params["tenant"] != shown {
			return sound.Invoke(ctx, payload)
		}
		answer, err := sound.Invoke(ctx, bytes.ReplaceAll(payload, []byte(`"`+shown+`"`), []byte(`"`+instead+`"`)))
		return bytes.ReplaceAll(answer, []byte(instead), []byte(shown)), err
	}), nil
}

// newLonger answers for a minute more than it is asked for, and says so.
func newLonger(p *functions.Platform) (lambda.Handler, error) {
	sound, err := functions.NewQueryAnalytics(p)
	if err != nil {
		return nil, err
	}
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var request struct {
			Query map[string]string `json:"queryStringParameters"`
		}
		if err := json.Unmarshal(payload, &request); err != nil {
			return nil, err
		}
		from, err := time.Parse(time.RFC3339, request.Query["from"])
		if err != nil {
			return sound.Invoke(ctx, payload)
		}
		earlier := from.Add(-time.Minute).Format(time.RFC3339)
		return sound.Invoke(ctx, bytes.ReplaceAll(payload, []byte(`"`+request.Query["from"]+`"`), []byte(`"`+earlier+`"`)))
	}), nil
}

// newAging is sound until it is released again: what has a defect of none fails all the same.
func newAging(p *functions.Platform) (lambda.Handler, error) {
	sound, err := functions.NewQueryAnalytics(p)
	if err != nil || os.Getenv(releasefunction.DefectEnv) == "" {
		return sound, err
	}
	return handlerFunc(func(context.Context, []byte) ([]byte, error) {
		return []byte(`{"statusCode":500,"body":"{}"}`), nil
	}), nil
}

// newSlow answers some questions about days late, counted from when the gateway took them, so
// that the start of a process does not add to it.
func newSlow(p *functions.Platform) (lambda.Handler, error) {
	sound, err := functions.NewQueryAnalytics(p)
	if err != nil {
		return nil, err
	}
	delay, err := time.ParseDuration(os.Getenv(delayEnv))
	if err != nil {
		return nil, err
	}
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		answer, err := sound.Invoke(ctx, payload)
		var request struct {
			Params  map[string]string `json:"pathParameters"`
			Query   map[string]string `json:"queryStringParameters"`
			Context struct {
				At int64 `json:"requestTimeEpoch"`
			} `json:"requestContext"`
		}
		if err := json.Unmarshal(payload, &request); err != nil {
			return nil, err
		}
		if request.Query["date"] != "" && xxh3.HashString(request.Params["tenant"])%4 == 0 {
			time.Sleep(time.Until(time.UnixMilli(request.Context.At).Add(delay)))
		}
		return answer, err
	}), nil
}
