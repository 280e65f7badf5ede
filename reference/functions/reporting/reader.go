package reporting

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/maypok86/otter/v2"
	"github.com/zeebo/xxh3"
	"golang.org/x/sync/singleflight"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// bucket is one roll-up that was read.
type bucket struct {
	level store.Level
	start time.Time // of a day: midnight UTC of the date
	zone  string    // of a day
	codec.Rollup
}

// reading is what one [store.Read] returned.
type reading struct {
	buckets []bucket
	gens    uint64 // fingerprint of the buckets' generations
	checked time.Time
	bytes   int
}

// reader reads ranges of roll-ups through the container's memory.
type reader struct {
	o       *Options
	cache   *otter.Cache[string, *reading]
	flights singleflight.Group
}

func newReader(o *Options) (*reader, error) {
	cache, err := otter.New(&otter.Options[string, *reading]{
		MaximumWeight: uint64(o.CacheBytes),
		Weigher:       func(key string, r *reading) uint32 { return uint32(len(key) + r.bytes + 128) },
		Executor:      func(f func()) { f() }, // no goroutine outlives a call
	})
	if err != nil {
		return nil, fmt.Errorf("make cache of %d bytes: %w", o.CacheBytes, err)
	}
	return &reader{o: o, cache: cache}, nil
}

// read returns the roll-ups of a range as they were at most Fresh (open) or Recheck (closed) ago.
func (r *reader) read(ctx context.Context, q store.Read) (*reading, error) {
	key := q.PK + "\n" + q.FromSK + "\n" + q.ToSK
	maxAge := r.o.Recheck
	if q.Open {
		maxAge = r.o.Fresh
	}
	if known, ok := r.cache.GetIfPresent(key); ok && r.o.Now().Sub(known.checked) < maxAge {
		return known, nil
	}
	value, err, _ := r.flights.Do(key, func() (any, error) {
		known, _ := r.cache.GetIfPresent(key)
		fresh, err := r.load(ctx, q, known)
		if err != nil {
			return nil, err
		}
		r.cache.Set(key, fresh)
		return fresh, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*reading), nil
}

// load reads a range from the table; of a closed one that is known only the generations, unless
// they changed.
func (r *reader) load(ctx context.Context, q store.Read, known *reading) (*reading, error) {
	at := r.o.Now()
	if known != nil && !q.Open {
		heads, err := r.query(ctx, q, store.AttrSK, store.AttrGen)
		if err != nil {
			return nil, err
		}
		if generations(heads) == known.gens {
			same := *known
			same.checked = at
			return &same, nil
		}
	}
	for attempt := 0; ; attempt++ {
		items, err := r.query(ctx, q, store.AttrPK, store.AttrSK, store.AttrGen, store.AttrRollup, store.AttrParts,
			store.AttrDigest, store.AttrBody, store.AttrZone)
		if err != nil {
			return nil, err
		}
		out, err := decode(q, items)
		if errors.Is(err, store.ErrTorn) && attempt < 3 {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.checked = at
		return out, nil
	}
}

func decode(q store.Read, items []map[string]types.AttributeValue) (*reading, error) {
	rollups, err := store.Rollups(items)
	if err != nil {
		return nil, err
	}
	out := &reading{buckets: make([]bucket, 0, len(rollups)), gens: generations(items)}
	for _, r := range rollups {
		_, _, start, err := store.ParseRollupKey(r.Key)
		if err != nil {
			return nil, err
		}
		decoded, err := codec.DecodeRollup(r.Data)
		if err != nil {
			return nil, fmt.Errorf("roll-up %s: %w", r.Key, err)
		}
		out.buckets = append(out.buckets, bucket{level: q.Level, start: start, zone: r.Zone, Rollup: decoded})
		out.bytes += 2*len(r.Data) + 256
	}
	return out, nil
}

// generations is a fingerprint of the heads' names and generations.
func generations(items []map[string]types.AttributeValue) uint64 {
	var text []byte
	for _, item := range items {
		sk, _ := item[store.AttrSK].(*types.AttributeValueMemberS)
		gen, _ := item[store.AttrGen].(*types.AttributeValueMemberN)
		if sk == nil || gen == nil {
			continue // a part
		}
		text = append(append(append(append(text, sk.Value...), '='), gen.Value...), '\n')
	}
	return xxh3.Hash(binary.AppendUvarint(text, uint64(len(items))))
}

// query reads all pages of a range, consistently: what a marker no longer says must be in the
// roll-ups that are read after it.
func (r *reader) query(ctx context.Context, q store.Read, attributes ...string) ([]map[string]types.AttributeValue, error) {
	return queryRange(ctx, r.o.DB, r.o.Analytics, q.PK, q.FromSK, q.ToSK, true, attributes...)
}

func queryRange(ctx context.Context, db DynamoDB, table, pk, from, to string, consistent bool, attributes ...string) ([]map[string]types.AttributeValue, error) {
	in := &dynamodb.QueryInput{
		TableName:              &table,
		ConsistentRead:         &consistent,
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk":   &types.AttributeValueMemberS{Value: pk},
			":from": &types.AttributeValueMemberS{Value: from},
			":to":   &types.AttributeValueMemberS{Value: to},
		},
	}
	if len(attributes) > 0 {
		in.ProjectionExpression = aws.String(strings.Join(attributes, ", "))
	}
	var items []map[string]types.AttributeValue
	for {
		out, err := db.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("query %s of %s: %w", pk, table, err)
		}
		items = append(items, out.Items...)
		if len(out.LastEvaluatedKey) == 0 {
			return items, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
