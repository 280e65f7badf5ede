package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counters is a table of pk and n with an index by g.
var counters = &Table{
	ID:  7,
	Key: Key{Hash: KeyAttribute{"pk", item.String}},
	Indexes: []Index{{
		ID: 1, Name: "byG", Key: Key{Hash: KeyAttribute{"g", item.String}, Range: KeyAttribute{"n", item.Number}}, Include: []string{"x"},
	}},
}

func doc(t testing.TB, format string, args ...any) item.Doc {
	d := item.NewDecoder(fmt.Appendf(nil, format, args...))
	out := d.Doc(nil)
	require.NoError(t, d.Err())
	require.NoError(t, d.Invalid)
	return out
}

func counterKey(t testing.TB, i int) []byte {
	return Space{Table: counters}.AppendKey(nil, doc(t, `{"pk":{"S":"c%d"}}`, i))
}

func number(d item.Doc) int64 {
	if d == nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(item.AppendNumberText(nil, d.Get("n").Payload())), 10, 64)
	return n
}

// increment adds one to counters in one unit and returns their values.
func increment(t testing.TB, s *Store, which ...int) []int64 {
	u := s.Begin()
	var keys [][]byte
	for _, i := range which {
		keys = append(keys, counterKey(t, i))
	}
	require.NoError(t, u.Lock(keys...))
	var out []int64
	for j, i := range which {
		old, err := u.Get(keys[j])
		require.NoError(t, err)
		n := number(old) + 1
		require.NoError(t, u.Put(counters, keys[j], old, doc(t, `{"pk":{"S":"c%d"},"n":{"N":"%d"},"g":{"S":"g%d"},"x":{"S":"x"},"y":{"S":"y"}}`, i, n, n%3)))
		out = append(out, n)
	}
	require.NoError(t, u.Commit())
	return out
}

func openMem(t testing.TB, fs vfs.FS) *Store {
	s, err := Open(Options{Dir: "db", FS: fs})
	require.NoError(t, err)
	return s
}

// slowSync makes syncs take a while, as on a disk, so that what is visible and what is durable
// differ.
func slowSync(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			time.Sleep(2 * time.Millisecond)
		}
		return nil
	}))
}

// Memtables, which Pebble counts as part of its cache, leave room for the blocks that are read.
func TestBlocksAreCachedBesideMemtables(t *testing.T) {
	s, err := Open(Options{Dir: "db", FS: vfs.NewMem(), Cache: 1 << 20, MemTable: 1 << 20})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	pad := strings.Repeat("x", 10_000)
	for i := range 300 { // three memtables: Pebble lets them grow to their full size one by one
		u, key := s.Begin(), counterKey(t, i)
		require.NoError(t, u.Lock(key))
		require.NoError(t, u.Put(counters, key, nil, doc(t, `{"pk":{"S":"c%d"},"pad":{"S":"%s"}}`, i, pad)))
		require.NoError(t, u.Commit())
	}
	require.NoError(t, s.db.Flush())
	// A compaction reads through the same cache: let none be left to run beside the reads.
	require.NoError(t, s.db.Compact(context.Background(), []byte{0}, []byte{0xff}, false))
	read := func() (misses int64) {
		_, found, err := s.Get(nil, counterKey(t, 7))
		require.NoError(t, err)
		require.True(t, found)
		return s.db.Metrics().BlockCache.Misses
	}
	first := read()
	require.Equal(t, first, read(), "a block that was just read was read from disk again")
}

// raise lifts an atomic to at least v.
func raise(a *atomic.Int64, v int64) {
	for {
		old := a.Load()
		if v <= old || a.CompareAndSwap(old, v) {
			return
		}
	}
}

