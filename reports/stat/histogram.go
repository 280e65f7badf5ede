package stat

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Max is the longest duration that a [Histogram] tells apart; longer ones count as Max.
const Max = time.Hour

// significantBits is what three significant decimal digits take: values below 2^11 µs are kept
// exactly, larger ones in buckets at most 0.1 % wide.
const significantBits = 11

// Histogram counts durations in buckets 1 µs, or 0.1 % of the value, wide, from 0 to [Max]. Histograms
// can be added up, which percentiles cannot. The zero value is empty and ready for use; it
// takes memory (180 KB) at its first record.
//
// As JSON it is an object with the count, the usual quantiles in milliseconds, and the counts
// themselves in the V2 compressed base64 form that every HdrHistogram library reads (unit: µs).
type Histogram struct {
	hdr *hdrhistogram.Histogram
}

// Record counts one duration. A negative one counts as 0, one beyond [Max] as Max.
func (h *Histogram) Record(d time.Duration) { h.RecordN(d, 1) }

// RecordN counts a duration n times; n ≤ 0 changes nothing.
func (h *Histogram) RecordN(d time.Duration, n int64) {
	if n <= 0 {
		return
	}
	d = min(max(d, 0), Max)
	if err := h.counts().RecordValues(d.Microseconds(), n); err != nil {
		panic(fmt.Sprintf("record %v: %v", d, err)) // the clamp above makes it impossible
	}
}

// Merge adds another histogram's counts; nil adds nothing.
func (h *Histogram) Merge(other *Histogram) {
	if other.Count() == 0 {
		return
	}
	if dropped := h.counts().Merge(other.hdr); dropped != 0 {
		panic(fmt.Sprintf("merge histograms: %d values dropped", dropped)) // all have one geometry
	}
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 {
	if h == nil || h.hdr == nil {
		return 0
	}
	return h.hdr.TotalCount()
}

// Max is the longest duration recorded, rounded up to its bucket's end; 0 if none was.
func (h *Histogram) Max() time.Duration {
	_, high := h.Rank(h.Count())
	return high
}

// Mean is the average duration; 0 if none was recorded.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.hdr.Mean() * float64(time.Microsecond))
}

// Quantile is the smallest recorded duration that at least the share q of all durations do not
// exceed (the order statistic of rank ⌈q·n⌉), rounded up to its bucket's end: never flattering.
// It is 0 if nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	_, high := h.Rank(quantileRank(q, h.Count()))
	return high
}

// Rank is the bucket, from low to high, both included, of the rank-th shortest duration,
// counted from 1; ranks outside [1, Count] are moved inside. It is 0, 0 if nothing was recorded.
func (h *Histogram) Rank(rank int64) (low, high time.Duration) {
	n := h.Count()
	if n == 0 {
		return 0, 0
	}
	rank = min(max(rank, 1), n)
	top := h.hdr.ValueAtPercentile(100 * float64(rank) / float64(n))
	return time.Duration(bucketStart(top)) * time.Microsecond, time.Duration(top) * time.Microsecond
}

// CountOver is how many durations were longer than d. A duration in d's own bucket is not.
func (h *Histogram) CountOver(d time.Duration) int64 {
	if h.Count() == 0 {
		return 0
	}
	var over int64
	for _, bar := range h.hdr.Distribution() {
		if bar.From > d.Microseconds() {
			over += bar.Count
		}
	}
	return over
}

// Percentile is a point of a latency-by-percentile plot.
type Percentile struct {
	Quantile float64       // in [0, 1)
	Value    time.Duration // no more than the share 1-Quantile took longer
}

// Percentiles is the curve of a latency-by-percentile plot: dense towards the tail, with steps
// points for each further nine (perDecade ≥ 1), up to the last quantile that one duration of the
// sample can speak for, 1-1/n. It is empty if nothing was recorded.
func (h *Histogram) Percentiles(perDecade int) []Percentile {
	n := h.Count()
	if n == 0 {
		return nil
	}
	perDecade = max(perDecade, 1)
	var curve []Percentile
	for i := 0; ; i++ {
		above := math.Pow(10, -float64(i)/float64(perDecade)) // the share that took longer
		if above*float64(n) < 1 {
			break
		}
		curve = append(curve, Percentile{Quantile: 1 - above, Value: h.Quantile(1 - above)})
	}
	return curve
}

func (h *Histogram) counts() *hdrhistogram.Histogram {
	if h.hdr == nil {
		h.hdr = hdrhistogram.New(1, Max.Microseconds(), 3)
	}
	return h.hdr
}

// quantileRank is ⌈q·n⌉, in [1, n]. The small term keeps 0.99·100 from becoming rank 100.
func quantileRank(q float64, n int64) int64 {
	return min(max(int64(math.Ceil(q*float64(n)-1e-9*float64(n))), 1), n)
}

// bucketStart is the smallest value that shares a bucket with v.
func bucketStart(v int64) int64 {
	shift := max(0, bits.Len64(uint64(v))-significantBits)
	return v >> shift << shift
}

// encoded is a histogram's JSON form.
type encoded struct {
	Count  int64   `json:"count"`
	MeanMS float64 `json:"mean_ms"`
	P50MS  float64 `json:"p50_ms"`
	P90MS  float64 `json:"p90_ms"`
	P99MS  float64 `json:"p99_ms"`
	P999MS float64 `json:"p99_9_ms"`
	MaxMS  float64 `json:"max_ms"`
	HDR    string  `json:"hdr_v2_us,omitempty"`
}

// MarshalJSON writes the object that the type's comment describes.
func (h Histogram) MarshalJSON() ([]byte, error) {
	text, err := h.Encode()
	if err != nil {
		return nil, err
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.Marshal(encoded{
		Count: h.Count(), MeanMS: ms(h.Mean()), P50MS: ms(h.Quantile(0.5)), P90MS: ms(h.Quantile(0.9)),
		P99MS: ms(h.Quantile(0.99)), P999MS: ms(h.Quantile(0.999)), MaxMS: ms(h.Max()), HDR: text,
	})
}

// UnmarshalJSON reads back what [Histogram.MarshalJSON] wrote; only the counts matter.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var e encoded
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	read, err := Decode(e.HDR)
	if err != nil {
		return err
	}
	*h = *read
	return nil
}

// Encode is the V2 compressed base64 form of the counts, in µs; "" if nothing was recorded.
func (h *Histogram) Encode() (string, error) {
	if h.Count() == 0 {
		return "", nil
	}
	text, err := h.hdr.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode histogram: %w", err)
	}
	return string(text), nil
}

// Decode reads what [Histogram.Encode] wrote, or any V2 compressed HdrHistogram in µs whose
// values are at most [Max].
func Decode(text string) (*Histogram, error) {
	h := &Histogram{}
	if text == "" {
		return h, nil
	}
	read, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	if dropped := h.counts().Merge(read); dropped != 0 {
		return nil, fmt.Errorf("decode histogram: %d values are longer than %v", dropped, Max)
	}
	return h, nil
}

// WriteDistribution writes the percentile distribution in milliseconds, in the text form that
// HdrHistogram's tools exchange (.hgrm), with five steps for each half of the distance to 100 %.
func (h *Histogram) WriteDistribution(w io.Writer) error {
	counts := h.hdr
	if counts == nil {
		counts = (&Histogram{}).counts()
	}
	_, err := counts.PercentilesPrint(w, 5, 1000)
	return err
}
