package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// Probing: each probe tenant posts an event every 600 ms and reads its own summary twice a second.
const (
	probeTenants = 8
	probeEvery   = 600 * time.Millisecond
	probeRead    = 500 * time.Millisecond
)

// sighting is one probe event: when its 2xx arrived and when a summary first counted it, both
// since the load began. seen is 0 while it was not.
type sighting struct {
	tenant   string
	accepted time.Duration
	seen     time.Duration
}

// prober measures freshness: the time from an event's 2xx until a summary, read through all
// caches, counts it. A tenant's probes are one after another, so when a summary counts n of
// them the first n accepted ones are visible; where two were delivered in the other order the
// two times change places.
type prober struct {
	platform *platform
	journal  *journal
	seed     uint64
	start    time.Time // planned time 0, with its monotonic reading

	mu struct {
		sync.Mutex
		sightings []sighting
	}
}

// run probes until loading ends, and then reads on until everything is visible, grace is over
// or the whole drill ends.
func (p *prober) run(loading, whole context.Context, tenants []string, grace time.Duration) {
	var all sync.WaitGroup
	for i, tenant := range tenants {
		all.Go(func() {
			// Tenants take turns within the second.
			offset := probeEvery * time.Duration(i) / time.Duration(len(tenants))
			if !sleep(loading, offset) {
				return
			}
			p.probe(loading, whole, tenant, rand.New(rand.NewPCG(p.seed, uint64(i))), grace)
		})
	}
	all.Wait()
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (p *prober) probe(ctx, whole context.Context, tenant string, random *rand.Rand, grace time.Duration) {
	from := time.Now().UTC().Truncate(time.Minute)
	post := time.NewTicker(probeEvery)
	defer post.Stop()
	read := time.NewTicker(probeRead)
	defer read.Stop()
	var mine []int // indices into sightings, in order of acceptance
	visible := 0
	look := func() {
		if visible == len(mine) {
			return
		}
		// The range grows with the run; closed minutes come from the caches.
		s, err := p.platform.summary(context.WithoutCancel(ctx), tenant, from, time.Now().UTC().Truncate(time.Minute).Add(time.Minute))
		if err != nil {
			return // unavailability is counted by the planned load; here it only delays the sight
		}
		at := time.Since(p.start)
		p.mu.Lock()
		for ; visible < len(mine) && int64(visible) < s.Events; visible++ {
			p.mu.sightings[mine[visible]].seen = at
		}
		p.mu.Unlock()
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-post.C:
			if accepted, ok := p.post(ctx, tenant, random); ok {
				p.mu.Lock()
				mine = append(mine, len(p.mu.sightings))
				p.mu.sightings = append(p.mu.sightings, sighting{tenant: tenant, accepted: accepted})
				p.mu.Unlock()
			}
		case <-read.C:
			look()
		}
	}
	for end := time.Now().Add(grace); visible < len(mine) && time.Now().Before(end); {
		select {
		case <-whole.Done():
			return
		case <-read.C:
			look()
		}
	}
}

// post sends one product.viewed, again after an answer that says nothing for sure, as a
// storefront would: the id makes it the same event. It returns when the first 202 came.
func (p *prober) post(ctx context.Context, tenant string, random *rand.Rand) (time.Duration, bool) {
	var bits [10]byte
	for i := range bits {
		bits[i] = byte(random.Uint32())
	}
	now := time.Now()
	id := api.NewID(now, bits)
	body, err := probeBody(id, now)
	if err != nil {
		return 0, false
	}
	facts := []event.Fact{probeFact(id, now)}
	for tries := range 20 {
		if tries > 0 {
			time.Sleep(probeRead)
		}
		// A probe that was begun is finished: its answer decides what the ledger expects.
		attempt := p.journal.begin(ledger.Attempt{Tenant: tenant, Events: facts}, time.Since(p.start))
		got, err := p.platform.postEvents(context.WithoutCancel(ctx), tenant, body)
		at := time.Since(p.start)
		p.journal.end(attempt, got, err, len(facts), at)
		if err == nil && got.status == http.StatusAccepted {
			return at, true
		}
	}
	return 0, false
}

const probeSKU = "probe"

// probeFact is what must come of a probe.
func probeFact(id api.ID, at time.Time) event.Fact {
	return event.Fact{ID: id, Type: api.EventType_PRODUCT_VIEWED, TimeMS: at.UnixMilli(), SKU: probeSKU}
}

func probeBody(id api.ID, at time.Time) ([]byte, error) {
	data, err := json.Marshal(api.ProductData{SKU: probeSKU})
	if err != nil {
		return nil, fmt.Errorf("encode probe: %w", err)
	}
	return json.Marshal([]api.CloudEvent{{
		SpecVersion: "1.0", ID: id.String(), Source: "/stampede/probe", Type: api.EventType_PRODUCT_VIEWED.Name(), Time: at.UTC(), Data: data}})
}

// list copies what was seen so far.
func (p *prober) list() []sighting {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]sighting(nil), p.mu.sightings...)
}
