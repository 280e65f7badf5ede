package fit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/fit"
	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/retail"
)

func TestWeeks(t *testing.T) {
	const hour = time.Hour
	days := []*retail.Day{
		{Date: "2011-01-07", Lines: []retail.Line{{Invoice: "1", SKU: "a", Quantity: 2, Minute: 9 * hour, Price: "2.5", Customer: "7"}}}, // a Friday
		{Date: "2011-01-10", Lines: []retail.Line{
			{Invoice: "2", SKU: "b", Quantity: 1, Minute: 10 * hour, Price: "0.001", Customer: "8"},
			{Invoice: "3", SKU: "a", Quantity: 3, Minute: 11 * hour, Price: "2.5"},
			{Invoice: "2", SKU: "a", Quantity: 4, Minute: 10 * hour, Price: "2.4", Customer: "8"},
			{Invoice: "C4", SKU: "a", Quantity: -1, Minute: 12 * hour, Price: "2.5", Customer: "7"},
			{Invoice: "5", SKU: "b", Quantity: -30, Minute: 13 * hour, Price: "0"},
		}},
		{Date: "2011-01-16", Lines: []retail.Line{{Invoice: "C6", SKU: "z", Quantity: -1, Price: "1"}}},
		// a week in which the shop was closed, and one
		{Date: "2011-01-25", Lines: []retail.Line{{Invoice: "7", SKU: "b", Quantity: 1, Minute: time.Minute, Price: "1", Customer: "7"}}},
		{Date: "2011-01-30", Lines: []retail.Line{{Invoice: "8", SKU: "b", Quantity: 1, Price: "1", Customer: "8"}}},
		{Date: "2011-02-01", Lines: []retail.Line{{Invoice: "9", SKU: "b", Quantity: 1, Price: "1"}}}, // in a week cut short
	}
	weeks, err := fit.Weeks(days)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]model.Week{
		{
			Orders: []model.Order{
				{Minute: 600, Customer: 1, Lines: []model.Line{{Product: 1, Quantity: 1, Price: 1}, {Product: 0, Quantity: 4, Price: 2400}}},
				{Minute: 660, Customer: model.Guest, Lines: []model.Line{{Product: 0, Quantity: 3, Price: 2500}}},
			},
			Cancelled: 2, Delays: []int64{3*24*60 + 180}, WriteOffs: []int64{-30},
		},
		{Orders: []model.Order{
			{Minute: 1441, Customer: 0, Lines: []model.Line{{Product: 1, Quantity: 1, Price: 1000}}},
			{Minute: 6 * 1440, Customer: 1, Lines: []model.Line{{Product: 1, Quantity: 1, Price: 1000}}},
		}},
	}, weeks))

	_, err = fit.Weeks(nil)
	require.ErrorIs(t, err, retail.ErrNoLines)
	_, err = fit.Weeks([]*retail.Day{{Date: "2011-01-10", Lines: []retail.Line{{Invoice: "3", SKU: "a", Price: "2.0001"}}}})
	require.ErrorContains(t, err, `invoice 3 of 2011-01-10: unit price "2.0001": finer than a thousandth`)
}

func TestReadRates(t *testing.T) {
	counts, err := fit.ReadRates(strings.NewReader("1\n0\n 12\n"))
	require.NoError(t, err)
	require.Equal(t, []int64{1, 0, 12}, counts)
	for text, want := range map[string]string{"1\nx\n": `line 2: "x"`, "-1\n": `line 1: "-1"`, "1e3": `line 1: "1e3"`, "9999999999999\n": "line 1"} {
		_, err = fit.ReadRates(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
}

func TestTraffic(t *testing.T) {
	begin := time.Date(1995, 7, 1, 0, 0, 0, 0, time.UTC) // a Saturday
	counts := make([]int64, 8*24*3600)
	for i := range counts {
		counts[i] = 1
		if i/3600%24 == 13 {
			counts[i] = 3
		}
	}
	traffic, err := fit.Traffic(counts, begin)
	require.NoError(t, err)
	require.InDelta(t, 3.0/26, traffic.Hours[13], 1e-4)
	require.InDelta(t, 1.0/26, traffic.Hours[12], 1e-4)
	for day, share := range traffic.Days { // two Saturdays weigh as one
		require.InDelta(t, 1.0/7, share, 1e-3, day)
	}
	// Of a share p of seconds at 3 and the rest at 1, the variance is 4p(1-p), the mean 1+2p.
	p := 1.0 / 24
	for i, scale := range []struct {
		name    string
		seconds float64
	}{{"1s", 1}, {"10s", 10}, {"1m", 60}, {"10m", 600}, {"1h", 3600}} {
		require.Equal(t, scale.name, traffic.Dispersion[i].Window)
		require.InDelta(t, scale.seconds*4*p*(1-p)/(1+2*p), traffic.Dispersion[i].Value, 0.005)
		require.InDelta(t, 3/(1+2*p), traffic.Peaks[i].Value, 0.005)
	}
	_, err = fit.Traffic(counts[:3600], begin)
	require.ErrorContains(t, err, "at least a week")
	_, err = fit.Traffic(make([]int64, len(counts)), begin)
	require.ErrorContains(t, err, "not one request")
}
