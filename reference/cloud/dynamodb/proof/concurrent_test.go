package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb"
)

// player makes random calls and has them recorded.
type player struct {
	*record
	client   atomic.Pointer[ddb.Client] // changes when the server is killed
	invented atomic.Pointer[string]     // an index entry of a version that nobody wrote
}

func register(i int) item { return item{"pk": str(fmt.Sprintf("r%d", i))} }

func registerAt(i, version int) item {
	out := register(i)
	out["n"], out["g"] = num(version), str("all")
	return out
}

// wanted is a condition on a version; 0 is absence.
func wanted(version int) (*string, item) {
	if version == 0 {
		return aws.String("attribute_not_exists(pk)"), nil
	}
	return aws.String("n = :want"), item{":want": num(version)}
}

// single makes one call about one item.
func (p *player) single(ctx context.Context, who int, rng *rand.Rand, latest *values) {
	c, i, v := p.client.Load(), rng.IntN(registers), p.version()
	a := access{want: untouched(), write: untouched()}
	a.read[i] = true
	name := aws.String(table)
	old := func(attributes item) values {
		var seen values
		seen[i] = version(attributes)
		latest[i] = seen[i]
		return seen
	}
	switch rng.IntN(6) {
	case 0:
		a.write[i] = v
		p.call(who, a, func() (values, error) {
			out, err := c.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: registerAt(i, v), ReturnValues: types.ReturnValueAllOld})
			if err != nil {
				return values{}, err
			}
			return old(out.Attributes), nil
		})
	case 1:
		a.write[i] = v
		p.call(who, a, func() (values, error) {
			out, err := c.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: name, Key: register(i), ReturnValues: types.ReturnValueAllOld,
				UpdateExpression: aws.String("SET n = :n, g = :g"), ExpressionAttributeValues: item{":n": num(v), ":g": str("all")}})
			if err != nil {
				return values{}, err
			}
			return old(out.Attributes), nil
		})
	case 2:
		a.write[i] = 0
		p.call(who, a, func() (values, error) {
			out, err := c.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: name, Key: register(i), ReturnValues: types.ReturnValueAllOld})
			if err != nil {
				return values{}, err
			}
			return old(out.Attributes), nil
		})
	case 3: // compare and swap
		a.read[i], a.want[i], a.write[i] = false, latest[i], v
		condition, want := wanted(latest[i])
		p.call(who, a, func() (values, error) {
			_, err := c.PutItem(ctx, &ddb.PutItemInput{TableName: name, Item: registerAt(i, v), ConditionExpression: condition, ExpressionAttributeValues: want})
			return values{}, err
		})
	default:
		p.call(who, a, func() (values, error) {
			out, err := c.GetItem(ctx, &ddb.GetItemInput{TableName: name, Key: register(i), ConsistentRead: aws.Bool(true)})
			if err != nil {
				return values{}, err
			}
			return old(out.Item), nil
		})
	}
}

// transaction makes one call about several items, or now and then about one.
func (p *player) transaction(ctx context.Context, who int, rng *rand.Rand, latest *values) {
	kind := rng.IntN(5)
	if kind == 0 {
		p.single(ctx, who, rng, latest)
		return
	}
	c, v := p.client.Load(), p.version()
	a := access{want: untouched(), write: untouched()}
	some := rng.Perm(registers)[:2+rng.IntN(registers-1)]
	if kind < 3 {
		in := &ddb.TransactGetItemsInput{}
		for _, i := range some {
			a.read[i] = true
			in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: aws.String(table), Key: register(i)}})
		}
		p.call(who, a, func() (seen values, err error) {
			out, err := c.TransactGetItems(ctx, in)
			if err != nil {
				return seen, err
			}
			for k, i := range some {
				seen[i] = version(out.Responses[k].Item)
				latest[i] = seen[i]
			}
			return seen, nil
		})
		return
	}
	in := &ddb.TransactWriteItemsInput{}
	for k, i := range some {
		var condition *string
		var want item
		if kind == 4 && k < 2 {
			a.want[i] = latest[i]
			condition, want = wanted(latest[i])
		}
		action := types.TransactWriteItem{}
		switch {
		case kind == 4 && k == 0:
			action.ConditionCheck = &types.ConditionCheck{TableName: aws.String(table), Key: register(i), ConditionExpression: condition, ExpressionAttributeValues: want}
		case rng.IntN(5) == 0:
			a.write[i] = 0
			action.Delete = &types.Delete{TableName: aws.String(table), Key: register(i), ConditionExpression: condition, ExpressionAttributeValues: want}
		default:
			a.write[i] = v
			action.Put = &types.Put{TableName: aws.String(table), Item: registerAt(i, v), ConditionExpression: condition, ExpressionAttributeValues: want}
		}
		in.TransactItems = append(in.TransactItems, action)
	}
	p.call(who, a, func() (values, error) {
		_, err := c.TransactWriteItems(ctx, in)
		return values{}, err
	})
}

// watchIndex reads the index until the context is done and remembers an entry that nobody wrote.
func (p *player) watchIndex(ctx context.Context) {
	for ctx.Err() == nil {
		out, err := p.client.Load().Query(ctx, &ddb.QueryInput{TableName: aws.String(table), IndexName: aws.String(index),
			KeyConditionExpression: aws.String("g = :g"), ExpressionAttributeValues: item{":g": str("all")}})
		if err != nil {
			continue
		}
		for _, entry := range out.Items {
			var i int
			_, _ = fmt.Sscanf(entry["pk"].(*types.AttributeValueMemberS).Value, "r%d", &i)
			p.Lock()
			held := p.possible[[2]int{i, version(entry)}]
			p.Unlock()
			if !held {
				text := show(entry)
				p.invented.Store(&text)
			}
		}
	}
}

