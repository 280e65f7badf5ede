package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/reference/api"
)

const minute0 = int64(29_500_000)

// newEvent draws an event of a minute; every type, all fields that belong to it.
func newEvent(rng *rand.Rand, minute int64) *api.Event {
	id := api.NewID(time.Unix(minute*60, 0).Add(time.Duration(rng.IntN(60000))*time.Millisecond), random10(rng))
	e := &api.Event{Id: id[:], Content: rng.Uint64(), TimeMs: minute*60000 - int64(rng.IntN(99999))}
	e.Type = api.EventType(1 + rng.IntN(10))
	switch e.Type.Stream() {
	case api.Products:
		e.Sku, e.Quantity, e.Sequence = fmt.Sprintf("sku-%d", rng.IntN(5)), int64(rng.IntN(100))-20, rng.Uint64N(1000)
		e.Title, e.Category, e.Amount, e.Currency = "Teapot", "kitchen", 795, "GBP"
	case api.Orders:
		e.Order, e.Customer, e.Currency = fmt.Sprint("#", rng.IntN(9)), "c9", []string{"EUR", "JPY", "GBP"}[rng.IntN(3)]
		e.Amount = int64(rng.IntN(10000)) - 100
		for range rng.IntN(4) {
			e.Lines = append(e.Lines, &api.Line{Sku: fmt.Sprintf("sku-%d", rng.IntN(5)), Quantity: int64(rng.IntN(9)) - 2, Total: int64(rng.IntN(900))})
		}
	default:
		e.Customer, e.EmailHash, e.Country = "c1", "ab12", "DE"
	}
	return e
}

func random10(rng *rand.Rand) (r [10]byte) {
	binary.BigEndian.PutUint64(r[:], rng.Uint64())
	return r
}

func marshal(tb testing.TB, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	require.NoError(tb, err)
	return b
}

func newRng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestDecodeEventReadsWhatProtobufReads(t *testing.T) {
	rng := newRng(1)
	for range 500 {
		want := newEvent(rng, minute0)
		e, err := DecodeEvent(marshal(t, want))
		require.NoError(t, err)
		require.True(t, proto.Equal(want, viaProto(&e)), "%v", want)
	}
}

// viaProto puts every field of the lean event back into a message.
func viaProto(e *Event) *api.Event {
	out := &api.Event{Id: e.ID[:], Type: e.Type, TimeMs: e.TimeMs, Content: e.Content, Sku: string(e.SKU), Customer: string(e.Customer),
		Order: string(e.Order), Currency: string(e.Currency), Amount: e.Amount, Quantity: e.Quantity, Sequence: e.Sequence,
		Category: string(e.Category), Title: string(e.Title), EmailHash: string(e.EmailHash), Country: string(e.Country)}
	e.EachLine(func(l Line) {
		out.Lines = append(out.Lines, &api.Line{Sku: string(l.SKU), Quantity: l.Quantity, Total: l.Total})
	})
	return out
}

