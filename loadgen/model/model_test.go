package model_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
)

func defaults(t require.TestingT) *model.Params {
	p, err := model.Default()
	require.NoError(t, err)
	return p
}

func TestDefault(t *testing.T) {
	p := defaults(t)
	require.Len(t, p.Shops, 2)
	require.NotEmpty(t, p.Source)
	require.Nil(t, p.Shop("no such shop"))
	text, err := p.Encode()
	require.NoError(t, err)
	require.Less(t, len(text), 25<<10)
	again, err := model.Parse(text)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(p, again))
	for _, d := range p.Fit {
		require.LessOrEqual(t, d.Ratio(), 1.25, d.Name)
	}
	require.NotEmpty(t, p.Fit)
}

func TestParseNamesEveryFault(t *testing.T) {
	_, err := model.Parse([]byte(`{"sauce": 1}`))
	require.ErrorContains(t, err, "sauce")
	p := defaults(t)
	p.Population.Count, p.Population.SizeSigma = 0, math.Inf(1)
	p.Population.Kinds = append(p.Population.Kinds, model.Share{Name: "kiosk"})
	s := &p.Shops[0]
	s.Again, s.Customers.Rates = 2, nil
	s.Weeks.Counts = []int64{0}
	s.Classes[0].Lines.Values[1] = s.Classes[0].Lines.Values[0]
	s.Classes[1].Bands = nil
	err = p.Validate()
	for _, want := range []string{"population of 0", "size_sigma +Inf", `kind "kiosk"`, "again 2", "0 rates", "weeks: table of", "customer lines: table: value 1 after 1", "guest: no bands"} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, (&model.Params{}).Validate(), "no shops")
}

// Equal seeds give equal weeks. A change of the hash needs a reason in the commit.
func TestGoldenWeek(t *testing.T) {
	for i, want := range []string{"11ecebc8aac0014d", "d68ae4c9670fdcd0"} {
		s := defaults(t).Shops[i].Compile()
		h := fnv.New64a()
		fmt.Fprint(h, s.Weeks(plan.Rand(42, "test", 0), 2))
		require.Equal(t, want, fmt.Sprintf("%x", h.Sum64()), defaults(t).Shops[i].Name)
	}
}

// Whatever products are popular and however many prices stray, all lines' prices and quantities
// are as the tables say: the largest difference of the distributions stays within chance.
func TestLinesFollowTheTables(t *testing.T) {
	for _, stray := range []float64{0, 0.5, 1} {
		shop := defaults(t).Shops[0]
		shop.Stray, shop.Again = stray, 0
		shop.Classes = shop.Classes[:1]
		s := shop.Compile()
		r := plan.Rand(3, "test", 0)
		seen, n := map[int64]float64{}, 0.0
		products := map[int32]bool{}
		for range 20000 {
			b := s.Basket(r, -1)
			require.False(t, b.Guest)
			for range b.Lines {
				l := b.Next(r)
				seen[l.Price]++
				n++
				products[l.Product] = true
				require.Less(t, int(l.Product), s.Products())
			}
		}
		total := 0.0
		for _, c := range shop.Classes[0].Prices.Counts {
			total += float64(c)
		}
		far, want, got := 0.0, 0.0, 0.0
		for i, v := range shop.Classes[0].Prices.Values {
			want += float64(shop.Classes[0].Prices.Counts[i]) / total
			got += seen[v] / n
			far = max(far, math.Abs(want-got))
		}
		require.Less(t, far, 0.006, "stray %v", stray)
		require.Greater(t, len(products), s.Products()*9/10)
	}
}

func TestBaskets(t *testing.T) {
	shop := defaults(t).Shops[0]
	shop.Again = 1
	s := shop.Compile()
	r := plan.Rand(4, "test", 0)
	orders, guests := 0.0, 0.0
	for range 5000 {
		b := s.Basket(r, 17)
		seen := map[int32]int{}
		lines := b.Lines
		for range lines {
			seen[b.Next(r).Product]++
		}
		if lines > 1 {
			require.Less(t, len(seen), lines, "an order of %d lines names none twice", lines)
		}
		orders++
		if b.Guest {
			guests++
		}
	}
	require.InDelta(t, shop.Classes[1].Hours[17], guests/orders, 0.03)
}

func TestWeekKeepsTheShopsHours(t *testing.T) {
	shop := defaults(t).Shops[0]
	s := shop.Compile()
	r := plan.Rand(5, "test", 0)
	orders := 0.0
	for _, w := range s.Weeks(r, 200) {
		for _, o := range w.Orders {
			day, hour := o.Minute/1440, o.Minute/60%24
			require.Positive(t, shop.Hours[day][hour], "an order on day %d at %d:00", day, hour)
			require.True(t, o.Customer == model.Guest || int(o.Customer) < s.Customers())
			orders++
		}
	}
	require.InEpsilon(t, shop.Weekly, orders/200, 0.05)
}
