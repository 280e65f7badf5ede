package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

func TestSoundSystemPasses(t *testing.T) {
	for seed := range uint64(20) {
		l, s := run(t, seed, 300)
		r := reconcile(t, l, s.sinks(), lenient)
		require.Empty(t, statuses(r), "seed %d: %+v", seed, r.Checks)
		require.Len(t, r.Checks, 14)
		for _, c := range r.Checks {
			require.NotEmpty(t, c.Title)
			require.Zero(t, c.Bad)
			if c.Name != ledger.CheckParked {
				require.NotZero(t, c.Compared, c.Name)
			}
		}
		require.EqualValues(t, len(s.winners()), r.Present)
		require.Equal(t, r.Present, r.Events)
		require.NotZero(t, r.Duplicates)
	}
}

// pick finds a present event of a type that was certainly accepted, once.
func pick(s *system, kind api.EventType) ledger.Present {
	for _, p := range s.winners() {
		if p.Fact.Type == kind && s.acked[p.Fact.ID] {
			return p
		}
	}
	panic("no such event")
}

func (s *system) drop(id api.ID) {
	var rest []ledger.Present
	for _, p := range s.events {
		if p.Fact.ID != id {
			rest = append(rest, p)
		}
	}
	s.events = rest
}

func minuteOf(s *system, p ledger.Present) *ledger.Figures {
	return s.minutes[key{p.Tenant, p.Fact.ID.Minute().Unix()}]
}

// uncount takes an event out of a minute's figures again.
func uncount(f *ledger.Figures, e event.Fact) {
	one := map[key]*ledger.Figures{}
	count(one, "", time.Time{}, e)
	for _, b := range one {
		f.Events--
		f.IDs = minus(f.IDs, b.IDs)
		f.ByType[e.Type]--
		for i := range f.Turnover {
			for _, t := range b.Turnover {
				if f.Turnover[i].Currency == t.Currency {
					f.Turnover[i].Orders -= t.Orders
					f.Turnover[i].Units -= t.Units
					f.Turnover[i].Gross -= t.Gross
					f.Turnover[i].Refunded -= t.Refunded
					f.Turnover[i].Cancelled -= t.Cancelled
					f.Turnover[i].Net -= t.Net
				}
			}
		}
	}
}

func minus(a, b api.Sum128) api.Sum128 {
	// a - b = a + (2^128 - b)
	neg := api.Sum128{Hi: ^b.Hi, Lo: ^b.Lo}
	return a.Plus(neg).Plus(api.Sum128{Lo: 1})
}

// again counts an event once more in its minute.
func (s *system) again(p ledger.Present) {
	count(s.minutes, p.Tenant, p.Fact.ID.Minute(), p.Fact)
}

// rebuild recomputes hours, days and answers from the stored minutes, as the platform does:
// it repeats their error.
func (s *system) rebuild() {
	s.hours, s.days = map[key]*ledger.Figures{}, map[key]*ledger.Figures{}
	for k, f := range s.minutes {
		at := time.Unix(k.start, 0).UTC()
		y, m, d := at.In(zoneOf(k.tenant)).Date()
		for level, start := range map[*map[key]*ledger.Figures]time.Time{&s.hours: at.Truncate(time.Hour), &s.days: time.Date(y, m, d, 0, 0, 0, 0, zoneOf(k.tenant))} {
			to := key{k.tenant, start.Unix()}
			if (*level)[to] == nil {
				(*level)[to] = &ledger.Figures{}
			}
			join((*level)[to], f)
		}
	}
	s.answer()
}

func join(into, f *ledger.Figures) {
	into.Events += f.Events
	into.IDs = into.IDs.Plus(f.IDs)
	into.Conflicts += f.Conflicts
	for i := range f.ByType {
		into.ByType[i] += f.ByType[i]
	}
next:
	for _, t := range f.Turnover {
		for i := range into.Turnover {
			if sum := &into.Turnover[i]; sum.Currency == t.Currency {
				sum.Orders, sum.Units, sum.Gross = sum.Orders+t.Orders, sum.Units+t.Units, sum.Gross+t.Gross
				sum.Refunded, sum.Cancelled, sum.Net = sum.Refunded+t.Refunded, sum.Cancelled+t.Cancelled, sum.Net+t.Net
				continue next
			}
		}
		into.Turnover = append(into.Turnover, t)
	}
}

