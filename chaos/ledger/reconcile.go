package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// Options of a reconciliation. The zero value is strict.
type Options struct {
	// Zone is a tenant's time zone, for its days. Nil, and nil as its answer, mean UTC.
	Zone func(tenant string) *time.Location
	// AsOf is when the sinks were read. An hour or a day that ended Settle before it must
	// exist. Zero: none must.
	AsOf   time.Time
	Settle time.Duration // 0 means 5 minutes

	Windows      []Window // in which unknown outcomes are expected
	UnknownLimit float64  // share of requests outside of them; 0 allows none
	Poison       bool     // the scenario sends what must end up in a dead-letter queue
	Undrained    []string // what had not come to rest when the sinks were read
	Examples     int      // kept for a check; 0 means 10

	// PartEvents is how many sent events are held in memory at once, about; 0 means 200,000. One
	// tenant's are never parted.
	PartEvents int64
	// Progress is told now and then what is being read and how many rows of it have been; nil: nobody.
	Progress func(what string, rows int64)
}

// maxParts bounds the files that are open at once: four for each part.
const maxParts = 128

func (o *Options) ensureDefaults() {
	if o.Settle == 0 {
		o.Settle = 5 * time.Minute
	}
	if o.Examples == 0 {
		o.Examples = 10
	}
	if o.PartEvents == 0 {
		o.PartEvents = 200_000
	}
	if o.Progress == nil {
		o.Progress = func(string, int64) {}
	}
	zone := o.Zone
	o.Zone = func(tenant string) *time.Location {
		if zone != nil {
			if z := zone(tenant); z != nil {
				return z
			}
		}
		return time.UTC
	}
}

// reconciliation is the state of one Reconcile.
type reconciliation struct {
	options Options
	tenants *names // the same numbers in all parts
	history history
	report  Report
	spills  spills

	// Of the part that is being looked at.
	names   *names // of orders, customers, products, currencies and objects
	sent    []sent // by tenant and id; different contents of one id follow one another
	present *present
	truth   []minute // what minutes must be

	eventsRead bool
	truthful   buckets // what all minutes must be, to add up
	minutes    buckets // as stored; nil: not read
	hours      buckets
	days       buckets

	parked     map[api.ID]bool
	counted    map[api.ID]bool // of the parked ones
	parkedRows []Parked
	findings   map[string]*finding
	hashes     []whereabouts
	failed     error // of a spill that could not be read back
	zones      map[uint32]*time.Location
}

// Reconcile compares the journal with the sinks. Close the ledger, or be sure that nothing is
// being sent, before. The error says that the journal itself could not be read, or that ctx
// ended; a sink that could not be read shows in its checks. Events are spilled beside the journal,
// about 75 bytes for each that was sent and again for each that is present, and looked at in parts:
// memory does not grow with them but for 16 bytes each where a minute holds events of another.
func (l *Ledger) Reconcile(ctx context.Context, s Sinks, o Options) (report Report, err error) {
	o.ensureDefaults()
	l.mu.Lock()
	if l.mu.file != nil {
		err = l.flush()
	}
	l.mu.Unlock()
	if err != nil {
		return Report{}, fmt.Errorf("reconcile: %w", err)
	}
	files, err := segments(l.dir)
	if err != nil {
		return Report{}, fmt.Errorf("reconcile: %w", err)
	}
	r := &reconciliation{options: o, tenants: newNames(), findings: map[string]*finding{}, zones: map[uint32]*time.Location{}, counted: map[api.ID]bool{}}
	if r.spills, err = newSpills(l.dir, int(min(1+roughEvents(files)/o.PartEvents, maxParts))); err != nil {
		return Report{}, fmt.Errorf("reconcile: %w", err)
	}
	defer func() { err = errors.Join(err, r.spills.close()) }()
	read := int64(0)
	r.history, err = readHistory(files, o.Windows, func(tenant string, f *event.Fact, s State) error {
		if read++; read%progressEvery == 0 {
			o.Progress("the journal", read)
		}
		number := r.tenants.of(tenant)
		return r.spills.sent.put(number, func(b []byte) []byte { return appendSent(b, number, f, s) })
	})
	if err != nil {
		return Report{}, fmt.Errorf("reconcile: %w", err)
	}
	faults, err := r.run(ctx, s)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return Report{}, fmt.Errorf("reconcile: %w", err)
	}
	r.settle(faults)
	return r.report, nil
}

// unread says why a sink cannot be used, by the sink's name.
type unread map[string]string

func (u unread) note(sink string, missing bool, err error) {
	switch {
	case err != nil:
		u[sink] = err.Error()
	case missing:
		u[sink] = sink + " were not read"
	}
}

