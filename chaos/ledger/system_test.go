package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// start is ten minutes before a full hour, and before midnight in Kathmandu (+5:45) and UTC.
var start = time.Date(2026, 11, 26, 17, 50, 0, 0, time.UTC)

func zoneOf(tenant string) *time.Location {
	name := map[string]string{"t0001": "Asia/Kathmandu", "t0002": "Europe/London", "t0003": "Australia/Adelaide"}[tenant]
	if name == "" {
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// system is a small, obvious model of the platform: it holds events and answers from them.
// Tests break it in one place and look at which check notices.
type system struct {
	events []ledger.Present
	acked  map[api.ID]bool // accepted for certain

	minutes, hours, days map[key]*ledger.Figures
	orders               []ledger.OrderFact
	stock                []ledger.Stock
	answers              []ledger.Answer
	parked               []ledger.Parked
}

type key struct {
	tenant string
	start  int64 // seconds
}

// store takes an event as it would be in a block.
func (s *system) store(tenant string, f event.Fact, received int64) {
	s.events = append(s.events, ledger.Present{Tenant: tenant, ReceivedMS: received, Content: uint64(f.Amount) * 31, Object: fmt.Sprint("object-", received/2000), Fact: f})
}

// rollUp computes everything behind the blocks.
func (s *system) rollUp() {
	s.minutes = map[key]*ledger.Figures{}
	s.hours, s.days = map[key]*ledger.Figures{}, map[key]*ledger.Figures{}
	s.orders, s.stock, s.answers = nil, nil, nil
	type stocked struct {
		f      event.Fact
		tenant string
	}
	stock := map[string]stocked{}
	for _, p := range s.winners() {
		f := p.Fact
		at := f.ID.Time()
		y, m, d := at.In(zoneOf(p.Tenant)).Date()
		day := time.Date(y, m, d, 0, 0, 0, 0, zoneOf(p.Tenant))
		count(s.minutes, p.Tenant, at.Truncate(time.Minute), f)
		count(s.hours, p.Tenant, at.Truncate(time.Hour), f)
		count(s.days, p.Tenant, day, f)
		if n := s.contents(p) - 1; n > 0 {
			s.minutes[key{p.Tenant, at.Truncate(time.Minute).Unix()}].Conflicts += n
			s.hours[key{p.Tenant, at.Truncate(time.Hour).Unix()}].Conflicts += n
			s.days[key{p.Tenant, day.Unix()}].Conflicts += n
		}
		if f.Type.Stream() == api.Orders {
			s.orders = append(s.orders, ledger.OrderFact{Tenant: p.Tenant, ID: f.ID, Order: f.Order, State: f.Type, TimeMS: f.TimeMS, Amount: f.Amount, Currency: f.Currency})
		}
		if f.Type == api.EventType_INVENTORY_ADJUSTED {
			old, ok := stock[p.Tenant+f.SKU]
			if !ok || old.f.Sequence < f.Sequence || old.f.Sequence == f.Sequence && old.f.ID.String() < f.ID.String() {
				stock[p.Tenant+f.SKU] = stocked{f, p.Tenant}
			}
		}
	}
	for _, e := range stock {
		s.stock = append(s.stock, ledger.Stock{Tenant: e.tenant, SKU: e.f.SKU, Quantity: e.f.Quantity, Sequence: e.f.Sequence})
	}
	s.answer()
}

// answer asks the API for every tenant's two hours and day.
func (s *system) answer() {
	s.answers = nil
	for _, t := range tenants {
		s.answers = append(s.answers, ledger.Answer{Tenant: t, Summary: s.summary(t, t, start.Add(-10*time.Minute), start.Add(110*time.Minute))})
		y, m, d := start.In(zoneOf(t)).Date()
		from, to := time.Date(y, m, d, 0, 0, 0, 0, zoneOf(t)), time.Date(y, m, d+1, 0, 0, 0, 0, zoneOf(t))
		s.answers = append(s.answers, ledger.Answer{Tenant: t, Summary: s.summary(t, t, from, to)})
	}
}

func (s *system) summary(name, of string, from, to time.Time) api.Summary {
	out := api.Summary{Tenant: name, From: from, To: to, ByType: map[string]int64{}}
	ids := api.Sum128{}
	sums := map[string]*api.Turnover{}
	for k, f := range s.minutes {
		if k.tenant != of || k.start < from.Unix() || k.start >= to.Unix() {
			continue
		}
		out.Events += f.Events
		out.Conflicts += f.Conflicts
		ids = ids.Plus(f.IDs)
		for t, n := range f.ByType {
			if n != 0 {
				out.ByType[api.EventType(t).Name()] += n
			}
		}
		for _, t := range f.Turnover {
			if sums[t.Currency] == nil {
				sums[t.Currency] = &api.Turnover{Currency: t.Currency}
			}
			sum := sums[t.Currency]
			sum.Orders, sum.Units, sum.Gross = sum.Orders+t.Orders, sum.Units+t.Units, sum.Gross+t.Gross
			sum.Refunded, sum.Cancelled, sum.Net = sum.Refunded+t.Refunded, sum.Cancelled+t.Cancelled, sum.Net+t.Net
		}
	}
	out.IDs = ids.String()
	for _, t := range sums {
		out.Currencies = append(out.Currencies, *t)
	}
	return out
}

// contents is how many different contents an event came with.
func (s *system) contents(p ledger.Present) int64 {
	seen := map[uint64]bool{}
	for _, e := range s.events {
		if e.Tenant == p.Tenant && e.Fact.ID == p.Fact.ID {
			seen[e.Content] = true
		}
	}
	return int64(len(seen))
}

// winners drops repeated ids: the earliest counts.
func (s *system) winners() []ledger.Present {
	best := map[string]ledger.Present{}
	for _, p := range s.events {
		k := p.Tenant + p.Fact.ID.String()
		if old, ok := best[k]; !ok || p.ReceivedMS < old.ReceivedMS || p.ReceivedMS == old.ReceivedMS && p.Content < old.Content {
			best[k] = p
		}
	}
	var out []ledger.Present
	for _, p := range best {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Fact.ID.String() < out[j].Fact.ID.String() })
	return out
}

// count adds an event to a bucket.
func count(level map[key]*ledger.Figures, tenant string, at time.Time, f event.Fact) {
	k := key{tenant, at.Unix()}
	if level[k] == nil {
		level[k] = &ledger.Figures{}
	}
	b := level[k]
	b.Events++
	b.IDs = b.IDs.Add(f.ID)
	b.ByType[f.Type]++
	if f.Type != api.EventType_ORDER_CREATED && f.Type != api.EventType_ORDER_REFUNDED && f.Type != api.EventType_ORDER_CANCELLED {
		return
	}
	var t *api.Turnover
	for i := range b.Turnover {
		if b.Turnover[i].Currency == f.Currency {
			t = &b.Turnover[i]
		}
	}
	if t == nil {
		b.Turnover = append(b.Turnover, api.Turnover{Currency: f.Currency})
		t = &b.Turnover[len(b.Turnover)-1]
	}
	switch f.Type {
	case api.EventType_ORDER_CREATED:
		t.Orders, t.Units, t.Gross = t.Orders+1, t.Units+f.Units, t.Gross+f.Amount
	case api.EventType_ORDER_REFUNDED:
		t.Refunded += f.Amount
	case api.EventType_ORDER_CANCELLED:
		t.Cancelled += f.Amount
	}
	t.Net = t.Gross - t.Refunded - t.Cancelled
}

func list[T any](rows []T) ledger.Rows[T] {
	return func(ctx context.Context, yield func(T) error) error {
		for _, r := range rows {
			if err := yield(r); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
}

func levels(m map[key]*ledger.Figures) ledger.Rows[ledger.Rollup] {
	var rows []ledger.Rollup
	for k, f := range m {
		rows = append(rows, ledger.Rollup{Tenant: k.tenant, Start: time.Unix(k.start, 0), Figures: *f})
	}
	return list(rows)
}

func (s *system) sinks() ledger.Sinks {
	return ledger.Sinks{Events: list(s.events), Minutes: levels(s.minutes), Hours: levels(s.hours), Days: levels(s.days),
		Orders: list(s.orders), Stock: list(s.stock), Answers: list(s.answers), Parked: list(s.parked)}
}

var tenants = []string{"t0001", "t0002", "t0003", "t0004"}

// draw makes an event at an offset from start.
func draw(r *rand.Rand, at time.Duration) event.Fact {
	var random [10]byte
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	when := start.Add(at)
	f := event.Fact{ID: api.NewID(when, random), TimeMS: when.UnixMilli(), Type: api.EventType(1 + r.IntN(10))}
	switch f.Type.Stream() {
	case api.Products:
		f.SKU = fmt.Sprint("sku", r.IntN(5))
		if f.Type == api.EventType_INVENTORY_ADJUSTED {
			f.Quantity, f.Sequence = r.Int64N(100), uint64(f.TimeMS)<<8|uint64(f.ID[6])
		}
	case api.Orders:
		f.Order, f.Currency, f.Amount = fmt.Sprint("o", r.Uint32()), []string{"GBP", "JPY"}[r.IntN(2)], 100*(r.Int64N(9)-1)
		if f.Type == api.EventType_ORDER_CREATED {
			f.Units = r.Int64N(5)
		}
	default:
		f.Customer = fmt.Sprint("c", r.IntN(9))
	}
	return f
}

// run sends n batches of 1 to 8 events over two hours through a journal and a sound system,
// with refusals, lost answers and replays among them.
func run(t testing.TB, seed uint64, n int) (*ledger.Ledger, *system) {
	r := rand.New(rand.NewPCG(seed, 1))
	l, err := ledger.Create(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	s := &system{acked: map[api.ID]bool{}}
	for i := range n {
		offset := time.Duration(i) * 110 * time.Minute / time.Duration(n)
		a := ledger.Attempt{Seq: uint64(i), Tenant: tenants[r.IntN(len(tenants))], At: start.Add(offset)}
		for range 1 + r.IntN(8) {
			a.Events = append(a.Events, draw(r, offset))
		}
		if i == 0 { // two orders of equal figures in one minute
			for range 2 {
				f := draw(r, offset)
				f.Type, f.Order, f.Currency, f.Amount, f.Units = api.EventType_ORDER_CREATED, fmt.Sprint("twin", r.Uint32()), "GBP", 700, 1
				f.SKU, f.Customer, f.Quantity, f.Sequence = "", "", 0, 0
				a.Events = append(a.Events, f)
			}
		}
		require.NoError(t, l.Begin(a))
		received := a.At.UnixMilli() + 5
		arrive := func() {
			for _, f := range a.Events {
				s.store(a.Tenant, f, received)
			}
		}
		switch u := r.IntN(20); {
		case i == 0 || u > 4: // accepted
			arrive()
			for _, f := range a.Events {
				s.acked[f.ID] = true
			}
			require.NoError(t, l.End(a.Seq, ledger.Outcome{State: ledger.Acked}, a.At))
		case u == 0:
			require.NoError(t, l.End(a.Seq, ledger.Outcome{State: ledger.Refused}, a.At))
		case u == 1: // every second one is accepted
			o := ledger.Outcome{State: ledger.Unknown}
			for j, f := range a.Events {
				if j%2 == 0 {
					o.Events = append(o.Events, ledger.Refused)
					continue
				}
				o.Events = append(o.Events, ledger.Acked)
				s.store(a.Tenant, f, received)
			}
			require.NoError(t, l.End(a.Seq, o, a.At))
		default: // no answer; then it is sent again and accepted, or it is not
			if u == 2 {
				arrive()
			}
			if u == 3 {
				arrive() // and no end on record
				break
			}
			require.NoError(t, l.End(a.Seq, ledger.Outcome{State: ledger.Unknown}, a.At))
			if r.IntN(2) == 0 {
				a.Seq += 1 << 40
				received += 3000
				require.NoError(t, l.Begin(a))
				arrive()
				require.NoError(t, l.End(a.Seq, ledger.Outcome{State: ledger.Acked}, a.At))
			}
		}
	}
	s.rollUp()
	return l, s
}

// lenient lets the many unknown outcomes of run pass.
var lenient = ledger.Options{Zone: zoneOf, AsOf: start.Add(48 * time.Hour), UnknownLimit: 0.5}

// reconcile does it in one part and in several: the report is the same, but for which examples it
// picks.
func reconcile(t testing.TB, l *ledger.Ledger, s ledger.Sinks, o ledger.Options) ledger.Report {
	whole, err := l.Reconcile(context.Background(), s, o)
	require.NoError(t, err)
	o.PartEvents = 50
	parted, err := l.Reconcile(context.Background(), s, o)
	require.NoError(t, err)
	require.Equal(t, plainly(whole), plainly(parted))
	return whole
}

// plainly is a report without its examples.
func plainly(r ledger.Report) ledger.Report {
	r.Checks = slices.Clone(r.Checks)
	for i := range r.Checks {
		r.Checks[i].Examples = nil
	}
	return r
}

// statuses maps names to what is not a pass.
func statuses(r ledger.Report) map[string]ledger.Status {
	out := map[string]ledger.Status{}
	for _, c := range r.Checks {
		if c.Status != ledger.Pass {
			out[c.Name] = c.Status
		}
	}
	return out
}
