package quota

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onDemand is a new on-demand table with sort keys: four partitions.
func onDemand() Throughput {
	return Throughput{
		Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}, Warm: [2]float64{OnDemandReadUnits, OnDemandWriteUnits},
		Grows: true, Doubling: DoublingTime, Account: [2]float64{40000, 40000},
		SplitAfter: SplitTime, SplitBytes: PartitionBytes, Divisible: true,
	}
}

// tenth is one with a tenth of each capacity, to simulate long times with few requests.
func tenth() Throughput {
	t := onDemand()
	for _, rates := range []*[2]float64{&t.Partition, &t.Warm, &t.Account} {
		rates[ReadCapacity] /= 10
		rates[WriteCapacity] /= 10
	}
	return t
}

func at(hash uint64) Position { return Position{Hash: hash} }

func serial(hash uint64, n uint64) Position {
	return Position{hash, binary.BigEndian.AppendUint64(nil, n)}
}

// serve offers perSecond writes of one unit, evenly, for a time, and counts those served.
func serve(p *Partitions, from time.Time, d time.Duration, perSecond int, where func() Position) (served int) {
	step := time.Second / time.Duration(perSecond)
	for after := time.Duration(0); after < d-step/2; after += step {
		now, at := from.Add(after), where()
		if p.Fits(now, WriteCapacity, at, 1) == nil {
			p.Take(now, WriteCapacity, at, 1, 0)
			served++
		}
	}
	return served
}

func always(p Position) func() Position { return func() Position { return p } }

func anywhere(seed uint64) func() Position {
	rng := rand.New(rand.NewPCG(seed, 1))
	return func() Position { return serial(rng.Uint64(), rng.Uint64()) }
}

func TestAHotPartitionThrottlesWhileItsNeighboursDoNot(t *testing.T) {
	p := NewPartitions(onDemand())
	hot, calm := at(5), at(math.MaxUint64)
	require.Equal(t, 4, p.Len())
	require.NotEqual(t, p.Of(hot), p.Of(calm))
	require.InDelta(t, 1000+10*1000, serve(p, epoch, 10*time.Second, 4000, always(hot)), 2)
	require.Nil(t, p.Fits(epoch, WriteCapacity, calm, 1000))
	start := epoch.Add(10 * time.Second)
	require.Equal(t, 10*900, serve(p, start, 10*time.Second, 900, always(calm)), "all of them")
	now := start.Add(10 * time.Second)
	p.Take(now, WriteCapacity, hot, 1000, 0)
	r := p.Fits(now, WriteCapacity, hot, 1)
	require.NotNil(t, r)
	require.Equal(t, PartitionLimit, r.Limit)
	require.Equal(t, p.Of(hot), r.Partition)
	require.Equal(t, WriteCapacity, r.Capacity)
	require.Equal(t, 1000.0, r.Allowed)
	require.Equal(t, 0.0, r.Fill())
	require.Equal(t, time.Millisecond, r.RetryAfter)
	require.Equal(t, "[0000000000000000,4000000000000000)", r.Range.String())
	require.True(t, r.Range.Holds(hot))
	require.False(t, r.Range.Holds(calm))
	worst := p.States(now, 1)
	require.Len(t, worst, 1)
	require.Equal(t, PartitionState{ID: p.Of(hot), Keys: r.Range.String(), Fill: [2]float64{1, 0}, Refused: worst[0].Refused}, worst[0])
	require.Greater(t, worst[0].Refused, int64(1000))
	require.Nil(t, p.Fits(now.Add(r.RetryAfter), WriteCapacity, hot, 1))
	require.Nil(t, p.Fits(now, ReadCapacity, hot, 1), "reads have capacity of their own")
}

func TestProvisionedCapacityBurstsFor300Seconds(t *testing.T) {
	p := NewPartitions(Throughput{Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}, Warm: [2]float64{100, 100},
		Provisioned: [2]float64{100, 100}, Burst: BurstCapacity})
	// 30,000 saved units and 100 a second last 75 s at 500 a second.
	require.Equal(t, 74*500, serve(p, epoch, 74*time.Second, 500, always(at(0))))
	require.InDelta(t, 500+100*100, serve(p, epoch.Add(74*time.Second), 101*time.Second, 500, always(at(0))), 2*100)
	r := p.Fits(epoch.Add(175*time.Second), WriteCapacity, at(0), 90)
	require.NotNil(t, r)
	require.Equal(t, ProvisionedLimit, r.Limit)
	require.Equal(t, 100.0, r.Allowed)
	require.Equal(t, 30000.0, r.Burst)
}

