package event

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

// ErrPrepared is returned for an entry whose request is made by someone else.
var ErrPrepared = errors.New("prepared outside of the plan")

// Request is one HTTP request and what must come of it if it is accepted.
type Request struct {
	Method string
	Path   string // with its query, relative to the target's base URL
	Header http.Header
	Body   []byte // nil for a read

	Tenant string
	Facts  []Fact // by index in the batch; nil for a read
}

// Options of a [Maker].
type Options struct {
	Seed    uint64
	Epoch   time.Time // the instant of elapsed 0; what is below a millisecond is dropped
	Tenants []tenant.Tenant
	Model   *model.Params // what shops are like; nil means model.Default
}

// Maker turns plan entries into requests. It is immutable and safe for concurrent use.
type Maker struct {
	seed    uint64
	epoch   time.Time
	tenants []shop
	catalogue
	templates map[tenant.Platform]templates
}

// shop is a tenant with what its events need over and over.
type shop struct {
	*tenant.Tenant
	*kind
	digits int32   // of its currency's minor unit
	scale  float64 // of its prices
	zone   *time.Location
	source string // quoted for JSON
	header http.Header
	paths  struct{ events, webhooks, summary string }
}

// New makes a maker. It fails on an epoch outside of what ids can say or on no tenants.
func New(o Options) (*Maker, error) {
	if o.Epoch.UnixMilli() <= 0 || o.Epoch.UnixMilli() >= 1<<41 {
		return nil, fmt.Errorf("epoch %s: must be after 1970 and before 2039", o.Epoch)
	}
	if len(o.Tenants) == 0 {
		return nil, errors.New("no tenants to make events for")
	}
	m := &Maker{seed: o.Seed, epoch: o.Epoch.Truncate(time.Millisecond).UTC(), tenants: make([]shop, len(o.Tenants))}
	var err error
	if o.Model == nil {
		if o.Model, err = model.Default(); err != nil {
			return nil, err
		}
	}
	kinds, err := newKinds(o.Model)
	if err != nil {
		return nil, err
	}
	products, customers := 0, 0
	for _, k := range kinds {
		products, customers = max(products, k.Products()), max(customers, k.Customers())
	}
	if m.catalogue, err = newCatalogue(o.Seed, products, customers); err != nil {
		return nil, fmt.Errorf("make the catalogue: %w", err)
	}
	if m.templates, err = parseTemplates(); err != nil {
		return nil, err
	}
	for i := range o.Tenants {
		t := &o.Tenants[i]
		if kinds[t.Kind] == nil {
			return nil, fmt.Errorf("tenant %s is a shop of kind %q: the model has none", t.ID, t.Kind)
		}
		base := "/v1/tenants/" + t.ID
		s := shop{
			Tenant: t, kind: kinds[t.Kind], digits: api.MinorDigits(t.Currency), scale: scale(t.Currency),
			zone: t.Location(), source: `"/` + string(t.Platform) + "/" + t.ID + `"`,
			header: http.Header{"Content-Type": {api.BatchContentType}, "X-Api-Key": {t.APIKey}},
		}
		s.paths.events = base + "/events"
		s.paths.webhooks = base + "/webhooks/" + string(t.Platform)
		s.paths.summary = base + "/analytics/summary"
		m.tenants[i] = s
	}
	return m, nil
}

// Epoch is the instant of elapsed 0, to the millisecond.
func (m *Maker) Epoch() time.Time { return m.epoch }

// Make returns the request of an entry. Headers are shared: they must not be written to.
// The error is [ErrPrepared], of a signature, or says that the entry is not of this population.
func (m *Maker) Make(e plan.Entry) (Request, error) {
	if int(e.Tenant) >= len(m.tenants) || e.Tenant < 0 {
		return Request{}, fmt.Errorf("make request %d: tenant %d of %d", e.Seq, e.Tenant, len(m.tenants))
	}
	s := &m.tenants[e.Tenant]
	r := rand.New(rand.NewPCG(e.Body, m.seed))
	switch e.Kind {
	case plan.Batch:
		return m.batch(s, e, r), nil
	case plan.Webhook:
		return m.webhook(s, e, r)
	case plan.Read:
		return m.read(s, e, r), nil
	case plan.Prepared:
		return Request{}, ErrPrepared
	}
	return Request{}, fmt.Errorf("make request %d: unknown kind %d", e.Seq, e.Kind)
}

// read asks for a summary as a dashboard does: mostly the last hour, now and then a whole day.
func (m *Maker) read(s *shop, e plan.Entry, r *rand.Rand) Request {
	now := m.epoch.Add(e.At)
	var query string
	switch u := r.Float64(); {
	case u < 0.70:
		to := now.Truncate(time.Minute).Add(time.Minute)
		query = "?from=" + to.Add(-time.Hour).Format(time.RFC3339) + "&to=" + to.Format(time.RFC3339)
	case u < 0.85:
		query = "?date=" + now.In(s.zone).Format(time.DateOnly)
	default:
		query = "?date=" + now.In(s.zone).AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return Request{Method: http.MethodGet, Path: s.paths.summary + query, Header: s.header, Tenant: s.ID}
}
