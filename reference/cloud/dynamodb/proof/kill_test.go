package proof

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// killLoop kills a server of dir again and again at random instants under writers, and returns
// the first lie that it finds, or nil, and how many steps were acknowledged.
func killLoop(t *testing.T, dir, broken string, kills int, seed uint64) (acked int, lie error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	work := newWorkload(5, seed)
	for kill := range kills + 1 {
		if kill > 0 && rng.IntN(6) == 0 { // die while recovering, too
			early := launch(t, dir, broken)
			time.Sleep(time.Duration(rng.IntN(40)) * time.Millisecond)
			early.kill()
		}
		p := start(t, dir, broken)
		c := client(t, p.url)
		if kill == 0 {
			require.NoError(t, createTable(t.Context(), c))
		} else if steps := work.snapshot(); lie == nil {
			var found []map[int]int
			if found, lie = work.verify(t.Context(), c, steps, steps); lie == nil {
				for i, w := range work.writers {
					w.settle(found[i])
				}
			}
		}
		if lie != nil || kill == kills {
			p.kill()
			break
		}
		var left atomic.Int64 // answers until the kill
		left.Store(int64(1 + rng.IntN(150)))
		now, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			work.run(context.Background(), c, func(error) {
				if left.Add(-1) == 0 {
					close(now)
				}
			})
		}()
		<-now
		time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond) // into whatever is then under way
		p.kill()
		<-over
	}
	return work.acknowledged(), lie
}

// What was acknowledged is there after kill -9 at any instant, and nothing is there in part.
func TestKillLoop(t *testing.T) {
	const seed = 20261127
	kills := times(5, 300)
	began := time.Now()
	acked, lie := killLoop(t, t.TempDir(), "", kills, seed)
	require.NoError(t, lie, "seed %d", seed)
	require.Greater(t, acked, 20*kills, "too little was written to mean anything")
	t.Logf("%d kills, %d writes acknowledged, none lost or torn, seed %d, %.0f s", kills, acked, seed, time.Since(began).Seconds())
}

func TestTheKillLoopFindsALogThatIsWrittenLate(t *testing.T) {
	_, lie := killLoop(t, t.TempDir(), "late log", 100, 1)
	require.ErrorContains(t, lie, "no step explains")
}

func TestTheKillLoopFindsTornTransactions(t *testing.T) {
	_, lie := killLoop(t, t.TempDir(), "torn transactions", 100, 2)
	require.ErrorContains(t, lie, "torn")
}

func TestTheKillLoopFindsLostUpdates(t *testing.T) {
	_, lie := killLoop(t, t.TempDir(), "lost updates", 100, 3)
	require.Error(t, lie)
	require.Regexp(t, "no step explains|is torn", lie.Error(), "a put that is lost looks as if a later transaction, cut off, had deleted its item alone")
}
