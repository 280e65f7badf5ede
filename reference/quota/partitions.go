package quota

import (
	"math/bits"
	"slices"
	"time"
)

// Partitions meters a table or an index: a bucket of each capacity for every partition and one
// for each limit of the whole.
//
// A partition serves a range of positions, so one key's heat meets one partition's limit while
// its neighbours have room. Capacity of the whole goes wherever it is asked for, at once, up to
// a partition's own limit: adaptive capacity. A partition that stays hot is cut in two where its
// heat parts; partitions are never merged.
//
// Time is the caller's and must not run backwards. Partitions do nothing by themselves: what a
// minute brings (cuts, growth) happens at the first call after it. Not safe for concurrent use.
type Partitions struct {
	limit      Throughput
	partitions []partition // in order; the first begins at the lowest position
	whole      [limits][2]TokenBucket
	used       [2]float64 // units of the running minute
	growth     Growth
	nextID     int
	changes    int   // of the topology
	minute     int64 // the running one, since 1970; zero before the first call
}

// NewPartitions makes full buckets and as many partitions as serve t.Warm.
func NewPartitions(t Throughput) *Partitions {
	p := &Partitions{limit: t, growth: NewGrowth(t.Doubling)}
	n := uint64(t.partitions(t.Warm))
	for i := range n {
		from, _ := bits.Div64(i, 0, n)
		if _, rest := bits.Div64(i, 0, n); rest > 0 {
			from++ // round up: a hash belongs to floor(hash·n/2⁶⁴)
		}
		part := partition{id: p.nextID, from: Position{Hash: from}}
		for c, rate := range t.Partition {
			part.buckets[c] = NewTokenBucket(rate, rate*t.burst(PartitionLimit))
		}
		p.partitions = append(p.partitions, part)
		p.nextID++
	}
	p.sizeWhole(time.Time{})
	return p
}

// sizeWhole gives the buckets of the whole their rates. One that there was not is full.
func (p *Partitions) sizeWhole(now time.Time) {
	for l := ProvisionedLimit; l < limits; l++ {
		for c := range p.whole[l] {
			b := &p.whole[l][c]
			rate := p.limit.whole(l, Capacity(c))
			burst := rate * p.limit.burst(l)
			if b.Rate() <= 0 {
				*b = NewTokenBucket(rate, burst)
			} else {
				b.Resize(now, rate, burst)
			}
		}
	}
}

// Len is the number of partitions.
func (p *Partitions) Len() int { return len(p.partitions) }

// Warm is what the whole can serve at once, by Capacity.
func (p *Partitions) Warm() [2]float64 { return p.limit.Warm }

