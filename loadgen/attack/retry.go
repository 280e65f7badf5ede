package attack

import (
	"net/http"
	"strconv"
	"time"

	"github.com/retailflow/stampede/loadgen/plan"
)

// Retry says how a client tries again. It sends the same bytes with the same headers, so that an
// idempotency key stays what it was.
type Retry struct {
	Attempts int           // in all; 0 and 1: no second one
	Base     time.Duration // before the second attempt, doubled for each further one; 0 means 100 ms
	Most     time.Duration // that is waited at most, Retry-After included; 0 means 20 s
	Seed     uint64        // of the jitter
}

func (r *Retry) ensureDefaults() {
	if r.Base == 0 {
		r.Base = 100 * time.Millisecond
	}
	if r.Most == 0 {
		r.Most = 20 * time.Second
	}
}

// again says whether and when to try again after the given attempt, counted from 1: after no
// answer, 429, 502, 503 and 504, as AWS's SDKs do
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html). Retry-After is
// obeyed, in seconds or as a date; without it the wait is drawn from 0 to the doubling base.
func (r Retry) again(res *Result, attempt int, now time.Time) (wait time.Duration, ok bool) {
	switch {
	case attempt >= r.Attempts, !res.Sent:
		return 0, false
	case res.Err != nil:
		if cause := res.Cause(); cause == "stopped" {
			return 0, false
		}
	case res.Status != http.StatusTooManyRequests && res.Status != http.StatusBadGateway &&
		res.Status != http.StatusServiceUnavailable && res.Status != http.StatusGatewayTimeout:
		return 0, false
	}
	if wait, ok := retryAfter(res.Header.Get("Retry-After"), now); ok {
		return min(wait, r.Most), true
	}
	ceiling := min(r.Base<<min(attempt-1, 20), r.Most)
	jitter := plan.Rand(r.Seed, "attack/retry", res.Entry.Seq+uint64(attempt)<<56).Float64()
	return time.Duration(jitter * float64(ceiling)), true
}

// retryAfter reads the header (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
