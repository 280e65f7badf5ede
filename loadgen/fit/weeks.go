package fit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/retail"
)

// Weeks sorts the invoices of days into the weeks, Monday to Sunday, that lie wholly within them.
// Weeks in which nothing was sold are left out: the shop was closed. Days come by rising date.
func Weeks(days []*retail.Day) ([]model.Week, error) {
	if len(days) == 0 {
		return nil, fmt.Errorf("sort days into weeks: %w", retail.ErrNoLines)
	}
	b := book{products: map[string]int32{}, customers: map[string]int32{}, bought: map[purchase]time.Time{}}
	first, err := time.Parse(time.DateOnly, days[0].Date)
	if err != nil {
		return nil, fmt.Errorf("sort days into weeks: %w", err)
	}
	monday := first.AddDate(0, 0, (8-int(first.Weekday()))%7) // the first on or after it
	for _, d := range days {
		date, err := time.Parse(time.DateOnly, d.Date)
		if err != nil {
			return nil, fmt.Errorf("sort days into weeks: %w", err)
		}
		in := date.Sub(monday)
		b.week = nil
		if in >= 0 {
			n := int(in / (7 * 24 * time.Hour))
			for len(b.weeks) <= n {
				b.weeks = append(b.weeks, model.Week{})
			}
			b.week, b.offset = &b.weeks[n], int32(in/time.Minute)%model.MinutesAWeek
		}
		for _, lines := range d.Invoices() {
			if err := b.enter(date, lines); err != nil {
				return nil, fmt.Errorf("invoice %s of %s: %w", lines[0].Invoice, d.Date, err)
			}
		}
	}
	last, err := time.Parse(time.DateOnly, days[len(days)-1].Date)
	if err != nil {
		return nil, fmt.Errorf("sort days into weeks: %w", err)
	}
	if whole := int(last.Sub(monday)/(24*time.Hour)+1) / 7; len(b.weeks) > whole {
		b.weeks = b.weeks[:max(whole, 0)]
	}
	var open []model.Week
	for _, w := range b.weeks {
		if len(w.Orders) > 0 {
			open = append(open, w)
		}
	}
	return open, nil
}

// book gives numbers to products and customers and remembers who bought what.
type book struct {
	products, customers map[string]int32
	bought              map[purchase]time.Time
	weeks               []model.Week
	week                *model.Week // nil before the first Monday
	offset              int32       // of the day in its week
}

type purchase struct{ customer, product int32 }

func number(of map[string]int32, name string) int32 {
	n, known := of[name]
	if !known {
		n = int32(len(of))
		of[name] = n
	}
	return n
}

func (b *book) enter(date time.Time, lines []retail.Line) error {
	first := &lines[0]
	o := model.Order{Minute: b.offset + int32(first.Minute/time.Minute), Customer: model.Guest}
	at := date.Add(first.Minute)
	if first.Customer != "" {
		o.Customer = number(b.customers, first.Customer)
	}
	for i := range lines {
		l := &lines[i]
		price, err := thousandths(l.Price)
		if err != nil {
			return err
		}
		o.Lines = append(o.Lines, model.Line{Product: number(b.products, l.SKU), Quantity: l.Quantity, Price: price})
	}
	if first.Cancelled() {
		b.cancel(o, at)
		return nil
	}
	if o.Customer != model.Guest {
		for _, l := range o.Lines {
			b.bought[purchase{o.Customer, l.Product}] = at
		}
	}
	if b.week == nil {
		return nil
	}
	if sells(o.Lines) {
		b.week.Orders = append(b.week.Orders, o)
		return nil
	}
	for _, l := range o.Lines {
		b.week.WriteOffs = append(b.week.WriteOffs, l.Quantity)
	}
	return nil
}

// cancel dates the order that is taken back by the newest purchase of what is taken back.
func (b *book) cancel(o model.Order, at time.Time) {
	if b.week == nil {
		return
	}
	b.week.Cancelled++
	for _, l := range o.Lines {
		if from, known := b.bought[purchase{o.Customer, l.Product}]; known && o.Customer != model.Guest {
			b.week.Delays = append(b.week.Delays, int64(at.Sub(from)/time.Minute))
			return
		}
	}
}

// sells says whether an entry in the order book is an order: something in it is sold.
func sells(lines []model.Line) bool {
	return slices.ContainsFunc(lines, func(l model.Line) bool { return l.Quantity > 0 && l.Price > 0 })
}

// thousandths reads a decimal exactly.
func thousandths(price string) (int64, error) {
	whole, part, _ := strings.Cut(price, ".")
	part = strings.TrimRight(part, "0")
	if len(part) > 3 {
		return 0, fmt.Errorf("unit price %q: finer than a thousandth", price)
	}
	n, err := strconv.ParseInt(whole+part+"000"[len(part):], 10, 64)
	if err != nil || len(whole) > 15 || strings.ContainsAny(price, "+eE") {
		return 0, fmt.Errorf("unit price %q: want a decimal", price)
	}
	return n, nil
}