const created = api.EventType_ORDER_CREATED

// Each defect, alone, must fail the check that names it and no other.
func TestEachDefectFailsOneCheck(t *testing.T) {
	twin := func(s *system) (a, b ledger.Present) { // two orders of one minute with equal figures
		all := s.winners()
		for i, a := range all {
			for _, b := range all[i+1:] {
				if a.Tenant == b.Tenant && a.Fact.ID.Minute().Equal(b.Fact.ID.Minute()) && a.Fact.Type == created && b.Fact.Type == created &&
					a.Fact.Amount == b.Fact.Amount && a.Fact.Currency == b.Fact.Currency && a.Fact.Units == b.Fact.Units {
					return a, b
				}
			}
		}
		panic("no twins")
	}
	for _, c := range []struct {
		name  string
		spoil func(*system)
		want  []string
		says  string
	}{
		{"accepted and dropped", func(s *system) {
			s.drop(pick(s, created).Fact.ID)
			s.rollUp()
		}, []string{ledger.CheckLost}, "was accepted and is in no block"},
		{"left out of its minute", func(s *system) {
			p := pick(s, created)
			uncount(minuteOf(s, p), p.Fact)
			s.rebuild()
		}, []string{ledger.CheckLost}, "is in a block but not in its minute"},
		{"a minute was never rolled up", func(s *system) {
			p := pick(s, created)
			delete(s.minutes, key{p.Tenant, p.Fact.ID.Minute().Unix()})
			s.rebuild()
		}, []string{ledger.CheckLost}, "is in a block but not in its minute"},
		{"one event counted twice", func(s *system) {
			s.again(pick(s, created))
			s.rebuild()
		}, []string{ledger.CheckDoubled}, "is counted twice"},
		{"a redelivered object counted twice", func(s *system) {
			p := pick(s, created)
			for _, e := range s.winners() {
				if e.Tenant == p.Tenant && e.Fact.ID.Minute().Equal(p.Fact.ID.Minute()) && e.Object == p.Object {
					s.again(e)
				}
			}
			s.rebuild()
		}, []string{ledger.CheckDoubled}, "is counted twice"},
		{"equal ids are not dropped", func(s *system) {
			first := map[string]bool{}
			for _, p := range s.events {
				if k := p.Tenant + p.Fact.ID.String(); first[k] {
					s.again(p)
				} else {
					first[k] = true
				}
			}
			s.rebuild()
		}, []string{ledger.CheckDoubled}, "is counted twice"},
		{"everything counted three times", func(s *system) {
			for range 2 {
				for _, p := range s.winners() {
					s.again(p)
				}
			}
			s.rebuild()
		}, []string{ledger.CheckDoubled}, ""},
		{"one lost, another of equal amount doubled", func(s *system) {
			a, b := twin(s)
			uncount(minuteOf(s, a), a.Fact)
			s.again(b)
			s.rebuild()
		}, []string{ledger.CheckLost, ledger.CheckDoubled}, "is counted twice"},
		{"never sent", func(s *system) {
			f := pick(s, created).Fact
			f.ID[15] ^= 1
			f.Order = "nobody's"
			s.store("t0001", f, f.TimeMS)
			s.rollUp()
		}, []string{ledger.CheckPhantom}, "was never sent"},
		{"another content", func(s *system) {
			p := pick(s, created)
			for i := range s.events {
				if s.events[i].Fact.ID == p.Fact.ID {
					s.events[i].Fact.Amount++
				}
			}
			s.rollUp()
		}, []string{ledger.CheckContent}, "instead of"},
		{"another tenant's event in a minute", func(s *system) {
			p := pick(s, created)
			other := tenants[0]
			if p.Tenant == other {
				other = tenants[1]
			}
			for k := range s.minutes {
				if k.tenant == other {
					count(s.minutes, other, time.Unix(k.start, 0), p.Fact)
					break
				}
			}
			s.rebuild()
		}, []string{ledger.CheckMinuteIDs}, "holds tenant"},
		{"a minute out of nothing", func(s *system) {
			var random [10]byte
			count(s.minutes, "t0001", start.Add(-time.Hour), event.Fact{ID: api.NewID(start, random), Type: 1})
			s.rebuild()
		}, []string{ledger.CheckMinuteIDs}, "must have none"},
		{"a cent too many", func(s *system) {
			minuteOf(s, pick(s, created)).Turnover[0].Gross++
			s.rebuild()
		}, []string{ledger.CheckMinutes}, "gross"},
		{"a conflict out of nothing", func(s *system) {
			minuteOf(s, pick(s, created)).Conflicts++
			s.rebuild()
		}, []string{ledger.CheckMinutes}, "conflicts 1 instead of 0"},
		{"a type miscounted", func(s *system) {
			f := minuteOf(s, pick(s, created))
			f.ByType[created]--
			f.ByType[1]++
			s.rebuild()
		}, []string{ledger.CheckMinutes}, "order.created"},
		{"an hour differs from its minutes", func(s *system) {
			p := pick(s, created)
			s.hours[key{p.Tenant, p.Fact.ID.Time().Truncate(time.Hour).Unix()}].Turnover[0].Net--
		}, []string{ledger.CheckHours}, "net"},
		{"an hour is missing", func(s *system) {
			p := pick(s, created)
			delete(s.hours, key{p.Tenant, p.Fact.ID.Time().Truncate(time.Hour).Unix()})
		}, []string{ledger.CheckHours}, "is missing"},
		{"a day of the wrong zone", func(s *system) {
			moved := map[key]*ledger.Figures{}
			for k, f := range s.days {
				if k.tenant == "t0001" { // Kathmandu's days begin at 18:15 UTC
					k.start = start.Truncate(24 * time.Hour).Unix()
				}
				if moved[k] == nil {
					moved[k] = &ledger.Figures{}
				}
				join(moved[k], f)
			}
			s.days = moved
		}, []string{ledger.CheckDays}, ""},
		{"a day a unit short", func(s *system) {
			for _, f := range s.days {
				if len(f.Turnover) > 0 {
					f.Turnover[0].Units--
					break
				}
			}
		}, []string{ledger.CheckDays}, "units"},
		{"an order fact is missing", func(s *system) { s.orders = s.orders[1:] }, []string{ledger.CheckOrders}, "has no order fact"},
		{"an order fact of another amount", func(s *system) { s.orders[0].Amount++ }, []string{ledger.CheckOrders}, "instead of"},
		{"an order fact out of nothing", func(s *system) {
			s.orders = append(s.orders, ledger.OrderFact{Tenant: "t0001", Order: "x", State: created})
		}, []string{ledger.CheckOrders}, "no event says so"},
		{"an order fact twice", func(s *system) { s.orders = append(s.orders, s.orders[0]) }, []string{ledger.CheckOrders}, "stored twice"},
		{"an old stock level", func(s *system) { s.stock[0].Sequence--; s.stock[0].Quantity += 2 }, []string{ledger.CheckStock}, "in stock"},
		{"a stock level is missing", func(s *system) { s.stock = s.stock[1:] }, []string{ledger.CheckStock}, "no stock level"},
		{"a stock level out of nothing", func(s *system) {
			s.stock = append(s.stock, ledger.Stock{Tenant: "t0001", SKU: "new", Quantity: 1})
		}, []string{ledger.CheckStock}, "no event counted it"},
		{"another tenant's answer", func(s *system) {
			a := &s.answers[0]
			a.Summary = s.summary(a.Tenant, "t0002", a.Summary.From, a.Summary.To)
		}, []string{ledger.CheckAnswers}, "shows the figures of tenant t0002"},
		{"an answer a cent off", func(s *system) { s.answers[0].Summary.Currencies[0].Gross++ }, []string{ledger.CheckAnswers}, "gross"},
		{"an unreadable answer", func(s *system) { s.answers[0].Summary.IDs = "xyz" }, []string{ledger.CheckAnswers}, "32 hexadecimal"},
		{"parked instead of counted", func(s *system) {
			p := pick(s, created)
			s.drop(p.Fact.ID)
			s.rollUp()
			s.parked = append(s.parked, ledger.Parked{Queue: "process-orders-dlq", Tenant: p.Tenant, ID: p.Fact.ID})
		}, []string{ledger.CheckParked}, "process-orders-dlq holds"},
		{"an object is parked", func(s *system) {
			s.parked = append(s.parked, ledger.Parked{Queue: "process-orders-dlq", Object: "orders/1"})
		}, []string{ledger.CheckParked}, "holds object orders/1"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			l, s := run(t, 4, 600)
			c.spoil(s)
			r := reconcile(t, l, s.sinks(), lenient)
			want := map[string]ledger.Status{}
			said := ""
			for _, name := range c.want {
				want[name] = ledger.Fail
				said += strings.Join(r.Check(name).Examples, "\n")
			}
			require.Equal(t, want, statuses(r), "%+v", r.Checks)
			require.Contains(t, said, c.says)
			for _, name := range c.want {
				require.NotZero(t, r.Check(name).Bad)
				require.LessOrEqual(t, len(r.Check(name).Examples), 10)
			}
		})
	}
}