func TestBurstDoesNotLiftAPartitionsOwnLimit(t *testing.T) {
	p := NewPartitions(Throughput{Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}, Warm: [2]float64{0, 1500},
		Provisioned: [2]float64{0, 1500}, Burst: BurstCapacity})
	require.Equal(t, 2, p.Len())
	require.InDelta(t, 1000+5*1000, serve(p, epoch, 5*time.Second, 5000, always(at(0))), 2)
}

func TestAdaptiveCapacityGivesAPartitionAllThatOthersLeave(t *testing.T) {
	// AWS's own example: 400 WCU over four partitions, three at 50, one at 150.
	p := NewPartitions(Throughput{Partition: [2]float64{3000, 1000}, Warm: [2]float64{0, 3001}, Provisioned: [2]float64{0, 400}, Burst: time.Second})
	require.Equal(t, 4, p.Len())
	quarter := uint64(1) << 62
	load, i := []uint64{0, 1, 2, 3, 3, 3}, -1
	next := func() Position { i++; return at(load[i%6] * quarter) }
	require.Equal(t, 120*300, serve(p, epoch, 2*time.Minute, 300, next))
}

func TestLargeCostPassesAFullBucketOnly(t *testing.T) {
	p := NewPartitions(Throughput{Partition: [2]float64{PartitionReadUnits, PartitionWriteUnits}})
	require.Nil(t, p.Fits(epoch, WriteCapacity, at(0), 8000))
	p.Take(epoch, WriteCapacity, at(0), 8000, 0)
	r := p.Fits(epoch, WriteCapacity, at(0), 1)
	require.NotNil(t, r)
	require.Equal(t, -7000.0, r.Level)
	require.Equal(t, 7001*time.Millisecond, r.RetryAfter)
}

func TestNoRateIsNoLimit(t *testing.T) {
	p := NewPartitions(Throughput{})
	require.Equal(t, 1, p.Len())
	p.Take(epoch, ReadCapacity, at(7), 1e12, 0)
	require.Nil(t, p.Fits(epoch, ReadCapacity, at(7), 1e12))
}

func TestEachLimitOfTheWholeIsNamed(t *testing.T) {
	for want, limit := range map[Limit]Throughput{
		ProvisionedLimit: {Provisioned: [2]float64{0, 10}},
		GrowthLimit:      {Warm: [2]float64{0, 10}, Grows: true},
		AccountLimit:     {Account: [2]float64{0, 10}},
		MaximumLimit:     {Maximum: [2]float64{0, 10}},
	} {
		limit.Partition = [2]float64{3000, 1000}
		p := NewPartitions(limit)
		require.Equal(t, 10, serve(p, epoch, time.Millisecond, 100_000, always(at(1))), "%s", want)
		r := p.Fits(epoch, WriteCapacity, at(1), 1)
		require.NotNil(t, r, "%s", want)
		require.Equal(t, want, r.Limit)
		require.Equal(t, 10.0, r.Allowed)
		require.Nil(t, p.Fits(epoch, ReadCapacity, at(1), 1e9))
	}
}

func TestHashesSpreadEvenlyAndInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := NewPartitions(Throughput{Partition: [2]float64{1, 1}, Warm: [2]float64{7, 0}})
	require.Equal(t, 7, p.Len())
	counts := make([]int, 7)
	for range 70000 {
		counts[p.Of(at(rng.Uint64()))]++
	}
	for i, n := range counts {
		require.InDelta(t, 10000, n, 500, "partition %d", i)
	}
}

func TestResizeKeepsHeatWhereItWas(t *testing.T) {
	limit := Throughput{Partition: [2]float64{3000, 1000}}
	p := NewPartitions(limit)
	p.Take(epoch, WriteCapacity, at(0), 1000, 0)
	limit.Warm = [2]float64{0, 2000}
	p.Resize(epoch, limit)
	require.Equal(t, 2, p.Len())
	require.NotNil(t, p.Fits(epoch, WriteCapacity, at(0), 1), "a cut makes no capacity")
	require.NotNil(t, p.Fits(epoch, WriteCapacity, at(math.MaxUint64), 1))
	now := epoch.Add(time.Second)
	require.Equal(t, 2*1000, serve(p, now, time.Second, 1000, always(at(0)))+serve(p, now, time.Second, 1000, always(at(math.MaxUint64))))
	limit.Warm = [2]float64{}
	p.Resize(now, limit)
	require.Equal(t, 2, p.Len(), "partitions are never merged")
	require.Equal(t, [2]float64{0, 2000}, p.Warm(), "what was warm stays warm")
}

