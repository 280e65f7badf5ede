package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// workload is a table with an index that writers write to, each to keys of its own.
type workload struct{ writers []*writer }

const (
	table   = "proof"
	index   = "byG"
	owned   = 6 // keys a writer has
	padding = 1500
)

type item = map[string]types.AttributeValue

func newWorkload(writers int, seed uint64) *workload {
	w := &workload{}
	for i := range writers {
		w.writers = append(w.writers, &writer{id: i, rng: rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	return w
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

// createTable makes the table on first use.
func createTable(ctx context.Context, c *ddb.Client) error {
	_, err := c.CreateTable(ctx, &ddb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("g"), AttributeType: types.ScalarAttributeTypeS},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String(index), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("g"), KeyType: types.KeyTypeHash}},
		}},
	})
	var exists *types.ResourceInUseException
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

// writer writes steps one after the other.
type writer struct {
	history
	id  int
	rng *rand.Rand
}

func (w *writer) key(k int) item { return item{"pk": str(fmt.Sprintf("w%d-%d", w.id, k))} }

func (w *writer) item(k, version int) item {
	i := w.key(k)
	i["n"], i["g"], i["pad"] = num(version), str(fmt.Sprintf("g%d", version%4)), str(strings.Repeat("x", w.rng.IntN(padding)))
	return i
}

// run writes until the context is done, or the server gone. It calls each, unless nil, after
// every step.
func (w *writer) run(ctx context.Context, c *ddb.Client, each func(error)) {
	for ctx.Err() == nil {
		err := w.step(ctx, c)
		var answered smithy.APIError
		if err != nil && !errors.As(err, &answered) {
			return
		}
		if each != nil {
			each(err)
		}
	}
}

// step does one write of any kind.
func (w *writer) step(ctx context.Context, c *ddb.Client) error {
	kind := w.rng.IntN(5)
	s := step{whole: kind == 4}
	count := 1
	if kind > 2 {
		count = 2 + w.rng.IntN(3)
	}
	s.keys = w.rng.Perm(owned)[:count]
	for _, k := range s.keys {
		if kind == 2 || kind > 2 && w.rng.IntN(4) == 0 {
			s.deletes = append(s.deletes, k)
		}
	}
	n := w.begin(s)
	err := w.send(ctx, c, kind, s, n)
	refused := false
	var answered smithy.APIError
	if errors.As(err, &answered) {
		refused = answered.ErrorFault() == smithy.FaultClient
	}
	w.end(n, err == nil, refused)
	return err
}

var errUnprocessed = errors.New("not all of a batch was done")

func (w *writer) send(ctx context.Context, c *ddb.Client, kind int, s step, n int) (err error) {
	name := aws.String(table)
	deleted := map[int]bool{}
	for _, k := range s.deletes {
		deleted[k] = true
	}
	update, values := aws.String("SET n = :n, g = :g"), item{":n": num(n), ":g": str(fmt.Sprintf("g%d", n%4))}
	switch kind {
	case 0:
		_, err = c.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: w.item(s.keys[0], n)})
	case 1:
		_, err = c.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: name, Key: w.key(s.keys[0]), UpdateExpression: update, ExpressionAttributeValues: values})
	case 2:
		_, err = c.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: name, Key: w.key(s.keys[0])})
	case 3:
		var requests []types.WriteRequest
		for _, k := range s.keys {
			if deleted[k] {
				requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: w.key(k)}})
			} else {
				requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: w.item(k, n)}})
			}
		}
		var out *ddb.BatchWriteItemOutput
		out, err = c.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
		if err == nil && len(out.UnprocessedItems) > 0 {
			err = errUnprocessed
		}
	default:
		var actions []types.TransactWriteItem
		for i, k := range s.keys {
			switch {
			case deleted[k]:
				actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: name, Key: w.key(k)}})
			case i%2 == 0:
				actions = append(actions, types.TransactWriteItem{Put: &types.Put{TableName: name, Item: w.item(k, n)}})
			default:
				actions = append(actions, types.TransactWriteItem{Update: &types.Update{TableName: name, Key: w.key(k), UpdateExpression: update, ExpressionAttributeValues: values}})
			}
		}
		_, err = c.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: actions})
	}
	return err
}

