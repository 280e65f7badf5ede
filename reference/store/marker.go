package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/store/codec"
)

// MarkerShards is the number of partitions of dirty markers, each with one worker.
const MarkerShards = 8

// MarkerShard is the shard of all of a tenant's markers.
func MarkerShard(tenant string) int { return int(xxh3.HashString(tenant) % MarkerShards) }

// MarkerPK is a marker shard's partition.
func MarkerPK(shard int) string { return "DIRTY#" + strconv.Itoa(shard) }

// MinuteMarkers is the range of sort keys of a shard's minute markers, oldest minute first.
func MinuteMarkers() (from, to string) { return "minute#", "minute#~" }

// HourMarkers is the range of a shard's hour markers: of one tenant, or of all if tenant is "".
func HourMarkers(tenant string) (from, to string) { return coarseRange("hour#", tenant) }

// DayMarkers is the range of a shard's day markers: of one tenant, or of all if tenant is "".
func DayMarkers(tenant string) (from, to string) { return coarseRange("day#", tenant) }

func coarseRange(prefix, tenant string) (from, to string) {
	if tenant != "" {
		prefix += tenant + "#"
	}
	return prefix, prefix + "~"
}

// MinuteMarkerKey is the marker of one minute of one object in a shard.
func MinuteMarkerKey(shard int, minute time.Time, object codec.ObjectID) Key {
	return Key{PK: MarkerPK(shard), SK: "minute#" + MinuteName(minute) + "#" + object.String()}
}

// HourMarkerKey says that a tenant's hour is to be recomputed.
func HourMarkerKey(tenant string, hour time.Time) Key {
	return Key{PK: MarkerPK(MarkerShard(tenant)), SK: "hour#" + tenant + "#" + HourName(hour)}
}

// DayMarkerKey says that a tenant's local day is to be recomputed.
func DayMarkerKey(tenant string, date Date) Key {
	return Key{PK: MarkerPK(MarkerShard(tenant)), SK: "day#" + tenant + "#" + date.name()}
}

// MinuteMarkerItem is the marker's item; its token is the digest of its body, so that a marker
// that was put again with the same content may be deleted, and one with another may not.
func MinuteMarkerItem(shard int, minute time.Time, object codec.ObjectID, entries []codec.MarkerEntry) map[string]types.AttributeValue {
	body := codec.EncodeMarker(entries)
	item := MinuteMarkerKey(shard, minute, object).Item()
	item[AttrBody] = blob(body)
	item[AttrToken] = text(strconv.FormatUint(codec.Digest(body), 16))
	return item
}

// CoarseMarkerItem is the item of an hour or day marker. The token must be one that the key
// never had before.
func CoarseMarkerItem(key Key, token string) map[string]types.AttributeValue {
	item := key.Item()
	item[AttrToken] = text(token)
	return item
}

// Marker is a dirty marker read back.
type Marker struct {
	Key    Key
	Level  Level
	Token  string
	Minute time.Time      // of a minute marker
	Object codec.ObjectID // of a minute marker
	Body   []byte         // of a minute marker: see codec.DecodeMarker
	Tenant string         // of an hour or day marker
	Hour   time.Time      // of an hour marker
	Date   Date           // of a day marker
}

// ParseMarker reads a marker of any level.
func ParseMarker(item map[string]types.AttributeValue) (Marker, error) {
	m := Marker{Key: KeyOf(item), Token: textOf(item, AttrToken), Body: binaryOf(item, AttrBody)}
	fields := strings.Split(m.Key.SK, "#")
	if len(fields) != 3 {
		return Marker{}, fmt.Errorf("marker %s: %w", m.Key, ErrKey)
	}
	var err error
	switch fields[0] {
	case "minute":
		m.Level = Minute
		if m.Minute, err = ParseMinute(fields[1]); err == nil {
			m.Object, err = codec.ParseObjectID(fields[2])
		}
	case "hour":
		m.Level, m.Tenant = Hour, fields[1]
		m.Hour, err = ParseHour(fields[2])
	case "day":
		m.Level, m.Tenant = Day, fields[1]
		var t time.Time
		t, err = parseInstant(dateForm, fields[2])
		m.Date = dateOf(t)
	default:
		err = ErrKey
	}
	if err != nil {
		return Marker{}, fmt.Errorf("marker %s: %w", m.Key, err)
	}
	return m, nil
}
