package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/store/codec"
)

// ErrTorn is wrapped when a head's parts are not all there: it was replaced between the reads.
// Read again.
var ErrTorn = errors.New("roll-up replaced while it was read")

// Rollup is one roll-up as the table holds it: a head, and parts where it is large.
type Rollup struct {
	Key   Key
	Gen   int64  // raised by each write; 0 means that there is none yet
	Data  []byte // encoded codec.Rollup
	State []byte // encoded codec.State, of minutes only; nil if it was not read
	Zone  string // of days only: the zone whose day this is
}

// Items are the parts, to be written first, and the head, to be written conditionally on the
// generation before Gen.
func (r Rollup) Items() (head map[string]types.AttributeValue, parts []map[string]types.AttributeValue) {
	head = r.Key.Item()
	head[AttrGen] = number(r.Gen)
	if r.State != nil {
		head[AttrBlocks] = blob(r.State)
	}
	if r.Zone != "" {
		head[AttrZone] = text(r.Zone)
	}
	if len(r.Data)+len(r.State) <= codec.MaxChunk {
		head[AttrRollup] = blob(r.Data)
		return head, nil
	}
	digest := strconv.FormatUint(xxh3.Hash(r.Data), 16)
	for i, part := range codec.Split(r.Data) {
		item := partKey(r.Key, r.Gen, digest, i).Item()
		item[AttrBody] = blob(part)
		parts = append(parts, item)
	}
	head[AttrParts] = number(int64(len(parts)))
	head[AttrDigest] = text(digest)
	return head, parts
}

// Parts sort directly behind their head. Their key carries generation and digest, so writers
// that race for the same generation never touch each other's parts.
func partKey(head Key, gen int64, digest string, i int) Key {
	return Key{PK: head.PK, SK: fmt.Sprintf("%s#p#%016d#%s#%03d", head.SK, gen, digest, i)}
}

// PartRange is the range of sort keys of all parts of generations below gen, for cleaning up.
func PartRange(head Key, gen int64) (from, to string) {
	return head.SK + "#p#", fmt.Sprintf("%s#p#%016d", head.SK, gen)
}

// BucketRange is the range of sort keys, for BETWEEN, that holds the roll-ups from one bucket
// to another, both included, with their parts.
func BucketRange(first, last Key) (from, to string) { return first.SK, last.SK + "#~" }

// HeadOf reads a head alone; whole is false if its data is in parts.
func HeadOf(item map[string]types.AttributeValue) (head Rollup, whole bool, err error) {
	head = Rollup{Key: KeyOf(item), Data: binaryOf(item, AttrRollup), State: binaryOf(item, AttrBlocks), Zone: textOf(item, AttrZone)}
	gen, ok := numberOf(item, AttrGen)
	if !ok {
		return Rollup{}, false, fmt.Errorf("roll-up %s: no generation: %w", head.Key, ErrKey)
	}
	head.Gen = gen
	_, inParts := numberOf(item, AttrParts)
	return head, !inParts, nil
}

// Rollups joins heads and parts, as one or several queries over [BucketRange] returned them.
// Parts of other generations are ignored. The error wraps [ErrTorn] if parts are missing.
func Rollups(items []map[string]types.AttributeValue) ([]Rollup, error) {
	parts := map[Key][]byte{}
	for _, item := range items {
		if key := KeyOf(item); strings.Contains(key.SK, "#p#") {
			parts[key] = binaryOf(item, AttrBody)
		}
	}
	var out []Rollup
	for _, item := range items {
		key := KeyOf(item)
		if strings.Contains(key.SK, "#p#") {
			continue
		}
		r, whole, err := HeadOf(item)
		if err != nil {
			return nil, err
		}
		if !whole {
			n, _ := numberOf(item, AttrParts)
			digest := textOf(item, AttrDigest)
			for i := range int(n) {
				part, ok := parts[partKey(key, r.Gen, digest, i)]
				if !ok {
					return nil, fmt.Errorf("roll-up %s, part %d of generation %d: %w", key, i, r.Gen, ErrTorn)
				}
				r.Data = append(r.Data, part...)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// Start is the start of a minute's or hour's bucket, zero for a day's or a broken key.
func (r Rollup) Start() time.Time {
	_, level, start, err := ParseRollupKey(r.Key)
	if err != nil || level == Day {
		return time.Time{}
	}
	return start
}
