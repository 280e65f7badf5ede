package item

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The orders and segments are AWS's: https://github.com/architect/dynalite/blob/main/test/scan.js
func TestPartitionKeysLieWhereTheyDoOnAWS(t *testing.T) {
	number := func(text string) Value {
		v, err := AppendNumber([]byte{}, []byte(text))
		require.NoError(t, err)
		return AppendScalar(nil, Number, v)
	}
	text := func(s string) Value { return AppendScalar(nil, String, []byte(s)) }
	for want, value := range map[string]func(string) Value{
		"2 8 9 1 6 hello 0 5 4 äáöü aardman 7 3 zapf":     text,
		"7 999.9 8 3 2 -999.9 9 4 -0.09 6 1 0 0.012345 5": number,
	} {
		keys := strings.Fields(want)
		slices.SortFunc(keys, func(a, b string) int {
			if HashPartition(value(a)) < HashPartition(value(b)) {
				return -1
			}
			return 1
		})
		require.Equal(t, want, strings.Join(keys, " "))
	}
	for segment, keys := range map[uint64][]Value{
		0: {text("3635"), text("228")}, 1: {text("1668"), number("251")}, 4: {text("3435")}, 4095: {number("2388")},
	} {
		for _, k := range keys {
			require.Equal(t, segment, HashPartition(k)>>52, "%q", k.Payload())
		}
	}
}

func BenchmarkHashPartition(b *testing.B) {
	key := AppendScalar(nil, String, []byte("T#t0001#E#2026050112#3"))
	b.ReportAllocs()
	for b.Loop() {
		_ = HashPartition(key)
	}
}