// play has clients make calls at once, each so many, and returns the record.
func (p *player) play(t *testing.T, clients, calls int, seed uint64, call func(*player, context.Context, int, *rand.Rand, *values)) {
	t.Helper()
	watching, stop := context.WithCancel(context.Background())
	var watch, group sync.WaitGroup
	watch.Go(func() { p.watchIndex(watching) })
	for who := range clients {
		group.Go(func() {
			rng, latest := rand.New(rand.NewPCG(seed, uint64(who))), values{}
			for range calls {
				call(p, context.Background(), who, rng, &latest)
			}
		})
	}
	group.Wait()
	stop()
	watch.Wait()
}

// lies plays histories against a server in this process, with a lie before it, until one is
// found out, and says what was.
func lies(t *testing.T, broken string, m porcupine.Model, histories int, call func(*player, context.Context, int, *rand.Rand, *values)) error {
	t.Helper()
	off := dynamodb.NoLimits()
	for n := range histories {
		s, err := dynamodb.Open(dynamodb.Options{Dir: "data", FS: vfs.NewMem(), Limits: &off})
		require.NoError(t, err)
		server := httptest.NewServer(mux(s, broken))
		p := &player{record: newRecord()}
		c := client(t, server.URL)
		p.client.Store(c)
		require.NoError(t, createTable(t.Context(), c))
		p.play(t, 4, 60, uint64(n), call)
		server.Close()
		require.NoError(t, s.Close())
		if err := p.judge(m); err != nil {
			return fmt.Errorf("seed %d: %w", n, err)
		}
	}
	return nil
}

var (
	errIllegal   = errors.New("no order of the calls explains the answers")
	errUndecided = errors.New("no verdict in time")
	errInvented  = errors.New("the index held what no item was")
)

func (p *player) judge(m porcupine.Model) error {
	if entry := p.invented.Load(); entry != nil {
		return fmt.Errorf("%w: %s", errInvented, *entry)
	}
	switch p.verdict(m) {
	case porcupine.Illegal:
		return errIllegal
	case porcupine.Unknown:
		return errUndecided
	}
	return nil
}

// perItem is the model of single-item operations: each item is linearizable by itself.
func perItem() porcupine.Model {
	m := model
	m.Partition = byRegister
	return m
}

func TestSingleItemOperationsAreLinearizable(t *testing.T) {
	require.NoError(t, lies(t, "", perItem(), times(5, 300), (*player).single))
}

func TestTransactionsAreSerialisable(t *testing.T) {
	require.NoError(t, lies(t, "", model, times(5, 300), (*player).transaction))
}

func TestConcurrentHistoriesFindLies(t *testing.T) {
	require.ErrorIs(t, lies(t, "stale reads", perItem(), 10, (*player).single), errIllegal)
	require.ErrorIs(t, lies(t, "lost updates", perItem(), 10, (*player).single), errIllegal)
	require.ErrorIs(t, lies(t, "invented index entries", perItem(), 10, (*player).single), errInvented)
	require.ErrorIs(t, lies(t, "stale reads", model, 10, (*player).transaction), errIllegal)
	require.ErrorIs(t, lies(t, "torn transactions", model, 10, (*player).transaction), errIllegal)
}

// killed plays a history against a server that is killed, and comes back, in the middle of it.
func killed(t *testing.T, broken string, m porcupine.Model, seed uint64, call func(*player, context.Context, int, *rand.Rand, *values)) error {
	t.Helper()
	rng, dir := rand.New(rand.NewPCG(seed, 99)), t.TempDir()
	server := start(t, dir, broken)
	p := &player{record: newRecord()}
	p.client.Store(client(t, server.url))
	require.NoError(t, createTable(t.Context(), p.client.Load()))
	const clients, calls, kills = 4, 60, 3
	var made atomic.Int64
	due := make(chan struct{}, kills)
	var group sync.WaitGroup
	group.Go(func() {
		defer close(due)
		p.play(t, clients, calls, seed, func(p *player, ctx context.Context, who int, rng *rand.Rand, latest *values) {
			before := p.client.Load()
			call(p, ctx, who, rng, latest)
			if made.Add(1)%(clients*calls/(kills+1)) == 0 {
				select {
				case due <- struct{}{}:
				default:
				}
			}
			for p.client.Load() == before { // while it is dead, wait for the next
				if _, err := before.ListTables(ctx, &ddb.ListTablesInput{}); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
		})
	})
	for range due {
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Microsecond)
		server.kill()
		server = start(t, dir, broken)
		p.client.Store(client(t, server.url))
	}
	group.Wait()
	server.kill()
	return p.judge(m)
}

func TestHistoriesWithKills(t *testing.T) {
	for seed := range times(2, 40) {
		require.NoError(t, killed(t, "", perItem(), uint64(seed), (*player).single), "single items, seed %d", seed)
		require.NoError(t, killed(t, "", model, uint64(seed), (*player).transaction), "transactions, seed %d", seed)
	}
}

func TestHistoriesWithKillsFindALogThatIsWrittenLate(t *testing.T) {
	var found error
	for seed := uint64(0); seed < 20 && found == nil; seed++ {
		found = killed(t, "late log", perItem(), seed, (*player).single)
	}
	require.ErrorIs(t, found, errIllegal)
}
