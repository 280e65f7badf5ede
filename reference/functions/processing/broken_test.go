package processing

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// TestBrokenProtocolsAreCaught plays the same stories with protocols that look right and are
// not. Each must be caught within a bounded number of seeds, or the test of the sound protocol
// proves nothing.
func TestBrokenProtocolsAreCaught(t *testing.T) {
	tests := []struct {
		name string
		p    protocol
	}{
		{"marker before block", protocol{writer: func(a *actor) DynamoDB { return &markerFirst{actor: a} }}},
		{"gen read after blocks", protocol{worker: func(a *actor) DynamoDB { return lateGen{a} }}},
		{"writer marks the hour", protocol{
			writer: func(a *actor) DynamoDB { return hourMarkingWriter{a} },
			worker: func(a *actor) DynamoDB { return hourForgettingWorker{a} },
		}},
		{"shard count read eventually", protocol{worker: func(a *actor) DynamoDB { return eventualShards{a} }}},
		{"ADD counters", protocol{process: addCounters, check: checkCounters}},
		{"conditional put, then count", protocol{process: putThenCount, check: checkCounters}},

		{"markers deleted before the commit", protocol{worker: func(a *actor) DynamoDB { return &deleteFirst{actor: a} }}},
		{"hour's minutes read eventually", protocol{worker: func(a *actor) DynamoDB { return eventualMinutes{a} }}},
		{"hour's token not checked", protocol{worker: func(a *actor) DynamoDB { return blindToken{a} }}},
		{"order facts before the commit", protocol{worker: func(a *actor) DynamoDB { return factsFirst{a} }}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const bound = 4000
			for seed := range uint64(bound) {
				if err := play(seed, tt.p); err != nil {
					what, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("caught by seed %d: %s", seed, what)
					return
				}
			}
			t.Fatalf("not caught by %d seeds", bound)
		})
	}
}

// markerFirst holds the blocks back until the markers are written.
type markerFirst struct {
	*actor
	held []*dynamodb.BatchWriteItemInput
}

func (m *markerFirst) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	if sk := store.KeyOf(in.RequestItems["analytics"][0].PutRequest.Item).SK; !strings.HasPrefix(sk, "minute#") {
		m.held = append(m.held, in)
		return &dynamodb.BatchWriteItemOutput{}, nil
	}
	out, err := m.actor.BatchWriteItem(ctx, in)
	for _, blocks := range m.held {
		for err == nil && len(blocks.RequestItems["analytics"]) > 0 {
			var rest *dynamodb.BatchWriteItemOutput
			if rest, err = m.actor.BatchWriteItem(ctx, blocks); err == nil {
				blocks = &dynamodb.BatchWriteItemInput{RequestItems: rest.UnprocessedItems}
			}
		}
	}
	m.held = nil
	return out, err
}

// isMinuteHead says whether an action puts the head of a minute's roll-up.
func isMinuteHead(a types.TransactWriteItem) bool {
	return a.Put != nil && strings.Contains(store.KeyOf(a.Put.Item).PK, "#R#1m#")
}

// lateGen takes the generation, as condition, from a read made when all blocks have been read.
type lateGen struct{ *actor }

func (l lateGen) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := l.turn(); err != nil {
		return nil, err
	}
	for i, action := range in.TransactItems {
		if !isMinuteHead(action) {
			continue
		}
		gen := int64(0)
		if it := l.world.at("analytics", store.KeyOf(action.Put.Item)).now; it != nil {
			head, _, err := store.HeadOf(it)
			if err != nil {
				return nil, err
			}
			gen = head.Gen
		}
		action.Put.Item[store.AttrGen] = &types.AttributeValueMemberN{Value: strconv.FormatInt(gen+1, 10)}
		in.TransactItems[i] = putHead("analytics", action.Put.Item, gen+1)
	}
	return l.actor.TransactWriteItems(ctx, in)
}

// hourMarkingWriter marks the hours itself, behind its own markers.
type hourMarkingWriter struct{ *actor }

func (h hourMarkingWriter) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	out, err := h.actor.BatchWriteItem(ctx, in)
	for _, r := range in.RequestItems["analytics"] {
		m, parseErr := store.ParseMarker(r.PutRequest.Item)
		if err != nil || parseErr != nil {
			continue
		}
		entries, _ := codec.DecodeMarker(m.Body)
		for _, e := range entries {
			if err := h.turn(); err != nil {
				return nil, err
			}
			key := store.HourMarkerKey(e.Tenant, m.Minute)
			h.world.set("analytics", key, store.CoarseMarkerItem(key, fmt.Sprintf("w%d", h.world.calls)))
		}
	}
	return out, err
}

// hourForgettingWorker leaves the marking to the writers.
type hourForgettingWorker struct{ *actor }

func (h hourForgettingWorker) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return transactWithout(ctx, h.actor, in, func(a types.TransactWriteItem) bool {
		return a.Put != nil && strings.HasPrefix(store.KeyOf(a.Put.Item).SK, "hour#")
	})
}

// transactWithout leaves actions out, and answers as if they had been there.
func transactWithout(ctx context.Context, a *actor, in *dynamodb.TransactWriteItemsInput, drop func(types.TransactWriteItem) bool) (*dynamodb.TransactWriteItemsOutput, error) {
	kept := &dynamodb.TransactWriteItemsInput{}
	var at []int
	for i, action := range in.TransactItems {
		if !drop(action) {
			kept.TransactItems = append(kept.TransactItems, action)
			at = append(at, i)
		}
	}
	out, err := a.TransactWriteItems(ctx, kept)
	if reasons, ok := cancelled(err); ok {
		all := make([]types.CancellationReason, len(in.TransactItems))
		for i := range all {
			all[i].Code = aws.String("None")
		}
		for i, r := range reasons {
			all[at[i]] = r
		}
		err = &types.TransactionCanceledException{CancellationReasons: all}
	}
	return out, err
}

