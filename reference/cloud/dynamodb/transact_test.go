package dynamodb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

func txPut(m av) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: str("one"), Item: m}}
}

func txUpdate(pk, expression string, values av) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: str("one"), Key: av{"pk": S(pk)}, UpdateExpression: &expression, ExpressionAttributeValues: values}}
}

func txCheck(pk, condition string, values av) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: str("one"), Key: av{"pk": S(pk)}, ConditionExpression: &condition, ExpressionAttributeValues: values}}
}

func txDelete(pk string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: str("one"), Key: av{"pk": S(pk)}}}
}

func (r *rig) transact(items ...types.TransactWriteItem) error {
	_, err := r.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: items})
	return err
}

func reasons(t testing.TB, err error) string {
	t.Helper()
	var c *types.TransactionCanceledException
	require.ErrorAs(t, err, &c)
	var out []string
	for _, r := range c.CancellationReasons {
		s := aws.ToString(r.Code)
		if r.Message != nil {
			s += ": " + *r.Message
		}
		if r.Item != nil {
			s += " {" + show(r.Item) + "}"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestTransactionsWriteAllOrNothing(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	r.put("one", av{"pk": S("d")})
	r.put("one", av{"pk": S("c"), "n": N(1)})
	require.NoError(t, r.transact(txPut(av{"pk": S("a"), "n": N(1)}), txUpdate("b", "ADD n :n", av{":n": N(2)}), txCheck("c", "n = :n", av{":n": N(1)}), txDelete("d")))
	require.Equal(t, "n=1 pk=a", show(r.get("one", av{"pk": S("a")})))
	require.Equal(t, "n=2 pk=b", show(r.get("one", av{"pk": S("b")})))
	require.Nil(t, r.get("one", av{"pk": S("d")}))

	check := txCheck("c", "n = :n", av{":n": N(9)})
	check.ConditionCheck.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	err := r.transact(txPut(av{"pk": S("a"), "n": N(7)}), check, txUpdate("b", "SET x.y = :n", av{":n": N(2)}), txDelete("c2"))
	fails(t, err, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError, None]")
	require.Equal(t, "None; ConditionalCheckFailed: The conditional request failed {n=1 pk=c}; ValidationError: The document path provided in the update expression is invalid for update; None", reasons(t, err))
	require.Equal(t, "n=1 pk=a", show(r.get("one", av{"pk": S("a")})))

	err = r.transact(txPut(av{"nokey": S("a")}), txPut(av{"nokey": S("b")}), check)
	require.Equal(t, "ValidationError: One or more parameter values were invalid: Missing the key pk in the item; None; None", reasons(t, err), "only the first")
}

func TestTransactionsCostTwice(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	in := &ddb.TransactWriteItemsInput{ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ClientRequestToken: str("tok"),
		TransactItems: []types.TransactWriteItem{txPut(av{"pk": S("a"), "x": S(strings.Repeat("x", 1500))}), txPut(av{"pk": S("b")})}}
	out, err := r.TransactWriteItems(ctx, in)
	require.NoError(t, err)
	require.Equal(t, 6.0, *out.ConsumedCapacity[0].CapacityUnits)
	require.Equal(t, 6.0, *out.ConsumedCapacity[0].WriteCapacityUnits)
	out, err = r.TransactWriteItems(ctx, in) // the same token again costs reads
	require.NoError(t, err)
	require.Equal(t, 4.0, *out.ConsumedCapacity[0].ReadCapacityUnits)
	got, err := r.TransactGetItems(ctx, &ddb.TransactGetItemsInput{ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: str("one"), Key: av{"pk": S("a")}, ProjectionExpression: str("pk")}}, {Get: &types.Get{TableName: str("one"), Key: av{"pk": S("zz")}}}}})
	require.NoError(t, err)
	require.Equal(t, 4.0, *got.ConsumedCapacity[0].CapacityUnits)
	require.Equal(t, "pk=a", show(got.Responses[0].Item))
	require.Nil(t, got.Responses[1].Item)
}

