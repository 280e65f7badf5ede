package quota

import (
	"bytes"
	"slices"
)

// cut finds where a hot partition is best cut in two: where the sampled heat falls most evenly
// on both sides. seen are the sampled positions in the order they came. A cut inside one
// partition key's items needs divisible, and heat that does not wander: where the sort key only
// grows, all that is new would land on the last part. If no cut parts the heat, what is hot is
// cut off from its colder neighbours on one side, then, at the next cut, on the other. ok is
// false if no cut is of use.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
// https://aws.amazon.com/blogs/database/part-3-scaling-dynamodb-how-partitions-hot-keys-and-split-for-heat-impact-performance/
func cut(r KeyRange, seen []Position, divisible bool) (at Position, ok bool) {
	if len(seen) == 0 {
		return at, false
	}
	sorted := slices.SortedFunc(slices.Values(seen), Position.Compare)
	best := len(sorted)
	for i := 1; i < len(sorted); i++ {
		low, high := sorted[i-1], sorted[i]
		where := Position{Hash: high.Hash}
		if low.Hash == high.Hash {
			if bytes.Equal(low.Rest, high.Rest) || !divisible || wanders(seen, high.Hash) {
				continue
			}
			where = high
		}
		if worse := max(i, len(sorted)-i); worse < best {
			best, at, ok = worse, where, true
		}
	}
	if ok {
		return Position{at.Hash, slices.Clone(at.Rest)}, true
	}
	if hot := sorted[0]; !wanders(seen, hot.Hash) {
		return isolate(r, hot, divisible)
	}
	return at, false
}

// isolate cuts the only thing that is hot off its neighbours: one item where items may be
// parted, else all items of one partition key.
func isolate(r KeyRange, hot Position, divisible bool) (at Position, ok bool) {
	from := Position{Hash: hot.Hash}
	if divisible {
		from.Rest = slices.Clone(hot.Rest)
	}
	if r.From.Compare(from) < 0 {
		return from, true
	}
	to := Position{hot.Hash, append(slices.Clone(hot.Rest), 0)}
	if !divisible {
		if hot.Hash == 1<<64-1 {
			return at, false
		}
		to = Position{Hash: hot.Hash + 1}
	}
	return to, r.To == nil || to.Compare(*r.To) < 0
}

// wanders says whether a partition key's items are asked for in the order of their sort keys,
// up or down: nine of ten steps between different items go the same way.
func wanders(seen []Position, hash uint64) bool {
	up, down := 0, 0
	var last *Position
	for i := range seen {
		if seen[i].Hash != hash {
			continue
		}
		if last != nil {
			switch c := bytes.Compare(seen[i].Rest, last.Rest); {
			case c > 0:
				up++
			case c < 0:
				down++
			}
		}
		last = &seen[i]
	}
	steps := up + down
	return steps >= 8 && max(up, down)*10 >= steps*9
}

// halve cuts a range in the middle of its hashes; ok is false if it has only one.
func halve(r KeyRange) (at Position, ok bool) {
	if r.oneHash() {
		return at, false
	}
	middle := r.From.Hash + r.width()/2
	if r.To == nil {
		middle = r.From.Hash + r.width()/2 + 1
	}
	if middle == r.From.Hash { // two hashes, or the rest of one and a part of the next
		middle++
	}
	at = Position{Hash: middle}
	return at, r.From.Compare(at) < 0 && (r.To == nil || at.Compare(*r.To) < 0)
}
