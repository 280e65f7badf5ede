package fit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/fit"
	"github.com/retailflow/stampede/loadgen/model"
)

// What is read back from the requests of a load is what the model says of the shop, and every part
// of the model gets that far.
func TestGenerateTellsTheWholeModel(t *testing.T) {
	p, err := model.Default()
	require.NoError(t, err)
	shop := *p.Shop(fit.Bulk)
	shop.Twins = 0.1
	periods, err := fit.Generate(&shop, 1, 8, 2)
	require.NoError(t, err)
	require.Len(t, periods, 2)
	var orders, lines, guests, cancelled, writeOffs, twins, weeks float64
	for _, period := range periods {
		for _, w := range period {
			weeks++
			orders += float64(len(w.Orders))
			cancelled += float64(w.Cancelled)
			writeOffs += float64(len(w.WriteOffs))
			require.Len(t, w.Delays, w.Cancelled)
			last := int32(-1)
			for _, o := range w.Orders {
				require.Positive(t, shop.Hours[o.Minute/1440][o.Minute/60%24], "an order in minute %d", o.Minute)
				lines += float64(len(o.Lines))
				if o.Customer == model.Guest {
					guests++
				}
				if o.Minute == last {
					twins++
				}
				require.GreaterOrEqual(t, o.Minute, last)
				last = o.Minute
			}
		}
	}
	require.Equal(t, 16.0, weeks)
	require.InEpsilon(t, shop.Weekly, orders/weeks, 0.1)
	require.InDelta(t, shop.Turns.Share, cancelled/orders, 0.03)
	require.InDelta(t, shop.Odd.Share, writeOffs/orders, 0.02)
	require.InDelta(t, 0.1, guests/orders, 0.05)
	require.InDelta(t, 26, lines/orders, 4)
	require.Greater(t, twins/orders, 0.12, "a tenth and what chance adds")

	again, err := fit.Generate(&shop, 1, 8, 2)
	require.NoError(t, err)
	require.Equal(t, periods, again)
	shop.Weekly = 0
	_, err = fit.Generate(&shop, 1, 1, 1)
	require.ErrorContains(t, err, "generate bulk: the trace has no events")
}
