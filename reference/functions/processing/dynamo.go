package processing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/retailflow/stampede/reference/store"
)

// DynamoDB is what the handlers need of *dynamodb.Client.
type DynamoDB interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ DynamoDB = (*dynamodb.Client)(nil)

// Tables are the names of the two tables.
type Tables struct{ Core, Analytics string }

// Limits of DynamoDB's calls
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-api).
const (
	batchGetKeys    = 100
	batchWriteItems = 25
	transactActions = 100
	transactBytes   = 3 << 20 // of 4 MB, the rest for what base64, names and conditions add
)

// Backoff of what DynamoDB left unprocessed.
const (
	firstBackoff = 10 * time.Millisecond
	lastBackoff  = time.Second
)

type item = map[string]types.AttributeValue

// database adds to the calls what every caller needs: cutting into batches, bounded
// concurrency, retrying what was left, pages.
type database struct {
	DynamoDB
	parallel int // calls at once
	wait     func(ctx context.Context, d time.Duration) error
	actions  int // in one transaction at most; transactActions but in tests
}

func newDatabase(client DynamoDB, parallel int, wait func(context.Context, time.Duration) error) database {
	return database{DynamoDB: client, parallel: parallel, wait: wait, actions: transactActions}
}

// each calls f for 0 to n-1, at most parallel at once, until one fails.
func (db *database) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if db.parallel <= 1 || n <= 1 {
		for i := range n {
			if err := f(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(db.parallel)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// put writes items, in no particular order, and returns only when all are written.
func (db *database) put(ctx context.Context, table string, items []item) error {
	requests := make([]types.WriteRequest, len(items))
	for i, it := range items {
		requests[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: it}}
	}
	return db.write(ctx, table, requests)
}

// remove deletes items unconditionally.
func (db *database) remove(ctx context.Context, table string, keys []store.Key) error {
	requests := make([]types.WriteRequest, len(keys))
	for i, key := range keys {
		requests[i] = types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key.Item()}}
	}
	return db.write(ctx, table, requests)
}

func (db *database) write(ctx context.Context, table string, requests []types.WriteRequest) error {
	calls := (len(requests) + batchWriteItems - 1) / batchWriteItems
	return db.each(ctx, calls, func(ctx context.Context, i int) error {
		left := requests[i*batchWriteItems : min((i+1)*batchWriteItems, len(requests))]
		for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
			out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: left}})
			switch {
			case err == nil:
				if left = out.UnprocessedItems[table]; len(left) == 0 {
					return nil
				}
			case !conflicted(err):
				return fmt.Errorf("write %d items: %w", len(left), err)
			}
			if err := db.wait(ctx, backoff); err != nil {
				return fmt.Errorf("write items, %d left unprocessed: %w", len(left), err)
			}
		}
	})
}

// get reads items consistently by key, all of their attributes unless some are named (the key's
// must be among them); absent items are absent from the answer.
func (db *database) get(ctx context.Context, table string, keys []store.Key, attributes ...string) (map[store.Key]item, error) {
	projection, names := project(attributes)
	calls := (len(keys) + batchGetKeys - 1) / batchGetKeys
	answers := make([][]item, calls)
	err := db.each(ctx, calls, func(ctx context.Context, i int) error {
		some := keys[i*batchGetKeys : min((i+1)*batchGetKeys, len(keys))]
		left := make([]item, len(some))
		for j, key := range some {
			left[j] = key.Item()
		}
		for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
			out, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{table: {
					Keys: left, ConsistentRead: aws.Bool(true), ProjectionExpression: projection, ExpressionAttributeNames: names,
				}},
			})
			if err != nil {
				return fmt.Errorf("read %d items: %w", len(left), err)
			}
			got := out.Responses[table]
			answers[i] = append(answers[i], got...)
			if left = out.UnprocessedKeys[table].Keys; len(left) == 0 {
				return nil
			}
			if len(got) > 0 {
				continue // an answer holds 16 MB; there is nothing to wait for
			}
			if err := db.wait(ctx, backoff); err != nil {
				return fmt.Errorf("read items, %d left unprocessed: %w", len(left), err)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	found := make(map[store.Key]item, len(keys))
	for _, answer := range answers {
		for _, it := range answer {
			found[store.KeyOf(it)] = it
		}
	}
	return found, nil
}

// span is a range of sort keys of one partition, both ends included.
type span struct {
	pk, from, to string
	consistent   bool
	attributes   []string // nil: all
	most         int      // stop after the page that reaches it; 0: no limit
}

// query reads a span, page by page; more says that it stopped at span.most.
func (db *database) query(ctx context.Context, table string, s span) (items []item, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:              aws.String(table),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{
			":pk":   &types.AttributeValueMemberS{Value: s.pk},
			":from": &types.AttributeValueMemberS{Value: s.from},
			":to":   &types.AttributeValueMemberS{Value: s.to},
		},
	}
	if s.consistent {
		in.ConsistentRead = aws.Bool(true)
	}
	in.ProjectionExpression, in.ExpressionAttributeNames = project(s.attributes)
	for {
		out, err := db.Query(ctx, in)
		if err != nil {
			return nil, false, fmt.Errorf("query %s: %w", s.pk, err)
		}
		items = append(items, out.Items...)
		if len(out.LastEvaluatedKey) == 0 {
			return items, false, nil
		}
		if s.most > 0 && len(items) >= s.most {
			return items, true, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// project is the expression that asks for attributes; nil for all of them.
func project(attributes []string) (expression *string, names map[string]string) {
	if len(attributes) == 0 {
		return nil, nil
	}
	names = make(map[string]string, len(attributes))
	list := ""
	for _, attr := range attributes {
		names["#"+attr] = attr
		list += ", #" + attr
	}
	return aws.String(list[2:]), names
}

// cancelled returns the reasons of a cancelled transaction, by action.
func cancelled(err error) ([]types.CancellationReason, bool) {
	var c *types.TransactionCanceledException
	if errors.As(err, &c) && len(c.CancellationReasons) > 0 {
		return c.CancellationReasons, true
	}
	return nil, false
}

// conflicted says whether a write met a transaction on one of its items, such as a redelivered
// object's marker one that is just being deleted. Documented for single writes, not for batches
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling);
// in either case it is the time that is wrong, not the write.
func conflicted(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "TransactionConflictException"
}

// pause waits on a timer.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
