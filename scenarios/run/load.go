package run

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/retail"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/scenarios"
)

// population is everybody that a drill sends for.
type population struct {
	tenants []tenant.Tenant // the load's
	probes  []stack.Tenant  // of the freshness measurement
	first   stack.Tenant    // of the first event after boot, whom nobody measures
	real    *realDay        // nil without real orders
}

// realDay is a real shop's day, to be replayed for one tenant as its last whole day.
type realDay struct {
	tenant  *tenant.Tenant
	day     *retail.Day
	date    string // in the tenant's zone
	batches []event.Request
}

func newPopulation(s *scenarios.Scenario, seed uint64, now time.Time) (*population, error) {
	tenants, err := tenant.New(tenantOptions(s.Tenants, seed))
	if err != nil {
		return nil, fmt.Errorf("make tenants: %w", err)
	}
	p := &population{tenants: tenants}
	own := func(id string, n uint64) stack.Tenant {
		return stack.Tenant{ID: id, Name: id, Platform: string(tenant.Custom), Plan: string(tenant.Starter),
			Zone: "UTC", Currency: "EUR", APIKey: fmt.Sprintf("%s-%016x", id, plan.Rand(seed, "probe key", n).Uint64())}
	}
	for i := range probeTenants {
		p.probes = append(p.probes, own(fmt.Sprintf("probe%02d", i+1), uint64(i)))
	}
	p.first = own("probe00", probeTenants)
	if s.RealOrders.On {
		if p.real, err = newRealDay(s.RealOrders, seed, tenants, now); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func tenantOptions(t scenarios.Tenants, seed uint64) tenant.Options {
	sizes := tenant.Sizes{Sigma: t.Sigma}
	if t.Sizes == scenarios.Zipf {
		sizes = tenant.Sizes{Zipf: t.Exponent}
	}
	if sizes == (tenant.Sizes{}) {
		sizes.Equal = true // a distribution without any spread
	}
	return tenant.Options{Seed: seed, Count: t.Count, Sizes: sizes}
}

// stack is the population as the platform is told of it.
func (p *population) stack() []stack.Tenant {
	out := make([]stack.Tenant, 0, len(p.tenants)+len(p.probes))
	for _, t := range p.tenants {
		out = append(out, stack.Tenant{ID: t.ID, Name: t.Name, Platform: string(t.Platform), Plan: string(t.Tier),
			Zone: t.Zone, Currency: t.Currency, WebhookSecret: t.WebhookSecret, APIKey: t.APIKey})
	}
	return append(append(out, p.probes...), p.first)
}

// class is the plan of a tenant by its place in the population; "" of one that is no part of it.
func (p *population) class(tenant int32) string {
	if tenant < 0 || int(tenant) >= len(p.tenants) {
		return ""
	}
	return string(p.tenants[tenant].Tier)
}

// plansOf are a scenario's usage plans as the platform is told of them.
func plansOf(p scenarios.Plans) []stack.UsagePlan {
	var out []stack.UsagePlan
	for _, tier := range []struct {
		name tenant.Tier
		plan scenarios.UsagePlan
	}{{tenant.Starter, p.Starter}, {tenant.Growth, p.Growth}, {tenant.Enterprise, p.Enterprise}} {
		out = append(out, stack.UsagePlan{Name: string(tier.name), Rate: float64(tier.plan.Rate), Burst: tier.plan.Burst, DailyQuota: tier.plan.DailyQuota})
	}
	return out
}

// key is a tenant's API key.
func (p *population) key() func(tenant string) string {
	keys := make(map[string]string, len(p.tenants)+len(p.probes))
	for _, t := range p.stack() {
		keys[t.ID] = t.APIKey
	}
	return func(id string) string { return keys[id] }
}

// load is what is sent, as a plan and the means to make its requests.
type load struct {
	plan  *plan.Plan
	speed scenarios.Load // says what planned times are on the wall
	maker *event.Maker
	real  []event.Request
	token func(tenant string) string
}

// realOrdersWithin is the stretch at the start of the load in which the real day is replayed.
const realOrdersWithin = 10 * time.Second

func newLoad(s *scenarios.Scenario, seed uint64, epoch time.Time, p *population, token func(string) string) (*load, error) {
	intensity, err := intensityOf(s.Load)
	if err != nil {
		return nil, fmt.Errorf("plan load: %w", err)
	}
	l := &load{speed: s.Load, token: token}
	var extras []plan.Extra
	if p.real != nil {
		l.real = p.real.batches
		within := s.Load.Unsped(min(realOrdersWithin, s.Load.Length()/2))
		for i, batch := range l.real {
			extras = append(extras, plan.Extra{At: within * time.Duration(i) / time.Duration(len(l.real)),
				Tenant: int32(p.real.tenant.Index), Events: int32(len(batch.Facts))})
		}
	}
	mix := s.Load.Mix
	mix.ReadRate *= float64(s.Load.Volume)
	l.plan, err = plan.New(plan.Options{Seed: seed, Events: intensity, Mix: mix,
		Tenants: tenant.Weights(p.tenants), Webhooks: tenant.WebhookWeights(p.tenants), Extras: extras})
	if err != nil {
		return nil, fmt.Errorf("plan load: %w", err)
	}
	if l.maker, err = event.New(event.Options{Seed: seed, Epoch: epoch, Tenants: p.tenants}); err != nil {
		return nil, fmt.Errorf("prepare events: %w", err)
	}
	return l, nil
}

// intensityOf is a load's event rate over planned time.
func intensityOf(l scenarios.Load) (*arrival.Phases, error) {
	phases := make([]arrival.Curve, len(l.Phases))
	for i, p := range l.Phases {
		phases[i] = arrival.Ramp{For: p.For, From: arrival.PerSecond(p.From * scenarios.PerSecond(l.Volume)), To: arrival.PerSecond(p.To * scenarios.PerSecond(l.Volume))}
	}
	return arrival.New(phases...)
}

// entries are the plan's, at the speed of the load: the same requests, sooner.
func (l *load) entries() iter.Seq[plan.Entry] {
	return func(yield func(plan.Entry) bool) {
		for e := range l.plan.Entries() {
			e.At, e.First = l.speed.Sped(e.At), l.speed.Sped(e.First)
			if !yield(e) {
				return
			}
		}
	}
}

// make returns an entry's request; reads carry their tenant's bearer token.
func (l *load) make(e plan.Entry) (event.Request, error) {
	if e.Kind == plan.Prepared {
		return l.real[e.Body], nil
	}
	r, err := l.maker.Make(e)
	if err == nil && e.Kind == plan.Read {
		r.Header = http.Header{"Authorization": {"Bearer " + l.token(r.Tenant)}}
	}
	return r, err
}

// places is how many requests may be under way at once: as many as are planned within a timeout, so
// that a system which answers nothing is not mistaken for a generator that cannot keep up.
func (l *load) places(timeout time.Duration) int {
	var seconds []int
	for e := range l.entries() {
		i := int(e.At / time.Second)
		for len(seconds) <= i {
			seconds = append(seconds, 0)
		}
		seconds[i]++
	}
	most, now, wide := 0, 0, int(timeout/time.Second)+1
	for i, n := range seconds {
		now += n
		if i >= wide {
			now -= seconds[i-wide]
		}
		most = max(most, now)
	}
	return max(4096, most)
}

// send drives the target with the plan until its end or the end of ctx.
func (l *load) send(ctx context.Context, target string, start time.Time, timeout time.Duration, j *journal, r *recorder) (attack.Summary, error) {
	return attack.Run(ctx, attack.Options{
		Target: target, Entries: l.entries(), Make: l.make, Start: start, Timeout: timeout, Grace: 2 * time.Second,
		MaxWorkers: l.places(timeout),
		Before:     func(e plan.Entry, req *event.Request, at time.Duration) error { return j.before(e, req, at) },
		After: func(res attack.Result) {
			j.after(res)
			r.add(res)
		},
	})
}

func newRealDay(o scenarios.RealOrders, seed uint64, tenants []tenant.Tenant, now time.Time) (*realDay, error) {
	day, err := readDay(o)
	if err != nil {
		return nil, err
	}
	who, err := realTenant(o, tenants)
	if err != nil {
		return nil, err
	}
	midnight := retail.LastWholeDay(now, who.Location())
	key := fmt.Appendf(nil, "stampede real orders %d", seed)
	batches, err := day.Batches(retail.Target{Tenant: who, Day: midnight, Key: key})
	if err != nil {
		return nil, fmt.Errorf("real orders: %w", err)
	}
	return &realDay{tenant: who, day: day, date: midnight.Format(time.DateOnly), batches: batches}, nil
}

// realTenant is the one that the real day is replayed for.
func realTenant(o scenarios.RealOrders, tenants []tenant.Tenant) (*tenant.Tenant, error) {
	if o.Tenant == "" {
		return &tenants[0], nil
	}
	for i := range tenants {
		if tenants[i].ID == o.Tenant {
			return &tenants[i], nil
		}
	}
	return nil, fmt.Errorf("no tenant %q; allowed: %s to %s", o.Tenant, tenants[0].ID, tenants[len(tenants)-1].ID)
}