// run reads the sinks, events first, and looks at one part after another. The error is that of a
// spill.
func (r *reconciliation) run(ctx context.Context, s Sinks) (unread, error) {
	u := unread{}
	err := fill(ctx, r, "events", s.Events, r.spills.present, func(p *Present) string { return p.Tenant }, appendPresent)
	r.eventsRead = s.Events != nil && err == nil
	u.note("events", s.Events == nil, err)
	for _, level := range []struct {
		name string
		rows Rows[Rollup]
		into *buckets
	}{{"minutes", s.Minutes, &r.minutes}, {"hours", s.Hours, &r.hours}, {"days", s.Days, &r.days}} {
		err = nil
		if level.rows != nil {
			if *level.into, err = readLevel(ctx, level.rows, r.tenants, level.name); err == nil && *level.into == nil {
				*level.into = buckets{} // read, and none
			}
		}
		u.note(level.name, level.rows == nil, err)
	}
	u.note("dead-letter queues", s.Parked == nil, r.readParked(ctx, s.Parked))

	u.note("order facts", s.Orders == nil, fill(ctx, r, "order facts", s.Orders, r.spills.orders, func(o *OrderFact) string { return o.Tenant }, appendOrder))
	u.note("stock levels", s.Stock == nil, fill(ctx, r, "stock levels", s.Stock, r.spills.stocks, func(s *Stock) string { return s.Tenant }, appendStock))

	r.report.PresentOf = map[State]int64{}
	for part := range r.spills.sent.parts {
		if err := cmp.Or(ctx.Err(), r.part(part, u)); err != nil {
			return nil, err
		}
		r.options.Progress(fmt.Sprintf("part %d of %d", part+1, len(r.spills.sent.parts)), int64(len(r.sent)))
	}
	r.truthful.sort()
	r.checkLevels()
	r.checkParked()
	u.note("answers", s.Answers == nil, r.checkAnswers(ctx, s.Answers))
	r.checkUnknown()
	return u, r.failed
}

// checkUnknown looks at how many requests had no clear outcome outside of fault windows.
func (r *reconciliation) checkUnknown() {
	f, h := r.finding(CheckUnknown), &r.history
	f.Compared = h.calm
	share := 0.0
	if h.calm > 0 {
		share = float64(h.calmUnknown) / float64(h.calm)
	}
	text := fmt.Sprintf("%d of %d requests outside of fault windows have an unknown outcome: %.3f %%, allowed %.3f %%", h.calmUnknown, h.calm, 100*share, 100*r.options.UnknownLimit)
	if share > r.options.UnknownLimit {
		f.bad(h.calmUnknown, "%s", text)
		return
	}
	f.Reason = text
}

func (r *reconciliation) settle(u unread) {
	// because names what a check depends on and is not there; what is on its way counts too.
	because := func(sinks ...string) string {
		var reasons []string
		for _, s := range sinks {
			if u[s] != "" {
				reasons = append(reasons, u[s])
			}
		}
		for _, what := range r.options.Undrained {
			reasons = append(reasons, what+" had not come to rest")
		}
		return strings.Join(reasons, "; ")
	}
	f := r.finding
	h := &r.history
	r.report.Attempts, r.report.Unended, r.report.Repeats = h.attempts, h.unended, h.repeats
	r.report.Acked, r.report.Unknown, r.report.Refused = h.acked, h.unknown, h.refused
	r.report.Checks = []Check{
		// What is too much stays too much. What is missing may still come, or be where nobody looked.
		f(CheckLost).settleSome(u["events"] == "" && len(r.options.Undrained) == 0, because("events", "minutes")),
		f(CheckDoubled).settleSome(true, because("events", "minutes")),
		f(CheckPhantom).settleSome(true, because("events")),
		f(CheckRefused).settle(true, because("events")),
		f(CheckContent).settleSome(true, because("events")),
		f(CheckMinuteIDs).settleSome(false, because("events", "minutes")),
		f(CheckMinutes).settleSome(true, because("events", "minutes")),
		f(CheckHours).settleSome(false, because("events", "minutes", "hours")),
		f(CheckDays).settleSome(false, because("events", "minutes", "days")),
		f(CheckOrders).settleSome(false, because("events", "order facts")),
		f(CheckStock).settleSome(false, because("events", "stock levels")),
		f(CheckAnswers).settleSome(false, because("events", "answers")),
		f(CheckParked).settle(u["events"] == "", because("dead-letter queues")),
		f(CheckUnknown).settleSome(true, ""),
	}
}

func (r *reconciliation) finding(name string) *finding {
	if r.findings[name] == nil {
		r.findings[name] = newFinding(name, r.options.Examples)
	}
	return r.findings[name]
}

func (r *reconciliation) zone(tenant uint32) *time.Location {
	if r.zones[tenant] == nil {
		r.zones[tenant] = r.options.Zone(r.tenants.text[tenant])
	}
	return r.zones[tenant]
}