// Refused ones are told apart by their attempts, so this defect needs a journal of its own.
func TestRefusedAndNeverSentMustNotBePresent(t *testing.T) {
	for _, outcome := range []ledger.Outcome{
		ledger.OutcomeOf(true, true, 400, nil, 1), ledger.OutcomeOf(true, true, 403, nil, 1), ledger.OutcomeOf(false, false, 0, nil, 1),
		ledger.OutcomeOf(true, false, 0, nil, 1),
	} {
		l, s := run(t, 1, 50)
		f := pick(s, created).Fact
		f.ID[14] ^= 0xff
		require.NoError(t, l.Begin(ledger.Attempt{Seq: 1 << 50, Tenant: "t0002", At: start, Events: []event.Fact{f}}))
		require.NoError(t, l.End(1<<50, outcome, start))
		require.Empty(t, statuses(reconcile(t, l, s.sinks(), lenient)))
		s.store("t0002", f, f.TimeMS)
		s.rollUp()
		require.Equal(t, map[string]ledger.Status{ledger.CheckRefused: ledger.Fail}, statuses(reconcile(t, l, s.sinks(), lenient)))
	}
}

func TestFirstOfTwoContentsWins(t *testing.T) {
	l, s := run(t, 2, 50)
	p := pick(s, created)
	other := p.Fact
	other.Amount += 500
	require.NoError(t, l.Begin(ledger.Attempt{Seq: 1 << 50, Tenant: p.Tenant, At: start, Events: []event.Fact{other}}))
	require.NoError(t, l.End(1<<50, ledger.Outcome{State: ledger.Acked}, start))
	s.store(p.Tenant, other, p.ReceivedMS+1)
	s.rollUp()
	require.Empty(t, statuses(reconcile(t, l, s.sinks(), lenient)), "the later content is stored beside, and does not count")
	require.EqualValues(t, 1, minuteOf(s, p).Conflicts)

	for i := range s.events { // now the later one counts in the minute
		if s.events[i].Fact == p.Fact {
			minuteOf(s, p).Turnover[0].Gross += 500
			minuteOf(s, p).Turnover[0].Net += 500
			break
		}
	}
	s.rebuild()
	require.Equal(t, map[string]ledger.Status{ledger.CheckMinutes: ledger.Fail}, statuses(reconcile(t, l, s.sinks(), lenient)))
}

