package processing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/store"
)

var (
	errDead = errors.New("the process is dead")
	errLost = errors.New("injected: connection lost")
)

// world is a deliberately dumb DynamoDB under a cooperative scheduler: actors are coroutines
// that hand back control before every call, and the scheduler's seed decides who goes on, who
// dies, which calls fail before or after their effect and which are done in part.
type world struct {
	rng    *rand.Rand
	now    time.Time
	tables map[string]map[string]map[string]*cell // table, pk, sk
	faults int                                    // how many more may be injected
	quiet  bool                                   // eventually consistent reads have become consistent
	calls  int
	trace  xxh3.Hasher // of who made them, in order
}

// cell is an item with the version before it, which an eventually consistent read may return.
type cell struct{ now, before item }

func newWorld(seed uint64, now time.Time) *world {
	return &world{
		rng: rand.New(rand.NewPCG(seed, 0x5eed)), now: now,
		tables: map[string]map[string]map[string]*cell{"core": {}, "analytics": {}, "counters": {}},
	}
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *world) at(table string, key store.Key) *cell {
	partition := w.tables[table][key.PK]
	if partition == nil {
		partition = map[string]*cell{}
		w.tables[table][key.PK] = partition
	}
	c := partition[key.SK]
	if c == nil {
		c = &cell{}
		partition[key.SK] = c
	}
	return c
}

func (w *world) set(table string, key store.Key, it item) {
	c := w.at(table, key)
	c.before, c.now = c.now, it
}

func (w *world) see(c *cell, consistent bool) item {
	if !consistent && !w.quiet && w.chance(40) {
		return c.before
	}
	return c.now
}

// items lists a table's items by key.
func (w *world) items(table string) []item {
	var out []item
	for _, pk := range slices.Sorted(maps.Keys(w.tables[table])) {
		for _, sk := range slices.Sorted(maps.Keys(w.tables[table][pk])) {
			if it := w.tables[table][pk][sk].now; it != nil {
				out = append(out, it)
			}
		}
	}
	return out
}

// actor is one process: a delivery or a worker.
type actor struct {
	world  *world
	name   string
	yield  func(struct{}) bool
	next   func() (struct{}, bool)
	dead   bool
	faulty bool // may be given errors, partial answers and conflicts

	redeliver func() bool // whether the queue has to deliver again when the actor has ended
}

// start makes an actor that does body, up to its first call when it is first given a step.
func (w *world) start(name string, body func(a *actor)) *actor {
	a := &actor{world: w, name: name, faulty: true}
	a.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		a.yield = yield
		body(a)
	})
	return a
}

// step lets the actor run to its next call; false when it has ended.
func (a *actor) step() bool {
	_, more := a.next()
	return more
}

// kill ends the actor: none of its further calls has an effect.
func (a *actor) kill() {
	a.dead = true
	for a.step() {
	}
}

// turn hands control to the scheduler.
func (a *actor) turn() error {
	if a.dead || a.yield != nil && !a.yield(struct{}{}) {
		a.dead = true
		return errDead
	}
	a.world.calls++
	a.world.trace.WriteString(a.name)
	return nil
}

func (a *actor) wait(context.Context, time.Duration) error { return a.turn() }

// fault draws whether this call fails: before its effect, or after it.
func (a *actor) fault() (before, after bool) {
	w := a.world
	if !a.faulty || w.faults == 0 || !w.chance(6) {
		return false, false
	}
	w.faults--
	return w.chance(50), true
}

// dies draws whether the process dies here, in the middle of a call.
func (a *actor) dies() bool {
	if !a.faulty || a.world.faults == 0 || !a.world.chance(3) {
		return false
	}
	a.world.faults--
	a.dead = true
	return true
}

func (a *actor) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if err := a.turn(); err != nil {
		return nil, err
	}
	if before, after := a.fault(); before || after {
		return nil, errLost
	}
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]item{}, UnprocessedKeys: map[string]types.KeysAndAttributes{}}
	for table, request := range in.RequestItems {
		for i, key := range request.Keys {
			if i > 0 && a.faulty && a.world.faults > 0 && a.world.chance(3) {
				a.world.faults--
				request.Keys = request.Keys[i:]
				out.UnprocessedKeys[table] = request
				break
			}
			if it := a.world.see(a.world.at(table, store.KeyOf(key)), aws.ToBool(request.ConsistentRead)); it != nil {
				out.Responses[table] = append(out.Responses[table], only(it, request.ExpressionAttributeNames))
			}
		}
	}
	return out, nil
}

func (a *actor) BatchWriteItem(_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	if err := a.turn(); err != nil {
		return nil, err
	}
	before, after := a.fault()
	if before {
		return nil, errLost
	}
	if a.faulty && a.world.faults > 0 && a.world.chance(2) {
		a.world.faults--
		return nil, &types.TransactionConflictException{}
	}
	out := &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}
	for table, requests := range in.RequestItems {
		if len(requests) > batchWriteItems {
			return nil, fmt.Errorf("%d items", len(requests))
		}
		for _, i := range a.world.rng.Perm(len(requests)) {
			if a.dies() {
				return nil, errDead
			}
			if a.faulty && a.world.faults > 0 && a.world.chance(5) {
				a.world.faults--
				out.UnprocessedItems[table] = append(out.UnprocessedItems[table], requests[i])
				continue
			}
			if r := requests[i]; r.PutRequest != nil {
				a.world.set(table, store.KeyOf(r.PutRequest.Item), r.PutRequest.Item)
			} else {
				a.world.set(table, store.KeyOf(r.DeleteRequest.Key), nil)
			}
		}
	}
	if after {
		return nil, errLost
	}
	return out, nil
}

