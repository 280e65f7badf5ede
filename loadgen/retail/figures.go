package retail

import (
	"math/big"

	"github.com/retailflow/stampede/reference/api"
)

// Figures are what a day comes to. Amounts are pence.
type Figures struct {
	Events    int64 // invoices of both kinds
	Orders    int64 // invoices that are no cancellation
	Lines     int64 // theirs
	Units     int64 // sum of their quantities
	Gross     int64 // sum of their lines, each rounded half to even
	Cancelled int64 // sum of the cancellations' absolute values
	Products  int64 // different ones in orders
}

// Turnover is what the summary of the day must say.
func (f Figures) Turnover() api.Turnover {
	return api.Turnover{Currency: Currency, Orders: f.Orders, Units: f.Units, Gross: f.Gross, Cancelled: f.Cancelled, Net: f.Gross - f.Cancelled}
}

// Figures adds the lines up, in rational numbers and without the platform's code.
func (d *Day) Figures() Figures {
	var f Figures
	orders, products := map[string]bool{}, map[string]bool{}
	cancelled := map[string]int64{}
	for i := range d.Lines {
		l := &d.Lines[i]
		if l.Cancelled() {
			cancelled[l.Invoice] += l.pence()
			continue
		}
		orders[l.Invoice], products[l.SKU] = true, true
		f.Lines++
		f.Units += l.Quantity
		f.Gross += l.pence()
	}
	for _, sum := range cancelled {
		f.Cancelled += max(sum, -sum)
	}
	f.Orders, f.Products = int64(len(orders)), int64(len(products))
	f.Events = f.Orders + int64(len(cancelled))
	return f
}

// pence is quantity × unit price, rounded half to even.
func (l *Line) pence() int64 {
	exact, _ := new(big.Rat).SetString(l.Price) // checked when read
	exact.Mul(exact, new(big.Rat).SetInt64(l.Quantity*100))
	whole, rest := new(big.Int).QuoRem(exact.Num(), exact.Denom(), new(big.Int))
	switch twice := rest.Abs(rest).Lsh(rest, 1).Cmp(exact.Denom()); {
	case twice > 0, twice == 0 && whole.Bit(0) == 1:
		whole.Add(whole, big.NewInt(int64(exact.Sign())))
	}
	return whole.Int64()
}