// What was answered to anyone, a writer, a reader, a failed condition or a scan, is there after
// a crash at any moment, and index entries are in step with items.
func TestNothingAnsweredIsLostInACrash(t *testing.T) {
	const n = 8
	mem := vfs.NewCrashableMem()
	s := openMem(t, slowSync(mem))
	var seen, begun [n]atomic.Int64
	var stop atomic.Bool
	var group sync.WaitGroup
	work := func(f func(rng *rand.Rand)) {
		seed := rand.Uint64()
		group.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 1))
			for !stop.Load() {
				f(rng)
				time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
			}
		})
	}
	for range 4 {
		work(func(rng *rand.Rand) { // a transaction on two
			i := rng.IntN(n)
			j := (i + 1 + rng.IntN(n-1)) % n
			v := increment(t, s, i, j)
			raise(&begun[i], v[0])
			raise(&seen[i], v[0])
			raise(&seen[j], v[1])
		})
	}
	work(func(rng *rand.Rand) {
		i := rng.IntN(n)
		d, _, err := s.Get(nil, counterKey(t, i))
		require.NoError(t, err)
		raise(&seen[i], number(d))
	})
	work(func(rng *rand.Rand) { // a condition that fails
		i := rng.IntN(n)
		u := s.Begin()
		require.NoError(t, u.Lock(counterKey(t, i)))
		d, err := u.Get(counterKey(t, i))
		require.NoError(t, err)
		v := number(d)
		require.NoError(t, u.Release())
		raise(&seen[i], v)
	})
	work(func(rng *rand.Rand) { // a scan, and an index
		found := map[int]int64{}
		note := func(d item.Doc) bool {
			i, _ := strconv.Atoi(string(d.Get("pk").Payload()[1:]))
			found[i] = max(found[i], number(d))
			return true
		}
		require.NoError(t, s.Walk(Space{Table: counters}.Segment(0, 1), note))
		require.NoError(t, s.Walk(Space{counters, &counters.Indexes[0]}.Segment(0, 1), note))
		for i, v := range found {
			raise(&seen[i], v)
		}
	})
	work(func(rng *rand.Rand) { // a query of one partition key
		i := rng.IntN(n)
		var v int64
		pk := doc(t, `{"pk":{"S":"c%d"}}`, i).Get("pk")
		require.NoError(t, s.Walk(Space{Table: counters}.Partition(pk, Bound{}), func(d item.Doc) bool { v = number(d); return true }))
		raise(&seen[i], v)
	})
	answered := func() (total int64) {
		for i := range seen {
			total += seen[i].Load()
		}
		return total
	}
	rng := rand.New(rand.NewPCG(11, 12))
	for crash := range 30 {
		before := answered()
		require.Eventually(t, func() bool { return answered() >= before+4 }, hangs, time.Millisecond, "writes between two crashes")
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Microsecond)
		var known [n]int64
		for i := range seen {
			known[i] = seen[i].Load()
		}
		after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		again := openMem(t, after)
		entries := map[string]int{}
		require.NoError(t, again.Walk(Space{counters, &counters.Indexes[0]}.Segment(0, 1), func(d item.Doc) bool { entries[string(item.AppendJSON(nil, d))]++; return true }))
		for i := range n {
			d, found, err := again.Get(nil, counterKey(t, i))
			require.NoError(t, err)
			if !found {
				require.Zero(t, known[i], "crash %d: counter %d is gone", crash, i)
				continue
			}
			require.GreaterOrEqual(t, number(d), known[i], "crash %d: counter %d was seen at %d", crash, i, known[i])
			want := doc(t, `{"pk":{"S":"c%d"},"n":{"N":"%d"},"g":{"S":"g%d"},"x":{"S":"x"}}`, i, number(d), number(d)%3)
			require.Equal(t, 1, entries[string(item.AppendJSON(nil, want))], "crash %d: %v", crash, entries)
			delete(entries, string(item.AppendJSON(nil, want)))
		}
		require.Empty(t, entries, "crash %d: entries without items", crash)
		require.NoError(t, again.Close())
	}
	stop.Store(true)
	group.Wait()
	require.NoError(t, s.Close())
}

func TestUnitsAreSerialisableAndSeenWhole(t *testing.T) {
	const n, writers, each = 6, 4, 150
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	var group sync.WaitGroup
	var stop atomic.Bool
	group.Go(func() { // two counters are always raised together: the sum is even
		for !stop.Load() {
			var sum int64
			require.NoError(t, s.Walk(Space{Table: counters}.Segment(0, 1), func(d item.Doc) bool { sum += number(d); return true }))
			require.Zero(t, sum%2)
		}
	})
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 3))
			for range each {
				i := rng.IntN(n)
				increment(t, s, i, (i+1+rng.IntN(n-1))%n)
			}
		})
	}
	writing.Wait()
	stop.Store(true)
	group.Wait()
	var sum int64
	require.NoError(t, s.Walk(Space{Table: counters}.Segment(0, 1), func(d item.Doc) bool { sum += number(d); return true }))
	require.Equal(t, int64(writers*each*2), sum)
}

func TestClaimedItemsAreContendedUntilTheCommitIsDurable(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	key := counterKey(t, 1)
	u := s.Begin()
	require.NoError(t, u.Lock(key))
	require.False(t, u.Contended(key))
	u.Claim(key)
	require.True(t, u.Contended(key))
	require.NoError(t, u.Put(counters, key, nil, doc(t, `{"pk":{"S":"c1"},"n":{"N":"1"}}`)))
	require.NoError(t, u.Commit())
	v := s.Begin()
	require.NoError(t, v.Lock(key))
	require.False(t, v.Contended(key))
	v.Claim(key)
	require.NoError(t, v.Release())
	w := s.Begin()
	require.NoError(t, w.Lock(key))
	require.False(t, w.Contended(key))
	require.NoError(t, w.Release())
}

