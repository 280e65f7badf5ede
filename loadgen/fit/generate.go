package fit

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bytedance/sonic"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

// monday is when generated weeks begin, in the shop's zone.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// speed is that of the plan: ten minutes, within which a shop's rate is constant, are planned as a
// second, for a plan takes its time by the second.
const speed = 600

// Generate makes periods of weeks as a load does, and reads them back from its bytes: a shop's rates
// are the intensity of a plan, whose entries the maker turns into batches of a tenant that trades in
// pounds. Only the order book is told, the rest not being the model's; a batch holds one event, or
// two, for orders that come in pairs.
func Generate(s *model.Shop, seed uint64, weeks, periods int) ([][]model.Week, error) {
	params := model.Params{Shops: []model.Shop{*s}, Events: []model.Share{{Name: api.EventType_ORDER_CREATED.Name(), Weight: 1}}}
	maker, err := event.New(event.Options{Seed: seed, Epoch: monday, Model: &params,
		Tenants: []tenant.Tenant{{ID: "t0001", Kind: s.Name, Platform: tenant.Custom, Zone: "UTC", Currency: "GBP", Country: "GB"}}})
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", s.Name, err)
	}
	sampler, out := s.Compile(), make([][]model.Week, periods)
	for i := range out {
		requests, err := planWeeks(s, sampler, plan.Rand(seed, "fit/"+s.Name, uint64(i)), weeks)
		if err != nil {
			return nil, fmt.Errorf("generate %s: %w", s.Name, err)
		}
		b := newOrderBook(weeks)
		for e := range requests.Entries() {
			e.At, e.First = e.At*speed, e.First*speed
			r, err := maker.Make(e)
			if err == nil {
				err = b.enter(r.Body)
			}
			if err != nil {
				return nil, fmt.Errorf("generate %s: request %d: %w", s.Name, e.Seq, err)
			}
		}
		out[i] = b.weeks
	}
	return out, nil
}

// planWeeks plans a shop's order book.
func planWeeks(s *model.Shop, sampler *model.Sampler, r *rand.Rand, weeks int) (*plan.Plan, error) {
	entries := 1 + s.Turns.Share + s.Odd.Share // in the book, an order
	counts := sampler.Rates(r, weeks)
	for i := range counts {
		counts[i] *= entries
	}
	events, err := arrival.NewCounts(counts, model.Tenth, arrival.Warp{Speed: speed})
	if err != nil {
		return nil, err
	}
	// The second event of a batch of two is an order no more often than the first.
	pairs := min(s.Twins*entries, 0.5)
	return plan.New(plan.Options{Seed: r.Uint64(), Events: events, Tenants: []float64{1}, Mix: plan.Mix{BatchMean: 1 / (1 - pairs), BatchCap: 2}})
}

// orderBook are weeks as requests tell them.
type orderBook struct {
	weeks               []model.Week
	products, customers map[string]int32
}

func newOrderBook(weeks int) *orderBook {
	return &orderBook{weeks: make([]model.Week, weeks), products: map[string]int32{}, customers: map[string]int32{}}
}

// told is an event of a batch, as far as the book has it.
type told struct {
	Type string        `json:"type"`
	Time time.Time     `json:"time"`
	Data api.OrderData `json:"data"`
}

func (b *orderBook) enter(batch []byte) error {
	var events []told
	if err := sonic.Unmarshal(batch, &events); err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		minute := int(e.Time.Sub(monday) / time.Minute)
		w := &b.weeks[minute/model.MinutesAWeek]
		if e.Type == api.EventType_ORDER_CANCELLED.Name() {
			placed, ok := event.OrderTime(e.Data.Order)
			if !ok {
				return fmt.Errorf("order %q tells no time", e.Data.Order)
			}
			w.Cancelled++
			w.Delays = append(w.Delays, int64(e.Time.Sub(placed)/time.Minute))
			continue
		}
		o, err := b.order(&e.Data)
		if err != nil {
			return err
		}
		if o.Minute = int32(minute % model.MinutesAWeek); sells(o.Lines) {
			w.Orders = append(w.Orders, o)
			continue
		}
		for _, l := range o.Lines {
			w.WriteOffs = append(w.WriteOffs, l.Quantity)
		}
	}
	return nil
}

func (b *orderBook) order(d *api.OrderData) (model.Order, error) {
	o := model.Order{Customer: model.Guest, Lines: make([]model.Line, len(d.Lines))}
	if d.Customer != "" {
		o.Customer = number(b.customers, d.Customer)
	}
	for i, l := range d.Lines {
		price, err := thousandths(l.UnitPrice)
		if err != nil {
			return o, err
		}
		o.Lines[i] = model.Line{Product: number(b.products, l.SKU), Quantity: l.Quantity, Price: price}
	}
	return o, nil
}
