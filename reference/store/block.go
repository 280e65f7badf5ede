package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/retailflow/stampede/reference/store/codec"
)

// Retention of raw events: blocks and delivered objects live for BlockDays; a recompute of a
// bucket older than RecomputeDays is refused, since some of its blocks may be gone.
const (
	BlockDays     = 90
	RecomputeDays = 80
)

// ShardsKey is the shard count of one tenant's hour: into how many partitions its blocks are spread.
func ShardsKey(tenant string, hour time.Time) Key {
	return Key{PK: "T#" + tenant + "#E#" + HourName(hour), SK: "SHARDS"}
}

// ShardsItem is the item of a shard count. It is written once and never changed.
func ShardsItem(tenant string, hour time.Time, shards int) map[string]types.AttributeValue {
	item := ShardsKey(tenant, hour).Item()
	item[AttrShards] = number(int64(shards))
	item[AttrExpires] = expiry(hour)
	return item
}

// ParseShards reads a shard count, at least 1.
func ParseShards(item map[string]types.AttributeValue) (int, error) {
	n, ok := numberOf(item, AttrShards)
	if !ok || n < 1 || n > 1000 {
		return 0, fmt.Errorf("shard count %s: %w", KeyOf(item), ErrKey)
	}
	return int(n), nil
}

// BlockShard is the shard of an object's blocks in a tenant's hour of so many shards.
func BlockShard(object codec.ObjectID, shards int) int {
	return int(uint(object[14])<<8|uint(object[15])) % shards
}

// BlockKey is the key of one block.
func BlockKey(tenant string, minute time.Time, ref codec.BlockRef) Key {
	return Key{
		PK: BlockPK(tenant, minute, ref.Shard),
		SK: fmt.Sprintf("%s#%s#%d#%03d", MinuteName(minute), ref.Object, ref.Codec, ref.Chunk),
	}
}

// BlockPK is the partition of a tenant's hour and shard.
func BlockPK(tenant string, at time.Time, shard int) string {
	return fmt.Sprintf("T#%s#E#%s#%02d", tenant, HourName(at), shard)
}

// BlockRange is the range of sort keys of one minute's blocks, for BETWEEN.
func BlockRange(minute time.Time) (from, to string) {
	m := MinuteName(minute)
	return m + "#", m + "#~"
}

// BlockItem is the item of one block. version is the executed version of the function that
// writes it; it is not part of the block's bytes.
func BlockItem(tenant string, minute time.Time, ref codec.BlockRef, body []byte, version string) map[string]types.AttributeValue {
	item := BlockKey(tenant, minute, ref).Item()
	item[AttrBody] = blob(body)
	item[AttrVersion] = text(version)
	item[AttrExpires] = expiry(minute)
	return item
}

// BlockEntry is a block item read back. Body is not unpacked; Ref.Digest is computed from it.
type BlockEntry struct {
	Tenant  string
	Minute  time.Time
	Ref     codec.BlockRef
	Body    []byte
	Version string // executed version of its writer
}

// ParseBlock reads a block item.
func ParseBlock(item map[string]types.AttributeValue) (BlockEntry, error) {
	key := KeyOf(item)
	bad := func() (BlockEntry, error) { return BlockEntry{}, fmt.Errorf("block %s: %w", key, ErrKey) }
	tenant, rest, err := cutTenant(key.PK, "E")
	if err != nil {
		return BlockEntry{}, err
	}
	_, shardText, ok := strings.Cut(rest, "#")
	fields := strings.Split(key.SK, "#")
	if !ok || len(fields) != 4 {
		return bad()
	}
	e := BlockEntry{Tenant: tenant, Body: binaryOf(item, AttrBody), Version: textOf(item, AttrVersion)}
	if e.Minute, err = ParseMinute(fields[0]); err != nil {
		return BlockEntry{}, err
	}
	if e.Ref.Object, err = codec.ParseObjectID(fields[1]); err != nil {
		return bad()
	}
	for text, into := range map[string]*int{shardText: &e.Ref.Shard, fields[2]: &e.Ref.Codec, fields[3]: &e.Ref.Chunk} {
		if *into, err = strconv.Atoi(text); err != nil {
			return bad()
		}
	}
	e.Ref.Digest = codec.Digest(e.Body)
	return e, nil
}

func expiry(at time.Time) types.AttributeValue {
	return number(at.Add(BlockDays * 24 * time.Hour).Unix())
}
