package fit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/retailflow/stampede/loadgen/model"
)

// Statistics are figures of two consumer shops whose records may not be passed on: a marketplace,
// of which orders are told, and a shop, of which the popularity of products is.
type Statistics struct {
	Marketplace struct {
		Lines    map[string]float64 `json:"items_share"` // by lines of an order
		Prices   quantiles          `json:"price"`       // in reals
		Products float64            `json:"distinct_products_in_items"`
		Status   struct {
			Canceled float64 `json:"canceled"`
		} `json:"status"`
		Profile struct {
			Hours [24]float64 `json:"hod"`
			Days  [7]float64  `json:"dow"`
		} `json:"profile"`
		Day struct {
			Mean float64 `json:"mean"` // orders
		} `json:"day"`
		Delivery quantiles `json:"deliver_days"`
	} `json:"olist_sample"`
	Shop struct {
		Products struct {
			Top1  float64 `json:"top1pct"`
			Top10 float64 `json:"top10pct"`
			Top20 float64 `json:"top20pct"`
		} `json:"zipf_product"`
	} `json:"rees46"`
}

// quantiles are values by the share of all that is not above them.
type quantiles map[string]float64

// ReadStatistics reads the figures.
func ReadStatistics(text []byte) (*Statistics, error) {
	var s Statistics
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	m := &s.Marketplace
	if len(m.Lines) == 0 || len(m.Prices) < 3 || len(m.Delivery) < 3 || m.Day.Mean <= 0 || m.Products < 1 {
		return nil, fmt.Errorf("read statistics: olist_sample lacks items_share, price, deliver_days, day or distinct_products_in_items")
	}
	return &s, nil
}

// What the figures do not tell.
const (
	realsPerPound  = 4.2  // about the rate of 2017 and 2018
	consumerPeople = 4096 // nearly every order is another customer's
	consumerStray  = 0.05
)

// Consumer fits a shop in which nine of ten orders are of one line. The figures know no
// quantities, for the marketplace writes two pieces as two lines; and no guests.
func Consumer(name string, st *Statistics) (model.Shop, error) {
	m := &st.Marketplace
	one := model.Table{Values: []int64{1}, Counts: []int64{1}}
	level := model.Table{Values: []int64{1000}, Counts: []int64{1}}
	s := model.Shop{
		Name: name, Weekly: round(7*m.Day.Mean, 2), Weeks: level, Levels: level, Stray: consumerStray,
		Customers: model.Mixture{Rates: []float64{round(7*m.Day.Mean/consumerPeople, 5)}, Members: []float64{consumerPeople}},
		Products:  lognormal(st.sigma(), m.Products),
	}
	class := model.Class{Name: "customer", Bands: []model.Band{{Quantities: one}}}
	all := 0.0
	for _, share := range m.Profile.Days {
		all += share
	}
	for day, share := range m.Profile.Days {
		s.Days[day] = round(share/all, 4)
		sum := 0.0
		for _, h := range m.Profile.Hours {
			sum += h
		}
		for hour, h := range m.Profile.Hours {
			s.Hours[day][hour] = round(h/sum, 4)
			class.Hours[hour] = 1
		}
	}
	lines := histogram{}
	for n, share := range m.Lines {
		v, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return s, fmt.Errorf("fit %s: items_share of %q lines", name, n)
		}
		lines[v] = int64(math.Round(share * 1e4))
	}
	class.Lines = lines.table(1e9, commonest)
	prices, err := m.Prices.table(200, func(v float64) int64 { return int64(math.Round(v/realsPerPound*100)) * 10 })
	if err != nil {
		return s, fmt.Errorf("fit %s: price: %w", name, err)
	}
	class.Prices = prices
	class.Bands[0].UpTo = prices.Values[len(prices.Values)-1]
	s.Classes = []model.Class{class}
	// What is sent back is sent back when it has come.
	delays, err := m.Delivery.table(100, func(days float64) int64 { return int64(days * 24 * 60) })
	if err != nil {
		return s, fmt.Errorf("fit %s: deliver_days: %w", name, err)
	}
	s.Turns = model.Returns{Share: m.Status.Canceled, Delays: delays}
	return s, s.Validate()
}

