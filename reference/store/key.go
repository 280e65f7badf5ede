package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/zeebo/xxh3"
)

// Attribute names. None of them is a reserved word of DynamoDB expressions
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html).
const (
	AttrPK     = "pk"
	AttrSK     = "sk"
	AttrGSI1PK = "gsi1pk"
	AttrGSI1SK = "gsi1sk"

	AttrBody    = "body"    // B: a block's, marker's or part's bytes; a fact's event
	AttrVersion = "ver"     // S: executed version of the function that wrote a block
	AttrExpires = "expires" // N: Unix seconds after which DynamoDB may delete the item (TTL)
	AttrToken   = "tok"     // S: what a marker's deletion is conditional on
	AttrGen     = "gen"     // N: generation of a roll-up
	AttrRollup  = "roll"    // B: an encoded codec.Rollup
	AttrParts   = "parts"   // N: number of part items instead of AttrRollup
	AttrDigest  = "dig"     // S: names the parts
	AttrBlocks  = "blks"    // B: an encoded codec.State, of minutes only
	AttrZone    = "tz"      // S: IANA zone of a tenant, or of a daily roll-up
	AttrShards  = "shards"  // N: a shard count
)

// ErrKey is wrapped when a key or an item is not of the expected form.
var ErrKey = errors.New("unexpected key")

// Key is a primary key.
type Key struct{ PK, SK string }

// String is for messages.
func (k Key) String() string { return k.PK + " " + k.SK }

// Item is the key as an attribute map, for requests that name an item.
func (k Key) Item() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{AttrPK: text(k.PK), AttrSK: text(k.SK)}
}

// KeyOf is an item's key; zero where the attributes are missing.
func KeyOf(item map[string]types.AttributeValue) Key {
	return Key{PK: textOf(item, AttrPK), SK: textOf(item, AttrSK)}
}

// ValidTenant says whether a tenant id can be part of a key.
func ValidTenant(tenant string) bool {
	return tenant != "" && len(tenant) <= maxName && !strings.Contains(tenant, "#")
}

// maxName bounds names from outside inside keys; DynamoDB allows 1,024 bytes for a whole sort
// key (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
const maxName = 256

// name makes an outside name fit for a key: a long one keeps its start and gets a hash for its end.
func name(s string) string {
	if len(s) <= maxName {
		return s
	}
	h := xxh3.HashString128(s).Bytes()
	return s[:maxName-1-2*len(h)] + "~" + hex.EncodeToString(h[:])
}

// cutTenant reads the tenant of a partition key "T#tenant" or "T#tenant#<kind>#…" and what follows kind.
func cutTenant(pk, kind string) (tenant, rest string, err error) {
	after, ok := strings.CutPrefix(pk, "T#")
	if !ok {
		return "", "", fmt.Errorf("partition key %q: %w", pk, ErrKey)
	}
	tenant, rest, found := strings.Cut(after, "#")
	if kind == "" && found || kind != "" && !strings.HasPrefix(rest, kind+"#") || tenant == "" {
		return "", "", fmt.Errorf("partition key %q: %w", pk, ErrKey)
	}
	if kind != "" {
		rest = rest[len(kind)+1:]
	}
	return tenant, rest, nil
}
