package plan

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zeebo/xxh3"
)

// Intensity is a rate over time, such as loadgen/arrival's Phases.
type Intensity interface {
	Length() time.Duration
	Total(elapsed time.Duration) float64 // mean events from 0 to elapsed: the integral of the rate
	When(total float64) time.Duration    // the inverse of Total
}

// Extra is the intended start of a request that is made outside of the plan.
type Extra struct {
	At     time.Duration
	Tenant int32
	Events int32
}

// Hot is a stretch of a plan in which a share of the batches and reads is that of a few tenants:
// what a flash crowd comes for.
type Hot struct {
	From, To time.Duration
	Share    float64 // 0 to 1
	Tenants  []int32 // equally
}

func (h Hot) check(tenants int) error {
	ok := h.From >= 0 && h.From < h.To && h.Share >= 0 && h.Share <= 1 && len(h.Tenants) > 0
	for _, t := range h.Tenants {
		ok = ok && t >= 0 && int(t) < tenants
	}
	if !ok {
		return fmt.Errorf("hot tenants %v with share %v from %s to %s: there must be some, of %d, a share of 0 to 1, and times that rise",
			h.Tenants, h.Share, h.From, h.To, tenants)
	}
	return nil
}

// Options make a plan.
type Options struct {
	Seed   uint64
	Events Intensity // events/s, over batches and webhooks together
	Mix    Mix       // the zero value means DefaultMix
	Even   bool      // batches and webhooks come evenly spaced instead of at random
	Hot    []Hot     // stretches in which a few tenants get many batches and reads

	Tenants  []float64 // weight of each tenant in batches and reads
	Webhooks []float64 // weight of each tenant in webhooks; nil means Tenants
	Extras   []Extra   // in any order; an entry's Body is the index here
}

const (
	cellWidth  = time.Second
	resolution = time.Microsecond // of planned times, so that platforms that fuse floating point operations agree
)

// Plan is the list of requests, drawn as it is read. It is immutable and safe for concurrent use.
type Plan struct {
	options  Options
	tenants  Weighted
	webhooks Weighted
	extras   []Entry // by time; Seq not set
	shard    uint64
	shards   uint64
}

// New checks the options. The error joins all faults.
func New(o Options) (*Plan, error) {
	if o.Mix == (Mix{}) {
		o.Mix = DefaultMix()
	}
	if o.Webhooks == nil {
		o.Webhooks = o.Tenants
	}
	var faults []error
	if o.Events == nil {
		faults = append(faults, errors.New("plan events: no intensity"))
	}
	if err := o.Mix.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("plan mix: %w", err))
	}
	p := &Plan{options: o, shards: 1}
	var err error
	if p.tenants, err = NewWeighted(o.Tenants); err != nil {
		faults = append(faults, fmt.Errorf("plan tenants: %w", err))
	}
	if p.webhooks, err = NewWeighted(o.Webhooks); err != nil && o.Mix.Webhooks > 0 {
		faults = append(faults, fmt.Errorf("plan tenants with webhooks: %w", err))
	}
	for _, hot := range o.Hot {
		if err := hot.check(len(o.Tenants)); err != nil {
			faults = append(faults, fmt.Errorf("plan: %w", err))
		}
	}
	for i, extra := range o.Extras {
		at := extra.At.Truncate(resolution)
		p.extras = append(p.extras, Entry{At: at, First: at, Body: uint64(i), Tenant: extra.Tenant, Events: extra.Events, Kind: Prepared})
		if o.Events != nil && (extra.At < 0 || extra.At >= o.Events.Length()) {
			faults = append(faults, fmt.Errorf("plan extra %d at %s: must be within the plan of %s", i, extra.At, o.Events.Length()))
		}
	}
	slices.SortStableFunc(p.extras, compare)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return p, nil
}

// Options returns what the plan was made from, defaults filled in.
func (p *Plan) Options() Options { return p.options }

// Length is the time within which all requests are meant to start.
func (p *Plan) Length() time.Duration { return p.options.Events.Length() }

// Shard is the i-th of n parts. Parts do not overlap and their union is the whole; a replay is
// in the part of its original. It panics unless 0 <= i < n.
func (p *Plan) Shard(i, n int) *Plan {
	if i < 0 || i >= n || p.shards != 1 {
		panic(fmt.Sprintf("plan shard %d of %d of a plan of %d parts", i, n, p.shards))
	}
	part := *p
	part.shard, part.shards = uint64(i), uint64(n)
	return &part
}

// Totals are means over the randomness of the plan, for all shards together.
type Totals struct {
	Events   float64 `json:"events"` // first sendings only
	Batches  float64 `json:"batches"`
	Webhooks float64 `json:"webhooks"`
	Reads    float64 `json:"reads"`
	Extras   float64 `json:"extras"`
}

// Expected returns the means of what [Plan.Entries] yields, replays left out.
func (p *Plan) Expected() Totals {
	mix, events := p.options.Mix, p.options.Events.Total(p.Length())
	return Totals{
		Events:   events,
		Batches:  events * (1 - mix.Webhooks) / mix.meanBatch(),
		Webhooks: events * mix.Webhooks,
		Reads:    mix.ReadRate * p.Length().Seconds(),
		Extras:   float64(len(p.extras)),
	}
}

