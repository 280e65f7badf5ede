package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/reference/deploy"
	"github.com/retailflow/stampede/reference/deploy/stack"
	"github.com/retailflow/stampede/reports"
)

// prepareRun boots everything and draws the plan.
func (d *drill) prepareRun(ctx context.Context) (err error) {
	if d.people, err = newPopulation(d.s, d.o.Seed, time.Now()); err != nil {
		return err
	}
	dir := filepath.Join(d.o.DataDir, "run")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make run directory: %w", err)
	}
	d.noted("boot", "starting the platform for %s tenants, seed %d", reports.Count(int64(len(d.people.tenants))), d.o.Seed)
	booting := time.Now()
	d.world, err = boot(ctx, d.o, dir, stack.Config{
		FunctionBinary: d.o.FunctionBinary, FunctionEnv: d.o.FunctionEnv,
		BufferInterval: d.s.Delivery.Buffer, BufferBytes: int64(d.s.Delivery.BufferSize),
		// All shards at once would be a burst of work that every request of that second waits behind.
		Passes:  deploy.Passes{Interval: d.s.RollUp.Every, Count: d.s.RollUp.Passes, Workers: min(8, max(1, runtime.NumCPU()/2))},
		Tenants: d.people.stack(), Plans: plansOf(d.s.Tenants.Plans),
	}, func(name string, _ time.Time) {
		d.restarts.Add(1)
		d.noted("restart", "the %s process is started again", name)
	})
	if err != nil {
		return err
	}
	fail := func(err error) error {
		d.world.stop()
		return err
	}
	ids := make([]string, 0, len(d.people.tenants)+len(d.people.probes))
	for _, t := range d.people.stack() {
		ids = append(ids, t.ID)
	}
	tokens, err := d.world.tokens(ctx, ids, d.s.Load.Length()+time.Hour)
	if err != nil {
		return fail(err)
	}
	token := func(tenant string) string { return tokens[tenant] }
	d.platform = newPlatform(d.world.edgeURL, d.people.key(), token)

	book, err := ledger.Create(filepath.Join(d.o.DataDir, "ledger"))
	if err != nil {
		return fail(err)
	}
	d.journal = &journal{ledger: book, start: time.Now()}
	if err := d.firstEvent(ctx); err != nil {
		return fail(err)
	}
	d.boot = time.Since(booting)
	d.noted("boot", "first event accepted after %s", reports.FormatDuration(d.boot))

	// Time for the plan's first requests to be made ready.
	d.start = time.Now().Add(300 * time.Millisecond)
	d.journal.start = d.start
	if d.load, err = newLoad(d.s, d.o.Seed, d.start, d.people, token); err != nil {
		return fail(err)
	}
	if d.chaos, err = newChaos(d); err != nil {
		return fail(err)
	}
	d.recorder = newRecorder(d.s.Load.Timeout, d.chaos.trial, d.chaos.excused)
	d.observer = newObserver(d.world, d.start, d.chaos.weight)
	d.prober = &prober{platform: d.platform, journal: d.journal, seed: d.o.Seed, start: d.start}
	return nil
}

// unstarted is the result of a drill that was interrupted before its load began.
func (d *drill) unstarted() *reports.Result {
	r := &reports.Result{Scenario: d.scenario(), Started: d.began, Ended: time.Now(), Environment: environment(d.o.DataDir),
		Interrupted: errInterrupted.Error(), Checks: []reports.Check{incomplete(errInterrupted)}}
	r.Finish()
	return r
}

// firstEvent posts one event, again and again until it is accepted.
func (d *drill) firstEvent(ctx context.Context) error {
	p := &prober{platform: d.platform, journal: d.journal, start: time.Now()}
	if _, ok := p.post(ctx, d.people.first.ID, planRand(d.o.Seed, "first event")); !ok {
		return fmt.Errorf("the platform accepts no events: %w", errors.Join(errors.New("20 attempts failed"), d.world.supervisor.Failed()))
	}
	return nil
}