func TestTokensLiveTenMinutesAndAcrossACrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := openMem(t, mem)
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	id, other := NewTokenID("a"), NewTokenID("b")
	commit := func(s *Store, at time.Time, id TokenID, content byte) (bool, error) {
		u := s.Begin()
		done, err := u.Token(at, id, [16]byte{content})
		if done || err != nil {
			require.NoError(t, u.Release())
			return done, err
		}
		key := counterKey(t, 1)
		require.NoError(t, u.Lock(key))
		require.NoError(t, u.Put(counters, key, nil, doc(t, `{"pk":{"S":"c1"},"n":{"N":"1"}}`)))
		return false, u.Commit()
	}
	done, err := commit(s, now, id, 1)
	require.NoError(t, err)
	require.False(t, done)

	u := s.Begin() // what is given up is not remembered, but runs meanwhile
	_, err = u.Token(now, other, [16]byte{1})
	require.NoError(t, err)
	_, err = commit(s, now, other, 1)
	require.ErrorIs(t, err, ErrTokenRunning)
	require.NoError(t, u.Release())

	crashed := openMem(t, mem.CrashClone(vfs.CrashCloneCfg{}))
	defer func() { require.NoError(t, crashed.Close()) }()
	require.NoError(t, s.Close())
	done, err = commit(crashed, now.Add(TokenLife-1), id, 1)
	require.NoError(t, err)
	require.True(t, done)
	_, err = commit(crashed, now.Add(TokenLife-1), id, 2)
	require.ErrorIs(t, err, ErrTokenMismatch)
	done, err = commit(crashed, now, other, 2)
	require.NoError(t, err)
	require.False(t, done)
	done, err = commit(crashed, now.Add(TokenLife), id, 2) // expired: new again
	require.NoError(t, err)
	require.False(t, done)
	done, err = commit(crashed, now.Add(TokenLife+1), id, 2)
	require.NoError(t, err)
	require.True(t, done)
	require.Len(t, crashed.mu.expire, 1, "expired tokens are removed")
}

// A token that is used anew after its time does not go with its old end.
func TestATokenUsedAnewIsKept(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	use := func(at time.Time, token string) (done bool) {
		u := s.Begin()
		done, err := u.Token(at, NewTokenID(token), [16]byte{1})
		require.NoError(t, err)
		if done {
			require.NoError(t, u.Release())
			return true
		}
		key := counterKey(t, 1)
		require.NoError(t, u.Lock(key))
		require.NoError(t, u.Put(counters, key, nil, doc(t, `{"pk":{"S":"c1"},"n":{"N":"1"}}`)))
		require.NoError(t, u.Commit())
		return false
	}
	require.False(t, use(now, "a"))
	again := now.Add(TokenLife + time.Minute)
	require.False(t, use(again, "a"))
	require.False(t, use(again.Add(time.Second), "b")) // takes expired tokens along
	require.True(t, use(again.Add(time.Minute), "a"))
}

// A mark in another table, which had this one's name, is no place in this one.
func TestLookKeepsToItsTable(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	put := func(id uint32, name string) []byte {
		table := &Table{ID: id, Key: counters.Key}
		d := doc(t, `{"pk":{"S":"%s"}}`, name)
		key := Space{Table: table}.AppendKey(nil, d)
		u := s.Begin()
		require.NoError(t, u.Lock(key))
		require.NoError(t, u.Put(table, key, nil, d))
		require.NoError(t, u.Commit())
		return key
	}
	old := put(5, "gone")
	put(7, "another's")
	mine := put(9, "mine")
	for _, from := range [][]byte{nil, old, mine, put(11, "later")} {
		l, err := s.Look(&Table{ID: 9, Key: counters.Key}, from, 1<<20, func(item.Doc) bool { return true })
		require.NoError(t, err)
		require.Equal(t, [][]byte{mine}, l.Keys)
	}
}

func TestDroppedTablesLeaveNothing(t *testing.T) {
	mem := vfs.NewMem()
	s := openMem(t, mem)
	id, err := s.NewTableID()
	require.NoError(t, err)
	require.NoError(t, s.SaveTable("counters", []byte("x")))
	increment(t, s, 1, 2, 3)
	require.NoError(t, s.DropTable("counters", counters.ID))
	increment(t, s, 2) // a write that was under way
	require.NoError(t, s.Close())

	s = openMem(t, mem)
	defer func() { require.NoError(t, s.Close()) }()
	tables, err := s.Tables()
	require.NoError(t, err)
	require.Empty(t, tables)
	require.NoError(t, s.Sweep(map[uint32]bool{}))
	require.NoError(t, s.Walk(Space{Table: counters}.Segment(0, 1), func(d item.Doc) bool { t.Errorf("left: %s", item.AppendJSON(nil, d)); return true }))
	next, err := s.NewTableID()
	require.NoError(t, err)
	require.Greater(t, next, id)
}
