package model

import (
	"math"
	"math/rand/v2"

	"github.com/retailflow/stampede/loadgen/plan"
)

// strayWidth is how far, in quantiles of the price, a stray line's price lies from its product's.
const strayWidth = 0.2

// Sampler draws from one kind of shop. It is immutable and safe for concurrent use.
type Sampler struct {
	shop     *Shop
	classes  []class
	hours    [24]steps // of classes
	whole    steps     // of classes, over the day
	products steps     // by popularity
	people   steps     // by how often they order
	prices   []float64 // where each product's prices begin in the unit interval
	delays   dist
	writeOff dist
	weeks    dist
	levels   dist
}

type class struct {
	guest         bool
	lines, prices dist
	bands         []dist
	band          []uint8 // by index of the price
}

// Line is one line of an order.
type Line struct {
	Product  int32
	Quantity int64
	Price    int64 // of a unit, thousandths of a pound
}

// Compile prepares a sampler of valid parameters. Equal shops give equal samplers.
func (s *Shop) Compile() *Sampler {
	out := &Sampler{
		shop: s, products: s.Products.compile(), people: s.Customers.compile(),
		delays: s.Turns.Delays.compile(), weeks: s.Weeks.compile(), levels: s.Levels.compile(),
	}
	if s.Odd.Share > 0 {
		out.writeOff = s.Odd.Quantities.compile()
	}
	// Each product has an interval of prices as long as its popularity, so that the prices of all
	// lines are as the table says; in an order that has nothing to do with popularity.
	n := out.Products()
	out.prices = make([]float64, n)
	at := 0.0
	for _, p := range plan.Rand(1, "model/prices", uint64(n)).Perm(n) {
		out.prices[p] = at
		_, length := out.products.piece(p)
		at += length
	}
	weights := make([]float64, len(s.Classes))
	whole := make([]float64, len(s.Classes))
	for hour := range 24 {
		orders := 0.0
		for day := range s.Days {
			orders += s.Days[day] * s.Hours[day][hour]
		}
		sum := 0.0
		for i := range s.Classes {
			weights[i] = s.Classes[i].Hours[hour]
			sum += weights[i]
			whole[i] += orders * weights[i]
		}
		if sum == 0 { // an hour without orders
			weights[0] = 1
		}
		out.hours[hour] = newSteps(weights)
	}
	out.whole = newSteps(whole)
	for i := range s.Classes {
		out.classes = append(out.classes, s.Classes[i].compile())
	}
	return out
}

func (c *Class) compile() class {
	out := class{guest: c.Guest, lines: c.Lines.compile(), prices: c.Prices.compile(), band: make([]uint8, len(c.Prices.Values))}
	for _, b := range c.Bands {
		out.bands = append(out.bands, b.Quantities.compile())
	}
	for i, price := range c.Prices.Values {
		band := 0
		for band < len(c.Bands)-1 && price > c.Bands[band].UpTo {
			band++
		}
		out.band[i] = uint8(band)
	}
	return out
}

// compile lists the members, each with its rate as its weight.
func (m Mixture) compile() steps {
	var weights []float64
	rest := 0.0
	for i, rate := range m.Rates {
		rest += m.Members[i]
		for ; rest >= 0.5; rest-- {
			weights = append(weights, rate)
		}
	}
	return newSteps(weights)
}

// Products is how many products the shop has.
func (s *Sampler) Products() int { return len(s.products.end) }

// Customers is how many customers the shop has.
func (s *Sampler) Customers() int { return len(s.people.end) }

// Product draws one by popularity.
func (s *Sampler) Product(r *rand.Rand) int32 { return int32(s.products.find(r.Float64())) }

// Customer draws one by how often they order.
func (s *Sampler) Customer(r *rand.Rand) int32 { return int32(s.people.find(r.Float64())) }

// Price draws a price of a product, in thousandths of a pound.
func (s *Sampler) Price(r *rand.Rand, product int32) int64 {
	c := &s.classes[0]
	return c.prices.at(s.pricePoint(r, product))
}

// Delay draws the time from an order to its cancellation, in minutes.
func (s *Sampler) Delay(r *rand.Rand) int64 { return s.delays.draw(r) }

// WriteOff draws the quantity of an entry that sells nothing; 0 of a shop that has none.
func (s *Sampler) WriteOff(r *rand.Rand) int64 {
	if s.shop.Odd.Share == 0 {
		return 0
	}
	return s.writeOff.draw(r)
}

// pricePoint is where a line's price lies among all lines' prices: in the middle of its product's
// interval, or, for a stray, near it. Reflection keeps a uniform point uniform, so that strays
// leave the distribution of prices as it is.
func (s *Sampler) pricePoint(r *rand.Rand, product int32) float64 {
	_, length := s.products.piece(int(product))
	if r.Float64() >= s.shop.Stray {
		return s.prices[product] + length/2
	}
	u := math.Abs(s.prices[product] + length*r.Float64() + strayWidth*(2*r.Float64()-1))
	if u > 1 {
		u = 2 - u
	}
	return min(u, math.Nextafter(1, 0))
}

// Basket is an order being drawn, line by line.
type Basket struct {
	Guest bool
	Lines int

	sampler *Sampler
	class   *class
	begin   float64
	first   int32
	again   bool
	at      int
}

// Basket begins an order at an hour of the shop's day; at any hour if hour is negative.
func (s *Sampler) Basket(r *rand.Rand, hour int) Basket {
	pieces := &s.whole
	if hour >= 0 {
		pieces = &s.hours[hour]
	}
	c := &s.classes[0]
	if len(s.classes) > 1 {
		c = &s.classes[pieces.find(r.Float64())]
	}
	b := Basket{Guest: c.guest, Lines: int(c.lines.draw(r)), sampler: s, class: c, begin: r.Float64()}
	b.again = b.Lines > 1 && r.Float64() < s.shop.Again
	return b
}

// Next draws the next line; there are Lines of them. Products of one order are spread over the
// whole catalogue, for people put what they buy twice on one line.
func (b *Basket) Next(r *rand.Rand) Line {
	s, c := b.sampler, b.class
	point := b.begin + (float64(b.at)+r.Float64())/float64(b.Lines)
	for point >= 1 {
		point--
	}
	product := int32(s.products.find(point))
	switch b.at++; {
	case b.at == 1:
		b.first = product
	case b.again && b.at == b.Lines:
		product = b.first
	}
	price := c.prices.find(s.pricePoint(r, product))
	return Line{Product: product, Quantity: c.bands[c.band[price]].draw(r), Price: c.prices.values[price]}
}