func TestWhatWasNotReadIsNotProved(t *testing.T) {
	l, s := run(t, 3, 200)
	for _, c := range []struct {
		name string
		hide func(*ledger.Sinks)
		want []string
	}{
		{"events", func(k *ledger.Sinks) { k.Events = nil }, []string{ledger.CheckLost, ledger.CheckDoubled, ledger.CheckPhantom, ledger.CheckRefused,
			ledger.CheckContent, ledger.CheckMinuteIDs, ledger.CheckMinutes, ledger.CheckHours, ledger.CheckDays, ledger.CheckOrders, ledger.CheckStock, ledger.CheckAnswers}},
		{"minutes", func(k *ledger.Sinks) { k.Minutes = nil }, []string{ledger.CheckLost, ledger.CheckDoubled, ledger.CheckMinuteIDs, ledger.CheckMinutes, ledger.CheckHours, ledger.CheckDays}},
		{"hours", func(k *ledger.Sinks) { k.Hours = nil }, []string{ledger.CheckHours}},
		{"days", func(k *ledger.Sinks) { k.Days = nil }, []string{ledger.CheckDays}},
		{"orders", func(k *ledger.Sinks) { k.Orders = nil }, []string{ledger.CheckOrders}},
		{"stock", func(k *ledger.Sinks) { k.Stock = nil }, []string{ledger.CheckStock}},
		{"answers", func(k *ledger.Sinks) { k.Answers = nil }, []string{ledger.CheckAnswers}},
		{"no answers", func(k *ledger.Sinks) { k.Answers = list[ledger.Answer](nil) }, []string{ledger.CheckAnswers}},
		{"parked", func(k *ledger.Sinks) { k.Parked = nil }, []string{ledger.CheckParked}},
		{"broken reader", func(k *ledger.Sinks) {
			k.Stock = func(context.Context, func(ledger.Stock) error) error { return errors.New("throttled") }
		}, []string{ledger.CheckStock}},
		{"a bucket twice", func(k *ledger.Sinks) {
			k.Hours = list([]ledger.Rollup{{Tenant: "t0001", Start: start}, {Tenant: "t0001", Start: start}})
		}, []string{ledger.CheckHours}},
	} {
		k := s.sinks()
		c.hide(&k)
		r := reconcile(t, l, k, lenient)
		want := map[string]ledger.Status{}
		for _, name := range c.want {
			want[name] = ledger.NotProved
			require.NotEmpty(t, r.Check(name).Reason)
		}
		require.Equal(t, want, statuses(r), c.name)
	}
}

