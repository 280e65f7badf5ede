package fit

import (
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
)

// How finely distributions are told: values stand for at least one such part of the whole.
const (
	lineSteps     = 200
	priceSteps    = 400
	quantitySteps = 80
	priceBands    = 24
)

// least is the smallest part of a variance that is kept, so that it can be widened again.
const least = 0.01

// errNothingSold is returned for weeks without an order.
var errNothingSold = errors.New("nothing was sold")

// Estimate fits one kind of shop to weeks.
func Estimate(name string, weeks []model.Week) (model.Shop, error) {
	s := model.Shop{Name: name}
	var orders, cancelled, odd float64
	delays, quantities := histogram{}, histogram{}
	sold, people := map[int32]int64{}, map[int32]int64{}
	for i := range weeks {
		w := &weeks[i]
		orders += float64(len(w.Orders))
		cancelled += float64(w.Cancelled)
		odd += float64(len(w.WriteOffs))
		for _, d := range w.Delays {
			delays[d]++
		}
		for _, q := range w.WriteOffs {
			quantities[q]++
		}
		for _, o := range w.Orders {
			for _, l := range o.Lines {
				sold[l.Product]++
			}
			if o.Customer != model.Guest {
				people[o.Customer]++
			}
		}
	}
	if orders == 0 || len(people) == 0 || len(delays) == 0 {
		return s, errNothingSold
	}
	s.Turns = model.Returns{Share: round(cancelled/orders, 4), Delays: delays.table(50, commonest)}
	if odd > 0 {
		s.Odd = model.Odd{Share: round(odd/orders, 4), Quantities: quantities.table(50, commonest)}
	}
	s.Products, s.Customers = mixture(tally(sold), len(weeks)), mixture(tally(people), len(weeks))
	rhythm(&s, weeks)
	classes(&s, weeks)
	return s, calibrate(&s, newProfile(weeks), len(weeks))
}

// tally counts how many were met how often.
func tally(met map[int32]int64) histogram {
	h := histogram{}
	for _, n := range met {
		h[n]++
	}
	return h
}

// rhythm fits when orders come.
func rhythm(s *model.Shop, weeks []model.Week) {
	var all float64
	var hours [7][24]float64
	days := make([][7]float64, len(weeks))
	for i := range weeks {
		for _, o := range weeks[i].Orders {
			days[i][o.Minute/1440]++
			hours[o.Minute/1440][o.Minute/60%24]++
			all++
		}
	}
	s.Weekly = round(all/float64(len(weeks)), 2)
	var daily [7]float64 // orders
	for day := range hours {
		for _, n := range hours[day] {
			daily[day] += n
		}
		s.Days[day] = round(daily[day]/all, 5)
		for hour, n := range hours[day] {
			if daily[day] > 0 {
				s.Hours[day][hour] = round(n/daily[day], 5)
			}
		}
	}
	var weekly, level, weekNoise, dayNoise []float64
	for i := range weeks {
		open := 0.0 // share of a week's orders that come on days that were no holidays
		for day, n := range days[i] {
			if n > 0 {
				open += daily[day] / all
			}
		}
		rate := float64(len(weeks[i].Orders)) / open
		weekly, weekNoise = append(weekly, rate/s.Weekly), append(weekNoise, 1/s.Weekly)
		for day, n := range days[i] {
			if expected := rate * daily[day] / all; expected > 0 {
				level = append(level, n/expected)
				dayNoise = append(dayNoise, (1-daily[day]/all)/expected)
			}
		}
	}
	s.Weeks, s.Levels = levels(weekly, weekNoise), levels(level, dayNoise)
}

// levels are relative rates, of mean 1, in thousandths. Of what was counted, the variance that
// counting alone makes is taken away; a day on which the shop was closed stays at 0.
func levels(counted, noise []float64) model.Table {
	var open, sum, quadrate, shot float64
	for i, v := range counted {
		if v > 0 {
			open++
			sum += v
			shot += noise[i]
		}
	}
	for _, v := range counted {
		if v > 0 {
			quadrate += (v - sum/open) * (v - sum/open)
		}
	}
	h := histogram{}
	for _, v := range counted {
		h[int64(math.Round(v*1000))]++
	}
	return spread(h.table(40, quadratic), math.Sqrt(max(1-shot/max(quadrate, shot), least)))
}

// spread widens the levels about their mean, zeros excepted, and makes the mean of all 1 again.
func spread(t model.Table, factor float64) model.Table {
	var open, sum, all float64
	for i, v := range t.Values {
		if v > 0 {
			open += float64(t.Counts[i])
			sum += float64(v) * float64(t.Counts[i])
		}
		all += float64(t.Counts[i])
	}
	h := histogram{}
	for i, v := range t.Values {
		level := 0.0
		if v > 0 {
			level = max(sum/open+(float64(v)-sum/open)*factor, 1) * 1000 * all / sum
		}
		h[int64(math.Round(level))] += t.Counts[i]
	}
	return h.table(1e9, quadratic)
}

