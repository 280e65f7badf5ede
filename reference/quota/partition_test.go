package quota

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onDemand is a new on-demand table: four partitions.
var onDemand = Throughput{Partitions: 4, Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}}

// serve offers perSecond writes of one unit, evenly, to a hash for a time, and counts those served.
func serve(p *Partitions, from time.Time, d time.Duration, hash uint64, perSecond int) (served int) {
	step := time.Second / time.Duration(perSecond)
	for at := time.Duration(0); at < d; at += step {
		now := from.Add(at)
		if p.Fits(now, WriteCapacity, hash, 1) == nil {
			p.Take(now, WriteCapacity, hash, 1)
			served++
		}
	}
	return served
}

func TestAHotPartitionThrottlesWhileItsNeighboursDoNot(t *testing.T) {
	p := NewPartitions(onDemand)
	hot, calm := uint64(5), uint64(math.MaxUint64)
	require.NotEqual(t, p.Of(hot), p.Of(calm))
	require.InDelta(t, 1000+10*1000, serve(p, epoch, 10*time.Second, hot, 4000), 2)
	require.Nil(t, p.Fits(epoch, WriteCapacity, calm, 1000))
	require.InDelta(t, 10*900, serve(p, epoch, 10*time.Second, calm, 900), 1, "all of them")
	now := epoch.Add(10 * time.Second)
	p.Take(now, WriteCapacity, hot, 1)
	r := p.Fits(now, WriteCapacity, hot, 1)
	require.NotNil(t, r)
	require.Equal(t, p.Of(hot), r.Partition)
	require.Equal(t, WriteCapacity, r.Capacity)
	require.Equal(t, 1000.0, r.Allowed)
	require.Nil(t, p.Fits(now.Add(r.RetryAfter), WriteCapacity, hot, 1))
	require.Nil(t, p.Fits(now, ReadCapacity, hot, 1), "reads have capacity of their own")
}

func TestProvisionedCapacityBurstsFor300Seconds(t *testing.T) {
	limit := Throughput{Partitions: 1, Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}, Table: [2]float64{100, 100}, Burst: BurstCapacity}
	p := NewPartitions(limit)
	// 30,000 saved units and 100 a second last 75 s at 500 a second.
	require.Equal(t, 74*500, serve(p, epoch, 74*time.Second, 0, 500))
	require.InDelta(t, 500+100*100, serve(p, epoch.Add(74*time.Second), 101*time.Second, 0, 500), 2*100)
	r := p.Fits(epoch.Add(175*time.Second), WriteCapacity, 0, 90)
	require.NotNil(t, r)
	require.Equal(t, -1, r.Partition)
	require.Equal(t, 100.0, r.Allowed)
}

func TestBurstDoesNotLiftAPartitionsOwnLimit(t *testing.T) {
	p := NewPartitions(Throughput{Partitions: 2, Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}, Table: [2]float64{0, 1500}, Burst: BurstCapacity})
	require.InDelta(t, 1000+5*1000, serve(p, epoch, 5*time.Second, 0, 5000), 2)
}

func TestLargeCostPassesAFullBucketOnly(t *testing.T) {
	p := NewPartitions(onDemand)
	require.Nil(t, p.Fits(epoch, WriteCapacity, 0, 8000))
	p.Take(epoch, WriteCapacity, 0, 8000)
	r := p.Fits(epoch, WriteCapacity, 0, 1)
	require.NotNil(t, r)
	require.Equal(t, -7000.0, r.Level)
	require.Equal(t, 7001*time.Millisecond, r.RetryAfter)
}

func TestNoRateIsNoLimit(t *testing.T) {
	p := NewPartitions(Throughput{})
	require.Equal(t, 1, p.Len())
	p.Take(epoch, ReadCapacity, 7, 1e12)
	require.Nil(t, p.Fits(epoch, ReadCapacity, 7, 1e12))
}

func TestPartitionCount(t *testing.T) {
	for _, c := range []struct {
		read, write float64
		want        int
	}{{0, 0, 1}, {12000, 4000, 4}, {3000, 1000, 1}, {3001, 1, 2}, {1, 1001, 2}, {40000, 40000, 40}} {
		require.Equal(t, c.want, PartitionCount(c.read, c.write), "%g/%g", c.read, c.write)
	}
}

func TestHashesSpreadEvenlyAndInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := NewPartitions(Throughput{Partitions: 7})
	counts := make([]int, 7)
	for range 70000 {
		counts[p.Of(rng.Uint64())]++
	}
	for i, n := range counts {
		require.InDelta(t, 10000, n, 500, "partition %d", i)
	}
	last := 0
	for h := uint64(0); h < math.MaxUint64-(1<<58); h += 1 << 58 {
		require.GreaterOrEqual(t, p.Of(h), last)
		last = p.Of(h)
	}
}

func TestResizeKeepsHeatWhereItWas(t *testing.T) {
	p := NewPartitions(Throughput{Partitions: 1, Partition: [2]float64{3000, 1000}})
	p.Take(epoch, WriteCapacity, 0, 1000)
	p.Resize(epoch, Throughput{Partitions: 2, Partition: [2]float64{3000, 1000}})
	require.NotNil(t, p.Fits(epoch, WriteCapacity, 0, 1), "a split makes no capacity")
	now := epoch.Add(time.Second)
	require.Equal(t, 2*1000, serve(p, now, time.Second, 0, 1000)+serve(p, now, time.Second, math.MaxUint64, 1000))
}

// The dumb twin keeps every grant and sums those that still count.
type twin struct {
	rate, burst float64
	level       float64
	last        time.Time
}

func (w *twin) at(now time.Time) float64 {
	if !w.last.IsZero() {
		w.level = math.Min(w.burst, w.level+w.rate*now.Sub(w.last).Seconds())
	}
	w.last = now
	return w.level
}

func TestPartitionsAgreeWithASlowTwin(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(5)
		table := 100 + rng.Float64()*1000
		p := NewPartitions(Throughput{Partitions: n, Partition: [2]float64{300, 100}, Table: [2]float64{0, table}, Burst: 3 * time.Second})
		whole := twin{rate: table, burst: 3 * table, level: 3 * table}
		parts := make([]twin, n)
		for i := range parts {
			parts[i] = twin{rate: 100, burst: 100, level: 100}
		}
		now := epoch
		for i := range 2000 {
			now = now.Add(time.Duration(rng.IntN(5_000_000)))
			hash, units := rng.Uint64(), 1+rng.Float64()*5
			part := &parts[int(float64(n)*(float64(hash)/math.Pow(2, 64)))]
			want := part.at(now) >= units && whole.at(now) >= units
			got := p.Fits(now, WriteCapacity, hash, units) == nil
			require.Equal(t, want, got, "seed %d step %d", seed, i)
			if got {
				p.Take(now, WriteCapacity, hash, units)
				part.level -= units
				whole.at(now)
				whole.level -= units
			}
		}
	}
}

func BenchmarkPartitions(b *testing.B) {
	p := NewPartitions(onDemand)
	now := epoch
	for b.Loop() {
		now = now.Add(time.Millisecond)
		if p.Fits(now, WriteCapacity, uint64(now.UnixNano())<<20, 1) == nil {
			p.Take(now, WriteCapacity, uint64(now.UnixNano())<<20, 1)
		}
	}
}