func TestUndrainedProvesNothingButExcess(t *testing.T) {
	l, s := run(t, 4, 300)
	o := lenient
	o.Undrained = []string{"queue process-orders"}
	s.drop(pick(s, created).Fact.ID)
	s.rollUp()
	s.again(pick(s, api.EventType_ORDER_PAID))
	s.rebuild()
	r := reconcile(t, l, s.sinks(), o)
	require.Equal(t, ledger.NotProved, r.Check(ledger.CheckLost).Status, "it may still come")
	require.Contains(t, r.Check(ledger.CheckLost).Reason, "queue process-orders had not come to rest")
	require.Equal(t, ledger.Fail, r.Check(ledger.CheckDoubled).Status)
	require.Equal(t, ledger.NotProved, r.Check(ledger.CheckPhantom).Status)
}

func TestBucketsThatAreNotDueMayBeMissing(t *testing.T) {
	l, s := run(t, 5, 300)
	o := lenient
	o.AsOf = start.Add(112 * time.Minute) // 19:42: the hours of 17 and 18 are over
	for k := range s.hours {
		if k.start >= start.Truncate(time.Hour).Add(2*time.Hour).Unix() {
			delete(s.hours, k)
		}
	}
	for k := range s.days {
		if k.tenant != "t0001" {
			delete(s.days, k)
		}
	}
	require.Empty(t, statuses(reconcile(t, l, s.sinks(), o)))
	for k := range s.hours {
		delete(s.hours, k)
		break
	}
	require.Equal(t, map[string]ledger.Status{ledger.CheckHours: ledger.Fail}, statuses(reconcile(t, l, s.sinks(), o)))
}

func TestPoisonMayBeParked(t *testing.T) {
	l, s := run(t, 6, 100)
	p := pick(s, created)
	s.drop(p.Fact.ID)
	s.rollUp()
	s.parked = []ledger.Parked{{Queue: "q", Tenant: p.Tenant, ID: p.Fact.ID}}
	o := lenient
	o.Poison = true
	require.Empty(t, statuses(reconcile(t, l, s.sinks(), o)))
}

