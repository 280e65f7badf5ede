package dynamodb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// addIndex asks for a global index by g and, if sort is not empty, a sort key.
func (r *rig) addIndex(table, name, sort string, p types.ProjectionType, include ...string) (*types.TableDescription, error) {
	x := gsi(name, "g", sort, p, include...)
	attributes := []types.AttributeDefinition{{AttributeName: str("g"), AttributeType: "S"}}
	if sort != "" {
		attributes = append(attributes, types.AttributeDefinition{AttributeName: &sort, AttributeType: "N"})
	}
	out, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: &table, AttributeDefinitions: attributes, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
		Create: &types.CreateGlobalSecondaryIndexAction{IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: x.Projection},
	}}})
	if err != nil {
		return nil, err
	}
	return out.TableDescription, nil
}

func (r *rig) dropIndex(table, name string) error {
	_, err := r.UpdateTable(ctx, &ddb.UpdateTableInput{TableName: &table, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
		Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: &name},
	}}})
	return err
}

// state is a table's status with its indexes': "ACTIVE byG:CREATING/true".
func (r *rig) state(table string) string {
	out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: &table})
	require.NoError(r.t, err)
	return stateOf(out.Table)
}

func stateOf(d *types.TableDescription) string {
	s := string(d.TableStatus)
	for _, x := range d.GlobalSecondaryIndexes {
		s += " " + *x.IndexName + ":" + string(x.IndexStatus)
		if x.Backfilling != nil {
			s += fmt.Sprint("/", *x.Backfilling)
		}
	}
	return s
}

func (r *rig) becomes(table, state string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.state(table) == state }, 30*time.Second, time.Millisecond, state)
}

// again lets the SDK repeat a read: it reports some large answers as closed connections by its
// own fault (aws-sdk-go-v2 #1825).
func again(o *ddb.Options) { o.Retryer = retry.NewStandard() }

// rows scans a table or an index, in the order of its rows' text.
func (r *rig) rows(table, index string) []string {
	in := &ddb.ScanInput{TableName: &table}
	if index != "" {
		in.IndexName = &index
	}
	out := []string{}
	for p := ddb.NewScanPaginator(r.Client, in); p.HasMorePages(); {
		page, err := p.NextPage(ctx, again)
		require.NoError(r.t, err)
		for _, m := range page.Items {
			out = append(out, show(m))
		}
	}
	slices.Sort(out)
	return out
}

// fill puts n items, every third without g, every seventh with a g of another type.
func (r *rig) fill(table string, n int) {
	var batch []types.WriteRequest
	for i := range n {
		m := av{"pk": S(fmt.Sprintf("p%04d", i)), "n": N(i), "x": S("x")}
		switch {
		case i%3 == 0:
		case i%7 == 0:
			m["g"] = N(i)
		default:
			m["g"] = S(fmt.Sprint("g", i%5))
		}
		batch = append(batch, putRequest(m))
		if len(batch) == 25 || i == n-1 {
			_, err := r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: batch}})
			require.NoError(r.t, err)
			batch = batch[:0]
		}
	}
}

// projected is what an index by g and n that includes x should hold, read off the table.
func (r *rig) projected(table string) []string {
	out := []string{}
	in := &ddb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
	for p := ddb.NewScanPaginator(r.Client, in); p.HasMorePages(); {
		page, err := p.NextPage(ctx, again)
		require.NoError(r.t, err)
		for _, m := range page.Items {
			g, isText := m["g"].(*types.AttributeValueMemberS)
			_, isNumber := m["n"].(*types.AttributeValueMemberN)
			if !isText || !isNumber || g.Value == "" || len(g.Value) > 2048 {
				continue
			}
			entry := av{}
			for _, name := range []string{"pk", "g", "n", "x"} {
				if m[name] != nil {
					entry[name] = m[name]
				}
			}
			out = append(out, show(entry))
		}
	}
	slices.Sort(out)
	return out
}

