package store

import "time"

// StreamLife is how long a record of a stream can be read, and ShardLife how long a shard takes
// records before another follows it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.Lambda.html
const (
	StreamLife = 24 * time.Hour
	ShardLife  = 4 * time.Hour
)

// Course is how a stream's records are numbered and divided.
type Course struct {
	Shards  []Shard   // in order; the last one takes records unless the stream is closed
	Next    uint64    // the number of the next record
	Trimmed uint64    // records with lower numbers are gone
	Closed  time.Time // zero while the stream takes records
}

// Shard is a stretch of a stream: the numbers behind From, which no record has, up to, not
// including, To.
type Shard struct {
	From  uint64
	To    uint64 // 0 while it takes records
	Began time.Time
	Ended time.Time
}

// course is the pure side of a stream: what becomes of it in time.
type course struct{ Course }

// begin is the course of a new stream. Its first record gets number 2.
func begin(now time.Time) course {
	return course{Course{Shards: []Shard{{From: 1, Began: now}}, Next: 2, Trimmed: 2}}
}

// take gives a record its number. It is refused if the stream is closed; rolled says that
// another shard has begun with it.
func (c *course) take(now time.Time) (number uint64, rolled, ok bool) {
	if !c.Closed.IsZero() {
		return 0, false, false
	}
	last := &c.Shards[len(c.Shards)-1]
	if now.Sub(last.Began) >= ShardLife && c.Next > last.From+1 {
		last.To, last.Ended = c.Next, now
		c.Shards = append(c.Shards, Shard{From: c.Next, Began: now})
		c.Next++
		rolled = true
	}
	number = c.Next
	c.Next++
	return number, rolled, true
}

// end closes the stream with its last shard, once.
func (c *course) end(now time.Time) bool {
	if !c.Closed.IsZero() {
		return false
	}
	last := &c.Shards[len(c.Shards)-1]
	last.To, last.Ended = c.Next, now
	c.Closed = now
	return true
}

// trim gives up the records before keep, and the shards that ended so long ago that all of their
// records were given up before. over says that nothing is left of the stream.
func (c *course) trim(now time.Time, keep uint64) (changed, over bool) {
	if !c.Closed.IsZero() && now.Sub(c.Closed) >= StreamLife {
		return true, true
	}
	changed = keep > c.Trimmed
	c.Trimmed = max(c.Trimmed, keep)
	for len(c.Shards) > 1 && now.Sub(c.Shards[0].Ended) >= StreamLife {
		c.Shards = append([]Shard(nil), c.Shards[1:]...)
		changed = true
	}
	return changed, false
}