func TestUnknownOutcomes(t *testing.T) {
	send := func(unknownAt ...time.Duration) *ledger.Ledger {
		l, err := ledger.Create(t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		for i := range 1000 {
			require.NoError(t, l.Begin(ledger.Attempt{Seq: uint64(i), At: start.Add(time.Duration(i) * time.Second)}))
			require.NoError(t, l.End(uint64(i), ledger.Outcome{State: ledger.Acked}, start.Add(time.Duration(i)*time.Second)))
		}
		for i, at := range unknownAt {
			require.NoError(t, l.Begin(ledger.Attempt{Seq: uint64(2000 + i), At: start.Add(at)}))
			if i%2 == 0 { // the others never end
				require.NoError(t, l.End(uint64(2000+i), ledger.Outcome{State: ledger.Unknown}, start.Add(at+5*time.Second)))
			}
		}
		return l
	}
	check := func(l *ledger.Ledger, w ...ledger.Window) ledger.Check {
		r := reconcile(t, l, ledger.Sinks{}, ledger.Options{Windows: w, UnknownLimit: 0.001})
		return *r.Check(ledger.CheckUnknown)
	}
	window := ledger.Window{From: start.Add(100 * time.Second), To: start.Add(200 * time.Second)}
	require.Equal(t, ledger.Pass, check(send(500*time.Second)).Status, "1 of 1001 is 0.1 %")
	strict := func(l *ledger.Ledger) ledger.Check {
		r := reconcile(t, l, ledger.Sinks{}, ledger.Options{})
		return *r.Check(ledger.CheckUnknown)
	}
	require.Equal(t, ledger.Fail, strict(send(500*time.Second)).Status, "a limit of zero allows none")
	require.Equal(t, ledger.Pass, strict(send()).Status)
	require.Equal(t, ledger.Fail, check(send(500*time.Second, 600*time.Second)).Status)
	require.Contains(t, check(send(500*time.Second, 600*time.Second)).Examples[0], "2 of 1002 requests")
	require.Equal(t, ledger.Pass, check(send(150*time.Second, 160*time.Second, 97*time.Second), window).Status, "inside, or reaching in")
	require.Equal(t, ledger.Fail, check(send(90*time.Second, 201*time.Second), window).Status)

	empty, err := ledger.Create(t.TempDir())
	require.NoError(t, err)
	defer empty.Close()
	require.Equal(t, ledger.NotProved, check(empty).Status, "a limit over no data is not kept")
}

func TestOutcomeOf(t *testing.T) {
	mixed := []byte(`{"accepted":1,"results":[{"index":0,"status":202},{"index":1,"status":400},{"index":9,"status":202}]}`)
	for _, c := range []struct {
		name            string
		sent, connected bool
		status          int
		body            []byte
		want            ledger.Outcome
	}{
		{"never left", false, false, 0, nil, ledger.Outcome{State: ledger.Refused}},
		{"no connection", true, false, 0, nil, ledger.Outcome{State: ledger.Refused}},
		{"no answer", true, true, 0, nil, ledger.Outcome{State: ledger.Unknown}},
		{"accepted", true, true, 202, nil, ledger.Outcome{State: ledger.Acked}},
		{"webhook replayed", true, true, 200, nil, ledger.Outcome{State: ledger.Acked}},
		{"bad request", true, true, 400, nil, ledger.Outcome{State: ledger.Refused}},
		{"throttled", true, true, 429, nil, ledger.Outcome{State: ledger.Refused}},
		{"unavailable", true, true, 503, nil, ledger.Outcome{State: ledger.Unknown}},
		{"mixed", true, true, 207, mixed, ledger.Outcome{State: ledger.Unknown, Events: []ledger.State{ledger.Acked, ledger.Refused, ledger.Unknown}}},
		{"mixed and unreadable", true, true, 207, []byte("{"), ledger.Outcome{State: ledger.Unknown}},
	} {
		require.Equal(t, c.want, ledger.OutcomeOf(c.sent, c.connected, c.status, c.body, 3), c.name)
	}
}
