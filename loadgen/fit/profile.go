package fit

import (
	"slices"

	"github.com/retailflow/stampede/loadgen/model"
)

// curve is the share of all lines that the most popular products carry, by their share of products.
type curve [201]float64

// figure is a number that a period comes to.
type figure struct {
	name  string
	value float64
}

// profile is what periods of one shop come to: distributions pooled, figures as means.
type profile struct {
	marginals [marginals]histogram
	popular   curve
	figures   []figure
}

const (
	linesOfOrder = iota
	quantities
	prices
	lineTotals
	customerOrders
	returnDelays
	writeOffs
	marginals
)

var marginalNames = [marginals]string{"lines an order", "quantity", "unit price", "line total", "orders a customer", "delay of a cancellation", "quantity written off"}

// Figures that are calibrated by name.
const (
	severalPrices = "products at several prices"
	namedTwice    = "orders naming a product twice"
)

var dayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// newProfile measures periods of equally many weeks.
func newProfile(periods ...[]model.Week) *profile {
	p := &profile{}
	for i := range p.marginals {
		p.marginals[i] = histogram{}
	}
	for _, weeks := range periods {
		popular, figures := p.add(weeks)
		for i := range popular {
			p.popular[i] += popular[i] / float64(len(periods))
		}
		if p.figures == nil {
			p.figures = make([]figure, len(figures))
		}
		for i, f := range figures {
			p.figures[i].name = f.name
			p.figures[i].value += f.value / float64(len(periods))
		}
	}
	return p
}

// add counts one period.
func (p *profile) add(weeks []model.Week) (popular curve, figures []figure) {
	var orders, lines, guests, guestLines, known, repeated, cancelled, odd, again float64
	var daily [7]float64
	var hours [24]float64
	people := map[int32]int64{}
	sold := map[int32]int64{}
	firstPrice, several := map[int32]int64{}, map[int32]bool{}
	var series, clumps dispersion
	for i := range weeks {
		w := &weeks[i]
		cancelled += float64(w.Cancelled)
		odd += float64(len(w.WriteOffs))
		for _, d := range w.Delays {
			p.marginals[returnDelays][d]++
		}
		for _, q := range w.WriteOffs {
			p.marginals[writeOffs][q]++
		}
		for j := range w.Orders {
			o := &w.Orders[j]
			orders++
			lines += float64(len(o.Lines))
			daily[o.Minute/1440]++
			hours[o.Minute/60%24]++
			series.add(o.Minute, 1)
			clumps.add(o.Minute, int64(len(o.Lines)))
			p.marginals[linesOfOrder][int64(len(o.Lines))]++
			if o.Customer == model.Guest {
				guests++
				guestLines += float64(len(o.Lines))
			} else {
				known++
				if people[o.Customer]++; people[o.Customer] > 1 {
					repeated++
				}
			}
			if namesTwice(o.Lines) {
				again++
			}
			for _, l := range o.Lines {
				p.marginals[quantities][l.Quantity]++
				p.marginals[prices][l.Price]++
				p.marginals[lineTotals][l.Price*l.Quantity]++
				if sold[l.Product]++; sold[l.Product] == 1 {
					firstPrice[l.Product] = l.Price
				} else if firstPrice[l.Product] != l.Price {
					several[l.Product] = true
				}
			}
		}
		series.close()
		clumps.close()
	}
	for _, n := range people {
		p.marginals[customerOrders][n]++
	}
	add := func(name string, value float64) { figures = append(figures, figure{name, value}) }
	for i, scale := range scales {
		add("dispersion of orders, "+scale.name, series.index(i))
		add("dispersion of lines, "+scale.name, clumps.index(i))
	}
	add("repeat orders", repeated/known)
	add("guests' orders", guests/orders)
	add("guests' lines", guestLines/lines)
	add(namedTwice, again/orders)
	add(severalPrices, float64(len(several))/float64(len(sold)))
	add("cancellations an order", cancelled/orders)
	add("write-offs an order", odd/orders)
	for day, n := range daily {
		add("share of "+dayNames[day], n/orders)
	}
	for hour, n := range hours {
		add("share of "+clock(hour), n/orders)
	}
	return newCurve(sold), figures
}

func clock(hour int) string { return string([]byte{byte('0' + hour/10), byte('0' + hour%10)}) + ":00" }

func namesTwice(lines []model.Line) bool {
	if len(lines) < 2 {
		return false
	}
	products := make([]int32, len(lines))
	for i, l := range lines {
		products[i] = l.Product
	}
	slices.Sort(products)
	return len(slices.Compact(products)) < len(lines)
}

func newCurve(sold map[int32]int64) (c curve) {
	counts := make([]int64, 0, len(sold))
	total := int64(0)
	for _, n := range sold {
		counts = append(counts, n)
		total += n
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	sum, at := int64(0), 0
	for i := range c {
		for at < i*len(counts)/(len(c)-1) {
			sum += counts[at]
			at++
		}
		c[i] = float64(sum) / float64(total)
	}
	return c
}

var scales = []struct {
	name    string
	minutes int
}{{"1 min", 1}, {"10 min", 10}, {"1 h", 60}}

// dispersion gathers counts week by week, in windows of every scale.
type dispersion struct {
	week             [model.MinutesAWeek]int64
	n, sum, quadrate [3]float64
}

func (d *dispersion) add(minute int32, n int64) { d.week[minute] += n }

func (d *dispersion) close() {
	for i, scale := range scales {
		for at := 0; at < len(d.week); at += scale.minutes {
			sum := int64(0)
			for _, n := range d.week[at : at+scale.minutes] {
				sum += n
			}
			d.n[i]++
			d.sum[i] += float64(sum)
			d.quadrate[i] += float64(sum) * float64(sum)
		}
	}
	clear(d.week[:])
}

// index of dispersion: variance over mean.
func (d *dispersion) index(scale int) float64 {
	mean := d.sum[scale] / d.n[scale]
	return (d.quadrate[scale]/d.n[scale] - mean*mean) / mean
}