func TestTokensMakeTransactionsIdempotent(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	r := open(t, Options{Now: func() time.Time { return now }})
	r.create("one", "pk", "", "pk:S")
	add := func(token string, n int) error {
		_, err := r.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{txUpdate("a", "ADD n :n", av{":n": N(n)})}})
		return err
	}
	require.NoError(t, add("t1", 1))
	require.NoError(t, add("t1", 1))
	require.Equal(t, "n=1 pk=a", show(r.get("one", av{"pk": S("a")})))
	fails(t, add("t1", 2), "IdempotentParameterMismatchException", "")
	require.NoError(t, add("t2", 1))
	now = now.Add(10 * time.Minute)
	require.NoError(t, add("t1", 1))
	require.Equal(t, "n=3 pk=a", show(r.get("one", av{"pk": S("a")})))
}

func TestFaultsOfTransactions(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	var many []types.TransactWriteItem
	for i := range 101 {
		many = append(many, txPut(av{"pk": S(fmt.Sprint(i))}))
	}
	big := func(n int) (out []types.TransactWriteItem) {
		for i := range n {
			out = append(out, txPut(av{"pk": S(fmt.Sprint(i)), "x": S(strings.Repeat("x", 390<<10))}))
		}
		return out
	}
	for want, err := range map[string]error{
		"Member must have length less than or equal to 100":                  r.transact(many...),
		"Transaction request cannot include multiple operations on one item": r.transact(txPut(av{"pk": S("a")}), txDelete("a")),
		"Transaction payload size cannot exceed 4MB. Payload Size: ":         r.transact(big(11)...),
		"TransactItems can only contain one of Check, Put, Update or Delete": rawError(t, r, "TransactWriteItems", `{"TransactItems":[{}]}`),
		"Value null at 'transactItems' failed to satisfy constraint":         rawError(t, r, "TransactWriteItems", `{}`),
		"Invalid ConditionExpression":                                        r.transact(txCheck("a", "n = ", nil)),
		"at 'clientRequestToken' failed to satisfy constraint":               rawError(t, r, "TransactWriteItems", `{"ClientRequestToken":"`+strings.Repeat("x", 37)+`","TransactItems":[{"Delete":{"TableName":"one","Key":{"pk":{"S":"a"}}}}]}`),
	} {
		fails(t, err, "ValidationException", want)
	}
	require.NoError(t, r.transact(many[:100]...))
	require.NoError(t, r.transact(big(10)...))
}

// gate is a file system whose syncs wait while it is shut.
type gate struct {
	vfs.FS
	shut    atomic.Bool
	entered chan struct{} // a sync has come to the shut gate
	open    chan struct{}
}

func newGate() *gate {
	g := &gate{entered: make(chan struct{}, 100), open: make(chan struct{})}
	g.FS = errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if g.shut.Load() {
				g.entered <- struct{}{}
				<-g.open
			}
		}
		return nil
	}))
	return g
}