// table draws straight lines between the logarithms of quantiles, at so many points.
func (q quantiles) table(points int, unit func(float64) int64) (model.Table, error) {
	type point struct{ share, value float64 }
	var known []point
	for text, v := range q {
		share, err := strconv.ParseFloat(text, 64)
		if err != nil || !(share >= 0 && share <= 1) || !(v > 0) {
			return model.Table{}, fmt.Errorf("quantile %q of %v: want a positive one between 0 and 1", text, v)
		}
		known = append(known, point{share, v})
	}
	slices.SortFunc(known, func(a, b point) int { return cmp.Compare(a.share, b.share) })
	h := histogram{}
	for i := range points {
		u := (float64(i) + 0.5) / float64(points)
		at, _ := slices.BinarySearchFunc(known, u, func(p point, u float64) int { return cmp.Compare(p.share, u) })
		if at == 0 {
			h[unit(known[0].value)]++
			continue
		}
		if at == len(known) {
			h[unit(known[at-1].value)]++
			continue
		}
		a, b := known[at-1], known[at]
		part := (u - a.share) / (b.share - a.share)
		h[unit(math.Exp(math.Log(a.value)*(1-part)+math.Log(b.value)*part))]++
	}
	return h.table(1e9, commonest), nil
}

// sigma of the lognormal whose top 1, 10 and 20 % of products have the stated shares: the top
// share q of a lognormal has the share 1 - Φ(Φ⁻¹(1-q) - sigma). The three are averaged.
func (st *Statistics) sigma() float64 {
	p := &st.Shop.Products
	sum := 0.0
	for q, share := range map[float64]float64{0.01: p.Top1, 0.10: p.Top10, 0.20: p.Top20} {
		sum += normalQuantile(1-q) + normalQuantile(share)
	}
	return sum / 3
}

func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// lognormal puts members of lognormal rates into groups of equal size.
func lognormal(sigma, members float64) model.Mixture {
	const groups = 40
	var m model.Mixture
	for i := range groups {
		rate := math.Exp(sigma * normalQuantile((float64(i)+0.5)/groups))
		m.Rates = append(m.Rates, round(rate, 3))
		m.Members = append(m.Members, round(members/groups, 1))
	}
	return m
}

// Distances of what the generator makes of a shop from the figures that it was fitted to: the largest difference
// of the distributions' functions where the figures tell them, and of shares.
func (st *Statistics) Distances(s *model.Shop, weeks int) ([]model.Distance, error) {
	made, err := Generate(s, 1, weeks, 1)
	if err != nil {
		return nil, err
	}
	p := newProfile(made...)
	m := &st.Marketplace
	far := func(h histogram, v float64, want float64) float64 {
		below := int64(0)
		for value, n := range h {
			if float64(value) <= v {
				below += n
			}
		}
		return math.Abs(float64(below)/float64(h.total()) - want)
	}
	lines, price := 0.0, 0.0
	for text, v := range m.Prices {
		share, _ := strconv.ParseFloat(text, 64) // read before
		price = max(price, far(p.marginals[prices], v/realsPerPound*1000+5, share))
	}
	cumulated := 0.0
	for n := range int64(len(m.Lines)) {
		cumulated += m.Lines[strconv.FormatInt(n+1, 10)]
		lines = max(lines, far(p.marginals[linesOfOrder], float64(n+1), cumulated))
	}
	hour, day := 0.0, 0.0
	for i, share := range m.Profile.Hours {
		hour = max(hour, math.Abs(share/100-p.figure("share of "+clock(i))))
	}
	for i, share := range m.Profile.Days {
		day = max(day, math.Abs(share/100-p.figure("share of "+dayNames[i])))
	}
	return []model.Distance{{Name: "lines an order", Generated: lines}, {Name: "unit price", Generated: price},
		{Name: "share of an hour", Generated: hour}, {Name: "share of a day", Generated: day}}, nil
}