func TestANewOnDemandTableDoublesEveryThirtyMinutes(t *testing.T) {
	// In minutes: a flood that takes whatever it gets.
	p := NewPartitions(onDemand())
	var warm []float64
	for minute := range 95 {
		now := epoch.Add(time.Duration(minute) * time.Minute)
		p.Fits(now, WriteCapacity, at(0), 0)
		warm = append(warm, p.Warm()[WriteCapacity])
		for part := range uint64(64) {
			p.Take(now, WriteCapacity, at(part<<58), warm[minute]*60/64, 0)
		}
	}
	require.Equal(t, []float64{4000, 4000, 8000, 8000, 16000, 16000, 32000}, []float64{warm[0], warm[30], warm[31], warm[60], warm[62], warm[92], warm[93]})
	require.Equal(t, 12000.0, p.Warm()[ReadCapacity], "reads grow by themselves")
	require.Equal(t, 32, p.Len())
	idle := epoch.Add(1000 * time.Hour)
	require.Nil(t, p.Fits(idle, WriteCapacity, at(0), 1))
	require.Equal(t, 64000.0, p.Warm()[WriteCapacity], "the last peak counts at last, and nothing is taken back")
}

func TestTrafficBeyondDoubleThePeakIsRefused(t *testing.T) {
	p := NewPartitions(onDemand())
	minutes := func(from, n, rate int) int {
		return serve(p, epoch.Add(time.Duration(from)*time.Minute), time.Duration(n)*time.Minute, rate, anywhere(uint64(from)))
	}
	require.Equal(t, 60*3000, minutes(0, 1, 3000), "below the start")
	require.InDelta(t, 60*4000, minutes(1, 1, 7000), 60*4000*0.03, "refused beyond")
	require.InDelta(t, 60*6000, minutes(33, 1, 6000), 60*6000*0.02, "3,000 and 4,000 are 31 minutes ago: 8,000")
	require.Equal(t, 8, p.Len())
}

func spread(rng *rand.Rand, hash uint64) func() Position {
	return func() Position { return serial(hash, rng.Uint64()) }
}

// growing are keys whose sort key only grows.
func growing(hash uint64) func() Position {
	n := uint64(0)
	return func() Position { n++; return serial(hash, n) }
}

func TestSplitForHeat(t *testing.T) {
	local := tenth()
	local.Divisible = false
	never := tenth()
	never.SplitAfter = 0
	rng := rand.New(rand.NewPCG(1, 2))
	two := []func() Position{spread(rng, 5), spread(rng, 1<<60)}
	for name, c := range map[string]struct {
		limit  Throughput
		keys   func() Position
		before float64 // writes a second before and long after the splits
		after  float64
	}{
		"one partition key's items, spread over sort keys": {tenth(), spread(rng, 5), 100, 390},
		"a sort key that only grows":                       {tenth(), growing(5), 100, 100},
		"one item":                                         {tenth(), always(serial(5, 5)), 100, 100},
		"one partition key with a local index":             {local, spread(rng, 5), 100, 100},
		"two keys in a partition with a local index":       {local, func() Position { return two[rng.IntN(2)]() }, 100, 200},
		"never": {never, spread(rng, 5), 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPartitions(c.limit)
			require.InDelta(t, c.before*60, serve(p, epoch, time.Minute, 500, c.keys), 0.05*c.before*60)
			for minute := 1; minute < 5; minute++ {
				serve(p, epoch.Add(time.Duration(minute)*time.Minute), time.Minute, 500, c.keys)
			}
			require.Equal(t, 4, p.Len(), "no cut before five hot minutes")
			for minute := 5; minute < 17; minute++ {
				serve(p, epoch.Add(time.Duration(minute)*time.Minute), time.Minute, 500, c.keys)
			}
			require.InDelta(t, c.after*60, serve(p, epoch.Add(17*time.Minute), time.Minute, 500, c.keys), 0.05*c.after*60)
		})
	}
}

