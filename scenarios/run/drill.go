package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/scenarios"
)

// Options of [Drill]. Scenario, Out, Self and FunctionBinary are required.
type Options struct {
	Scenario       *scenarios.Scenario
	Overrides      []string // path=value, as given, for the report
	Seed           uint64
	Out            string            // folder of the report; made if absent
	DataDir        string            // of the platform; "" is a temporary one, removed at the end
	Self           []string          // the stampede executable, and arguments before its command
	FunctionBinary string            // stampede-fn
	FunctionEnv    map[string]string // added to every function's environment
	Command        string            // that repeats the drill, for the report
	Version        string            // of stampede, for the report
	Progress       io.Writer         // nil is quiet
	Terminal       bool              // Progress may be rewritten in place
}

// errInterrupted is the cause of a drill that was stopped by its caller.
var errInterrupted = errors.New("interrupted")

// ErrScenario is wrapped by errors that are the scenario's or its caller's: nothing was started.
var ErrScenario = errors.New("this drill cannot be run")

// ErrUsedDataDir refuses a data directory that an earlier drill has left its ledger in.
var ErrUsedDataDir = errors.New("an earlier drill has left its state here: take another one, or remove it")

// What a run wants on the disk of its data directory: something for the platform's own logs, and
// for each event its object, its blocks, its order fact and the ledger's records of it.
const (
	freeSpace    = 1 << 30
	spaceAnEvent = 600 // bytes
)

// Drill runs a scenario and writes its report into Out. The result says what was found; the
// error says that the harness itself failed and that there is no verdict. When ctx ends, faults
// are healed, processes stopped, and the result is that of what was seen, with verdict INVALID.
//
// An error that is [scenarios.Diagnostics] or wraps [ErrScenario] is the caller's: nothing was
// started, nothing written.
func Drill(ctx context.Context, o Options) (*reports.Result, error) {
	if err := o.Scenario.Find(Preflight(o.Seed)...); err != nil {
		return nil, err
	}
	temporary, err := o.prepare()
	if temporary {
		defer os.RemoveAll(o.DataDir)
	}
	if err != nil {
		return nil, err
	}
	d := &drill{o: &o, s: o.Scenario, began: time.Now(), say: newProgress(o.Progress, o.Terminal)}
	result, err := d.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := write(o.Out, result); err != nil {
		return nil, err
	}
	return result, nil
}

// prepare makes the folders absolute and present; temporary says that DataDir is to be removed.
func (o *Options) prepare() (temporary bool, err error) {
	if o.Out, err = filepath.Abs(o.Out); err != nil {
		return false, fmt.Errorf("find report folder: %w", err)
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return false, fmt.Errorf("make report folder: %w", err)
	}
	if o.DataDir == "" {
		// Beside the report rather than in /tmp, which is often memory and too small.
		if o.DataDir, err = os.MkdirTemp(o.Out, "state-"); err != nil {
			return false, fmt.Errorf("make data directory: %w", err)
		}
		temporary = true
	} else {
		if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
			return false, fmt.Errorf("find data directory: %w", err)
		}
		if err := os.MkdirAll(o.DataDir, 0o755); err != nil {
			return false, fmt.Errorf("make data directory: %w", err)
		}
		if _, err := os.Stat(filepath.Join(o.DataDir, "ledger")); err == nil {
			return false, fmt.Errorf("%w: data directory %s: %w", ErrScenario, o.DataDir, ErrUsedDataDir)
		}
	}
	return temporary, needSpace(o.DataDir, freeSpace+int64(spaceAnEvent*o.Scenario.Load.Events()))
}

// drill is one run in the making.
type drill struct {
	o     *Options
	s     *scenarios.Scenario
	began time.Time
	say   *progress

	people   *population
	world    *world
	platform *platform
	load     *load
	start    time.Time // planned time 0
	journal  *journal
	recorder *recorder
	observer *observer
	prober   *prober
	chaos    *chaos

	summary     attack.Summary
	truth       ledger.Report
	real        *reports.RealOrders
	checks      []reports.Check // made on the way
	drainTook   time.Duration
	undrained   []string
	cpuBefore   map[string]float64 // CPU seconds by stage when the load began
	cpuAfter    map[string]float64 // and when everything had come to rest
	gcs         int64              // of this process during the load
	boot        time.Duration      // from the start of the processes to the first accepted event
	conflicts   int64              // ids that came with several contents
	restarts    atomic.Int64       // of the data process, wanted or not
	interrupted error

	diary struct {
		sync.Mutex
		notes []note
	}
}

type note struct {
	at         time.Time
	kind, text string
}

// noted puts a line into the diary and shows it.
func (d *drill) noted(kind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.diary.Lock()
	d.diary.notes = append(d.diary.notes, note{at: time.Now(), kind: kind, text: text})
	d.diary.Unlock()
	d.say.say("%7.1f s  %s: %s", time.Since(d.began).Seconds(), kind, text)
}

// since is the time since planned time 0.
func (d *drill) since() time.Duration { return time.Since(d.start) }

func (d *drill) run(ctx context.Context) (*reports.Result, error) {
	if err := d.prepareRun(ctx); err != nil {
		if ctx.Err() != nil {
			return d.unstarted(), nil
		}
		return nil, err
	}
	defer d.world.stop()

	if err := d.drive(ctx); err != nil {
		return nil, err
	}
	if err := d.reconcile(ctx); err != nil {
		return nil, err
	}
	d.observer.look(context.WithoutCancel(ctx))
	d.checks = append(d.checks, d.processCheck())
	d.world.stop()
	return d.result(), nil
}

