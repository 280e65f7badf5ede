package quota

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

func TestTokenBucketAdmitsBurstThenRate(t *testing.T) {
	b := NewTokenBucket(10, 30)
	n := 0
	for i := range 1000 { // ten seconds in steps of 10 ms
		now := epoch.Add(time.Duration(i) * 10 * time.Millisecond)
		for b.Allow(now, 1) {
			n++
		}
	}
	require.InDelta(t, 30+10*10, n, 1)
}

func TestTokenBucketRefusalTakesNothing(t *testing.T) {
	b := NewTokenBucket(1, 5)
	require.True(t, b.Allow(epoch, 4))
	require.False(t, b.Allow(epoch, 2))
	require.True(t, b.Allow(epoch, 1))
}

func TestTokenBucketIgnoresTimeRunningBackwards(t *testing.T) {
	b := NewTokenBucket(1, 1)
	require.True(t, b.Allow(epoch, 1))
	require.False(t, b.Allow(epoch.Add(-time.Hour), 1))
	require.False(t, b.Allow(epoch, 1))
	require.True(t, b.Allow(epoch.Add(time.Second), 1))
}

func TestTokenBucketDebtIsPaidBack(t *testing.T) {
	b := NewTokenBucket(10, 10)
	b.Take(epoch, 30)
	require.Equal(t, -20.0, b.Level(epoch))
	require.Equal(t, 2100*time.Millisecond, b.RetryAfter(epoch, 1))
	require.False(t, b.Allow(epoch.Add(2099*time.Millisecond), 1))
	require.True(t, b.Allow(epoch.Add(2100*time.Millisecond), 1))
}

func TestTokenBucketRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name        string
		rate, burst float64
		taken, n    float64
		want        time.Duration
	}{
		{"there", 10, 10, 0, 10, 0},
		{"half a second", 10, 10, 10, 5, 500 * time.Millisecond},
		{"rounds up", 3, 10, 10, 1, 333333334},
		{"above the burst", 10, 10, 0, 11, math.MaxInt64},
		{"no refill", 0, 10, 10, 1, math.MaxInt64},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := NewTokenBucket(c.rate, c.burst)
			require.True(t, b.Allow(epoch, c.taken))
			require.Equal(t, c.want, b.RetryAfter(epoch, c.n))
		})
	}
}

func TestTokenBucketRetryAfterIsEnoughAndNoMore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		b := NewTokenBucket(1+rng.Float64()*1000, 1000)
		b.Allow(epoch, 1000)
		n := 1 + rng.Float64()*900
		wait := b.RetryAfter(epoch, n)
		early := b
		require.False(t, early.Allow(epoch.Add(wait-10), n), "rate %g n %g", b.Rate(), n)
		require.True(t, b.Allow(epoch.Add(wait+10), n), "rate %g n %g", b.Rate(), n)
	}
}

func TestTokenBucketResize(t *testing.T) {
	b := NewTokenBucket(10, 100)
	b.Resize(epoch, 1, 10)
	require.Equal(t, 10.0, b.Level(epoch))
	b.Resize(epoch, 100, 1000)
	require.Equal(t, 10.0, b.Level(epoch))
	require.Equal(t, 110.0, b.Level(epoch.Add(time.Second)))
	b.Give(5000)
	require.Equal(t, b.Burst(), b.Level(epoch.Add(time.Second)))
}

func TestHitSetCountsByServiceLimitAndResource(t *testing.T) {
	var s HitSet
	require.Empty(t, s.List())
	later := epoch.Add(time.Minute)
	s.Note(later, "sqs", "in flight", "q", "120000", "https://x")
	s.Note(epoch, "sqs", "in flight", "q", "120000", "https://x")
	s.Note(epoch, "dynamodb", "partition write capacity", "t/1", "1000 WCU/s", "https://y")
	require.Equal(t, []Hit{
		{Service: "dynamodb", Limit: "partition write capacity", Resource: "t/1", Count: 1, First: epoch, Last: epoch, Allowed: "1000 WCU/s", Source: "https://y"},
		{Service: "sqs", Limit: "in flight", Resource: "q", Count: 2, First: epoch, Last: later, Allowed: "120000", Source: "https://x"},
	}, s.List())
	require.Equal(t, int64(3), s.Count())
}

func TestHitSetIsBounded(t *testing.T) {
	var s HitSet
	for i := range maxHits + 100 {
		s.Note(epoch, "s", "l", string(rune(i+1)), "", "")
	}
	require.Equal(t, int64(maxHits+100), s.Count())
	require.Len(t, s.List(), maxHits+1)
}
