package ledger_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

func attempt(seq uint64, n int) ledger.Attempt {
	a := ledger.Attempt{Seq: seq, Tenant: "t0001", At: start}
	for i := range n {
		a.Events = append(a.Events, event.Fact{ID: api.NewID(start, [10]byte{byte(seq), byte(i), 3, 9}), Type: api.EventType_ORDER_PAID, Order: "o1", Amount: -5, Currency: "GBP"})
	}
	return a
}

var acked = ledger.Outcome{State: ledger.Acked}

// A harness that is killed leaves a journal that ends anywhere. Whatever had been begun is
// there, whatever had not been ended is unknown, and the rest does not exist.
func TestJournalIsReadableWhereverItEnds(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Create(dir)
	require.NoError(t, err)
	require.NoError(t, l.Begin(attempt(1, 2)))
	require.NoError(t, l.End(1, acked, start))
	require.NoError(t, l.Begin(attempt(2, 3)))
	require.NoError(t, l.End(2, acked, start))
	require.NoError(t, l.Close())
	name := filepath.Join(dir, "attempts-000001.journal")
	whole, err := os.ReadFile(name)
	require.NoError(t, err)

	seen := map[[3]int64]bool{}
	last := [3]int64{}
	for n := range len(whole) + 1 {
		require.NoError(t, os.WriteFile(name, whole[:n], 0o644))
		l, err := ledger.Open(dir)
		require.NoError(t, err)
		r := reconcile(t, l, ledger.Sinks{}, ledger.Options{})
		require.NoError(t, l.Close())
		require.NoError(t, os.Remove(filepath.Join(dir, "attempts-000002.journal")))
		now := [3]int64{r.Attempts, r.Unknown, r.Acked}
		require.GreaterOrEqual(t, now[0]*100+now[2], last[0]*100+last[2], "more bytes, more knowledge")
		last, seen[now] = now, true
	}
	require.Equal(t, map[[3]int64]bool{{0, 0, 0}: true, {1, 2, 0}: true, {1, 0, 2}: true, {2, 3, 2}: true, {2, 0, 5}: true}, seen)

	for i := range whole { // damage that no death explains
		broken := bytes.Clone(whole)
		broken[i] ^= 0x40
		require.NoError(t, os.WriteFile(name, broken, 0o644))
		l, err := ledger.Open(dir)
		require.NoError(t, err)
		r, err := l.Reconcile(t.Context(), ledger.Sinks{}, ledger.Options{})
		if err == nil { // a length that now points beyond the end looks like a death
			require.Less(t, r.Attempts*100+r.Acked, int64(205), "byte %d", i)
		} else {
			require.ErrorIs(t, err, ledger.ErrCorrupt, "byte %d", i)
		}
		require.NoError(t, l.Close())
		require.NoError(t, os.Remove(filepath.Join(dir, "attempts-000002.journal")))
	}
}

// What is begun is with the operating system before Begin returns: killing this process then
// cannot lose it.
func TestBeginIsOnRecordAtOnce(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Create(dir)
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, l.Begin(attempt(7, 1)))

	other, err := ledger.Open(dir) // as after the death
	require.NoError(t, err)
	defer other.Close()
	r := reconcile(t, other, ledger.Sinks{}, ledger.Options{})
	require.EqualValues(t, 1, r.Attempts)
	require.EqualValues(t, 1, r.Unended)
	require.EqualValues(t, 1, r.Unknown)
	require.Equal(t, ledger.Fail, r.Check(ledger.CheckUnknown).Status)
}

func TestContinuedAfterDeath(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Create(dir)
	require.NoError(t, err)
	require.NoError(t, l.Begin(attempt(1, 1)))
	require.NoError(t, l.Begin(attempt(2, 1)))
	require.NoError(t, l.End(2, acked, start))
	require.NoError(t, l.Close())

	l, err = ledger.Open(dir)
	require.NoError(t, err)
	again := attempt(1, 1) // the plan begins anew
	require.NoError(t, l.Begin(again))
	require.NoError(t, l.End(1, acked, start))
	require.Equal(t, ledger.Counts{Attempts: 1, Acked: 1}, l.Counts())
	r := reconcile(t, l, ledger.Sinks{}, ledger.Options{})
	require.NoError(t, l.Close())
	require.EqualValues(t, 3, r.Attempts)
	require.EqualValues(t, 1, r.Unended)
	require.EqualValues(t, 2, r.Acked, "the join over both lives")
	require.EqualValues(t, 1, r.Repeats)
}

func TestMisuseAndFaults(t *testing.T) {
	dir := t.TempDir()
	_, err := ledger.Open(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	l, err := ledger.Create(dir)
	require.NoError(t, err)
	_, err = ledger.Create(dir)
	require.ErrorIs(t, err, ledger.ErrExists)
	require.NoError(t, l.Begin(attempt(1, 1)))
	require.ErrorContains(t, l.Begin(attempt(1, 1)), "begun already")
	require.ErrorContains(t, l.End(2, acked, start), "not begun")
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "closing twice is harmless")
	require.ErrorIs(t, l.Begin(attempt(3, 1)), os.ErrClosed)
	_, err = ledger.Create(filepath.Join(dir, "attempts-000001.journal"))
	require.Error(t, err)
}

func TestCountsWhileRunning(t *testing.T) {
	l, err := ledger.Create(t.TempDir())
	require.NoError(t, err)
	defer l.Close()
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			for i := range uint64(200) {
				seq := w<<32 | i
				if err := l.Begin(attempt(seq, 3)); err != nil {
					t.Error(err)
				}
				o := ledger.Outcome{State: ledger.State(1 + i%3)}
				if i%5 == 0 {
					o = ledger.Outcome{State: ledger.Unknown, Events: []ledger.State{ledger.Acked, ledger.Refused, ledger.Unknown}}
				}
				if i%50 != 49 {
					if err := l.End(seq, o, start.Add(time.Second)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	c := l.Counts()
	require.EqualValues(t, 1600, c.Attempts)
	require.EqualValues(t, 32, c.Open)
	require.EqualValues(t, (1600-32)*3, c.Acked+c.Unknown+c.Refused)
}