func TestIndexesComeAndGo(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	r.fill("items", 100)
	r.put("items", av{"pk": S("empty"), "g": S(""), "n": N(1)})
	r.put("items", av{"pk": S("long"), "g": S(string(make([]byte, 2049))), "n": N(1)})
	for range 3 { // the index's id is used again
		d, err := r.addIndex("items", "byG", "n", types.ProjectionTypeInclude, "x")
		require.NoError(t, err)
		require.Equal(t, "UPDATING byG:CREATING/false", stateOf(d))
		r.becomes("items", "ACTIVE byG:ACTIVE")
		require.NotEmpty(t, r.rows("items", "byG"))
		require.Equal(t, r.projected("items"), r.rows("items", "byG"))
		r.put("items", av{"pk": S("p0000"), "g": S("new"), "n": N(-1)})
		require.Equal(t, r.projected("items"), r.rows("items", "byG"))
		_, err = r.PutItem(ctx, &ddb.PutItemInput{TableName: str("items"), Item: av{"pk": S("bad"), "g": N(1)}})
		fails(t, err, "ValidationException", "Type mismatch for Index Key g Expected: S Actual: N IndexName: byG")

		require.NoError(t, r.dropIndex("items", "byG"))
		r.becomes("items", "ACTIVE")
		_, err = r.Scan(ctx, &ddb.ScanInput{TableName: str("items"), IndexName: str("byG")})
		fails(t, err, "ValidationException", "The table does not have the specified index: byG")
		out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: str("items")})
		require.NoError(t, err)
		require.Len(t, out.Table.AttributeDefinitions, 1)
		r.put("items", av{"pk": S("p0001"), "g": S("after"), "n": N(-2)})
	}
}

// An item's lock that is held stops a back-fill where the states of the table can be looked at.
func TestWhatATableAllowsWhileAnIndexIsBuilt(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S h:S", gsi("byH", "h", "", types.ProjectionTypeAll))
	r.put("items", av{"pk": S("a"), "g": S("x"), "n": N(1)})
	u := r.hold("items", 1)
	_, err := r.addIndex("items", "byG", "n", types.ProjectionTypeAll)
	require.NoError(t, err)
	r.becomes("items", "ACTIVE byH:ACTIVE byG:CREATING/true")
	_, err = r.Scan(ctx, &ddb.ScanInput{TableName: str("items"), IndexName: str("byG")})
	fails(t, err, "ValidationException", "Cannot read from backfilling global secondary index: byG")
	_, err = r.addIndex("items", "other", "", types.ProjectionTypeAll)
	fails(t, err, "LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	fails(t, r.dropIndex("items", "byH"), "LimitExceededException", "Only 1 online index")
	_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("items")})
	fails(t, err, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being updated: items")

	require.NoError(t, r.dropIndex("items", "byG")) // a back-fill can be given up
	require.Equal(t, "UPDATING byH:ACTIVE byG:DELETING", r.state("items"))
	fails(t, r.dropIndex("items", "byH"), "ResourceInUseException", "Table is being updated: items")
	require.NoError(t, u.Release())
	r.becomes("items", "ACTIVE byH:ACTIVE")
	_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("items")})
	require.NoError(t, err)
}

