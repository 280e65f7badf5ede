package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// breakable refuses, while on, the operations that match.
type breakable struct {
	on      atomic.Bool
	refused atomic.Int64
	match   func(op errorfs.Op) bool
}

func (b *breakable) wrap(fs vfs.FS) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if b.on.Load() && b.match(op) {
			b.refused.Add(1)
			return syscall.ENOSPC
		}
		return nil
	}))
}

// tryIncrement adds one to a counter that only its caller writes, with some ballast.
func tryIncrement(t testing.TB, s *Store, i int) (int64, error) {
	u := s.Begin()
	key := counterKey(t, i)
	if err := u.Lock(key); err != nil {
		return 0, errors.Join(err, u.Release())
	}
	old, err := u.Get(key)
	if err != nil {
		return 0, errors.Join(err, u.Release())
	}
	n := number(old) + 1
	require.NoError(t, u.Put(counters, key, old, doc(t, `{"pk":{"S":"c%d"},"n":{"N":"%d"},"g":{"S":"g%d"},"x":{"S":"x"},"y":{"S":"%s"}}`, i, n, n%3, strings.Repeat("y", 2000))))
	return n, u.Commit()
}

// inStep wants the index to hold exactly what the items say.
func inStep(t testing.TB, s *Store) {
	t.Helper()
	want, got := map[string]bool{}, map[string]bool{}
	require.NoError(t, s.Walk(Space{Table: counters}.Segment(0, 1), func(d item.Doc) bool {
		want[string(counters.Entry(nil, &counters.Indexes[0], d))] = true
		return true
	}))
	require.NoError(t, s.Walk(Space{counters, &counters.Indexes[0]}.Segment(0, 1), func(d item.Doc) bool { got[string(d)] = true; return true }))
	require.Equal(t, want, got)
}

// hangs is how long what waits for a disk that works, or was to be refused, may take on a machine
// that is busy.
const hangs = time.Minute

// Whatever part of a disk fails, writes are refused and not hung, nothing acknowledged is lost,
// what nobody is writing can be read, and service returns by itself.
func TestAFailingDiskRefusesWritesUntilItWorks(t *testing.T) {
	write := func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }
	of := func(suffix string) func(errorfs.Op) bool {
		return func(op errorfs.Op) bool { return write(op) && strings.Contains(op.Path, suffix) }
	}
	for name, match := range map[string]func(errorfs.Op) bool{
		"everything": write,
		"syncs": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
		},
		"new files": func(op errorfs.Op) bool { return op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite },
		"log":       of(".log"),
		"tables":    of(".sst"),
		"manifest":  of("MANIFEST"),
	} {
		t.Run(name, func(t *testing.T) { failing(t, match) })
	}
}

func failing(t *testing.T, match func(errorfs.Op) bool) {
	const writers = 4
	mem := vfs.NewCrashableMem()
	broken := &breakable{match: match}
	s, err := Open(Options{Dir: "db", FS: broken.wrap(mem), MemTable: 128 << 10})
	require.NoError(t, err)
	const quiet = writers // a counter that nobody writes
	increment(t, s, quiet)

	var acked, refused [writers]atomic.Int64
	var readings atomic.Int64
	var stop atomic.Bool
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			for !stop.Load() {
				n, err := tryIncrement(t, s, i)
				switch {
				case err == nil:
					acked[i].Store(n)
				case errors.Is(err, ErrUnavailable):
					refused[i].Add(1)
					time.Sleep(time.Millisecond)
				default:
					t.Errorf("counter %d: %v", i, err)
					stop.Store(true)
				}
			}
		})
	}
	group.Go(func() { // a reader sees at least what was acknowledged before
		for !stop.Load() {
			for i := range writers {
				known := acked[i].Load()
				d, _, err := s.Get(nil, counterKey(t, i))
				if err == nil && number(d) < known {
					t.Errorf("counter %d: read %d after %d was acknowledged", i, number(d), known)
				}
			}
			d, found, err := s.Get(nil, counterKey(t, quiet))
			if err != nil || !found || number(d) != 1 {
				t.Errorf("an item that nobody writes: %v, %v", found, err)
			}
			readings.Add(1)
			time.Sleep(100 * time.Microsecond)
		}
	})
	more := func(of *[writers]atomic.Int64, n int64) {
		t.Helper()
		var from [writers]int64
		for i := range of {
			from[i] = of[i].Load()
		}
		require.Eventually(t, func() bool {
			for i := range of {
				if of[i].Load() < from[i]+n {
					return false
				}
			}
			return true
		}, hangs, time.Millisecond)
	}
	reads := func() {
		t.Helper()
		from := readings.Load()
		require.Eventually(t, func() bool { return readings.Load() >= from+2 }, hangs, time.Millisecond, "reads hang")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	survives := func(when string) {
		t.Helper()
		var known [writers]int64
		for i := range acked {
			known[i] = acked[i].Load()
		}
		again := openMem(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
		for i := range writers {
			d, _, err := again.Get(nil, counterKey(t, i))
			require.NoError(t, err)
			require.GreaterOrEqual(t, number(d), known[i], "counter %d after a crash %s", i, when)
		}
		inStep(t, again)
		require.NoError(t, again.Close())
	}
	for round := range 2 {
		more(&acked, 20)
		broken.on.Store(true)
		more(&refused, 3)
		reads()
		survives(fmt.Sprintf("of the sick, round %d", round))
		require.NotZero(t, broken.refused.Load())
		require.Error(t, s.disk.Err())
		_, err := s.NewTableID()
		require.ErrorIs(t, err, ErrUnavailable)
		broken.on.Store(false)
		more(&acked, 20)
		survives(fmt.Sprintf("of the healed, round %d", round))
	}
	stop.Store(true)
	group.Wait()
	inStep(t, s)
	require.NoError(t, s.Close())
}

func TestASickDiskKeepsAStoreFromClosingButNotForever(t *testing.T) {
	broken := &breakable{match: func(op errorfs.Op) bool { return op.Kind.ReadOrWrite() == errorfs.OpIsWrite }}
	s := openMem(t, broken.wrap(vfs.NewMem()))
	increment(t, s, 1)
	broken.on.Store(true)
	_, err := tryIncrement(t, s, 1)
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, s.Close(), syscall.ENOSPC)
	broken.on.Store(false)
	require.NoError(t, s.Close())
}
