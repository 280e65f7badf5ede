package measure

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// sketch counts durations in buckets 1 µs, or 1.6 % of the value, wide. It holds only those that
// were met, so that one can be kept for each second of a load; sketches can be added up.
type sketch []bar

// bar is a bucket and its count. As JSON it is a pair.
type bar struct {
	bucket uint16
	n      uint32
}

// sketchBits is how many binary digits of a value are kept.
const sketchBits = 7

func bucketOf(d time.Duration) uint16 {
	us := uint64(max(d, 0).Microseconds())
	shift := max(bits.Len64(us)-sketchBits, 0)
	return uint16(min(uint64(shift)<<(sketchBits-1)+us>>shift, math.MaxUint16))
}

// bucketEnd is the longest duration of a bucket.
func bucketEnd(b uint16) time.Duration {
	const half = 1 << (sketchBits - 1)
	if b < 2*half {
		return time.Duration(b) * time.Microsecond
	}
	shift := b/half - 1
	return time.Duration((uint64(b%half+half)+1)<<shift-1) * time.Microsecond
}

func (s *sketch) add(d time.Duration, n uint32) { s.addTo(bucketOf(d), n) }

func (s *sketch) addTo(b uint16, n uint32) {
	i, known := slices.BinarySearchFunc(*s, b, func(one bar, b uint16) int { return cmp.Compare(one.bucket, b) })
	if !known {
		*s = slices.Insert(*s, i, bar{bucket: b})
	}
	(*s)[i].n += n
}

func (s *sketch) merge(o sketch) {
	for _, one := range o {
		s.addTo(one.bucket, one.n)
	}
}

// quantile is the end of the bucket of the order statistic of rank ⌈q·n⌉, as in [stat.Histogram].
func (s sketch) quantile(q float64) time.Duration {
	var n, sum int64
	for _, one := range s {
		n += int64(one.n)
	}
	rank := min(max(int64(math.Ceil(q*float64(n)*(1-1e-9))), 1), n)
	for _, one := range s {
		if sum += int64(one.n); sum >= rank {
			return bucketEnd(one.bucket)
		}
	}
	return 0
}
