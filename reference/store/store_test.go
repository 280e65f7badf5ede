package store

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store/codec"
)

var at = time.Date(2026, 3, 14, 18, 29, 0, 0, time.UTC)

func decodeEvent(t *testing.T, e *api.Event) *codec.Event {
	id := api.NewID(at, [10]byte{1, 2, 3})
	e.Id = id[:]
	raw, err := proto.Marshal(e)
	require.NoError(t, err)
	out, err := codec.DecodeEvent(raw)
	require.NoError(t, err)
	return &out
}

func TestKeysAreAsDesigned(t *testing.T) {
	object := codec.ObjectIDOf("stampede-raw", "orders/2026/03/14/18/one")
	hex := object.String()
	fact := FactOf("t1", decodeEvent(t, &api.Event{Type: api.EventType_ORDER_PAID, Order: "#1001", TimeMs: 1773512940123}))
	for want, got := range map[string]Key{
		"T#t1 META":                TenantKey("t1"),
		"T#t1 CUST#c1":             CustomerKey("t1", "c1"),
		"T#t1 PROD#85123A":         ProductKey("t1", "85123A"),
		"T#t1#E#2026031418 SHARDS": ShardsKey("t1", at),
		"T#t1#E#2026031418#02 202603141829#" + hex + "#1#007":              BlockKey("t1", at, codec.BlockRef{Object: object, Codec: 1, Shard: 2, Chunk: 7}),
		"DIRTY#5 minute#202603141829#" + hex:                               MinuteMarkerKey(5, at, object),
		fmt.Sprintf("DIRTY#%d hour#t1#2026031418", MarkerShard("t1")):      HourMarkerKey("t1", at),
		fmt.Sprintf("DIRTY#%d day#t1#20260314", MarkerShard("t1")):         DayMarkerKey("t1", dateOf(at)),
		"T#t1#R#1m#20260314 202603141829":                                  MinuteKey("t1", at),
		"T#t1#R#1h#202603 2026031418":                                      HourKey("t1", at),
		"T#t1#R#1d#2026 20260314":                                          DayKey("t1", dateOf(at)),
		"T#t1#O#202603 #1001#1773512940123#order.paid#" + fact.ID.String(): fact.Key(),
	} {
		require.Equal(t, want, got.String())
	}
	require.Less(t, MarkerShard("t1"), MarkerShards)
}

func TestLongNamesFitAndStayApart(t *testing.T) {
	a, b := ProductKey("t1", strings.Repeat("x", 2000)+"a"), ProductKey("t1", strings.Repeat("x", 2000)+"b")
	require.NotEqual(t, a, b)
	require.LessOrEqual(t, len(a.SK), 1024)
}

func TestItemsRoundTrip(t *testing.T) {
	object := codec.ObjectIDOf("stampede-raw", "one")

	block, err := ParseBlock(BlockItem("t1", at, codec.BlockRef{Object: object, Codec: 1, Shard: 3, Chunk: 2}, []byte("body"), "42"))
	require.NoError(t, err)
	require.Equal(t, BlockEntry{Tenant: "t1", Minute: at, Body: []byte("body"), Version: "42",
		Ref: codec.BlockRef{Object: object, Codec: 1, Shard: 3, Chunk: 2, Digest: codec.Digest([]byte("body"))}}, block)

	item := MinuteMarkerItem(4, at, object, []codec.MarkerEntry{{Tenant: "t1", Codec: 1, Chunks: []uint64{7}}})
	marker, err := ParseMarker(item)
	require.NoError(t, err)
	require.Equal(t, Minute, marker.Level)
	require.Equal(t, at, marker.Minute)
	require.Equal(t, object, marker.Object)
	require.NotEmpty(t, marker.Token)
	other, err := ParseMarker(MinuteMarkerItem(4, at, object, []codec.MarkerEntry{{Tenant: "t1", Codec: 1, Chunks: []uint64{8}}}))
	require.NoError(t, err)
	require.NotEqual(t, marker.Token, other.Token)

	hour, err := ParseMarker(CoarseMarkerItem(HourMarkerKey("t1", at), "x"))
	require.NoError(t, err)
	require.Equal(t, Marker{Key: HourMarkerKey("t1", at), Level: Hour, Token: "x", Tenant: "t1", Hour: at.Truncate(time.Hour)}, hour)
	day, err := ParseMarker(CoarseMarkerItem(DayMarkerKey("t1", Date{2026, 3, 14}), "y"))
	require.NoError(t, err)
	require.Equal(t, Date{2026, 3, 14}, day.Date)

	tenant := Tenant{ID: "t1", Name: "Corner Shop", Plan: "pro", Zone: "Asia/Kolkata", Currency: "INR", Platform: "shopify", WebhookSecret: "s"}
	parsed, err := ParseTenant(tenant.Item())
	require.NoError(t, err)
	require.Equal(t, tenant, parsed)
	require.Equal(t, "Asia/Kolkata", textOf(tenant.Item(), AttrZone))
	zone, err := parsed.Location()
	require.NoError(t, err)
	require.Equal(t, "Asia/Kolkata", zone.String())

	fact := FactOf("t1", decodeEvent(t, &api.Event{Type: api.EventType_ORDER_PAID, Order: "a#b#c", Customer: "c1", Currency: "EUR", Amount: 5, TimeMs: 99}))
	back, err := ParseFact(fact.Item())
	require.NoError(t, err)
	require.Equal(t, fact, back)

	shards, err := ParseShards(ShardsItem("t1", at, 3))
	require.NoError(t, err)
	require.Equal(t, 3, shards)
}

