package quota

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestConcurrencyStopsAtTheAccountsLimit(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{Account: 3})
	for range 3 {
		require.Nil(t, c.Reserve(epoch, "a"))
	}
	refusal := c.Reserve(epoch, "b")
	require.NotNil(t, refusal)
	require.Equal(t, "ConcurrentInvocationLimitExceeded", refusal.Reason)
	require.Equal(t, "3 concurrent executions", refusal.Allowed)
	c.Release("a")
	require.Nil(t, c.Reserve(epoch, "b"))
}

func TestConcurrencyReservationIsBothFloorAndCeiling(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{Account: 10, UnreservedMinimum: 2})
	require.NoError(t, c.SetReserved("mine", 3))
	for range 7 {
		require.Nil(t, c.Reserve(epoch, "other"))
	}
	require.NotNil(t, c.Reserve(epoch, "other"), "the others may not use what is reserved")
	for range 3 {
		require.Nil(t, c.Reserve(epoch, "mine"))
	}
	require.Equal(t, "ReservedFunctionConcurrentInvocationLimitExceeded", c.Reserve(epoch, "mine").Reason)
	c.ClearReserved("mine")
	require.NotNil(t, c.Reserve(epoch, "other"), "what runs of mine now counts with the others")
	c.Release("mine")
	require.Nil(t, c.Reserve(epoch, "other"))
}

func TestConcurrencyReservationsLeaveAMinimum(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{Account: 1000, UnreservedMinimum: 100})
	require.NoError(t, c.SetReserved("a", 500))
	require.Error(t, c.SetReserved("b", 401))
	require.NoError(t, c.SetReserved("b", 400))
	require.Error(t, c.SetReserved("a", 501), "a larger reservation in place of an old one counts once")
	require.NoError(t, c.SetReserved("a", 400))
	require.NoError(t, c.SetReserved("b", 500))
	require.Error(t, c.SetReserved("a", -1))
}

func TestConcurrencyReservedZeroStopsAFunction(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{})
	require.NoError(t, c.SetReserved("a", 0))
	require.Equal(t, "0 concurrent executions", c.Reserve(epoch, "a").Allowed)
	require.Nil(t, c.Reserve(epoch, "b"), "no limit at all for the others")
}

func TestConcurrencyGrowsByBurstThenEvenly(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{ScaleUp: 1000, ScaleWindow: 10 * time.Second})
	grown := 0
	for i := range 101 { // ten seconds in steps of 100 ms
		for c.Grow(epoch.Add(time.Duration(i)*100*time.Millisecond), "a") == nil {
			grown++
		}
	}
	require.InDelta(t, 2000, grown, 2)
	require.Nil(t, c.Grow(epoch.Add(10*time.Second), "b"), "each function has its own rate")
	idle := epoch.Add(time.Hour)
	grown = 0
	for c.Grow(idle, "a") == nil {
		grown++
	}
	require.Equal(t, 1000, grown, "an idle hour saves up no more than the burst")
}

func TestConcurrencyLimitsTheRateByTheSlots(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{Account: 20, RequestsPerSlot: 10})
	invoke := func(now time.Time, function string) bool {
		if c.Reserve(now, function) != nil {
			return false
		}
		c.Release(function)
		return true
	}
	n := 0
	for invoke(epoch, "a") {
		n++
	}
	require.Equal(t, 200, n)
	require.Equal(t, "FunctionInvocationRateLimitExceeded", c.Reserve(epoch, "a").Reason)
	require.Zero(t, c.Running("a"))
	require.True(t, invoke(epoch.Add(10*time.Millisecond), "a"))
	require.NoError(t, c.SetReserved("a", 2))
	n = 0
	for invoke(epoch.Add(time.Minute), "a") {
		n++
	}
	require.Equal(t, 20, n)
	require.Equal(t, "ReservedFunctionInvocationRateLimitExceeded", c.Reserve(epoch.Add(time.Minute), "a").Reason)
}

func TestConcurrencyReleaseWithoutReservePanics(t *testing.T) {
	c := NewConcurrency(ConcurrencyLimits{})
	require.Panics(t, func() { c.Release("a") })
}

// A twin that recounts everything from a list of what runs.
func TestConcurrencyAgreesWithARecount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const account, minimum = 6, 1
		c := NewConcurrency(ConcurrencyLimits{Account: account, UnreservedMinimum: minimum})
		running := map[string]int{}
		reserved := map[string]int{}
		names := rapid.SampledFrom([]string{"a", "b", "c"})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			f := names.Draw(t, "function")
			switch rapid.SampledFrom([]string{"reserve", "reserve", "release", "set", "clear"}).Draw(t, "step") {
			case "reserve":
				free := account
				for _, n := range reserved {
					free -= n
				}
				for g, n := range running {
					if _, own := reserved[g]; !own {
						free -= n
					}
				}
				limit, own := reserved[f]
				want := free > 0
				if own {
					want = running[f] < limit
				}
				require.Equal(t, want, c.Reserve(epoch, f) == nil)
				if want {
					running[f]++
				}
			case "release":
				if running[f] > 0 {
					running[f]--
					c.Release(f)
				}
			case "set":
				n := rapid.IntRange(0, account).Draw(t, "n")
				sum := n
				for g, m := range reserved {
					if g != f {
						sum += m
					}
				}
				want := account-sum >= minimum
				require.Equal(t, want, c.SetReserved(f, n) == nil)
				if want {
					reserved[f] = n
				}
			case "clear":
				delete(reserved, f)
				c.ClearReserved(f)
			}
			require.Equal(t, running[f], c.Running(f))
		}
	})
}

func TestWarmPoolTakesTheLastUsed(t *testing.T) {
	var p WarmPool
	p.Put(epoch, 1)
	p.Put(epoch.Add(time.Second), 2)
	id, ok := p.Take()
	require.True(t, ok)
	require.Equal(t, uint64(2), id)
	require.Equal(t, 1, p.Len())
}

func TestWarmPoolReapsWhatStayedIdle(t *testing.T) {
	var p WarmPool
	ids, next := p.Reap(epoch, time.Minute)
	require.Empty(t, ids)
	require.Zero(t, next)
	for i := range 4 {
		p.Put(epoch.Add(time.Duration(i)*10*time.Second), uint64(i))
	}
	require.True(t, p.Remove(1))
	require.False(t, p.Remove(1))
	ids, next = p.Reap(epoch.Add(59*time.Second), time.Minute)
	require.Empty(t, ids)
	require.Equal(t, time.Second, next)
	ids, next = p.Reap(epoch.Add(80*time.Second), time.Minute)
	require.Equal(t, []uint64{0, 2}, ids)
	require.Equal(t, 10*time.Second, next)
	ids, next = p.Reap(epoch.Add(time.Hour), time.Minute)
	require.Equal(t, []uint64{3}, ids)
	require.Zero(t, next)
	_, ok := p.Take()
	require.False(t, ok)
}
