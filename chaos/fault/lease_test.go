package fault

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func lasting(d time.Duration) Fault { return Fault{Name: "f", For: d} }

func TestLeasePassesThroughItsLife(t *testing.T) {
	var l Leases
	require.NoError(t, l.Grant(0, "a", lasting(10)))
	require.ErrorIs(t, l.Apply(0, "a"), ErrNotLive, "the inverse is recorded before the fault is applied")
	require.NoError(t, l.Record(1, "a"))
	require.NoError(t, l.Apply(2, "a"))
	reverting, next := l.Expire(3)
	require.Empty(t, reverting)
	require.Equal(t, time.Duration(7), next)
	l.Heal(4, "a", "healed")
	reverting, next = l.Expire(4)
	require.Equal(t, []string{"a"}, reverting)
	require.Zero(t, next)
	l.Heal(5, "a", "again")
	require.NoError(t, l.Reverted("a"))
	require.Error(t, l.Reverted("a"))
	got, ok := l.Get(6, "a")
	require.True(t, ok)
	require.Equal(t, Lease{ID: "a", Fault: lasting(10), State: Gone, Expires: 10, Why: "healed"}, got)
	require.ErrorIs(t, l.Grant(7, "a", lasting(10)), ErrUsed, "an id is used once")
}

func TestLeaseIsNeverExtendedAfterItsEnd(t *testing.T) {
	var l Leases
	require.NoError(t, l.Grant(0, "a", lasting(10)))
	require.NoError(t, l.Record(0, "a"))
	require.NoError(t, l.Apply(0, "a"))
	require.NoError(t, l.Renew(9, "a", 10))
	require.NoError(t, l.Renew(10, "a", 1), "a shorter renewal does not shorten it")
	require.ErrorIs(t, l.Renew(19, "a", 100), ErrNotLive, "though nobody had looked since")
	got, _ := l.Get(19, "a")
	require.Equal(t, Reverting, got.State)
	require.Equal(t, "expired", got.Why)
	require.ErrorIs(t, l.Renew(19, "b", 1), ErrUnknown)
	require.ErrorIs(t, l.Record(19, "b"), ErrUnknown)
	require.ErrorIs(t, l.Reverted("b"), ErrUnknown)
}

func TestLeaseThatEndsWhileItIsApplied(t *testing.T) {
	var l Leases
	require.NoError(t, l.Grant(0, "a", lasting(10)))
	require.NoError(t, l.Record(1, "a"))
	require.ErrorIs(t, l.Apply(10, "a"), ErrNotLive)
	reverting, _ := l.Expire(10)
	require.Equal(t, []string{"a"}, reverting)

	require.NoError(t, l.Grant(20, "b", lasting(10)))
	l.Heal(21, "b", "healed")
	require.ErrorIs(t, l.Record(22, "b"), ErrNotLive)
	got, _ := l.Get(22, "b")
	require.Equal(t, Gone, got.State, "nothing was recorded, so nothing is to be reverted")
}

func TestHealBeforeGrantLeavesATombstone(t *testing.T) {
	var l Leases
	l.Heal(0, "a", "healed")
	require.ErrorIs(t, l.Grant(1, "a", lasting(10)), ErrUsed)
}

func TestRestoreKeepsIdsAndReverts(t *testing.T) {
	var l Leases
	l.Restore("a", lasting(10), false)
	l.Restore("b", lasting(10), true)
	reverting, next := l.Expire(0)
	require.Equal(t, []string{"a"}, reverting)
	require.Zero(t, next)
	require.ErrorIs(t, l.Grant(0, "a", lasting(10)), ErrUsed)
	require.ErrorIs(t, l.Grant(0, "b", lasting(10)), ErrUsed)
	require.Len(t, l.List(0), 2)
}

// twin derives everything from the history of each id, anew each time.
type twin struct{ history map[string][]happened }

type happened struct {
	at   time.Duration
	what string
	more time.Duration
}

func (w *twin) state(now time.Duration, id string) (State, time.Duration) {
	var state State
	var expires time.Duration
	over := func(at time.Duration) {
		if at >= expires {
			switch state {
			case Granted:
				state = Gone
			case Recorded, Applied:
				state = Reverting
			}
		}
	}
	for _, h := range w.history[id] {
		over(h.at)
		live := state == Granted || state == Recorded || state == Applied
		switch {
		case h.what == "grant" && state == "":
			state, expires = Granted, h.at+h.more
		case h.what == "record" && state == Granted:
			state = Recorded
		case h.what == "apply" && state == Recorded:
			state = Applied
		case h.what == "renew" && live:
			expires = max(expires, h.at+h.more)
		case h.what == "heal" && state == "", h.what == "heal" && state == Granted, h.what == "revert" && state == Reverting:
			state = Gone
		case h.what == "heal" && live:
			state = Reverting
		}
	}
	over(now)
	return state, expires
}

func TestLeasesAgreeWithTheirHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Leases
		w := twin{history: map[string][]happened{}}
		now := time.Duration(0)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 4).Draw(t, "passes"))
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
			what := rapid.SampledFrom([]string{"grant", "record", "apply", "renew", "heal", "revert", "look"}).Draw(t, "what")
			more := time.Duration(rapid.IntRange(1, 12).Draw(t, "more"))
			before, _ := w.state(now, id)
			w.history[id] = append(w.history[id], happened{now, what, more})
			after, _ := w.state(now, id)
			var err error
			switch what {
			case "grant":
				err = l.Grant(now, id, lasting(more))
				require.Equal(t, before == "", err == nil)
			case "record":
				err = l.Record(now, id)
				require.Equal(t, before == Granted, err == nil)
			case "apply":
				err = l.Apply(now, id)
				require.Equal(t, before == Recorded, err == nil)
			case "renew":
				err = l.Renew(now, id, more)
				require.Equal(t, before == Granted || before == Recorded || before == Applied, err == nil)
			case "heal":
				l.Heal(now, id, "healed")
			case "revert":
				l.Expire(now)
				err = l.Reverted(id)
				require.Equal(t, before == Reverting, err == nil)
			}
			got, ok := l.Get(now, id)
			require.Equal(t, after != "", ok, "%s of %s at %d", what, id, now)
			require.Equal(t, after, got.State, "%s of %s at %d after %s", what, id, now, fmt.Sprint(w.history[id]))

			reverting, next := l.Expire(now)
			soonest := time.Duration(0)
			for _, other := range []string{"a", "b", "c"} {
				state, expires := w.state(now, other)
				if state == Reverting {
					require.Contains(t, reverting, other)
				} else {
					require.NotContains(t, reverting, other)
				}
				if state == Granted || state == Recorded || state == Applied {
					if left := expires - now; soonest == 0 || left < soonest {
						soonest = left
					}
				}
			}
			require.Equal(t, soonest, next)
		}
	})
}
