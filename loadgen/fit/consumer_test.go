package fit_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/fit"
	"github.com/retailflow/stampede/loadgen/model"
)

// testdata/statistics.json is an excerpt of figures that were computed from the marketplace and
// the shop named in params.json.
func TestConsumerShopIsLikeItsFigures(t *testing.T) {
	text, err := os.ReadFile("testdata/statistics.json")
	require.NoError(t, err)
	st, err := fit.ReadStatistics(text)
	require.NoError(t, err)
	shop, err := fit.Consumer(fit.Retail, st)
	require.NoError(t, err)
	p, err := model.Default()
	require.NoError(t, err)
	require.Equal(t, p.Shop(fit.Retail), &shop, "params.json is not what today's code fits: run `stampede fit`")
	far, err := st.Distances(&shop, 400)
	require.NoError(t, err)
	for _, d := range far {
		t.Logf("%s: %.4f", d.Name, d.Generated)
		require.Less(t, d.Generated, 0.015, d.Name) // 400 weeks are 19,000 orders: chance alone makes 0.01
	}

	spoilt := shop
	spoilt.Classes = []model.Class{shop.Classes[0]}
	spoilt.Classes[0].Lines = model.Table{Values: []int64{1, 2}, Counts: []int64{8, 2}}
	far, err = st.Distances(&spoilt, 400)
	require.NoError(t, err)
	require.Greater(t, far[0].Generated, 0.05)

	for _, bad := range []string{"", "{}", `{"olist_sample":{"day":{"mean":1}}}`} {
		_, err := fit.ReadStatistics([]byte(bad))
		require.ErrorContains(t, err, "read statistics")
	}
}
