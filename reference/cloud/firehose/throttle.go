package firehose

import (
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// throttle is the pure core of a stream's throughput quota: a bucket each for
// calls, records and bytes, of one second's worth or at least one record. It is not safe for
// concurrent use.
type throttle struct {
	calls, records, bytes *quota.TokenBucket // nil is no limit
}

func newThrottle(l Limits) throttle {
	bucket := func(rate, least float64) *quota.TokenBucket {
		if rate <= 0 {
			return nil
		}
		b := quota.NewTokenBucket(rate, max(rate, least))
		return &b
	}
	return throttle{calls: bucket(l.RequestsPerSecond, 1), records: bucket(l.RecordsPerSecond, 1),
		bytes: bucket(l.BytesPerSecond, float64(l.RecordBytes))}
}

// call admits one call. It returns the limit that refused it, "" if none did.
func (t *throttle) call(now time.Time) string {
	if t.calls != nil && !t.calls.Allow(now, 1) {
		return "requests per second"
	}
	return ""
}

// record admits one record of n bytes. It returns the limit that refused it, ""
// if none did; a refused record takes nothing.
func (t *throttle) record(now time.Time, n int) string {
	if t.records != nil && !t.records.Allow(now, 1) {
		return "records per second"
	}
	if t.bytes != nil && !t.bytes.Allow(now, float64(n)) {
		if t.records != nil {
			t.records.Give(1)
		}
		return "bytes per second"
	}
	return ""
}
