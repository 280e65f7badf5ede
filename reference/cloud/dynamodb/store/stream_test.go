package store

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// A follower that reads while writers write, with slow syncs, sees for each counter 1, 2, 3, …;
// and after a crash at any moment the log tells of each counter exactly what the counter says,
// and nothing that a follower was shown is gone.
func TestAStreamIsInStepWithItsTableInACrash(t *testing.T) {
	const n = 4
	mem := vfs.NewCrashableMem()
	s := openMem(t, slowSync(mem))
	began := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	st, err := s.CreateStream(began, Images{New: true}, []byte("x"))
	require.NoError(t, err)
	table := &Table{ID: counters.ID, Key: counters.Key, Stream: st}
	var clock atomic.Int64 // minutes: shards roll on the way
	var shown atomic.Uint64
	var stop atomic.Bool
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for !stop.Load() {
				i, j := rng.IntN(n), rng.IntN(n)
				keys := [][]byte{counterKey(t, i)}
				if i != j {
					keys = append(keys, counterKey(t, j))
				}
				u := s.Begin()
				u.At(began.Add(time.Duration(clock.Add(1)) * time.Minute))
				if u.Lock(keys...) != nil {
					return
				}
				for k, c := range []int{i, j}[:len(keys)] {
					old, err := u.Get(keys[k])
					if err == nil {
						err = u.Put(table, keys[k], old, doc(t, `{"pk":{"S":"c%d"},"n":{"N":"%d"}}`, c, number(old)+1))
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
				if err := u.Commit(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Go(func() {
		last, next := map[string]int64{}, uint64(0)
		for !stop.Load() {
			if err := s.ReadStream(st, next, 0, func(r Record) bool {
				pk := string(r.Key.Get("pk").Payload())
				if number(r.New) != last[pk]+1 {
					t.Errorf("%s at %d follows %d", pk, number(r.New), last[pk])
				}
				last[pk], next = number(r.New), r.Number+1
				return true
			}); err != nil {
				t.Error(err)
				return
			}
			shown.Store(next)
		}
	})
	rng := rand.New(rand.NewPCG(3, 4))
	for crash := range 12 {
		before := shown.Load()
		require.Eventually(t, func() bool { return shown.Load() >= before+2 }, hangs, time.Millisecond, "records between two crashes")
		seen := shown.Load()
		again := openMem(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
		kept, last := again.Stream(st.ID()), map[string]int64{}
		require.NotNil(t, kept)
		require.GreaterOrEqual(t, kept.Course().Next, seen, "crash %d: a record that was shown is gone", crash)
		require.NoError(t, again.ReadStream(kept, 0, 0, func(r Record) bool {
			last[string(r.Key.Get("pk").Payload())] = number(r.New)
			return true
		}))
		for i := range n {
			d, _, err := again.Get(nil, counterKey(t, i))
			require.NoError(t, err)
			require.Equal(t, number(d), last[fmt.Sprint("c", i)], "crash %d: counter %d and its log", crash, i)
		}
		require.NoError(t, again.Close())
	}
	stop.Store(true)
	group.Wait()
	require.NoError(t, s.Close())
}

// A caller that does not wait for a sick disk uses its buffer for the next request, before the
// record of the change was made.
func TestARecordOutlivesTheCallersBuffer(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	st, err := s.CreateStream(time.Now(), Images{New: true}, []byte("x"))
	require.NoError(t, err)
	table := &Table{ID: counters.ID, Key: counters.Key, Stream: st}
	buffer := doc(t, `{"pk":{"S":"c1"},"n":{"N":"41"}}`)
	u := s.Begin()
	u.At(time.Now())
	key := counterKey(t, 1)
	require.NoError(t, u.Lock(key))
	require.NoError(t, u.Put(table, key, nil, buffer))
	copy(buffer, doc(t, `{"pk":{"S":"c1"},"n":{"N":"99"}}`))
	require.NoError(t, u.Commit())
	var seen []int64
	require.NoError(t, s.ReadStream(st, 0, 0, func(r Record) bool {
		seen = append(seen, number(r.New))
		return true
	}))
	require.Equal(t, []int64{41}, seen)
}

// Against a list of all records with their times: numbers rise, every record lies in one shard,
// and what is trimmed is what is too old.
func TestACourseNumbersDividesAndTrims(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		c := begin(now)
		type entry struct {
			number uint64
			at     time.Time
		}
		var all []entry
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 9*60).Draw(t, "minutes")) * time.Minute)
			if rapid.Bool().Draw(t, "trims") {
				keep := c.Trimmed
				for len(all) > 0 && now.Sub(all[0].at) >= StreamLife {
					keep, all = all[0].number+1, all[1:]
				}
				_, over := c.trim(now, keep)
				require.False(t, over, "it is open")
			} else {
				number, _, ok := c.take(now)
				require.True(t, ok)
				if len(all) > 0 {
					require.Greater(t, number, all[len(all)-1].number)
				}
				all = append(all, entry{number, now})
			}
			for i, sh := range c.Shards {
				last := i == len(c.Shards)-1
				require.Equal(t, last, sh.Ended.IsZero())
				require.Equal(t, last, sh.To == 0)
				if !last {
					require.Equal(t, sh.To, c.Shards[i+1].From)
				}
			}
			for _, e := range all {
				in := 0
				for _, sh := range c.Shards {
					if e.number > sh.From && (sh.To == 0 || e.number < sh.To) {
						in++
						require.False(t, e.at.Before(sh.Began))
					}
				}
				require.Equal(t, 1, in, "record %d", e.number)
				require.GreaterOrEqual(t, e.number, c.Trimmed)
			}
		}
		require.True(t, c.end(now))
		require.False(t, c.end(now), "once")
		_, _, ok := c.take(now)
		require.False(t, ok)
		_, over := c.trim(now.Add(StreamLife-1), c.Trimmed)
		require.False(t, over)
		_, over = c.trim(now.Add(StreamLife), c.Trimmed)
		require.True(t, over)
	})
}

func FuzzRecord(f *testing.F) {
	key := doc(f, `{"pk":{"S":"a"}}`)
	f.Add(appendRecord(nil, &Record{Event: Inserted, At: time.UnixMilli(5), Key: key, HasNew: true, New: key}))
	f.Add(appendRecord(nil, &Record{Event: Expired, At: time.UnixMilli(5), Key: key, HasOld: true, Old: item.Doc{}}))
	f.Add([]byte("I\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRecord(7, text)
		if err != nil {
			return
		}
		again, err := parseRecord(7, appendRecord(nil, &r))
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}