// classes fits what orders hold: those of guests and those of customers apart.
func classes(s *model.Shop, weeks []model.Week) {
	var hours [24]float64
	for i := range weeks {
		for _, o := range weeks[i].Orders {
			hours[o.Minute/60%24]++
		}
	}
	for _, guest := range []bool{false, true} {
		c := model.Class{Name: map[bool]string{false: "customer", true: "guest"}[guest], Guest: guest}
		lines, prices, byPrice := histogram{}, histogram{}, map[int64]histogram{}
		for i := range weeks {
			for _, o := range weeks[i].Orders {
				if (o.Customer == model.Guest) != guest {
					continue
				}
				c.Hours[o.Minute/60%24]++
				lines[int64(len(o.Lines))]++
				for _, l := range o.Lines {
					prices[l.Price]++
					if byPrice[l.Price] == nil {
						byPrice[l.Price] = histogram{}
					}
					byPrice[l.Price][l.Quantity]++
				}
			}
		}
		if len(lines) == 0 {
			continue
		}
		for hour := range hours {
			if hours[hour] > 0 {
				c.Hours[hour] = round(c.Hours[hour]/hours[hour], 4)
			}
		}
		c.Lines, c.Prices = lines.table(lineSteps, quadratic), prices.table(priceSteps, commonest)
		c.Bands = bands(prices, byPrice)
		s.Classes = append(s.Classes, c)
	}
}

// bands cuts the prices into ranges that carry about equally many lines.
func bands(prices histogram, byPrice map[int64]histogram) []model.Band {
	var out []model.Band
	each, sum, in := prices.total()/priceBands, int64(0), histogram{}
	values := slices.Sorted(maps.Keys(prices))
	for i, v := range values {
		if prices[v] >= each && sum > 0 { // a price that many ask has quantities of its own
			out = append(out, model.Band{UpTo: values[i-1], Quantities: in.table(quantitySteps, commonest)})
			sum, in = 0, histogram{}
		}
		sum += prices[v]
		for q, n := range byPrice[v] {
			in[q] += n
		}
		if sum >= each || i == len(values)-1 {
			out = append(out, model.Band{UpTo: v, Quantities: in.table(quantitySteps, commonest)})
			sum, in = 0, histogram{}
		}
	}
	return out
}

// calibrate sets what can only be found by drawing: how rates waver from one ten minutes to the
// next and from day to day, and how often a product is named twice or sold at another price.
func calibrate(s *model.Shop, want *profile, weeks int) error {
	const rounds, periods = 3, 4
	s.Stray = 0.1
	if err := s.Validate(); err != nil {
		return err
	}
	perWindow := s.Weekly / (7 * 24 * 6)
	waver := 0.0 // variance of the factor of ten minutes
	for round := range rounds {
		got := newProfile(Draw(s, uint64(round), weeks, periods)...)
		miss := func(name string) float64 { return want.figure(name) - got.figure(name) }
		s.Again = min(max(s.Again+miss(namedTwice), 0), 1)
		s.Stray = min(max(s.Stray+miss(severalPrices)/2, 0), 1)
		// Dispersion beyond Poisson's 1 goes with the mean square of the rate.
		short, long := got.figure("dispersion of orders, 10 min"), got.figure("dispersion of orders, 1 h")
		s.Twins = max(s.Twins+(miss("dispersion of orders, 1 min")-miss("dispersion of orders, 10 min")/10)/2, 0)
		beyond := miss("dispersion of orders, 10 min") - miss("dispersion of orders, 1 h")/6
		added := max(beyond/(short-1+perWindow), -waver)
		waver += added
		s.Noise = math.Sqrt(math.Log1p(waver))
		missing := miss("dispersion of orders, 1 h") - added*(short-1+perWindow)
		variance := variance(s.Levels)
		wanted := variance + missing/(long-1+6*perWindow)*(1+variance)
		s.Levels = spread(s.Levels, math.Sqrt(max(wanted/variance, least)))
	}
	for _, v := range []*float64{&s.Noise, &s.Twins, &s.Again, &s.Stray} {
		*v = math.Round(*v*1e4) / 1e4
	}
	return nil
}

// variance of levels, relative to their mean's square.
func variance(t model.Table) float64 {
	mean, sum, n := t.Mean(), 0.0, 0.0
	for i, v := range t.Values {
		sum += (float64(v) - mean) * (float64(v) - mean) * float64(t.Counts[i])
		n += float64(t.Counts[i])
	}
	return sum / n / (mean * mean)
}

func (p *profile) figure(name string) float64 {
	for _, f := range p.figures {
		if f.name == name {
			return f.value
		}
	}
	panic("no figure " + name)
}

// Draw samples periods of weeks from the model, without the detour over requests that Generate takes.
func Draw(s *model.Shop, seed uint64, weeks, periods int) [][]model.Week {
	sampler := s.Compile()
	out := make([][]model.Week, periods)
	for i := range out {
		r := plan.Rand(seed, "fit/"+s.Name, uint64(i))
		out[i] = sampler.Weeks(r, weeks)
	}
	return out
}
