package firehose

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 5, 1, 12, 34, 56, 789e6, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func put(b *buffer, now time.Time, seq uint64, n int64) {
	b.written(b.admit(now, seq, n), n, true)
}

func TestABufferIsDueAtItsSizeOrItsInterval(t *testing.T) {
	b := &buffer{hints: hints{Bytes: 100, Interval: time.Minute}}
	_, ok := b.wake()
	require.False(t, ok)

	put(b, start, 1, 60)
	wake, ok := b.wake()
	require.True(t, ok)
	require.Equal(t, at(time.Minute), wake)
	b.settle(at(time.Minute-1), 2)
	require.Nil(t, b.ready())

	put(b, at(time.Second), 2, 40) // full
	s := b.ready()
	require.NotNil(t, s)
	require.Equal(t, [4]int64{1, 3, 2, 100}, [4]int64{int64(s.first), int64(s.end), s.records, s.bytes})
	require.Equal(t, start, s.opened)
	b.delivered()

	put(b, at(2*time.Second), 5, 1)
	b.settle(at(62*time.Second-1), 9)
	require.Nil(t, b.ready(), "the interval counts from the first record")
	b.settle(at(62*time.Second), 9)
	s = b.ready()
	require.Equal(t, [3]int64{5, 9, 1}, [3]int64{int64(s.first), int64(s.end), s.records})
	b.delivered()
	require.Nil(t, b.ready())
}

func TestARecordThatDoesNotFitOpensTheNextObject(t *testing.T) {
	b := &buffer{hints: hints{Bytes: 100, Interval: time.Minute}}
	put(b, start, 1, 60)
	put(b, start, 2, 60)
	require.EqualValues(t, 60, b.ready().bytes)
	records, bytes, oldest := b.held()
	require.EqualValues(t, 2, records)
	require.EqualValues(t, 120, bytes)
	require.Equal(t, start, oldest)
	put(b, start, 3, 500) // larger than the hint: an object of its own
	require.Len(t, b.sealed, 3)
	require.EqualValues(t, 500, b.sealed[2].bytes)
}

func TestASegmentWaitsForItsWrites(t *testing.T) {
	b := &buffer{hints: hints{Bytes: 100, Interval: time.Minute}}
	first := b.admit(start, 1, 50)
	second := b.admit(start, 2, 50)
	require.Same(t, first, second)
	require.Nil(t, b.ready(), "no write came back")
	b.written(second, 50, true)
	require.Nil(t, b.ready(), "one is pending")
	b.written(first, 50, false)
	s := b.ready()
	require.EqualValues(t, 1, s.records, "what was not stored does not count")
	require.EqualValues(t, 50, s.bytes)
}

// Whatever the order of puts and of writes coming back: segments do not overlap,
// together hold every record once, in order, and none exceeds the hint unless
// one record does.
func TestSegmentsPartitionTheRecords(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		b := &buffer{hints: hints{Bytes: 1000, Interval: 10 * time.Second}}
		now, seq := start, uint64(0)
		type write struct {
			s *segment
			n int64
		}
		var pending []write
		size := map[uint64]int64{}
		var last uint64
		drain := func() {
			for s := b.ready(); s != nil; s = b.ready() {
				var records, bytes int64
				require.GreaterOrEqual(t, s.first, last, "seed %d", seed)
				for q := s.first; q < s.end; q++ {
					if n, ok := size[q]; ok {
						records++
						bytes += n
						delete(size, q)
					}
				}
				last = s.end
				require.Equal(t, [2]int64{records, bytes}, [2]int64{s.records, s.bytes}, "seed %d", seed)
				require.True(t, s.bytes <= 1000 || s.records == 1, "seed %d", seed)
				b.delivered()
			}
		}
		for range 300 {
			seq += 1 + rng.Uint64N(3) // other streams take numbers too
			n := rng.Int64N(1200)
			size[seq] = n
			pending = append(pending, write{b.admit(now, seq, n), n})
			for len(pending) > 0 && rng.IntN(2) == 0 {
				i := rng.IntN(len(pending))
				b.written(pending[i].s, pending[i].n, true)
				pending = append(pending[:i], pending[i+1:]...)
			}
			now = now.Add(time.Duration(rng.IntN(4000)) * time.Millisecond)
			b.settle(now, seq+1)
			drain()
		}
		for _, w := range pending {
			b.written(w.s, w.n, true)
		}
		b.settle(now.Add(time.Minute), seq+1)
		drain()
		require.Empty(t, size, "seed %d", seed)
		records, bytes, _ := b.held()
		require.Zero(t, records+bytes, "seed %d", seed)
	}
}

func TestObjectKeysAreInAWSsStyle(t *testing.T) {
	got := objectKey("orders/", "stampede-orders", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 7200)), 0x10000000001)
	require.Equal(t, "orders/2026/01/02/01/stampede-orders-1-2026-01-02-01-04-05-0000010000000001", got)
}

func TestTheThrottleAdmitsASecondsWorth(t *testing.T) {
	th := newThrottle(Limits{RequestsPerSecond: 3, RecordsPerSecond: 4, BytesPerSecond: 1000, RecordBytes: 900})
	for range 3 {
		require.Empty(t, th.call(start))
	}
	require.Equal(t, "requests per second", th.call(start))
	require.Empty(t, th.call(at(time.Second)))

	require.Empty(t, th.record(start, 900))
	require.Equal(t, "bytes per second", th.record(start, 200))
	for range 3 {
		require.Empty(t, th.record(start, 10), "a refused record takes no record from the quota")
	}
	require.Equal(t, "records per second", th.record(start, 10))
	require.Empty(t, th.record(at(time.Second), 900))

	none := newThrottle(NoLimits())
	for range 10_000 {
		require.Empty(t, none.call(start))
		require.Empty(t, none.record(start, 1<<20))
	}
	small := newThrottle(Limits{BytesPerSecond: 10, RecordBytes: 1000})
	require.Empty(t, small.record(start, 1000), "a record always passes a full bucket")
}
