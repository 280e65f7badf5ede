package quota

import (
	"math"
	"time"
)

// TokenBucket admits Rate tokens a second on average and saves at most Burst tokens for a
// peak. It starts full. The zero value admits nothing; NewTokenBucket makes one.
//
// Times must not run backwards: an earlier now than the last one refills nothing. A
// TokenBucket is not safe for concurrent use.
type TokenBucket struct {
	rate  float64 // tokens a second
	burst float64 // capacity in tokens
	level float64 // tokens there at last; below zero after Take
	last  time.Time
}

// NewTokenBucket makes a full bucket of burst tokens that refills by rate tokens a second.
// A rate or burst below zero counts as zero.
func NewTokenBucket(rate, burst float64) TokenBucket {
	rate, burst = max(rate, 0), max(burst, 0)
	return TokenBucket{rate: rate, burst: burst, level: burst}
}

// Rate is the refill in tokens a second.
func (b *TokenBucket) Rate() float64 { return b.rate }

// Burst is the most tokens the bucket can hold.
func (b *TokenBucket) Burst() float64 { return b.burst }

// Refill adds what has accrued since the last call. Allow, Take, Level and RetryAfter do it
// themselves.
func (b *TokenBucket) Refill(now time.Time) {
	if b.last.IsZero() {
		b.last = now
		return
	}
	if d := now.Sub(b.last); d > 0 {
		b.level = min(b.burst, b.level+b.rate*d.Seconds())
		b.last = now
	}
}

// Level is the number of tokens there at now, negative while a Take is being paid back.
func (b *TokenBucket) Level(now time.Time) float64 {
	b.Refill(now)
	return b.level
}

// Allow takes n tokens if all of them are there and says whether it did. A refusal takes none.
func (b *TokenBucket) Allow(now time.Time, n float64) bool {
	b.Refill(now)
	if b.level < n {
		return false
	}
	b.level -= n
	return true
}

// Take takes n tokens whether they are there or not. The level may go below zero; Allow then
// refuses until it is paid back. For a cost that is known only after the work, such as a query's.
func (b *TokenBucket) Take(now time.Time, n float64) {
	b.Refill(now)
	b.level -= n
}

// Give returns n tokens that were taken for work that did not happen.
func (b *TokenBucket) Give(n float64) { b.level = min(b.burst, b.level+n) }

// RetryAfter is how long from now until Allow(n) would succeed with no other caller, rounded
// up to the nanosecond; zero if it would now. The largest Duration means never: n is above
// Burst or the rate is zero.
func (b *TokenBucket) RetryAfter(now time.Time, n float64) time.Duration {
	b.Refill(now)
	missing := n - b.level
	switch {
	case missing <= 0:
		return 0
	case n > b.burst || b.rate == 0:
		return math.MaxInt64
	}
	wait := math.Ceil(missing / b.rate * float64(time.Second))
	if wait >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(wait)
}

// Resize changes rate and burst from now on. Tokens above the new burst are lost; a bucket
// that grows keeps its level and fills up at the new rate.
func (b *TokenBucket) Resize(now time.Time, rate, burst float64) {
	b.Refill(now)
	b.rate, b.burst = max(rate, 0), max(burst, 0)
	b.level = min(b.level, b.burst)
}
