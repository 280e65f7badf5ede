package store

import (
	"bytes"
	"cmp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb/item"
)

// Keys sort as what they stand for, and no two items share one, in the table and in an index.
func FuzzKeys(f *testing.F) {
	f.Add("a", []byte{0}, "a", []byte{0, 0})
	f.Add("a", []byte{0xff}, "a\x00", []byte{0xff, 0xff})
	f.Add("", []byte("x"), "\x00", []byte("x\x00"))
	f.Fuzz(func(t *testing.T, pk string, sk []byte, otherPK string, otherSK []byte) {
		a, b := row{pk, sk}.doc(), row{otherPK, otherSK}.doc()
		for _, x := range []*Index{nil, &ordered.Indexes[0]} {
			space := Space{ordered, x}
			ka, kb := space.AppendKey(nil, a), space.AppendKey(nil, b)
			require.Equal(t, pk == otherPK && bytes.Equal(sk, otherSK), bytes.Equal(ka, kb), "one key, one item")
			if pk == otherPK {
				require.Equal(t, bytes.Compare(sk, otherSK), cmp.Compare(bytes.Compare(ka, kb), 0), "in the order of sort keys")
			}
			partition := space.Partition(a.Get("pk"), Bound{})
			require.True(t, partition.Holds(ka))
			require.Equal(t, pk == otherPK, partition.Holds(kb), "a partition holds its own")
			prefix := Bound{Prefix: item.AppendScalar(nil, item.Binary, otherSK)}
			require.Equal(t, bytes.HasPrefix(sk, otherSK), space.Partition(a.Get("pk"), prefix).Holds(ka), "and so does a prefix")
		}
	})
}
