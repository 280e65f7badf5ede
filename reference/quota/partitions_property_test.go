package quota

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// twin is a slow, obvious Partitions with a fixed number of them: it keeps all that was ever
// taken and computes every level from the beginning.
type twin struct {
	limit      Throughput
	partitions int
	began      time.Time
	taken      []taken
}

type taken struct {
	at    time.Time
	c     Capacity
	hash  uint64
	units float64
}

func (w *twin) of(hash uint64) int {
	for i := range w.partitions { // the last whose share of all hashes begins at or below it
		if i+1 == w.partitions || float64(hash) < math.Ldexp(float64(i+1)/float64(w.partitions), 64) {
			return i
		}
	}
	return 0
}

// level is a bucket's after all that was taken, if counts says so.
func (w *twin) level(now time.Time, rate, burst float64, counts func(taken) bool) float64 {
	level, last := burst, w.began
	for _, t := range w.taken {
		if counts(t) {
			level = min(burst, level+rate*t.at.Sub(last).Seconds()) - t.units
			last = t.at
		}
	}
	return min(burst, level+rate*now.Sub(last).Seconds())
}

// fits also says whether the answer hangs on a rounding.
func (w *twin) fits(now time.Time, c Capacity, hash uint64, units float64) (which Limit, fits, close bool) {
	ask := func(l Limit, rate, seconds float64, counts func(taken) bool) bool {
		if rate <= 0 || which >= 0 {
			return true
		}
		level, need := w.level(now, rate, rate*seconds, counts), min(units, rate*seconds)
		close = close || math.Abs(level-need) < 1e-6*rate
		if level < need {
			which = l
		}
		return true
	}
	which = -1
	ask(PartitionLimit, w.limit.Partition[c], 1, func(t taken) bool { return t.c == c && w.of(t.hash) == w.of(hash) })
	all := func(t taken) bool { return t.c == c }
	ask(ProvisionedLimit, w.limit.Provisioned[c], w.limit.Burst.Seconds(), all)
	ask(AccountLimit, w.limit.Account[c], 1, all)
	ask(MaximumLimit, w.limit.Maximum[c], 1, all)
	return which, which < 0, close
}

func TestPartitionsAgreeWithTheTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]float64{0, 1, 7, 100})
		rates := func(name string) [2]float64 { return [2]float64{rate.Draw(t, name), rate.Draw(t, name)} }
		limit := Throughput{Partition: rates("partition"), Provisioned: rates("provisioned"), Account: rates("account"), Maximum: rates("maximum"), Burst: 20 * time.Second}
		n := rapid.IntRange(1, 5).Draw(t, "partitions")
		for c, r := range limit.Partition {
			limit.Warm[c] = r * float64(n)
		}
		p := NewPartitions(limit)
		w := &twin{limit: limit, partitions: p.Len(), began: epoch}
		p.Fits(epoch, ReadCapacity, Position{}, 0) // time begins
		now := epoch
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
			c := Capacity(rapid.IntRange(0, 1).Draw(t, "capacity"))
			at := Position{Hash: rapid.SampledFrom([]uint64{0, 1 << 62, 3 << 61, 1 << 63, math.MaxUint64}).Draw(t, "hash")}
			units := float64(rapid.IntRange(1, 60).Draw(t, "half units")) / 2
			which, fits, close := w.fits(now, c, at.Hash, units)
			short := p.Fits(now, c, at, units)
			switch {
			case close:
				return // a rounding may go either way, and all that follows depends on it
			case fits != (short == nil):
				t.Fatalf("at %s %s of %g at %s: twin %v, got %+v", now.Sub(epoch), c, units, at, fits, short)
			case short != nil && short.Limit != which:
				t.Fatalf("limit %s, twin says %s", short.Limit, which)
			case short != nil && short.RetryAfter > 0 && short.RetryAfter < math.MaxInt64:
				if _, later, close := w.fits(now.Add(short.RetryAfter), c, at.Hash, units); !later && !close && onlyOne(limit, c) {
					t.Fatalf("still refused after %s", short.RetryAfter)
				}
			}
			if fits || rapid.Bool().Draw(t, "owe") {
				p.Take(now, c, at, units, 0)
				w.taken = append(w.taken, taken{now, c, at.Hash, units})
			}
		}
	})
}

