package run

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/retailflow/stampede/loadgen/retail"
	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// retailSource names the data and its licence, as the licence asks.
const retailSource = "Online Retail, UCI Machine Learning Repository, CC BY 4.0"

// readDay reads the scenario's day, or the excerpt that comes with the program.
func readDay(o scenarios.RealOrders) (*retail.Day, error) {
	if o.File == "" {
		day, err := retail.Excerpt()
		if err != nil {
			return nil, err
		}
		return day, nil
	}
	file, err := os.Open(o.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	day, err := retail.Read(file, o.Day)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	return day, nil
}

// compare reads the day through the API and holds it against sums made straight from the file.
func (d *realDay) compare(ctx context.Context, p *platform) (*reports.RealOrders, reports.Check) {
	check := reports.Check{Name: "real-orders", Group: reports.GroupData, Required: true,
		Objective: "a real day's figures equal those of its file, to the cent"}
	want := d.day.Figures()
	out := &reports.RealOrders{Source: retailSource, Tenant: d.tenant.ID, Zone: d.tenant.Zone, Day: d.day.Date, DatedTo: d.date, Events: want.Events}
	got, err := p.day(ctx, d.tenant.ID, d.date)
	if err != nil {
		check.Status, check.Observed, check.Detail = reports.Unknown, "not read", err.Error()
		return out, check
	}
	turnover := api.Turnover{Currency: retail.Currency}
	for _, t := range got.Currencies {
		if t.Currency == retail.Currency {
			turnover = t
		}
	}
	file := want.Turnover()
	for _, f := range []struct {
		name       string
		file, seen int64
	}{
		{"events", want.Events, got.Events},
		{"orders", file.Orders, turnover.Orders},
		{"units", file.Units, turnover.Units},
		{"gross, pence", file.Gross, turnover.Gross},
		{"cancelled, pence", file.Cancelled, turnover.Cancelled},
		{"net, pence", file.Net, turnover.Net},
	} {
		out.Figures = append(out.Figures, reports.Figure{Name: f.name, FromFile: strconv.FormatInt(f.file, 10), FromAPI: strconv.FormatInt(f.seen, 10), Equal: f.file == f.seen})
		if f.file != f.seen {
			check.Examples = append(check.Examples, fmt.Sprintf("%s: file %d, API %d", f.name, f.file, f.seen))
		}
	}
	check.Status = reports.Pass
	if len(check.Examples) > 0 {
		check.Status = reports.Fail
	}
	check.Observed = fmt.Sprintf("%d of %d figures equal", len(out.Figures)-len(check.Examples), len(out.Figures))
	check.Numbers = map[string]float64{"figures": float64(len(out.Figures)), "different": float64(len(check.Examples))}
	return out, check
}