func TestFaultsOfIndexUpdates(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S h:S", gsi("byH", "h", "", types.ProjectionTypeAll))
	const (
		defined = `{"TableName":"items","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"}],"GlobalSecondaryIndexUpdates":[`
		create  = `{"Create":{"IndexName":"byG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}`
	)
	for _, c := range [][3]string{
		{`{"TableName":"items"}`, "ValidationException", "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"},
		{`{"TableName":"items","GlobalSecondaryIndexUpdates":[]}`, "ValidationException", "At least one of"},
		{`{"TableName":"absent","GlobalSecondaryIndexUpdates":[` + create + `]}`, "ResourceNotFoundException", "Requested resource not found: Table: absent not found"},
		{defined + `{}]}`, "ValidationException", "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"},
		{defined + `{"Delete":{"IndexName":"byH"},"Create":{"IndexName":"byH","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`, "ValidationException", "Only one of"},
		{defined + `{"Delete":{"IndexName":"byH"}},{"Delete":{"IndexName":"byH"}}]}`, "ValidationException", "Only one global secondary index update per index is allowed simultaneously. Index: byH"},
		{defined + `{"Delete":{"IndexName":"byH"}},` + create + `]}`, "LimitExceededException", "Only 1 online index can be created or deleted simultaneously per table"},
		{defined + `{"Delete":{"IndexName":"absent"}}]}`, "ResourceNotFoundException", "Requested resource not found"},
		{defined + `{"Create":{"IndexName":"byH","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`, "ValidationException", "Attempting to create an index which already exists"},
		{`{"TableName":"items","GlobalSecondaryIndexUpdates":[` + create + `]}`, "ValidationException", "Some index key attributes are not defined in AttributeDefinitions. Keys: [g], AttributeDefinitions: []"},
		{`{"TableName":"items","AttributeDefinitions":[{"AttributeName":"h","AttributeType":"N"}],"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"byG","KeySchema":[{"AttributeName":"h","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`,
			"ValidationException", "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: Schema:[SchemaElement: key{h:S:HASH}] New schema: Schema:[SchemaElement: key{h:N:HASH}]"},
		{defined + `{"Create":{"IndexName":"x","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}]}}]}`, "ValidationException", "2 validation errors detected: Value 'x' at 'globalSecondaryIndexUpdates.1.member.create.indexName' failed to satisfy constraint: Member must have length greater than or equal to 3; Value null at 'globalSecondaryIndexUpdates.1.member.create.projection' failed"},
		{`{"TableName":"items","BillingMode":"PROVISIONED"}`, "ValidationException", "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"},
	} {
		fails(t, rawError(t, r, "UpdateTable", c[0]), c[1], c[2])
	}
	for i := range maxGlobalIndexes - 1 {
		_, err := r.addIndex("items", fmt.Sprintf("more-%02d", i), "", types.ProjectionTypeAll)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return r.service.idle("items") }, 30*time.Second, time.Millisecond)
	}
	_, err := r.addIndex("items", "one-more", "", types.ProjectionTypeAll)
	fails(t, err, "LimitExceededException", "GlobalSecondaryIndex count exceeds the per-table limit of 20")
}

// idle says whether no index of a table is on its way.
func (s *Service) idle(name string) bool {
	return len((*s.tables.Load())[name].definition.IndexStates) == 0
}

// A call that looked the table up before the index was asked for, and writes after, is waited
// for: the back-fill finds what it wrote.
func TestBackfillWaitsForCallsThatDoNotKnowTheIndex(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S")
	found, write := make(chan struct{}), make(chan struct{})
	operations["Slow"] = func(c *call) error {
		tab, err := c.s.table([]byte("items"))
		require.NoError(t, err)
		close(found)
		<-write
		ch := change{verb: verbPut, table: tab, given: docOf(t, `{"pk":{"S":"late"},"g":{"S":"x"},"n":{"N":"1"}}`)}
		require.NoError(t, ch.prepare())
		u := c.begin()
		require.NoError(t, u.Lock(ch.key))
		_, err = ch.evaluate(nil)
		require.NoError(t, err)
		require.NoError(t, ch.write(u))
		return c.commit()
	}
	defer delete(operations, "Slow")
	var group sync.WaitGroup
	group.Go(func() { r.service.ServeAWS(&discard{header: map[string][]string{}}, wireRequest("Slow", "{}")) })
	<-found
	_, err := r.addIndex("items", "byG", "n", types.ProjectionTypeInclude, "x")
	require.NoError(t, err)
	require.Never(t, func() bool { return r.state("items") != "UPDATING byG:CREATING/false" }, 50*time.Millisecond, 5*time.Millisecond)
	close(write)
	group.Wait()
	r.becomes("items", "ACTIVE byG:ACTIVE")
	require.Equal(t, []string{"g=x n=1 pk=late"}, r.rows("items", "byG"))
}

func TestGenerationsWaitForThoseBefore(t *testing.T) {
	g := newGenerations()
	first := g.enter()
	done := make(chan error, 1)
	go func() { done <- g.pass(context.Background()) }()
	require.Never(t, func() bool { return len(done) > 0 }, 20*time.Millisecond, time.Millisecond)
	g.leave(g.enter()) // others come and go meanwhile
	require.Empty(t, done)
	g.leave(first)
	require.NoError(t, <-done)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer g.leave(g.enter())
	require.ErrorIs(t, g.pass(ctx), context.Canceled)
}