// eventualShards reads shard counts eventually consistently, so that one may seem not to be there.
type eventualShards struct{ *actor }

func (e eventualShards) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	for table, request := range in.RequestItems {
		if store.KeyOf(request.Keys[0]).SK == "SHARDS" {
			request.ConsistentRead = aws.Bool(false)
			in.RequestItems[table] = request
		}
	}
	return e.actor.BatchGetItem(ctx, in)
}

// eventualMinutes reads what hours and days are summed from eventually consistently.
type eventualMinutes struct{ *actor }

func (e eventualMinutes) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if pk := in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS).Value; strings.Contains(pk, "#R#") {
		in.ConsistentRead = aws.Bool(false)
	}
	return e.actor.Query(ctx, in)
}

// blindToken deletes an hour's or day's marker whatever its token, and puts the head whatever its generation.
type blindToken struct{ *actor }

func (b blindToken) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	for _, a := range in.TransactItems {
		switch {
		case a.Delete != nil && !strings.HasPrefix(store.KeyOf(a.Delete.Key).SK, "minute#"):
			a.Delete.ConditionExpression, a.Delete.ExpressionAttributeValues = nil, nil
		case a.Put != nil && strings.Contains(store.KeyOf(a.Put.Item).PK, "#R#") && !isMinuteHead(a):
			a.Put.ConditionExpression, a.Put.ExpressionAttributeValues = nil, nil
		}
	}
	return b.actor.TransactWriteItems(ctx, in)
}

// deleteFirst deletes every marker that it has read before it commits anything.
type deleteFirst struct {
	*actor
	read []item
}

func (d *deleteFirst) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := d.actor.Query(ctx, in)
	if err == nil {
		for _, it := range out.Items {
			if strings.HasPrefix(store.KeyOf(it).SK, "minute#") {
				d.read = append(d.read, it)
			}
		}
	}
	return out, err
}

func (d *deleteFirst) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	for _, it := range d.read {
		if err := d.turn(); err != nil {
			return nil, err
		}
		d.world.set("analytics", store.KeyOf(it), nil)
	}
	d.read = nil
	return d.actor.TransactWriteItems(ctx, in)
}

// factsFirst writes order facts before the transaction that they belong to.
type factsFirst struct{ *actor }

func (f factsFirst) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	isFact := func(a types.TransactWriteItem) bool {
		return a.Put != nil && strings.Contains(store.KeyOf(a.Put.Item).PK, "#O#") ||
			a.Delete != nil && strings.Contains(store.KeyOf(a.Delete.Key).PK, "#O#")
	}
	for _, a := range in.TransactItems {
		if !isFact(a) {
			continue
		}
		if err := f.turn(); err != nil {
			return nil, err
		}
		if a.Put != nil {
			f.world.set("core", store.KeyOf(a.Put.Item), a.Put.Item)
		} else {
			f.world.set("core", store.KeyOf(a.Delete.Key), nil)
		}
	}
	return transactWithout(ctx, f.actor, in, isFact)
}

// counter is where the counting protocols count.
func counter(w *world, tenant string, minute int64) *int64 {
	key := store.MinuteKey(tenant, minuteOf(minute))
	it := w.at("counters", key)
	if it.now == nil {
		it.now = item{"n": &counterValue{}}
	}
	return &it.now["n"].(*counterValue).n
}

type counterValue struct {
	types.AttributeValueMemberN
	n int64
}

// addCounters adds each tenant-minute's events to its counter: twice, if the object comes twice.
func addCounters(a *actor, s *story, name string) error {
	object, err := codec.SplitObject(s.objects[name])
	if err != nil {
		return err
	}
	for _, part := range object.Parts {
		if err := a.turn(); err != nil {
			return err
		}
		for _, req := range part.Requests {
			*counter(a.world, part.Tenant, part.Minute) += int64(len(req.Events))
		}
	}
	return a.turn()
}

// putThenCount counts an event if its id could be put: never, if it dies in between.
func putThenCount(a *actor, s *story, name string) error {
	object, err := codec.SplitObject(s.objects[name])
	if err != nil {
		return err
	}
	for _, part := range object.Parts {
		for _, req := range part.Requests {
			for _, raw := range req.Events {
				e, err := codec.DecodeEvent(raw)
				if err != nil {
					return err
				}
				if err := a.turn(); err != nil {
					return err
				}
				seen := a.world.at("counters", store.Key{PK: part.Tenant, SK: e.ID.String()})
				if seen.now != nil {
					continue
				}
				seen.now = item{}
				if err := a.turn(); err != nil {
					return err
				}
				*counter(a.world, part.Tenant, part.Minute)++
			}
		}
	}
	return nil
}

func checkCounters(s *story, w *world) error {
	for key, want := range s.truth().minutes {
		pk, sk, _ := strings.Cut(key, " ")
		got := int64(0)
		if it := w.at("counters", store.Key{PK: pk, SK: sk}).now; it != nil {
			got = it["n"].(*counterValue).n
		}
		if got != want.Count {
			return fmt.Errorf("counter %s is %d, want %d", key, got, want.Count)
		}
	}
	return nil
}