// onlyOne says whether a single limit holds for a capacity: then RetryAfter is exact.
func onlyOne(t Throughput, c Capacity) bool {
	n := 0
	for _, rate := range []float64{t.Partition[c], t.Provisioned[c], t.Account[c], t.Maximum[c]} {
		if rate > 0 {
			n++
		}
	}
	return n == 1
}

// Whatever comes and whatever is cut, every position has one partition, a partition's answer
// is that of a search through all of them, and none serves more than its limit.
func TestCutsKeepTheKeysWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Throughput{
			Partition: [2]float64{0, 10}, Warm: [2]float64{0, float64(rapid.IntRange(0, 50).Draw(t, "warm"))},
			SplitAfter: time.Minute, SplitBytes: 500, Divisible: rapid.Bool().Draw(t, "divisible"), Grows: rapid.Bool().Draw(t, "grows"), Doubling: 3 * time.Minute,
		}
		p := NewPartitions(limit)
		hash := rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 2, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}), rapid.Uint64())
		position := rapid.Custom(func(t *rapid.T) Position {
			return Position{hash.Draw(t, "hash"), []byte(rapid.StringN(0, 3, -1).Draw(t, "rest"))}
		})
		hot := rapid.SliceOfN(position, 1, 6).Draw(t, "hot")
		served := map[int][]float64{} // by second and partition, as long as it lives
		now := epoch
		for range rapid.IntRange(1, 8).Draw(t, "minutes") {
			now = now.Truncate(time.Minute).Add(time.Minute)
			p.Fits(now, WriteCapacity, Position{}, 0)
			clear(served)
			for second := range 60 {
				now := now.Add(time.Duration(second) * time.Second)
				for _, at := range hot {
					for range 12 {
						if p.Fits(now, WriteCapacity, at, 1) == nil {
							p.Take(now, WriteCapacity, at, 1, 1)
							id := p.Of(at)
							if len(served[id]) == 0 {
								served[id] = make([]float64, 60)
							}
							served[id][second]++
						}
					}
				}
			}
			for id, each := range served {
				sum := 0.
				for second, n := range each {
					if sum += n; sum > 10*float64(second+1) {
						t.Fatalf("partition %d served %g in %d s", id, sum, second+1)
					}
				}
			}
		}
		ids := map[int]bool{}
		for i := range p.partitions {
			r := p.keys(i)
			if ids[p.partitions[i].id] {
				t.Fatalf("two partitions %d", p.partitions[i].id)
			}
			ids[p.partitions[i].id] = true
			if i == 0 && r.From.Compare(Position{}) != 0 || r.To != nil && r.From.Compare(*r.To) >= 0 {
				t.Fatalf("partition %d serves %s", i, r)
			}
			if !limit.Divisible && len(r.From.Rest) > 0 {
				t.Fatalf("items of one key are parted: %s", r)
			}
		}
		again := RestorePartitions(limit, p.Topology())
		for _, at := range hot {
			if again.Of(at) != p.Of(at) || again.keys(again.index(at)).String() != p.keys(p.index(at)).String() {
				t.Fatalf("%s is elsewhere after a restart", at)
			}
		}
		if again.Warm() != p.Warm() || again.nextID != p.nextID || again.Len() != p.Len() {
			t.Fatalf("kept %+v, got %+v", p.Topology(), again.Topology())
		}
		for _, at := range append(hot, rapid.SliceOf(position).Draw(t, "others")...) {
			want := slices.IndexFunc(p.partitions, func(part partition) bool {
				return p.keys(slices.IndexFunc(p.partitions, func(o partition) bool { return o.id == part.id })).Holds(at)
			})
			if got := p.index(at); got != want {
				t.Fatalf("%s is at %d, found at %d", at, want, got)
			}
		}
	})
}

// A table's growth is what one would compute from all its minutes.
func TestGrowthAgreesWithAllMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.IntRange(1, 40).Draw(t, "doubling")
		g := NewGrowth(time.Duration(minutes) * time.Minute)
		var history []float64
		for range rapid.IntRange(0, 120).Draw(t, "minutes") {
			traffic := float64(rapid.IntRange(0, 20000).Draw(t, "traffic"))
			g.Minute([2]float64{0, traffic})
			history = append(history, traffic)
		}
		want := 4000.
		for i, traffic := range history {
			if len(history)-(i+1) >= minutes {
				want = max(want, 2*traffic)
			}
		}
		if got := g.Capacity([2]float64{12000, 4000}); got != [2]float64{12000, want} {
			t.Fatalf("got %v, want %g", got, want)
		}
	})
}
