package processing

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// protocol is how the actors of a story work: the sound one, or a broken one in test code only.
type protocol struct {
	writer  func(a *actor) DynamoDB // the writers' view of the table; nil: a itself
	worker  func(a *actor) DynamoDB
	process func(a *actor, s *story, name string) error // instead of [Process]
	check   func(s *story, w *world) error              // instead of the story's own
}

func (p protocol) writerDB(a *actor) DynamoDB {
	if p.writer == nil {
		return a
	}
	return p.writer(a)
}

func (p protocol) workerDB(a *actor) DynamoDB {
	if p.worker == nil {
		return a
	}
	return p.worker(a)
}

// play runs one seeded interleaving and returns what is wrong at its end.
func play(seed uint64, p protocol) error { return playIn(newWorld(seed, storyNow), seed, p) }

func playIn(w *world, seed uint64, p protocol) error {
	s := newStory(w.rng)
	w.faults = w.rng.IntN(6)
	if w.chance(50) {
		w.now = storyHours // everything is late
	}
	for _, t := range storyTenants {
		tenant := store.Tenant{ID: t, Zone: storyZone}
		w.set("core", store.TenantKey(t), tenant.Item())
	}
	stopped := 0
	deliver := func(name string) *actor {
		ok := false
		shards := 1 + w.rng.IntN(3) // deployments differ; the first to write a count decides
		a := w.start("deliver "+name, func(a *actor) {
			if p.process != nil {
				ok = p.process(a, s, name) == nil
				return
			}
			h := NewProcess(ProcessOptions{
				DB: p.writerDB(a), Objects: s, Tables: Tables{"core", "analytics"}, Version: "1", Parallel: 1,
				Shards: func(string, time.Time) int { return shards }, Now: func() time.Time { return w.now }, Wait: a.wait,
			})
			ok = h.Object(context.Background(), "raw", name) == nil
		})
		a.redeliver = func() bool { return !ok }
		return a
	}
	insights := func(a *actor) *Insights {
		n := NewInsights(InsightsOptions{
			DB: p.workerDB(a), Tables: Tables{"core", "analytics"}, Parallel: 1, CoarseEvery: -1,
			Now: func() time.Time { return w.now }, Wait: a.wait,
		})
		n.db.actions = 5 // three facts a transaction
		return n
	}
	shard := store.MarkerShard(storyTenants[0])
	pass := func(n *Insights) error {
		report, err := n.Handle(context.Background(), Pass{Shard: shard})
		stopped += report.Stopped
		return err
	}
	work := func(passes int) *actor {
		return w.start("worker", func(a *actor) {
			n := insights(a)
			for range passes {
				_ = pass(n) // an error is the next pass's business
			}
		})
	}
	rebuild := func() *actor {
		return w.start("operator", func(a *actor) {
			if a.turn() == nil {
				markRebuild(w, storyTenants[w.rng.IntN(len(storyTenants))], minutes[w.rng.IntN(len(minutes))])
			}
		})
	}

	var live []*actor
	for _, name := range s.names {
		for range 1 + w.rng.IntN(2) { // delivered at least once
			live = append(live, deliver(name))
		}
	}
	for range 2 + w.rng.IntN(2) {
		live = append(live, work(1+w.rng.IntN(3)))
	}
	if w.chance(30) {
		live = append(live, rebuild())
	}
	for len(live) > 0 {
		i := w.rng.IntN(len(live))
		a := live[i]
		if w.chance(2) && w.now.Before(storyHours) {
			w.now = storyHours
		}
		if w.faults > 0 && w.chance(2) {
			w.faults--
			a.kill()
		} else if a.step() {
			continue
		}
		live[i] = live[len(live)-1]
		live = live[:len(live)-1]
		if a.redeliver != nil && a.redeliver() {
			live = append(live, deliver(a.name[len("deliver "):]))
		}
	}

	// Nothing is in flight any more: a few quiet passes must settle everything.
	w.now, w.quiet = storyEnd, true
	quiet := &actor{world: w}
	n := insights(quiet)
	if err := settle(w, func() error { return pass(n) }); err != nil {
		return err
	}
	check := p.check
	if check == nil {
		check = (*story).check
	}
	if err := check(s, w); err != nil {
		return err
	}
	if seed%8 == 0 { // and what the blocks say, found by query, is the same
		for _, t := range storyTenants {
			for _, m := range minutes {
				if w.at("analytics", store.MinuteKey(t, m)).now != nil {
					markRebuild(w, t, m)
				}
			}
		}
		if err := settle(w, func() error { return pass(insights(quiet)) }); err != nil {
			return err
		}
		if err := check(s, w); err != nil {
			return fmt.Errorf("after a rebuild: %w", err)
		}
	}
	if stopped > 0 {
		return fmt.Errorf("%d minutes stopped: a block that was named was missing", stopped)
	}
	return nil
}

// settle makes passes until no marker is left, or until it is clear that some stay.
func settle(w *world, pass func() error) error {
	for range 40 {
		if err := pass(); err != nil {
			return fmt.Errorf("quiet pass: %w", err)
		}
		left := 0
		for _, c := range w.tables["analytics"][store.MarkerPK(store.MarkerShard(storyTenants[0]))] {
			if c.now != nil {
				left++
			}
		}
		if left == 0 {
			return nil
		}
	}
	return nil
}

func markRebuild(w *world, tenant string, minute time.Time) {
	id := codec.ObjectIDOf("operator", "rebuild "+tenant)
	it := store.MinuteMarkerItem(store.MarkerShard(tenant), minute, id, []codec.MarkerEntry{{Tenant: tenant}})
	w.set("analytics", store.KeyOf(it), it)
}

// TestProtocolUnderInterleavings is the proof of the exactly-once effect: whatever the order of
// calls, deaths, lost answers, partial batches, duplicates and late events, the roll-ups of all
// levels, the order facts and the stock levels equal a dumb sum over distinct ids.
func TestProtocolUnderInterleavings(t *testing.T) {
	seeds := uint64(20_000)
	if testing.Short() || underRace {
		seeds = 2_000
	}
	old := debug.SetGCPercent(800) // worlds live for a millisecond
	t.Cleanup(func() { debug.SetGCPercent(old) })
	lanes := uint64(runtime.GOMAXPROCS(0))
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane=%d", lane), func(t *testing.T) {
			t.Parallel()
			for seed := lane; seed < seeds; seed += lanes {
				if err := play(seed, protocol{}); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

func TestASeedIsAnInterleaving(t *testing.T) {
	traces := map[uint64]bool{}
	for seed := range uint64(200) {
		first, second := newWorld(seed, storyNow), newWorld(seed, storyNow)
		require.NoError(t, playIn(first, seed, protocol{}))
		require.NoError(t, playIn(second, seed, protocol{}))
		require.Equal(t, first.trace.Sum64(), second.trace.Sum64(), "seed %d", seed)
		require.Equal(t, first.calls, second.calls)
		require.Greater(t, first.calls, 10)
		traces[first.trace.Sum64()] = true
	}
	require.Greater(t, len(traces), 190)
}