// While a transaction's commit is on its way to the disk, writes and transactions that touch
// its items are refused, whatever they are.
func TestOngoingTransactionsConflict(t *testing.T) {
	g := newGate()
	r := open(t, Options{FS: g})
	r.create("one", "pk", "", "pk:S")
	g.shut.Store(true)
	var group sync.WaitGroup
	group.Go(func() { require.NoError(t, r.transact(txPut(av{"pk": S("a"), "n": N(1)}))) })
	<-g.entered

	_, err := r.PutItem(ctx, &ddb.PutItemInput{TableName: str("one"), Item: av{"pk": S("a")}})
	fails(t, err, "TransactionConflictException", "Transaction is ongoing for the item")
	_, err = r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("one"), Key: av{"pk": S("a")}})
	fails(t, err, "TransactionConflictException", "")
	_, err = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("one"), Key: av{"pk": S("a")}})
	fails(t, err, "TransactionConflictException", "")
	err = r.transact(txPut(av{"pk": S("b")}), txPut(av{"pk": S("a")}))
	require.Equal(t, "None; TransactionConflict: Transaction is ongoing for the item", reasons(t, err))
	_, err = r.TransactGetItems(ctx, &ddb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: str("one"), Key: av{"pk": S("a")}}}}})
	require.Equal(t, "TransactionConflict: Transaction is ongoing for the item", reasons(t, err))

	units := r.service.Stats().Tables["one"].WriteUnits
	group.Go(func() { // the rest of a batch is done
		out, err := r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": {putRequest(av{"pk": S("a")}), putRequest(av{"pk": S("c")})}}})
		require.NoError(t, err)
		require.Len(t, out.UnprocessedItems["one"], 1)
		require.Equal(t, "pk=a", show(out.UnprocessedItems["one"][0].PutRequest.Item))
	})
	out, err := r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"one": {putRequest(av{"pk": S("a")})}}})
	require.NoError(t, err)
	require.Len(t, out.UnprocessedItems["one"], 1, "nothing of it could be done")
	var reads atomic.Int64
	group.Go(func() { // a read waits until what it saw is durable
		require.Equal(t, "n=1 pk=a", show(r.get("one", av{"pk": S("a")})))
		reads.Add(1)
	})
	require.Eventually(t, func() bool {
		s := r.service.Stats()
		return s.Tables["one"].WriteUnits > units && s.Tables["one"].ReadUnits == 0
	}, 30*time.Second, time.Millisecond)
	require.Zero(t, reads.Load())
	g.shut.Store(false)
	close(g.open)
	group.Wait()
	r.put("one", av{"pk": S("a"), "n": N(2)})
}

// Concurrent increments in transactions over two items, retried on conflict, and single ADDs
// lose nothing, and whoever reads both in a transaction sees them equal.
func TestConcurrentTransactionsAreSerialisable(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	const workers, each = 4, 40
	var group, readers sync.WaitGroup
	var stop atomic.Bool
	var read int64
	readers.Go(func() {
		for !stop.Load() {
			out, err := r.TransactGetItems(ctx, &ddb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
				{Get: &types.Get{TableName: str("one"), Key: av{"pk": S("x")}}}, {Get: &types.Get{TableName: str("one"), Key: av{"pk": S("y")}}}}})
			if err != nil {
				require.Contains(t, reasons(t, err), "TransactionConflict")
				continue
			}
			require.Equal(t, out.Responses[0].Item["n"], out.Responses[1].Item["n"])
			read++
		}
	})
	for range workers {
		group.Go(func() {
			for done := 0; done < each; {
				// x is incremented by what was read, so that a lost update shows.
				old := r.get("one", av{"pk": S("x")})
				n, condition, values := 1, "attribute_not_exists(n)", av{":new": N(1)}
				if old != nil {
					was, _ := strconv.Atoi(showValue(old["n"]))
					n, condition = was+1, "n = :old"
					values = av{":new": N(n), ":old": N(was)}
				}
				x := txUpdate("x", "SET n = :new", values)
				x.Update.ConditionExpression = &condition
				err := r.transact(x, txUpdate("y", "ADD n :one", av{":one": N(1)}))
				var cancelled *types.TransactionCanceledException
				switch {
				case err == nil:
					done++
				case !errors.As(err, &cancelled):
					require.NoError(t, err)
				}
				_, err = r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: str("one"), Key: av{"pk": S("z")}, UpdateExpression: str("ADD n :one"), ExpressionAttributeValues: av{":one": N(1)}})
				require.NoError(t, err)
			}
		})
	}
	group.Wait()
	stop.Store(true)
	readers.Wait()
	want := fmt.Sprint(workers * each)
	require.Equal(t, want, showValue(r.get("one", av{"pk": S("x")})["n"]))
	require.Equal(t, want, showValue(r.get("one", av{"pk": S("y")})["n"]))
	require.NotZero(t, read)
}

func TestCancelledIsATypedErrorForTheSDK(t *testing.T) {
	r := open(t, Options{})
	r.create("one", "pk", "", "pk:S")
	err := r.transact(txCheck("a", "attribute_exists(pk)", nil))
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, "TransactionCanceledException", api.ErrorCode())
}