// processCheck says whether processes died that no fault killed.
func (d *drill) processCheck() reports.Check {
	wanted := int64(0)
	for _, s := range d.chaos.struck() {
		if s.fault.KillProcess != nil {
			wanted += s.hits
		}
	}
	restarts := d.restarts.Load()
	c := reports.Check{Name: "processes", Group: reports.GroupHarness, Status: reports.Pass, Required: true,
		Objective: "no process dies but those that a fault kills", Observed: fmt.Sprintf("%d restarts, %d by faults", restarts, wanted),
		Numbers: map[string]float64{"restarts": float64(restarts), "by_faults": float64(wanted)}}
	if restarts > wanted {
		c.Status = reports.Invalid
	}
	if err := d.world.supervisor.Failed(); err != nil {
		c.Status, c.Observed, c.Detail = reports.Invalid, "one died", err.Error()
	}
	return c
}

// drive sends the load while faults strike, and stays until everything is at rest.
func (d *drill) drive(ctx context.Context) error {
	for _, f := range d.s.Faults {
		if f.ReleaseFunction != nil {
			d.noted("rollout", "%s: %s", f.Name, d.foretell(f))
		}
	}
	d.noted("load", "%s for %s, peak %s events/s", d.s.Name, d.s.Load.Length(), reports.Rate(float64(d.s.Load.Peak())))
	for _, p := range pace(d.s.Load) {
		d.noted("load", "%s %s", p.Name, p.Value)
	}
	loading, loaded := context.WithCancel(ctx)
	defer loaded()
	watching, watched := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { d.observer.run(watching) })
	probes := make([]string, len(d.people.probes))
	for i, p := range d.people.probes {
		probes[i] = p.ID
	}
	whole := ctx
	background.Go(func() { d.prober.run(loading, whole, probes, d.s.Drain) })
	var striking sync.WaitGroup
	striking.Go(func() { d.chaos.run(loading) })
	background.Go(func() { d.show(loading) })
	defer background.Wait()
	defer watched()

	var err error
	d.observer.look(ctx)
	d.observer.mark(&d.cpuBefore)
	var gc runtime.MemStats
	runtime.ReadMemStats(&gc)
	d.summary, err = d.load.send(loading, d.world.edgeURL, d.start, d.s.Load.Timeout, d.journal, d.recorder)
	loaded()
	cycles := gc.NumGC
	runtime.ReadMemStats(&gc)
	d.gcs = int64(gc.NumGC - cycles)
	if err != nil {
		striking.Wait()
		d.chaos.finish(context.WithoutCancel(ctx))
		return fmt.Errorf("send load: %w", err)
	}
	if ctx.Err() != nil {
		d.interrupted = errInterrupted
		d.noted("harness", "interrupted: healing faults and stopping")
	}
	// Cleaning up goes on after an interrupt.
	ctx = context.WithoutCancel(ctx)
	striking.Wait()
	d.chaos.finish(ctx)
	if d.interrupted != nil {
		return nil
	}
	us, other := d.people.tenants[0], d.people.probes[0]
	d.checks = append(d.checks, sendRefusals(ctx, d.platform, d.journal, refusals(d.o.Seed, time.Now(), us, other.APIKey), us.ID, d.since))
	d.noted("drain", "waiting until nothing is under way")
	from := time.Now()
	d.undrained = append(d.undrained, d.world.drain(whole, d.s.Drain, func(format string, args ...any) { d.noted("drain", format, args...) })...)
	d.drainTook = time.Since(from)
	d.observer.look(ctx)
	d.observer.mark(&d.cpuAfter)
	if whole.Err() != nil {
		d.interrupted = errInterrupted
	}
	return nil
}

// show updates the progress line once a second.
func (d *drill) show(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var before progressCounts
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			counts, recent := d.recorder.look()
			elapsed := d.since()
			if elapsed < 0 {
				continue
			}
			d.say.update(now, progressLine{
				elapsed: elapsed, length: d.s.Load.Length(), requested: float64(d.s.Load.Rate(elapsed)),
				achieved: float64(counts.accepted - before.accepted), p99: recent.Quantile(0.99),
				errors: counts.failed + counts.unsent, faults: d.chaos.active(), verdict: d.recorder.soFar(d.s.Objectives),
			})
			before = counts
		}
	}
}

// reconcile reads every sink and lets the ledger judge.
func (d *drill) reconcile(ctx context.Context) error {
	if err := errors.Join(d.journal.err(), d.journal.ledger.Close()); err != nil {
		return err
	}
	if d.interrupted != nil {
		return nil
	}
	d.noted("ledger", "comparing what was accepted with what is there")
	read := newContents(d.world.clients, d.zone)
	truth, err := d.journal.ledger.Reconcile(ctx, read.sinks(d.answers()), ledger.Options{
		Zone: d.zone, AsOf: time.Now(), Windows: d.ledgerWindows(), UnknownLimit: float64(d.s.Objectives.Unknown), Undrained: d.undrained,
		Progress: func(what string, rows int64) { d.say.update(time.Now(), reading{what, rows}) },
	})
	for _, m := range read.minutes {
		d.conflicts += m.Conflicts
	}
	if ctx.Err() != nil {
		d.interrupted = errInterrupted
		return nil
	}
	if err != nil {
		return err
	}
	d.truth = truth
	if d.people.real != nil {
		var check reports.Check
		d.real, check = d.people.real.compare(ctx, d.platform)
		d.checks = append(d.checks, check)
		if ctx.Err() != nil {
			d.interrupted = errInterrupted
		}
	}
	return nil
}
