package store

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// ordered is a table of pk and a binary sk, with an index that has the roles of both turned
// into g and h, so that every range can be asked of both.
var ordered = &Table{
	ID:  3,
	Key: Key{Hash: KeyAttribute{"pk", item.String}, Range: KeyAttribute{"sk", item.Binary}},
	Indexes: []Index{{
		ID: 1, Name: "index", All: true, Key: Key{Hash: KeyAttribute{"g", item.String}, Range: KeyAttribute{"h", item.Binary}},
	}},
}

type row struct {
	pk string
	sk []byte
}

func (r row) doc() item.Doc {
	var d []byte
	d = item.AppendAttribute(d, []byte("g"), item.AppendScalar(nil, item.String, []byte(r.pk)))
	d = item.AppendAttribute(d, []byte("h"), item.AppendScalar(nil, item.Binary, r.sk))
	d = item.AppendAttribute(d, []byte("pk"), item.AppendScalar(nil, item.String, []byte(r.pk)))
	return item.AppendAttribute(d, []byte("sk"), item.AppendScalar(nil, item.Binary, r.sk))
}

// The twin keeps rows in a slice and filters it.
func TestRangesReturnWhatASortedSliceWould(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	rapid.Check(t, func(t *rapid.T) {
		bin := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xfe, 0xff}), 1, 4)
		pk := rapid.SampledFrom([]string{"a", "aa", "b", "\x00"})
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row { return row{pk.Draw(t, "pk"), bin.Draw(t, "sk")} }), 0, 20).Draw(t, "rows")
		slices.SortFunc(rows, func(a, b row) int {
			return bytes.Compare(append([]byte(a.pk+"|"), a.sk...), append([]byte(b.pk+"|"), b.sk...))
		})
		rows = slices.CompactFunc(rows, func(a, b row) bool { return a.pk == b.pk && bytes.Equal(a.sk, b.sk) })
		for _, r := range rows {
			u := s.Begin()
			key := Space{Table: ordered}.AppendKey(nil, r.doc())
			require.NoError(t, u.Lock(key))
			require.NoError(t, u.Put(ordered, key, nil, r.doc()))
			require.NoError(t, u.Commit())
		}
		defer func() {
			for _, r := range rows {
				u := s.Begin()
				key := Space{Table: ordered}.AppendKey(nil, r.doc())
				require.NoError(t, u.Lock(key))
				require.NoError(t, u.Delete(ordered, key, r.doc()))
				require.NoError(t, u.Commit())
			}
		}()

		want := pk.Draw(t, "partition")
		from, to := bin.Draw(t, "from"), bin.Draw(t, "to")
		b := Bound{FromAfter: rapid.Bool().Draw(t, "after"), ToBefore: rapid.Bool().Draw(t, "before")}
		has := func(sk []byte) bool { return true }
		value := func(p []byte) item.Value { return item.AppendScalar(nil, item.Binary, p) }
		kind := rapid.IntRange(0, 4).Draw(t, "kind")
		switch kind {
		case 1:
			b.From = value(from)
			has = func(sk []byte) bool { c := bytes.Compare(sk, from); return c > 0 || c == 0 && !b.FromAfter }
		case 2:
			b.To = value(to)
			has = func(sk []byte) bool { c := bytes.Compare(sk, to); return c < 0 || c == 0 && !b.ToBefore }
		case 3:
			b.From, b.To, b.FromAfter, b.ToBefore = value(from), value(to), false, false
			has = func(sk []byte) bool { return bytes.Compare(sk, from) >= 0 && bytes.Compare(sk, to) <= 0 }
		case 4:
			b.Prefix = value(from)
			has = func(sk []byte) bool { return bytes.HasPrefix(sk, from) }
		}
		var expected [][]byte
		for _, r := range rows {
			if r.pk == want && has(r.sk) {
				expected = append(expected, r.sk)
			}
		}
		reverse := rapid.Bool().Draw(t, "reverse")
		if reverse {
			slices.Reverse(expected)
		}
		stop := rapid.IntRange(1, 5).Draw(t, "page")
		for _, x := range []*Index{nil, &ordered.Indexes[0]} {
			space := Space{ordered, x}
			var got [][]byte
			in := space.Partition(item.AppendScalar(nil, item.String, []byte(want)), b)
			in.Reverse = reverse
			for { // in pages, each behind the last key of the one before
				var last []byte
				n := 0
				require.NoError(t, s.Walk(in, func(d item.Doc) bool {
					got = append(got, bytes.Clone(d.Get("sk").Payload()))
					last = space.AppendKey(nil, d)
					require.True(t, in.Holds(last))
					n++
					return n < stop
				}))
				if n < stop {
					break
				}
				in = in.After(last)
			}
			require.Equal(t, expected, got, "index %v kind %d", x != nil, kind)
		}
	})
}

func TestSegmentsPartTheSpace(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	for i := range 500 {
		increment(t, s, i)
	}
	for _, total := range []int{1, 2, 3, 7, 64, 1000000} {
		seen := map[string]int{}
		for segment := range min(total, 64) {
			if total == 1000000 {
				segment = total - 64 + segment
			}
			require.NoError(t, s.Walk(Space{Table: counters}.Segment(segment, total), func(d item.Doc) bool { seen[string(d.Get("pk").Payload())]++; return true }))
		}
		if total < 1000 {
			require.Len(t, seen, 500, "%d segments", total)
		}
		for k, n := range seen {
			require.Equal(t, 1, n, "%s is in %d of %d segments", k, n, total)
		}
	}
}