func TestStrangeKeysAreErrors(t *testing.T) {
	for _, key := range []Key{{}, {"T#", "META"}, {"T#t1", "USER#u"}, {"T#t1#R#1w#2026", "20260101"}, {"T#t1#R#1m#20260314", "2026"}, {"X#t1#R#1m#20260314", "202603141829"}} {
		_, err := ParseTenant(key.Item())
		require.ErrorIs(t, err, ErrKey, key)
		_, _, _, err = ParseRollupKey(key)
		require.ErrorIs(t, err, ErrKey, key)
		_, err = ParseMarker(key.Item())
		require.ErrorIs(t, err, ErrKey, key)
		_, err = ParseBlock(key.Item())
		require.ErrorIs(t, err, ErrKey, key)
		_, err = ParseShards(key.Item())
		require.ErrorIs(t, err, ErrKey, key)
	}
}

func TestRevisionsOfOneKeyAreOrdered(t *testing.T) {
	stock := func(sequence uint64, quantity int64) Revision {
		rev, ok := RevisionOf("t1", decodeEvent(t, &api.Event{Type: api.EventType_INVENTORY_ADJUSTED, Sku: "a", Sequence: sequence, Quantity: quantity}))
		require.True(t, ok)
		return rev
	}
	require.Less(t, stock(9, 0).Version, stock(10, 0).Version)
	require.Less(t, stock(10, 0).Version, stock(1<<63, 0).Version)
	item := stock(10, -4).Key.Item()
	for attr, value := range stock(10, -4).Set {
		item[attr] = value
	}
	level, ok := ParseStock(item)
	require.True(t, ok)
	require.Equal(t, int64(-4), level.Quantity)
	require.Equal(t, "a", level.SKU)
	_, ok = ParseStock(TenantKey("t1").Item())
	require.False(t, ok)
	_, ok = RevisionOf("t1", decodeEvent(t, &api.Event{Type: api.EventType_PRODUCT_VIEWED, Sku: "a"}))
	require.False(t, ok)
	customer, ok := RevisionOf("t1", decodeEvent(t, &api.Event{Type: api.EventType_CUSTOMER_UPDATED, Customer: "c", TimeMs: -5}))
	require.True(t, ok, "a time before 1970 must not sort last")
	require.True(t, strings.HasPrefix(customer.Version, "00000000000000000000#"))
}

func TestLargeRollupsAreJoinedFromTheirOwnParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	data := make([]byte, 700<<10)
	for i := 0; i+8 <= len(data); i += 8 {
		binary.LittleEndian.PutUint64(data[i:], rng.Uint64())
	}
	r := Rollup{Key: DayKey("t1", Date{2026, 3, 14}), Gen: 7, Data: data, Zone: "UTC"}
	head, parts := r.Items()
	require.Len(t, parts, 3)
	items := append([]map[string]types.AttributeValue{head}, parts...)

	old := r
	old.Gen, old.Data = 6, data[8:]
	_, oldParts := old.Items()
	from, to := BucketRange(r.Key, r.Key)
	for _, it := range append(items[1:], oldParts...) {
		require.Greater(t, KeyOf(it).SK, from)
		require.Less(t, KeyOf(it).SK, to)
		require.Less(t, KeyOf(it).SK, DayKey("t1", Date{2026, 3, 15}).SK)
	}
	got, err := Rollups(append(items, oldParts...))
	require.NoError(t, err)
	require.Equal(t, []Rollup{r}, got)

	_, err = Rollups(append([]map[string]types.AttributeValue{head}, oldParts...))
	require.ErrorIs(t, err, ErrTorn)
	from, to = PartRange(r.Key, 7)
	for i, it := range oldParts {
		require.True(t, KeyOf(it).SK >= from && KeyOf(it).SK <= to, "old parts are in the range to clean up")
		require.Greater(t, KeyOf(parts[i]).SK, to, "present ones are not")
	}

	small := Rollup{Key: MinuteKey("t1", at), Gen: 1, Data: []byte("d"), State: []byte("s")}
	head, parts = small.Items()
	require.Empty(t, parts)
	got, err = Rollups([]map[string]types.AttributeValue{head})
	require.NoError(t, err)
	require.Equal(t, []Rollup{small}, got)
	require.Equal(t, at, got[0].Start())
}