// Entries yields all requests, by intended start.
func (p *Plan) Entries() iter.Seq[Entry] { return p.From(0) }

// From yields the requests whose intended start is at elapsed or later, exactly as Entries does.
func (p *Plan) From(elapsed time.Duration) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		var cell []Entry
		replays := map[int64][]Entry{} // by the second they start in
		first := max(0, int64((elapsed-p.options.Mix.ReplayWithin)/cellWidth)-1)
		for c := first; time.Duration(c)*cellWidth < p.Length(); c++ {
			cell = p.cell(cell[:0], c, replays)
			cell = append(cell, replays[c]...)
			delete(replays, c)
			slices.SortFunc(cell, compare)
			for _, e := range cell {
				if e.At >= elapsed && p.mine(e) && !yield(e) {
					return
				}
			}
		}
	}
}

func (p *Plan) mine(e Entry) bool {
	if p.shards == 1 {
		return true
	}
	var b [8]byte
	for i := range b {
		b[i] = byte(e.Original() >> (8 * i))
	}
	return xxh3.Hash(b[:])%p.shards == p.shard
}

// cell appends the first sendings of one second and files their replays.
func (p *Plan) cell(out []Entry, c int64, replays map[int64][]Entry) []Entry {
	mix, from := p.options.Mix, time.Duration(c)*cellWidth
	to := min(from+cellWidth, p.Length())

	if mix.Webhooks < 1 {
		r := Rand(p.options.Seed, "plan/batch", uint64(c))
		for at := range arrivals(p.gap(r), p.options.Events, (1-mix.Webhooks)/mix.meanBatch(), from, to) {
			out = append(out, Entry{At: at, Kind: Batch, Tenant: p.tenant(at, r), Events: mix.batchSize(r), Body: r.Uint64()})
		}
	}
	if mix.Webhooks > 0 {
		r := Rand(p.options.Seed, "plan/webhook", uint64(c))
		for at := range arrivals(p.gap(r), p.options.Events, mix.Webhooks, from, to) {
			out = append(out, Entry{At: at, Kind: Webhook, Tenant: p.webhooks.Pick(r), Events: 1, Body: r.Uint64()})
		}
	}
	if mix.ReadRate > 0 {
		r := Rand(p.options.Seed, "plan/read", uint64(c))
		for at := range arrivals(r.ExpFloat64, steady(p.Length()), mix.ReadRate, from, to) {
			out = append(out, Entry{At: at, Kind: Read, Tenant: p.tenant(at, r), Body: r.Uint64()})
		}
	}
	at, _ := slices.BinarySearchFunc(p.extras, from, func(e Entry, t time.Duration) int { return int(e.At - t) })
	for ; at < len(p.extras) && p.extras[at].At < to; at++ {
		out = append(out, p.extras[at])
	}

	slices.SortStableFunc(out, compare) // Seq is still 0: kinds stay in their order at equal times
	r := Rand(p.options.Seed, "plan/replay", uint64(c))
	for i := range out {
		e := &out[i]
		e.Seq, e.First = uint64(c)<<seqCell|uint64(i)<<seqPlace, e.At
		if e.Kind != Batch && e.Kind != Webhook || r.Float64() >= mix.ReplayRate {
			continue
		}
		again := *e
		again.Seq |= seqReplay
		again.At += mix.replayDelay(r)
		if again.At < p.Length() {
			at := int64(again.At / cellWidth)
			replays[at] = append(replays[at], again)
		}
	}
	return out
}

// tenant draws whose batch or read starts at a time.
func (p *Plan) tenant(at time.Duration, r *rand.Rand) int32 {
	for _, hot := range p.options.Hot {
		if at >= hot.From && at < hot.To && r.Float64() < hot.Share {
			return hot.Tenants[r.IntN(len(hot.Tenants))]
		}
	}
	return p.tenants.Pick(r)
}

// gap draws the distance of arrivals, nil for an even one.
func (p *Plan) gap(r *rand.Rand) func() float64 {
	if p.options.Even {
		return nil
	}
	return r.ExpFloat64
}

// arrivals draws those of intensity share × events within [from, to), by inversion: under the
// integral of the intensity the images of a Poisson process are exponential(1) apart, and having
// no memory they may start afresh at every from
// (Lewis and Shedler 1979, https://doi.org/10.1002/nav.3800260304). Those of an even process, for
// which exponential is nil, lie in the middle between whole numbers.
func arrivals(exponential func() float64, events Intensity, share float64, from, to time.Duration) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		x, end := events.Total(from)*share, events.Total(to)*share
		if exponential == nil {
			exponential = func() float64 { return 1 }
			x, end = math.Ceil(x-0.5-slack)-0.5, end-slack
		}
		for x += exponential(); x < end; x += exponential() {
			at := events.When(x / share).Truncate(resolution)
			if !yield(min(max(at, from), to-1)) {
				return
			}
		}
	}
}

// slack is by how much a sum of shares may miss the number that it is.
const slack = 1e-6

// steady is one event a second.
type steady time.Duration

func (s steady) Length() time.Duration               { return time.Duration(s) }
func (s steady) Total(elapsed time.Duration) float64 { return min(elapsed, time.Duration(s)).Seconds() }
func (s steady) When(total float64) time.Duration {
	return min(time.Duration(total*float64(time.Second)), time.Duration(s))
}
