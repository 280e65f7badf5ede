package model

import (
	"math"
	"math/rand/v2"
	"time"
)

// Guest is the customer of an order that names none.
const Guest int32 = -1

// Week is what one week brings to a shop, as real records and the generator tell it alike.
type Week struct {
	Orders    []Order
	Delays    []int64 // of the cancellations whose order is known, in minutes
	Cancelled int     // cancellations
	WriteOffs []int64 // quantities
}

// Order is one order.
type Order struct {
	Minute   int32 // of the week, from Monday 00:00 on the shop's wall clock
	Customer int32 // or Guest
	Lines    []Line
}

// MinutesAWeek is the length of a week.
const MinutesAWeek = 7 * 24 * 60

// Tenth is what [Sampler.Rates] are by: the time within which a shop's rate stays as it is.
const Tenth = 10 * time.Minute

// TenthsAWeek is how many there are in a week.
const TenthsAWeek = MinutesAWeek / 10

// Weeks draws weeks of orders: in each ten minutes a Poisson process of the rate that Rates says.
func (s *Sampler) Weeks(r *rand.Rand, n int) []Week {
	rates, out := s.Rates(r, n), make([]Week, n)
	for i := range out {
		for tenth, rate := range rates[i*TenthsAWeek:][:TenthsAWeek] {
			s.orders(r, &out[i], tenth*10, rate)
		}
	}
	return out
}

// Rates draws how many orders the shop expects in each ten minutes of n weeks, from Monday 00:00 on
// its wall clock: that of the week, the day, the hour, and some noise. The levels of the weeks, and
// those of each day of the week, are spread evenly over their distributions: n weeks are as typical
// as n can be.
func (s *Sampler) Rates(r *rand.Rand, n int) []float64 {
	weekly := spread(r, n)
	var daily [7][]float64
	for day := range daily {
		daily[day] = spread(r, n)
	}
	rates, sigma := make([]float64, 0, n*TenthsAWeek), s.shop.Noise
	for i := range n {
		week := s.shop.Weekly * float64(s.weeks.at(weekly[i])) / 1000
		for day, share := range s.shop.Days {
			expected := week * share * float64(s.levels.at(daily[day][i])) / 1000
			for _, share := range s.shop.Hours[day] {
				for range 6 {
					rates = append(rates, expected*share/6*math.Exp(sigma*r.NormFloat64()-sigma*sigma/2))
				}
			}
		}
	}
	return rates
}

// spread draws a point in each n-th of the unit interval, in random order.
func spread(r *rand.Rand, n int) []float64 {
	points := make([]float64, n)
	for i, at := range r.Perm(n) {
		points[i] = min((float64(at)+r.Float64())/float64(n), math.Nextafter(1, 0))
	}
	return points
}

// orders draws those of ten minutes.
func (s *Sampler) orders(r *rand.Rand, w *Week, minute int, rate float64) {
	if rate <= 0 {
		return
	}
	rate /= 1 + s.shop.Twins
	for at := r.ExpFloat64() / rate; at < 1; at += r.ExpFloat64() / rate {
		s.order(r, w, minute+int(at*10))
		if r.Float64() < s.shop.Twins {
			s.order(r, w, minute+int(at*10))
		}
	}
}

func (s *Sampler) order(r *rand.Rand, w *Week, minute int) {
	b := s.Basket(r, minute/60%24)
	o := Order{Minute: int32(minute), Customer: Guest, Lines: make([]Line, b.Lines)}
	for i := range o.Lines {
		o.Lines[i] = b.Next(r)
	}
	if !b.Guest {
		o.Customer = s.Customer(r)
	}
	w.Orders = append(w.Orders, o)
	if r.Float64() < s.shop.Turns.Share {
		w.Cancelled++
		w.Delays = append(w.Delays, s.delays.draw(r))
	}
	if r.Float64() < s.shop.Odd.Share {
		w.WriteOffs = append(w.WriteOffs, s.writeOff.draw(r))
	}
}
