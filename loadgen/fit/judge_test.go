package fit_test

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/fit"
	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/retail"
)

// limit is how much farther than real weeks the generator's weeks may lie from unseen ones.
const limit = 1.25

// realWeeks reads all months of the data set. They do not come with the program: without them the
// test is skipped, unless STAMPEDE_REQUIRE, a list with commas, names retail-data. STAMPEDE_RETAIL_DATA says where they are.
func realWeeks(t *testing.T) []model.Week {
	if testing.Short() {
		t.Skip("fits twenty halves of nine months")
	}
	dir := cmp.Or(os.Getenv("STAMPEDE_RETAIL_DATA"), "../../../shared/data/online-retail")
	names, err := filepath.Glob(dir + "/*.csv.gz")
	require.NoError(t, err)
	if len(names) == 0 {
		if slices.Contains(strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ","), "retail-data") {
			t.Fatalf("no months of Online Retail in %s, and STAMPEDE_REQUIRE names retail-data", dir)
		}
		t.Skipf("no months of Online Retail in %s: they are at https://archive.ics.uci.edu/dataset/352/online+retail", dir)
	}
	var days []*retail.Day
	for _, name := range names {
		f, err := os.Open(name)
		require.NoError(t, err)
		month, err := retail.ReadDays(f)
		require.NoError(t, errors.Join(err, f.Close()))
		days = append(days, month...)
	}
	weeks, err := fit.Weeks(days)
	require.NoError(t, err)
	return weeks
}

func TestGeneratorIsAsNearToUnseenWeeksAsRealOnes(t *testing.T) {
	weeks := realWeeks(t)
	rows, err := fit.Judge(weeks, fit.Options{})
	require.NoError(t, err)
	p, err := model.Default()
	require.NoError(t, err)
	require.Equal(t, p.Fit, rows, "the distances in params.json are not those of today's code: run `stampede fit`")
	for _, r := range rows {
		t.Logf("%-32s real %.5f, generated %.5f: %.2f", r.Name, r.Real, r.Generated, r.Ratio())
		require.LessOrEqual(t, r.Ratio(), limit, r.Name)
	}
	bulk, err := fit.Estimate(fit.Bulk, weeks)
	require.NoError(t, err)
	require.Equal(t, p.Shop(fit.Bulk), &bulk, "params.json is not what today's code fits: run `stampede fit`")
}

// What was drawn from parameters must pass as real; what was drawn from spoilt ones must not.
func TestJudgeSeesASpoiltFit(t *testing.T) {
	p, err := model.Default()
	require.NoError(t, err)
	weeks := fit.Draw(p.Shop(fit.Bulk), 7, 12, 1)[0]
	judge := func(splits int, spoil func(*model.Shop)) map[string]float64 {
		rows, err := fit.Judge(weeks, fit.Options{Splits: splits, Periods: 3, Spoil: spoil})
		require.NoError(t, err)
		ratios := map[string]float64{}
		for _, r := range rows {
			ratios[r.Name] = r.Ratio()
		}
		return ratios
	}
	honest := judge(6, nil)
	for _, name := range []string{"lines an order", "unit price", "quantity", "popularity of products", "dispersion of lines, 1 min"} {
		require.Less(t, honest[name], limit, name)
	}
	for name, spoil := range map[string]func(*model.Shop){
		"lines an order":    func(s *model.Shop) { s.Classes[0].Lines = model.Table{Values: []int64{27}, Counts: []int64{1}} },
		"quantity":          func(s *model.Shop) { s.Classes[0].Bands = s.Classes[1].Bands },
		"unit price":        func(s *model.Shop) { s.Classes[0].Prices.Counts[20] *= 10 },
		"line total":        func(s *model.Shop) { slices.Reverse(s.Classes[0].Bands) },
		"orders a customer": func(s *model.Shop) { s.Customers = model.Mixture{Rates: []float64{1}, Members: []float64{100}} },
		"repeat orders":     func(s *model.Shop) { s.Customers = model.Mixture{Rates: []float64{1}, Members: []float64{60000}} },
		"popularity of products": func(s *model.Shop) {
			s.Products = model.Mixture{Rates: []float64{1}, Members: []float64{3000}}
		},
		"delay of a cancellation":       func(s *model.Shop) { s.Turns.Delays = model.Table{Values: []int64{5}, Counts: []int64{1}} },
		"cancellations an order":        func(s *model.Shop) { s.Turns.Share *= 2 },
		"dispersion of orders, 1 h":     func(s *model.Shop) { s.Weekly *= 3 },
		"dispersion of orders, 1 min":   func(s *model.Shop) { s.Noise, s.Twins = 1.5, 0.3 },
		"dispersion of lines, 1 min":    func(s *model.Shop) { s.Classes[0].Lines.Values[len(s.Classes[0].Lines.Values)-1] *= 30 },
		"share of 12:00":                func(s *model.Shop) { move(s, 12, 3) },
		"guests' orders":                func(s *model.Shop) { s.Classes[0].Guest = true },
		"orders naming a product twice": func(s *model.Shop) { s.Again = 0.5 },
	} {
		require.Greater(t, judge(1, spoil)[name], limit, "a spoilt %s is not seen", name)
	}
}

func move(s *model.Shop, from, to int) {
	for day := range s.Hours {
		s.Hours[day][from], s.Hours[day][to] = 0, s.Hours[day][from]
	}
}

func TestJudgeRefusesTooFewWeeks(t *testing.T) {
	_, err := fit.Judge(make([]model.Week, 3), fit.Options{})
	require.ErrorContains(t, err, "by 3 weeks: want at least 4")
	_, err = fit.Judge(make([]model.Week, 4), fit.Options{})
	require.ErrorContains(t, err, "split 0: nothing was sold")
}
