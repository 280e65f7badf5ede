package model

import (
	"math"
	"math/rand/v2"
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

// Weeks draws weeks of orders. Within ten minutes they are a Poisson process, whose rate is that
// of the week, the day, the hour, and some noise. The levels of the weeks, and those of each day
// of the week, are spread evenly over their distributions: n weeks are as typical as n can be.
func (s *Sampler) Weeks(r *rand.Rand, n int) []Week {
	weekly := spread(r, n)
	var daily [7][]float64
	for day := range daily {
		daily[day] = spread(r, n)
	}
	out := make([]Week, n)
	for i := range out {
		rate := s.shop.Weekly * float64(s.weeks.at(weekly[i])) / 1000
		for day, share := range s.shop.Days {
			s.day(r, &out[i], day, rate*share*float64(s.levels.at(daily[day][i]))/1000)
		}
	}
	return out
}

// spread draws a point in each n-th of the unit interval, in random order.
func spread(r *rand.Rand, n int) []float64 {
	points := make([]float64, n)
	for i, at := range r.Perm(n) {
		points[i] = min((float64(at)+r.Float64())/float64(n), math.Nextafter(1, 0))
	}
	return points
}

func (s *Sampler) day(r *rand.Rand, w *Week, day int, expected float64) {
	for hour, share := range s.shop.Hours[day] {
		if share == 0 {
			continue
		}
		for tenth := range 6 {
			sigma := s.shop.Noise
			rate := expected * share / 6 * math.Exp(sigma*r.NormFloat64()-sigma*sigma/2)
			s.orders(r, w, day*1440+hour*60+tenth*10, rate)
		}
	}
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