func TestDecodeEventRefuses(t *testing.T) {
	good := newEvent(newRng(2), minute0)
	edit := func(f func(*api.Event)) []byte {
		e := proto.Clone(good).(*api.Event)
		f(e)
		return marshal(t, e)
	}
	for name, raw := range map[string][]byte{
		"nothing":        nil,
		"no id":          edit(func(e *api.Event) { e.Id = nil }),
		"short id":       edit(func(e *api.Event) { e.Id = e.Id[:15] }),
		"uuid version 4": edit(func(e *api.Event) { e.Id[6] = 0x40 }),
		"no type":        edit(func(e *api.Event) { e.Type = 0 }),
		"type of later":  edit(func(e *api.Event) { e.Type = 99 }),
		"cut":            marshal(t, good)[:len(marshal(t, good))-1],
		"two ids":        slices.Concat(marshal(t, good), marshal(t, &api.Event{Id: good.Id})),
		"two contents":   slices.Concat(marshal(t, good), marshal(t, &api.Event{Content: 5})),
	} {
		_, err := DecodeEvent(raw)
		require.ErrorIs(t, err, ErrCorrupt, name)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	rng := newRng(3)
	for range 12 {
		f.Add(marshal(f, newEvent(rng, minute0)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := DecodeEvent(raw)
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			return
		}
		id, content, err := peek(raw)
		require.NoError(t, err)
		require.Equal(t, e.ID, id)
		require.Equal(t, e.Content, content)
		var full api.Event
		if proto.Unmarshal(raw, &full) == nil {
			require.Equal(t, full.Id, e.ID[:])
			require.Equal(t, full.Content, e.Content)
		}
	})
}

// newObject makes an object's records and its bytes.
func newObject(tb testing.TB, rng *rand.Rand, records int) (body []byte, all []*api.Record) {
	for i := range records {
		rec := &api.Record{Tenant: fmt.Sprintf("t%04d", rng.IntN(4)), ReceivedMs: minute0*60000 + int64(i), Correlation: fmt.Sprint("c", i), Version: "3"}
		for range 1 + rng.IntN(5) {
			rec.Events = append(rec.Events, newEvent(rng, minute0+int64(rng.IntN(3))))
		}
		all = append(all, rec)
		body = protowire.AppendBytes(body, marshal(tb, rec))
	}
	return body, all
}

func TestSplitObjectLosesAndMixesNothing(t *testing.T) {
	body, records := newObject(t, newRng(4), 40)
	object, err := SplitObject(body)
	require.NoError(t, err)
	want := map[string]string{} // id to tenant, correlation
	for _, rec := range records {
		for _, e := range rec.Events {
			want[string(e.Id)] = rec.Tenant + " " + rec.Correlation
		}
	}
	require.Equal(t, len(want), object.Events)
	require.Len(t, object.Correlations, 40)
	for _, part := range object.Parts {
		for _, req := range part.Requests {
			for _, raw := range req.Events {
				e, err := DecodeEvent(raw)
				require.NoError(t, err)
				require.Equal(t, want[string(e.ID[:])], part.Tenant+" "+req.Correlation)
				require.Equal(t, e.ID.Minute().Unix()/60, part.Minute)
				delete(want, string(e.ID[:]))
			}
		}
	}
	require.Empty(t, want)
}

func TestSplitObjectRefusesTheWholeObject(t *testing.T) {
	body, records := newObject(t, newRng(5), 3)
	bad := proto.Clone(records[0]).(*api.Record)
	bad.Tenant = "a#b"
	nobody := proto.Clone(records[0]).(*api.Record)
	nobody.Tenant = ""
	for name, tail := range map[string][]byte{
		"cut record":    {200, 1, 1},
		"cut length":    {200},
		"foreign bytes": []byte("\x05hello"),
		"tenant with #": protowire.AppendBytes(nil, marshal(t, bad)),
		"no tenant":     protowire.AppendBytes(nil, marshal(t, nobody)),
	} {
		_, err := SplitObject(slices.Concat(body, tail))
		require.ErrorIs(t, err, ErrCorrupt, name)
	}
	object, err := SplitObject(nil)
	require.NoError(t, err)
	require.Empty(t, object.Parts)
}

func TestPackIsStableAndRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := TenantMinute{Tenant: "t0001", Minute: rapid.Int64Range(0, 1<<40).Draw(t, "minute")}
		events := 0
		for range rapid.IntRange(1, 6).Draw(t, "requests") {
			req := Request{ReceivedMs: rapid.Int64().Draw(t, "received"), Correlation: rapid.String().Draw(t, "correlation"), Version: rapid.StringN(0, 3, -1).Draw(t, "version")}
			req.Events = rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 60), 1, 9).Draw(t, "events")
			events += len(req.Events)
			part.Requests = append(part.Requests, req)
		}
		limit := rapid.IntRange(200, 500).Draw(t, "limit")
		chunks, err := pack(part, limit)
		if err != nil {
			return // an event, or a correlation id, too large for any chunk
		}
		again, err := pack(part, limit)
		require.NoError(t, err)
		require.Equal(t, chunks, again)
		var got [][]byte
		for _, chunk := range chunks {
			require.LessOrEqual(t, len(chunk), limit)
			b, err := Unpack(chunk)
			require.NoError(t, err)
			require.Equal(t, part.Minute, b.Minute)
			for _, req := range b.Requests {
				require.True(t, slices.ContainsFunc(part.Requests, func(r Request) bool {
					return r.ReceivedMs == req.ReceivedMs && r.Correlation == req.Correlation && r.Version == req.Version
				}))
				got = append(got, req.Events...)
			}
		}
		var want [][]byte
		for _, req := range part.Requests {
			want = append(want, req.Events...)
		}
		require.Len(t, got, events)
		for i := range want {
			require.True(t, bytes.Equal(want[i], got[i]))
		}
	})
}

func TestBlockBytesAreFixed(t *testing.T) {
	part := TenantMinute{Tenant: "t0001", Minute: minute0, Requests: []Request{
		{ReceivedMs: 1_770_000_000_123, Correlation: "c-1", Version: "7", Events: [][]byte{[]byte("one"), []byte("two")}}}}
	chunks, err := Pack(part)
	require.NoError(t, err)
	require.Len(t, chunks, 1)
	// Another sum means another format: it needs another BlockCodec, not another sum here.
	require.Equal(t, "0xd8473751585d6d69", fmt.Sprintf("%#x", Digest(chunks[0])))
}

