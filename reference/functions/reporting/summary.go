package reporting

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

func (a *Analytics) summary(ctx context.Context, r *rest.Request) (any, error) {
	tenant := r.Tenant()
	zone, p, err := a.period(ctx, r)
	if err != nil {
		return nil, err
	}
	found, asOf, err := a.ask(ctx, tenant, p, zone, anyLevel)
	if err != nil {
		return nil, err
	}
	sum := merge(found)
	answer := api.Summary{Tenant: tenant, From: p.from, To: p.to, Events: sum.Count, IDs: sum.IDs.String(),
		ByType: make(map[string]int64, len(sum.Types)), Currencies: turnovers(sum), Conflicts: sum.Conflicts,
		AsOf: asOf.UTC(), Trace: sum.LastCorrelation}
	for kind, n := range sum.Types {
		answer.ByType[kind.Name()] = n
	}
	return answer, nil
}

func turnovers(sum codec.Rollup) []api.Turnover {
	out := make([]api.Turnover, len(sum.Currencies))
	for i, t := range sum.Currencies {
		out[i] = api.Turnover{Currency: t.Currency, Orders: t.Orders, Units: t.Units, Gross: t.Gross,
			Refunded: t.Refunded, Cancelled: t.Cancelled, Net: t.Gross - t.Refunded - t.Cancelled}
	}
	return out
}

// Most points of a series, by interval: a day, a month, a year.
const (
	maxMinutes = 1440
	maxHours   = 31 * 24
	maxDays    = 366
)

func (a *Analytics) series(ctx context.Context, r *rest.Request) (any, error) {
	zone, p, err := a.period(ctx, r)
	if err != nil {
		return nil, err
	}
	interval := r.Query["interval"]
	if interval == "" {
		interval = "hour"
	}
	starts, level, err := intervals(interval, p, zone)
	if err != nil {
		return nil, err
	}
	found, asOf, err := a.ask(ctx, r.Tenant(), p, zone, level)
	if err != nil {
		return nil, err
	}
	groups := make([][]bucket, len(starts))
	for _, b := range found {
		start := b.start
		if b.level == store.Day {
			start, _ = store.Date{Year: b.start.Year(), Month: b.start.Month(), Day: b.start.Day()}.Bounds(zone)
		}
		// The last interval that does not start later.
		i, exact := slices.BinarySearchFunc(starts, start, time.Time.Compare)
		if !exact {
			i--
		}
		groups[i] = append(groups[i], b)
	}
	answer := api.Series{Tenant: r.Tenant(), From: p.from, To: p.to, Interval: interval, Points: make([]api.Point, len(starts)), AsOf: asOf.UTC()}
	for i, start := range starts {
		sum := merge(groups[i])
		answer.Points[i] = api.Point{Start: start, Events: sum.Count, Currencies: turnovers(sum)}
	}
	return answer, nil
}

// intervals are the starts of the intervals that cover the period; the first and the last may
// be cut short by it.
func intervals(name string, p period, zone *time.Location) (starts []time.Time, level finest, err error) {
	var limit int
	var next func(time.Time) time.Time
	switch name {
	case "minute":
		limit, level = maxMinutes, minutesOnly
		next = func(at time.Time) time.Time { return at.Add(time.Minute) }
	case "hour":
		limit, level = maxHours, hoursAndMinutes
		next = func(at time.Time) time.Time { return at.Truncate(time.Hour).Add(time.Hour) }
	case "day":
		limit, level = maxDays, anyLevel
		next = func(at time.Time) time.Time {
			_, end := store.DateIn(at, zone).Bounds(zone)
			return end
		}
	default:
		return nil, 0, fmt.Errorf("%w: interval %q, want minute, hour or day", errPeriod, name)
	}
	for at := p.from; at.Before(p.to); at = next(at) {
		if len(starts) == limit {
			return nil, 0, fmt.Errorf("%w: more than %d intervals of a %s", errPeriod, limit, name)
		}
		starts = append(starts, at)
	}
	return starts, level, nil
}

func (a *Analytics) topProducts(ctx context.Context, r *rest.Request) (any, error) {
	zone, p, err := a.period(ctx, r)
	if err != nil {
		return nil, err
	}
	limit, by := 10, r.Query["by"]
	if text := r.Query["limit"]; text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return nil, fmt.Errorf("%w: limit %q, want 1 to 100", errPeriod, text)
		}
	}
	value := func(s codec.SKU) int64 { return s.Amount }
	switch by {
	case "", "amount":
		by = "amount"
	case "units":
		value = func(s codec.SKU) int64 { return s.Units }
	case "views":
		value = func(s codec.SKU) int64 { return s.Views }
	default:
		return nil, fmt.Errorf("%w: by %q, want amount, units or views", errPeriod, by)
	}
	found, asOf, err := a.ask(ctx, r.Tenant(), p, zone, anyLevel)
	if err != nil {
		return nil, err
	}
	skus := slices.DeleteFunc(merge(found).SKUs, func(s codec.SKU) bool { return value(s) == 0 })
	slices.SortStableFunc(skus, func(x, y codec.SKU) int { return cmp.Compare(value(y), value(x)) })
	answer := api.TopProducts{Tenant: r.Tenant(), From: p.from, To: p.to, By: by, Products: []api.ProductSales{}, AsOf: asOf.UTC()}
	for _, s := range skus[:min(limit, len(skus))] {
		answer.Products = append(answer.Products, api.ProductSales{SKU: s.SKU, Currency: s.Currency, Units: s.Units, Amount: s.Amount, Views: s.Views})
	}
	return answer, nil
}

func (a *Analytics) period(ctx context.Context, r *rest.Request) (*time.Location, period, error) {
	zone, err := a.settings.zone(ctx, r.Tenant())
	if err != nil {
		return nil, period{}, err
	}
	p, err := parsePeriod(r.Query, zone, a.o.Now())
	return zone, p, err
}