// run lets all writers write until the context is done.
func (w *workload) run(ctx context.Context, c *ddb.Client, each func(error)) {
	var group sync.WaitGroup
	for _, writer := range w.writers {
		group.Go(func() { writer.run(ctx, c, each) })
	}
	group.Wait()
}

// snapshot is a copy of all histories as they are now.
func (w *workload) snapshot() [][]step {
	var out [][]step
	for _, writer := range w.writers {
		out = append(out, writer.snapshot())
	}
	return out
}

// acknowledged is how many steps of all writers are.
func (w *workload) acknowledged() (n int) {
	for _, steps := range w.snapshot() {
		n += acknowledged(steps)
	}
	return n
}

// verify reads everything and holds it against the histories, and the index against the table.
// It returns the versions found, by writer and key.
func (w *workload) verify(ctx context.Context, c *ddb.Client, told, begun [][]step) ([]map[int]int, error) {
	items, err := scan(ctx, c, &ddb.ScanInput{TableName: aws.String(table), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("read the table: %w", err)
	}
	entries, err := scan(ctx, c, &ddb.ScanInput{TableName: aws.String(table), IndexName: aws.String(index)})
	if err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	found := make([]map[int]int, len(w.writers))
	for i := range found {
		found[i] = map[int]int{}
	}
	for _, i := range items {
		var writer, k int
		if _, err := fmt.Sscanf(i["pk"].(*types.AttributeValueMemberS).Value, "w%d-%d", &writer, &k); err != nil || writer >= len(found) {
			return nil, fmt.Errorf("an item that nobody wrote: %s", show(i))
		}
		found[writer][k] = version(i)
	}
	var faults []error
	for i := range w.writers {
		if err := check(told[i], begun[i], found[i]); err != nil {
			faults = append(faults, fmt.Errorf("writer %d: %w", i, err))
		}
	}
	if err := same(items, entries); err != nil {
		faults = append(faults, err)
	}
	return found, errors.Join(faults...)
}

// settle turns steps whose outcome was unknown, and has been seen, into known ones. It is for
// writers at rest.
func (h *history) settle(found map[int]int) {
	h.Lock()
	defer h.Unlock()
	for i := range h.steps {
		s := &h.steps[i]
		if s.acked || s.refused || len(s.deletes) > 0 {
			continue
		}
		seen := 0
		for _, k := range s.keys {
			if found[k] == i+1 {
				seen++
			}
		}
		s.acked, s.refused = seen == len(s.keys), seen == 0
	}
}

// same wants an index that projects everything to hold just what the table holds.
func same(items, entries []item) error {
	want := map[string]bool{}
	for _, i := range items {
		want[show(i)] = true
	}
	for _, e := range entries {
		if !want[show(e)] {
			return fmt.Errorf("index entry %s has no such item", show(e))
		}
		delete(want, show(e))
	}
	for i := range want {
		return fmt.Errorf("item %s is not in the index", i)
	}
	return nil
}

// scan reads all pages, each again if the SDK loses the answer, as it does now and then with
// large ones (aws-sdk-go-v2 #1825).
func scan(ctx context.Context, c *ddb.Client, in *ddb.ScanInput) (items []item, err error) {
	for {
		page, err := c.Scan(ctx, in, func(o *ddb.Options) { o.Retryer = retry.NewStandard() })
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if in.ExclusiveStartKey = page.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items, nil
		}
	}
}

// version is the version of an item, 0 if there is none.
func version(i item) int {
	v, ok := i["n"].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(v.Value)
	return n
}

func show(i item) string {
	var parts []string
	for name, v := range i {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			parts = append(parts, name+"="+v.Value)
		case *types.AttributeValueMemberN:
			parts = append(parts, name+"="+v.Value)
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}