func TestUnknownCodecsAreErrors(t *testing.T) {
	_, err := Unpack([]byte{BlockCodec + 1, 0})
	require.ErrorIs(t, err, ErrUnknownCodec)
	_, err = DecodeRollup([]byte{RollupCodec + 1, 0})
	require.ErrorIs(t, err, ErrUnknownCodec)
	_, err = DecodeMarker([]byte{markerCodec + 1, 0})
	require.ErrorIs(t, err, ErrUnknownCodec)
	_, err = DecodeState([]byte{stateCodec + 1, 0})
	require.ErrorIs(t, err, ErrUnknownCodec)
}

// blocksOf packs records as one object each.
func blocksOf(tb testing.TB, records []*api.Record) []Block {
	var out []Block
	for _, rec := range records {
		object, err := SplitObject(protowire.AppendBytes(nil, marshal(tb, rec)))
		require.NoError(tb, err)
		for _, part := range object.Parts {
			chunks, err := Pack(part)
			require.NoError(tb, err)
			for _, chunk := range chunks {
				b, err := Unpack(chunk)
				require.NoError(tb, err)
				out = append(out, b)
			}
		}
	}
	return out
}

func compute(tb testing.TB, done, fresh []Block) Result {
	r, err := Compute(done, fresh)
	require.NoError(tb, err)
	return r
}

func TestComputeDoesNotDependOnOrderOrRepetition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rng := newRng(rapid.Uint64().Draw(rt, "seed"))
		_, records := newObject(t, rng, 12)
		conflict(rng, records)
		blocks := blocksOf(t, records)
		want := compute(t, nil, blocks)
		again := slices.Concat(blocks, blocks[:rng.IntN(len(blocks))])
		rng.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		got := compute(t, nil, again)
		require.Equal(t, want.Rollup.Encode(), got.Rollup.Encode())
		require.Equal(t, len(want.Changes), len(got.Changes))

		// What is done and what is fresh does not change the roll-up, and the changes lead
		// from the winners of the one to the winners of both.
		cut := rng.IntN(len(again))
		split := compute(t, again[:cut], again[cut:])
		require.Equal(t, want.Rollup.Encode(), split.Rollup.Encode())
		winners := map[api.ID]uint64{}
		for _, c := range compute(t, nil, again[:cut]).Changes {
			winners[c.After.ID] = c.After.Content
		}
		for _, c := range split.Changes {
			before, had := winners[c.After.ID]
			require.Equal(t, had, c.Before.ID != api.ID{})
			require.Equal(t, before, c.Before.Content)
			winners[c.After.ID] = c.After.Content
		}
		all := map[api.ID]uint64{}
		for _, c := range want.Changes {
			all[c.After.ID] = c.After.Content
		}
		require.Equal(t, all, winners)
	})
}

// conflict gives some ids a second content, and repeats some events.
func conflict(rng *rand.Rand, records []*api.Record) {
	for range 6 {
		from, to := records[rng.IntN(len(records))], records[rng.IntN(len(records))]
		to.Tenant = from.Tenant
		e := proto.Clone(from.Events[rng.IntN(len(from.Events))]).(*api.Event)
		if rng.IntN(2) == 0 {
			e.Content, e.Amount = rng.Uint64(), e.Amount+1
		}
		if rng.IntN(3) == 0 {
			to.ReceivedMs = from.ReceivedMs
		}
		to.Events = append(to.Events, e)
	}
}

func TestComputeLetsTheFirstContentWin(t *testing.T) {
	rng := newRng(9)
	e := newEvent(rng, minute0)
	e.Type, e.Currency, e.Amount, e.Content = api.EventType_ORDER_REFUNDED, "EUR", 100, 50
	late := proto.Clone(e).(*api.Event)
	late.Amount, late.Content = 700, 40
	record := func(ms int64, e *api.Event) []Block {
		return blocksOf(t, []*api.Record{{Tenant: "t", ReceivedMs: ms, Events: []*api.Event{e}}})
	}
	for name, tt := range map[string]struct {
		done, fresh []Block
		refunded    int64
		conflicts   int64
		changes     int
	}{
		"alone":                     {nil, record(5, e), 100, 0, 1},
		"repeated":                  {record(5, e), record(9, e), 100, 0, 0},
		"later content loses":       {record(5, e), record(6, late), 100, 1, 0},
		"earlier content corrects":  {record(5, e), record(4, late), 700, 1, 1},
		"equal times: smaller hash": {record(5, e), record(5, late), 700, 1, 1},
	} {
		got := compute(t, tt.done, tt.fresh)
		require.Equal(t, tt.refunded, got.Rollup.Currencies[0].Refunded, name)
		require.Equal(t, tt.conflicts, got.Rollup.Conflicts, name)
		require.Equal(t, int64(1), got.Rollup.Count, name)
		require.Len(t, got.Changes, tt.changes, name)
	}
	back := compute(t, record(5, e), slices.Concat(record(4, late), record(3, e)))
	require.Empty(t, back.Changes, "replaced and replaced back")
}