func (a *actor) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := a.turn(); err != nil {
		return nil, err
	}
	if before, after := a.fault(); before || after {
		return nil, errLost
	}
	if aws.ToString(in.KeyConditionExpression) != "pk = :pk AND sk BETWEEN :from AND :to" {
		return nil, fmt.Errorf("key condition %q", aws.ToString(in.KeyConditionExpression))
	}
	value := func(name string) string {
		return in.ExpressionAttributeValues[name].(*types.AttributeValueMemberS).Value
	}
	partition := a.world.tables[*in.TableName][value(":pk")]
	out := &dynamodb.QueryOutput{}
	for _, sk := range slices.Sorted(maps.Keys(partition)) {
		if sk < value(":from") || sk > value(":to") {
			continue
		}
		if start := in.ExclusiveStartKey; start != nil && sk <= store.KeyOf(start).SK {
			continue
		}
		it := a.world.see(partition[sk], aws.ToBool(in.ConsistentRead))
		if it == nil {
			continue
		}
		out.Items = append(out.Items, only(it, in.ExpressionAttributeNames))
		if len(out.Items) == 3 { // a page
			out.LastEvaluatedKey = store.KeyOf(it).Item()
			break
		}
	}
	return out, nil
}

// only keeps the attributes of a projection, which is all that the protocol names attributes for.
func only(it item, names map[string]string) item {
	if names == nil {
		return it
	}
	out := make(item, len(names))
	for _, attr := range names {
		if v, ok := it[attr]; ok {
			out[attr] = v
		}
	}
	return out
}

func (a *actor) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := a.turn(); err != nil {
		return nil, err
	}
	before, after := a.fault()
	if before {
		return nil, errLost
	}
	if len(in.TransactItems) > transactActions {
		return nil, fmt.Errorf("%d actions", len(in.TransactItems))
	}
	reasons := make([]types.CancellationReason, len(in.TransactItems))
	cancel := false
	seen := map[string]bool{}
	for i, action := range in.TransactItems {
		table, key, condition, names, values := parts(action)
		if id := table + " " + key.String(); seen[id] {
			return nil, fmt.Errorf("two operations on %s", id)
		} else {
			seen[id] = true
		}
		reasons[i].Code = aws.String("None")
		if !holds(a.world.at(table, key).now, condition, names, values) {
			reasons[i].Code, cancel = aws.String("ConditionalCheckFailed"), true
		} else if a.faulty && a.world.faults > 0 && a.world.chance(1) {
			a.world.faults--
			reasons[i].Code, cancel = aws.String("TransactionConflict"), true
		}
	}
	if cancel {
		return nil, &types.TransactionCanceledException{CancellationReasons: reasons}
	}
	for _, action := range in.TransactItems {
		table, key, _, names, values := parts(action)
		switch {
		case action.Put != nil:
			a.world.set(table, key, action.Put.Item)
		case action.Delete != nil:
			a.world.set(table, key, nil)
		default:
			it := maps.Clone(a.world.at(table, key).now)
			if it == nil {
				it = key.Item()
			}
			for _, set := range strings.Split(strings.TrimPrefix(*action.Update.UpdateExpression, "SET "), ", ") {
				name, value, _ := strings.Cut(set, " = ")
				it[names[name]] = values[value]
			}
			a.world.set(table, key, it)
		}
	}
	if a.dies() {
		return nil, errDead
	}
	if after {
		return nil, errLost
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func parts(a types.TransactWriteItem) (table string, key store.Key, condition string, names map[string]string, values item) {
	switch {
	case a.Put != nil:
		return *a.Put.TableName, store.KeyOf(a.Put.Item), aws.ToString(a.Put.ConditionExpression), nil, a.Put.ExpressionAttributeValues
	case a.Delete != nil:
		return *a.Delete.TableName, store.KeyOf(a.Delete.Key), aws.ToString(a.Delete.ConditionExpression), nil, a.Delete.ExpressionAttributeValues
	}
	u := a.Update
	return *u.TableName, store.KeyOf(u.Key), aws.ToString(u.ConditionExpression), u.ExpressionAttributeNames, u.ExpressionAttributeValues
}

// holds knows the four conditions that there are.
func holds(it item, condition string, names map[string]string, values item) bool {
	str := func(v types.AttributeValue) string {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			return v.Value
		case *types.AttributeValueMemberN:
			return v.Value
		}
		return ""
	}
	switch condition {
	case "":
		return true
	case ifAbsent:
		return it == nil
	case ifGen:
		return it != nil && str(it[store.AttrGen]) == str(values[":gen"])
	case ifToken:
		return it != nil && str(it[store.AttrToken]) == str(values[":tok"])
	case ifNewer:
		return it[names["#v"]] == nil || str(it[names["#v"]]) < str(values[":v"])
	}
	panic("unknown condition " + condition)
}
