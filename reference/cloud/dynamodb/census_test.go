package dynamodb

import (
	"testing"
	"time"

	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counts describes a table until it shows what is wanted: items and bytes of the table and of
// its only index.
func (r *rig) counts(table string, want [4]int64) {
	r.t.Helper()
	require.EventuallyWithT(r.t, func(t *assert.CollectT) {
		out, err := r.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: &table})
		require.NoError(t, err)
		x := out.Table.GlobalSecondaryIndexes[0]
		require.Equal(t, want, [4]int64{*out.Table.ItemCount, *out.Table.TableSizeBytes, *x.ItemCount, *x.IndexSizeBytes})
	}, 30*time.Second, 5*time.Millisecond)
}

func TestTablesAreCounted(t *testing.T) {
	r := open(t, Options{})
	r.create("items", "pk", "", "pk:S g:S", gsi("byG", "g", "", types.ProjectionTypeKeysOnly))
	r.counts("items", [4]int64{})
	r.put("items", av{"pk": S("abc"), "g": S("de"), "x": S("not in the index")})
	r.put("items", av{"pk": S("abd"), "x": S("y")})
	r.counts("items", [4]int64{2, 5 + 3 + 17 + 5 + 2, 1, 5 + 3})
	_, err := r.DeleteItem(ctx, &ddb.DeleteItemInput{TableName: str("items"), Key: av{"pk": S("abc")}})
	require.NoError(t, err)
	r.counts("items", [4]int64{1, 5 + 2, 0, 0})
	_, err = r.DeleteTable(ctx, &ddb.DeleteTableInput{TableName: str("items")})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		r.service.censuses.mu.Lock()
		defer r.service.censuses.mu.Unlock()
		return len(r.service.censuses.mu.last) == 0
	}, 30*time.Second, time.Millisecond, "what is gone is forgotten")
}

func TestCensusesAreTakenSeldomOfLargeTables(t *testing.T) {
	c := newCensuses()
	tab := &table{definition: &definition{ID: 7, TableName: "large"}}
	now := time.Unix(1000, 0)
	c.of(now, tab)
	name, ok := c.next()
	require.True(t, ok)
	require.Equal(t, "large", name)
	c.keep(7, census{taken: now, took: 5 * time.Second})
	c.of(now.Add(499*time.Second), tab)
	_, ok = c.next()
	require.False(t, ok)
	c.of(now.Add(500*time.Second), tab)
	_, ok = c.next()
	require.True(t, ok)
}