func TestMergeIsComputeOfTheUnion(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rng := newRng(rapid.Uint64().Draw(rt, "seed"))
		_, records := newObject(t, rng, 15)
		byMinute := map[int64][]Block{}
		var all []Block
		for _, b := range blocksOf(t, records) {
			byMinute[b.Minute] = append(byMinute[b.Minute], b)
			all = append(all, b)
		}
		var rollups []Rollup
		for _, blocks := range byMinute {
			r := compute(t, nil, blocks).Rollup
			decoded, err := DecodeRollup(r.Encode())
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(r, decoded))
			rollups = append(rollups, decoded)
		}
		want := compute(t, nil, all).Rollup
		got := Merge(rollups...)
		require.Equal(t, want.Encode(), got.Encode())
	})
}

func TestStateRoundTripsAndKeepsPlaces(t *testing.T) {
	var s State
	rng := newRng(6)
	for i := range 50 {
		s.Add(BlockRef{Object: ObjectIDOf("raw", fmt.Sprint(rng.IntN(20))), Codec: 1, Chunk: rng.IntN(2), Digest: uint64(i), Shard: rng.IntN(3), Done: i%2 == 0})
	}
	s.Cursor = api.NewID(time.Unix(1, 0), random10(rng))
	got, err := DecodeState(s.Encode())
	require.NoError(t, err)
	require.Equal(t, s, got)
	require.False(t, got.Complete())
	ref := got.Blocks[3]
	ref.Digest, ref.Done = 99, true
	n := len(got.Blocks)
	got.Add(ref)
	require.Len(t, got.Blocks, n, "a place is taken once")
	require.Equal(t, ref, got.Blocks[3])
	zero, err := DecodeState(nil)
	require.NoError(t, err)
	require.True(t, zero.Complete())
}

func TestMarkerRoundTrips(t *testing.T) {
	want := []MarkerEntry{{Tenant: "t0001", Shard: 2, Codec: 1, Chunks: []uint64{1, 1 << 63}}, {Tenant: "t0002"}}
	got, err := DecodeMarker(EncodeMarker(want))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func FuzzDecoders(f *testing.F) {
	_, records := newObject(f, newRng(7), 5)
	for _, rec := range records {
		body := protowire.AppendBytes(nil, marshal(f, rec))
		f.Add(body)
		object, err := SplitObject(body)
		require.NoError(f, err)
		chunks, err := Pack(object.Parts[0])
		require.NoError(f, err)
		f.Add(chunks[0])
	}
	r := compute(f, nil, blocksOf(f, records)).Rollup
	f.Add(r.Encode())
	f.Add(EncodeMarker([]MarkerEntry{{Tenant: "t", Shard: 1, Codec: 1, Chunks: []uint64{5}}}))
	s := State{Blocks: []BlockRef{{Codec: 1, Digest: 3}}}
	f.Add(s.Encode())
	known := func(t *testing.T, err error) {
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknownCodec) {
			t.Fatalf("unexpected error %v", err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if object, err := SplitObject(data); err != nil {
			known(t, err)
		} else {
			for _, part := range object.Parts {
				if chunks, err := Pack(part); err == nil {
					for _, chunk := range chunks {
						b, err := Unpack(chunk)
						require.NoError(t, err)
						_, err = Compute(nil, []Block{b})
						require.NoError(t, err)
					}
				}
			}
		}
		if b, err := Unpack(data); err != nil {
			known(t, err)
		} else if _, err := Compute(nil, []Block{b}); err != nil {
			known(t, err)
		}
		if r, err := DecodeRollup(data); err != nil {
			known(t, err)
		} else {
			again, err := DecodeRollup(r.Encode())
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(r, again))
			Merge(r, again)
		}
		if m, err := DecodeMarker(data); err != nil {
			known(t, err)
		} else {
			again, err := DecodeMarker(EncodeMarker(m))
			require.NoError(t, err)
			require.Equal(t, m, again)
		}
		if s, err := DecodeState(data); err != nil {
			known(t, err)
		} else {
			again, err := DecodeState(s.Encode())
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
	})
}
