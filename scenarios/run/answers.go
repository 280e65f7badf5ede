package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
)

// What of the API's answers the ledger checks: the largest tenants, and some drawn by the seed.
const (
	largestAnswers = 10
	seededAnswers  = 100
)

func planRand(seed uint64, key string) *rand.Rand { return plan.Rand(seed, key, 0) }

// answers reads summaries of the whole run through the public API, one after another.
func (d *drill) answers() ledger.Rows[ledger.Answer] {
	tenants := slices.Clone(d.people.tenants)
	slices.SortStableFunc(tenants, func(a, b tenant.Tenant) int {
		switch {
		case a.Size > b.Size:
			return -1
		case a.Size < b.Size:
			return 1
		}
		return 0
	})
	asked := tenants[:min(largestAnswers, len(tenants))]
	if rest := tenants[len(asked):]; len(rest) > 0 {
		order := planRand(d.o.Seed, "answers").Perm(len(rest))
		for _, i := range order[:min(seededAnswers, len(rest))] {
			asked = append(asked, rest[i])
		}
	}
	from := d.start.UTC().Truncate(time.Minute)
	to := time.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	return func(ctx context.Context, yield func(ledger.Answer) error) error {
		for _, t := range asked {
			summary, err := d.platform.summary(ctx, t.ID, from, to)
			if err != nil {
				return fmt.Errorf("summary of %s: %w", t.ID, err)
			}
			if err := yield(ledger.Answer{Tenant: t.ID, From: from, To: to, Summary: summary}); err != nil {
				return err
			}
		}
		return nil
	}
}

// zone is a tenant's time zone; nil is UTC.
func (d *drill) zone(id string) *time.Location {
	for i := range d.people.tenants {
		if d.people.tenants[i].ID == id {
			return d.people.tenants[i].Location()
		}
	}
	return nil
}

// ledgerWindows are the fault windows in wall time, and before them the boot: the first event is
// posted until it is accepted, and what was answered meanwhile says nothing about the load.
func (d *drill) ledgerWindows() []ledger.Window {
	out := []ledger.Window{{From: d.began, To: d.start}}
	for _, w := range d.chaos.windows(d.observer.backlog()) {
		out = append(out, ledger.Window{From: d.start.Add(w.start), To: d.start.Add(w.end)})
	}
	return out
}