func TestAGrowingSortKeyIsNotSplit(t *testing.T) {
	p := NewPartitions(tenth())
	serve(p, epoch, 20*time.Minute, 150, growing(5))
	require.Equal(t, 4, p.Len())
}

func TestAHotItemIsIsolated(t *testing.T) {
	p := NewPartitions(tenth())
	serve(p, epoch, 16*time.Minute, 150, always(serial(5, 5)))
	require.Equal(t, 6, p.Len(), "cut off on both sides, and no further")
	alone := KeyRange{From: serial(5, 5), To: &Position{5, append(serial(5, 5).Rest, 0)}}
	require.Equal(t, alone.String(), p.keys(p.index(serial(5, 5))).String())
	now := epoch.Add(16 * time.Minute)
	p.Take(now, WriteCapacity, serial(5, 5), 100, 0)
	require.NotNil(t, p.Fits(now, WriteCapacity, serial(5, 5), 1))
	require.Nil(t, p.Fits(now, WriteCapacity, serial(5, 4), 1))
	require.Nil(t, p.Fits(now, WriteCapacity, serial(5, 6), 1))
}

func TestAPauseCoolsAPartition(t *testing.T) {
	p := NewPartitions(tenth())
	keys := spread(rand.New(rand.NewPCG(1, 2)), 5)
	for i := range 4 {
		serve(p, epoch.Add(time.Duration(i)*10*time.Minute), 4*time.Minute, 150, keys)
	}
	require.Equal(t, 4, p.Len())
}

func TestSplitBySize(t *testing.T) {
	p := NewPartitions(Throughput{SplitBytes: 1000})
	p.Take(epoch, WriteCapacity, at(5), 1, 999)
	p.Take(epoch.Add(time.Minute), WriteCapacity, at(5), 1, 1)
	require.Equal(t, 1, p.Len())
	p.Take(epoch.Add(2*time.Minute), WriteCapacity, at(5), 1, -400)
	require.Equal(t, 2, p.Len())
	p.Spread(1000)
	require.Equal(t, []int64{600, 1000}, []int64{p.States(epoch, 2)[0].Bytes, p.States(epoch, 2)[1].Bytes})
	p.Take(epoch.Add(3*time.Minute), WriteCapacity, at(1<<63), 1, 0)
	require.Equal(t, 3, p.Len())
}

func TestHalve(t *testing.T) {
	to := func(h uint64) *Position { return &Position{Hash: h} }
	for _, c := range []struct {
		r    KeyRange
		want string
	}{
		{KeyRange{}, "8000000000000000"},
		{KeyRange{To: to(1 << 63)}, "4000000000000000"},
		{KeyRange{From: at(1 << 63)}, "c000000000000000"},
		{KeyRange{To: to(1)}, ""},
		{KeyRange{To: to(2)}, "0000000000000001"},
		{KeyRange{From: serial(0, 1), To: to(1)}, ""},
		{KeyRange{From: serial(0, 1), To: to(2)}, "0000000000000001"},
		{KeyRange{To: &Position{1, []byte("x")}}, "0000000000000001"},
		{KeyRange{From: at(math.MaxUint64)}, ""},
		{KeyRange{From: at(math.MaxUint64 - 1)}, "ffffffffffffffff"},
	} {
		at, ok := halve(c.r)
		if !ok {
			require.Empty(t, c.want, "%s", c.r)
			continue
		}
		require.Equal(t, c.want, at.String(), "%s", c.r)
	}
}

func BenchmarkPartitions(b *testing.B) {
	for _, n := range []int{1, 4, 40, 1000} {
		b.Run(fmt.Sprintf("partitions=%d", n), func(b *testing.B) {
			limit := onDemand()
			limit.Warm = [2]float64{0, 1000 * float64(n)}
			limit.Partition[WriteCapacity], limit.Account = 1e12, [2]float64{1e12, 1e12}
			limit.Warm[WriteCapacity] = 1e12 * float64(n)
			p := NewPartitions(limit)
			require.Equal(b, n, p.Len())
			now, key := epoch, serial(0, 0)
			for b.Loop() {
				now, key.Hash = now.Add(time.Microsecond), key.Hash*6364136223846793005+1442695040888963407
				if p.Fits(now, WriteCapacity, key, 1) == nil {
					p.Take(now, WriteCapacity, key, 1, 300)
				}
			}
		})
	}
}