// Whatever is written while an index is built, it ends up equal to the projection of the table.
func TestWritesDuringABackfillAreInTheIndex(t *testing.T) {
	r := open(t, Options{})
	for round := range 3 {
		table := fmt.Sprint("items-", round)
		r.create(table, "pk", "", "pk:S")
		r.fill(table, 1500)
		var stop atomic.Bool
		var group sync.WaitGroup
		for worker := range 4 {
			rng := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
			group.Go(func() {
				for !stop.Load() {
					r.disturb(table, rng)
				}
			})
		}
		_, err := r.addIndex(table, "byG", "n", types.ProjectionTypeInclude, "x")
		require.NoError(t, err)
		r.becomes(table, "ACTIVE byG:ACTIVE")
		stop.Store(true)
		group.Wait()
		require.Equal(t, r.projected(table), r.rows(table, "byG"))
	}
}

// disturb makes a random change; what the index refuses is refused.
func (r *rig) disturb(table string, rng *rand.Rand) {
	key := av{"pk": S(fmt.Sprintf("p%04d", rng.IntN(1600)))}
	item := av{"pk": key["pk"], "n": N(rng.IntN(100)), "g": S(fmt.Sprint("g", rng.IntN(5))), "x": S(fmt.Sprint(rng.IntN(9)))}
	if rng.IntN(3) == 0 {
		delete(item, "g")
	}
	switch rng.IntN(5) {
	case 0:
		_, _ = r.PutItem(ctx, &ddb.PutItemInput{TableName: &table, Item: item})
	case 1:
		_, _ = r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: &table, Key: key})
	case 2:
		_, _ = r.UpdateItem(ctx, &ddb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: str("SET g = :g, n = :n"), ExpressionAttributeValues: av{":g": S("u"), ":n": N(rng.IntN(9))}})
	case 3:
		_, _ = r.BatchWriteItem(ctx, &ddb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: {putRequest(item)}}})
	case 4:
		_, _ = r.TransactWriteItems(ctx, &ddb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: &table, Item: item}}}})
	}
}

// A crash at any moment of a build leaves a build that goes on.
func TestBuildsSurviveCrashes(t *testing.T) {
	mem := vfs.NewCrashableMem()
	r := open(t, Options{FS: mem})
	r.create("items", "pk", "", "pk:S")
	r.fill("items", 1200)
	want := r.projected("items")
	rng := rand.New(rand.NewPCG(1, 2))
	crash := func(state string) {
		clone := open(t, Options{FS: mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})})
		clone.becomes("items", state)
		if state != "ACTIVE" {
			require.Equal(t, want, clone.rows("items", "byG"))
		}
	}
	u := r.hold("items", 700) // in the third step of the back-fill
	_, err := r.addIndex("items", "byG", "n", types.ProjectionTypeInclude, "x")
	require.NoError(t, err)
	crash("ACTIVE byG:ACTIVE")
	r.becomes("items", "ACTIVE byG:CREATING/true")
	crash("ACTIVE byG:ACTIVE")
	require.NoError(t, u.Release())
	for range 4 {
		crash("ACTIVE byG:ACTIVE")
	}
	r.becomes("items", "ACTIVE byG:ACTIVE")
	require.NoError(t, r.dropIndex("items", "byG"))
	crash("ACTIVE")
	r.becomes("items", "ACTIVE")
	crash("ACTIVE")
}

// hold locks the item at a place of a scan, which a back-fill then cannot pass.
func (r *rig) hold(table string, place int) *store.Unit {
	out, err := r.Scan(ctx, &ddb.ScanInput{TableName: &table, Limit: aws.Int32(int32(place))})
	require.NoError(r.t, err)
	tab, err := r.service.table([]byte(table))
	require.NoError(r.t, err)
	u := r.service.store.Begin()
	last := out.Items[len(out.Items)-1]["pk"].(*types.AttributeValueMemberS).Value
	require.NoError(r.t, u.Lock(store.Space{Table: tab.schema}.AppendKey(nil, docOf(r.t, `{"pk":{"S":"`+last+`"}}`))))
	return u
}