// index finds the partition that serves a position.
func (p *Partitions) index(at Position) int {
	low, high := 0, len(p.partitions)
	for high-low > 1 {
		middle := int(uint(low+high) >> 1)
		from := &p.partitions[middle].from
		if from.Hash < at.Hash || from.Hash == at.Hash && (len(from.Rest) == 0 || from.Compare(at) <= 0) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// Of is the id of the partition that serves a position.
func (p *Partitions) Of(at Position) int { return p.partitions[p.index(at)].id }

// keys is what the i-th partition serves.
func (p *Partitions) keys(i int) KeyRange {
	r := KeyRange{From: p.partitions[i].from}
	if i+1 < len(p.partitions) {
		r.To = &p.partitions[i+1].from
	}
	return r
}

// Fits says whether units at a position can be served at now, without taking them. What costs
// more than a bucket holds passes when the bucket is full. A nil shortage means yes.
func (p *Partitions) Fits(now time.Time, c Capacity, at Position, units float64) *Shortage {
	p.pass(now)
	i := p.index(at)
	part := &p.partitions[i]
	if b := &part.buckets[c]; !enough(now, b, units) {
		part.refused++
		return p.shortage(now, PartitionLimit, c, i, b, units)
	}
	for l := ProvisionedLimit; l < limits; l++ {
		if b := &p.whole[l][c]; !enough(now, b, units) {
			part.refused++
			return p.shortage(now, l, c, i, b, units)
		}
	}
	return nil
}

func enough(now time.Time, b *TokenBucket, units float64) bool {
	return b.Rate() <= 0 || b.Level(now) >= min(units, b.Burst())
}

func (p *Partitions) shortage(now time.Time, l Limit, c Capacity, i int, b *TokenBucket, units float64) *Shortage {
	r := p.keys(i)
	if r.To != nil { // the next partition's place may be another's later
		to := *r.To
		r.To = &to
	}
	return &Shortage{
		Limit: l, Capacity: c, Partition: p.partitions[i].id, Range: r, Allowed: b.Rate(), Burst: b.Burst(),
		Level: b.Level(now), RetryAfter: b.RetryAfter(now, min(units, b.Burst())),
	}
}

// Take takes units at a position, below zero if they are not there: for what Fits has passed,
// and for reads, whose cost shows afterwards. bytes is by how much the data there grows, or
// shrinks if negative.
func (p *Partitions) Take(now time.Time, c Capacity, at Position, units float64, bytes int64) {
	p.pass(now)
	part := &p.partitions[p.index(at)]
	if b := &part.buckets[c]; b.Rate() > 0 {
		b.Take(now, units)
		part.used[c] += units
		if p.limit.SplitAfter > 0 {
			part.samples.note(at, units/b.Rate())
		}
	}
	for l := ProvisionedLimit; l < limits; l++ {
		if b := &p.whole[l][c]; b.Rate() > 0 {
			b.Take(now, units)
		}
	}
	p.used[c] += units
	part.bytes += bytes
}

// pass does what the minutes that have ended since the last call bring.
func (p *Partitions) pass(now time.Time) {
	minute := now.Unix() / 60
	if minute <= p.minute {
		return
	}
	passed := minute - p.minute
	if p.minute == 0 {
		passed = 0
	}
	p.minute = minute
	// The minutes after the first were idle, and beyond the doubling time nothing new comes of them.
	for i := range min(passed, int64(len(p.growth.minutes))+1) {
		if i == 0 || i == 1 {
			p.cool()
		}
		p.growth.Minute(p.traffic())
		p.used = [2]float64{}
	}
	if p.limit.Grows && passed > 0 {
		p.grow(now)
	}
}

// traffic is the running minute's, in units a second, without what was saved up and came on top
// of what the whole can serve.
func (p *Partitions) traffic() (t [2]float64) {
	for c := range t {
		t[c] = p.used[c] / time.Minute.Seconds()
		if warm := p.limit.Warm[c]; warm > 0 {
			t[c] = min(t[c], warm)
		}
	}
	return t
}

// cool closes a minute in every partition, and cuts those that were hot or large for long.
func (p *Partitions) cool() {
	for i := 0; i < len(p.partitions); i++ {
		part := &p.partitions[i]
		hot := time.Duration(part.minutePassed()) * time.Minute
		var at Position
		ok := false
		if p.limit.SplitAfter > 0 && hot >= p.limit.SplitAfter {
			at, ok = cut(p.keys(i), part.samples.inOrder(), p.limit.Divisible)
			part.hot = 0 // one that cannot be cut is looked at again as late as one that was
		}
		if !ok && p.limit.SplitBytes > 0 && part.bytes >= p.limit.SplitBytes {
			if at, ok = halve(p.keys(i)); !ok && p.limit.Divisible {
				at, ok = cut(p.keys(i), part.samples.inOrder(), true)
			}
		}
		if ok && p.split(i, at) {
			i++ // the new half has nothing to close
		}
	}
}

// split cuts the i-th partition at a position inside it. Both halves start with the tokens of
// the whole: a cut neither makes nor loses heat.
func (p *Partitions) split(i int, at Position) bool {
	if len(p.partitions) >= maxPartitions {
		return false
	}
	low := &p.partitions[i]
	high := partition{id: p.nextID, from: at, buckets: low.buckets, bytes: low.bytes / 2}
	p.nextID++
	low.bytes -= high.bytes
	low.samples, low.hot = samples{}, 0
	p.partitions = slices.Insert(p.partitions, i+1, high)
	p.changes++
	return true
}

// grow gives the whole what it has grown to.
func (p *Partitions) grow(now time.Time) {
	warm := p.growth.Capacity(p.limit.Warm)
	if warm == p.limit.Warm {
		return
	}
	p.limit.Warm = warm
	p.changes++
	p.sizeWhole(now)
	p.widen()
}

// widen cuts the widest partitions until there are enough for what is warm.
func (p *Partitions) widen() {
	for need := p.limit.partitions(p.limit.Warm); len(p.partitions) < need; {
		widest := 0
		for i := range p.partitions {
			if p.keys(i).width() > p.keys(widest).width() {
				widest = i
			}
		}
		at, ok := halve(p.keys(widest))
		if !ok || !p.split(widest, at) {
			return
		}
	}
}

// Resize changes the throughput at now. What was warm stays warm, and partitions stay cut.
func (p *Partitions) Resize(now time.Time, t Throughput) {
	p.pass(now)
	for c := range t.Warm {
		t.Warm[c] = max(t.Warm[c], p.limit.Warm[c])
	}
	if t.Doubling != p.limit.Doubling {
		p.growth = NewGrowth(t.Doubling)
	}
	p.limit = t
	for i := range p.partitions {
		for c, rate := range t.Partition {
			p.partitions[i].buckets[c].Resize(now, rate, rate*t.burst(PartitionLimit))
		}
	}
	p.sizeWhole(now)
	p.widen()
}

// Spread notes bytes that were there before the first call, as lying evenly.
func (p *Partitions) Spread(bytes int64) {
	for i := range p.partitions {
		p.partitions[i].bytes += bytes / int64(len(p.partitions))
	}
}
