package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// plain is the table of counters without its index.
var plain = &Table{ID: counters.ID, Key: counters.Key}

func TestBackfillGoesOnAfterACrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := openMem(t, mem)
	const n = 50
	for i := range n {
		u := s.Begin()
		key := counterKey(t, i)
		require.NoError(t, u.Lock(key))
		require.NoError(t, u.Put(plain, key, nil, doc(t, `{"pk":{"S":"c%d"},"n":{"N":"%d"},"g":{"S":"g%d"},"x":{"S":"x"},"y":{"S":"y"}}`, i, i, i%3)))
		require.NoError(t, u.Commit())
	}
	x := &counters.Indexes[0]
	steps := 0
	for done := false; !done; steps++ {
		var err error
		done, err = s.Backfill(counters, x, 8)
		require.NoError(t, err)
		mem = mem.CrashClone(vfs.CrashCloneCfg{})
		require.NoError(t, s.Close())
		s = openMem(t, mem)
		if !done {
			require.Equal(t, 8*(steps+1), entries(t, s, x))
		}
	}
	require.Equal(t, (n+7)/8, steps, "each step goes on behind the last one")
	require.Equal(t, n, entries(t, s, x))
	require.NoError(t, s.DropIndex(counters, x.ID))
	require.Zero(t, entries(t, s, x))
	done, err := s.Backfill(counters, x, 2*n)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, n, entries(t, s, x), "a dropped index is built from the start")
	require.NoError(t, s.Close())
}

// entries counts what an index holds.
func entries(t *testing.T, s *Store, x *Index) int {
	keys, err := s.keys(Space{counters, x}.Segment(0, 1), 1000)
	require.NoError(t, err)
	return len(keys)
}
