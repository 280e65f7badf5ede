package run

import (
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/stat"
	"github.com/retailflow/stampede/scenarios"
)

// result puts everything that was measured together.
func (d *drill) result() *reports.Result {
	requests := d.recorder.list()
	windows := d.chaos.windows(d.observer.backlog())
	looks := d.observer.observations()
	seen := d.prober.list()
	timeout := d.s.Load.Timeout

	r := &reports.Result{
		Scenario: d.scenario(), Started: d.began, Ended: time.Now(), Environment: environment(d.o.DataDir),
		Objectives: reports.Objectives{P99: reports.Millis(d.s.Objectives.P99), Availability: float64(d.s.Objectives.Availability),
			FreshnessP99: reports.Millis(d.s.Objectives.FreshnessP99), Rollback: reports.Millis(d.s.Objectives.Rollback),
			Unknown: float64(d.s.Objectives.Unknown), HostCPU: float64(d.s.SelfWatch.CPU)},
		Latency:     latencies(requests, windows, timeout),
		Timeline:    timeline(requests, seen, looks, d.summary.Watch.Samples, timeout),
		Faults:      d.faults(requests, windows),
		Rollouts:    d.chaos.rollouts(d.start, d.s),
		Limits:      d.observer.limitHits(),
		Changed:     changedDefaults(d.world.asked, d.s.Limits),
		RealOrders:  d.real,
		HostLimited: hostLimited(looks, float64(d.s.SelfWatch.CPU)),
		OtherLoad:   otherLoad(looks, d.s.Load.Length()),
	}
	if d.interrupted != nil {
		r.Interrupted = d.interrupted.Error()
	}
	r.Freshness = d.freshness(seen, windows)
	r.Load = d.loadOf(requests)
	r.Ledger = d.ledger()
	r.CPU, r.CPUBudget = d.cpu(r.Load.Accepted), eventBudget
	r.Self = d.self(len(requests))

	r.Checks = objectiveChecks(d.s, r.Latency, &r.Freshness.Outside)
	r.Checks = append(r.Checks, thresholdChecks(d.s.Thresholds, requests, &r.Freshness.Outside, windows, timeout, d.people.class)...)
	besideOthers(r.Checks, r.OtherLoad)
	if d.interrupted == nil {
		r.Checks = append(r.Checks, ledgerChecks(&d.truth)...)
	}
	r.Checks = append(r.Checks, faultChecks(r.Faults)...)
	r.Checks = append(r.Checks, rolloutChecks(d.s, r.Rollouts)...)
	r.Checks = append(r.Checks, d.checks...)
	r.Checks = append(r.Checks, d.harnessChecks(requests, windows)...)

	r.HighestRate = d.highestRate(requests, windows, r.HostLimited)
	r.FirstLimit = d.firstLimit(r.Limits, r.HostLimited)
	r.Finish()
	r.Proved = d.proved(r)
	d.diary.Lock()
	for _, n := range d.diary.notes {
		r.Notes = append(r.Notes, reports.Note{At: reports.Seconds(n.at.Sub(d.start)), Kind: n.kind, Text: n.text})
	}
	d.diary.Unlock()
	return r
}

func (d *drill) scenario() reports.Scenario {
	s := d.s
	out := reports.Scenario{Name: s.Name, Description: s.Description, File: s.File, SHA256: s.SHA256(), Text: s.Text(), Seed: d.o.Seed,
		Command: d.o.Command, Overrides: d.o.Overrides, Target: string(s.Target), Epoch: d.start, Version: d.o.Version}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				out.Revision = setting.Value
			}
		}
	}
	mix := s.Load.Mix
	out.Settings = append(pace(s.Load), []reports.Setting{
		{Name: "tenants", Value: fmt.Sprintf("%s, %s sizes", reports.Count(int64(s.Tenants.Count)), s.Tenants.Sizes)},
		{Name: "webhooks", Value: reports.Percent(mix.Webhooks) + " of events, one a request"},
		{Name: "batches", Value: fmt.Sprintf("mean %s events, cap %d", reports.Rate(mix.BatchMean), mix.BatchCap)},
		{Name: "dashboard reads", Value: reports.Rate(float64(s.Load.Reads())) + " requests/s"},
		{Name: "replays", Value: reports.Percent(mix.ReplayRate) + " of event requests are sent a second time"},
		{Name: "request timeout", Value: reports.FormatDuration(s.Load.Timeout)},
		{Name: "boot to first accepted event", Value: reports.FormatDuration(d.boot)},
	}...)
	return out
}

// pace says at which speed and volume the plan was sent; nothing if as it is written.
func pace(l scenarios.Load) (out []reports.Setting) {
	asked := reports.Load{Speed: l.Speed, PlannedFor: reports.Seconds(l.Planned())}
	if text := asked.Pace(); text != "" {
		out = append(out, reports.Setting{Name: "speed", Value: text})
	}
	if l.Volume != 1 {
		out = append(out, reports.Setting{Name: "volume", Value: l.Volume.String() + " of the scenario's rates"})
	}
	return out
}

// wholePlan is what a load at a speed of its own comes to.
func (d *drill) wholePlan(events int64) string {
	took := d.summary.Length
	return fmt.Sprintf("Requests planned over %s were sent in %s, %s times as fast: all their %s events were delivered and reconciled, %s events/s on average.",
		reports.FormatDuration(d.s.Load.Planned()), reports.FormatDuration(took), reports.Rate(d.s.Load.Speed), reports.Count(events), reports.Rate(float64(events)/took.Seconds()))
}

// freshness sorts the probes into the parts of the run. What never became visible counts at
// the time it was waited for.
func (d *drill) freshness(seen []sighting, windows []window) reports.Freshness {
	f := reports.Freshness{Settings: []reports.FreshnessSetting{
		{Name: "delivery buffer", Run: fmt.Sprintf("%s or %s", reports.FormatDuration(d.s.Delivery.Buffer), reports.Bytes(int64(d.s.Delivery.BufferSize))), AWS: "60 s or 5 MB in the case study"},
		{Name: "roll-up pass", Run: "every " + reports.FormatDuration(d.s.RollUp.Every), AWS: "every 15 s in the case study"},
	}}
	now := d.since()
	for _, s := range seen {
		sample := reports.FreshnessSample{At: reports.Seconds(s.accepted), Age: reports.Millis(s.seen - s.accepted), Tenant: s.tenant, Part: reports.Outside}
		if s.seen == 0 {
			f.Unseen++
			sample.Age = reports.Millis(now - s.accepted)
		}
		// An event that is under way when a fault strikes is the fault's.
		from, to := s.accepted, s.accepted+sample.Age.Duration()
		if slices.ContainsFunc(windows, func(w window) bool { return from < w.end && to > w.start }) {
			sample.Part = reports.Inside
			f.Inside.Record(sample.Age.Duration())
		} else {
			f.Outside.Record(sample.Age.Duration())
		}
		f.Samples = append(f.Samples, sample)
	}
	return f
}

func (d *drill) loadOf(requests []request) reports.Load {
	l := reports.Load{Speed: d.s.Load.Speed, PlannedFor: reports.Seconds(d.s.Load.Planned()), Start: d.start, Planned: int64(len(requests)), Sent: d.summary.Sent, Unsent: d.summary.Unsent}
	phases := make([]reports.Phase, len(d.s.Load.Phases))
	for i, p := range d.s.Load.Spans() {
		phases[i] = reports.Phase{Name: p.Name, Start: reports.Seconds(p.Start), End: reports.Seconds(p.End),
			RequestedEvents: float64(p.From+p.To) / 2, PeakRequestedEvents: math.Max(float64(p.From), float64(p.To))}
	}
	for _, q := range requests {
		l.Events += int64(q.events)
		l.Accepted += int64(q.accepted)
		for i := range phases {
			p := &phases[i]
			length := (p.End - p.Start).Duration().Seconds()
			if planned := reports.Seconds(q.planned); planned >= p.Start && planned < p.End {
				p.RequestedRequests += 1 / length
				if q.ok() {
					p.AchievedRequests += 1 / length
				}
				if q.kind != plan.Prepared && !q.replay {
					p.AchievedEvents += float64(q.accepted) / length
				}
			}
		}
	}
	l.Phases = phases
	return l
}

func (d *drill) ledger() reports.Ledger {
	t := &d.truth
	out := reports.Ledger{Attempts: t.Attempts, Acked: t.Acked, Unknown: t.Unknown, Refused: t.Refused, Present: t.Present,
		Planned: t.Acked + t.Unknown + t.Refused, Unsent: d.summary.Unsent, Replayed: t.Repeats, Copies: t.Duplicates,
		Drained: reports.Millis(d.drainTook), ReadAll: d.interrupted == nil}
	for _, c := range t.Checks {
		out.Comparisons = append(out.Comparisons, reports.Comparison{Name: c.Title, Compared: c.Compared, Equal: c.Compared - min(c.Bad, c.Compared), Examples: c.Examples})
		out.ReadAll = out.ReadAll && (c.Status.String() != string(reports.Unknown) || !ledgerRequires(c)) // there may have been nothing to compare
	}
	for name, into := range map[string]*int64{"events-lost": &out.Lost, "events-doubled": &out.Doubled, "events-phantom": &out.Phantom, "events-parked": &out.Parked} {
		for _, c := range t.Checks {
			if c.Name == name {
				*into = c.Bad
			}
		}
	}
	out.UnknownPresent = t.PresentOf[ledger.Unknown]
	out.Conflicts = d.conflicts
	return out
}

// eventBudget is what the design means to spend on an event at most, in µs of CPU for everything,
// the generator included: half of what 16,667 events/s leave on two cores.
const eventBudget = 60

// cpu is where the processor time went, from the start of the load until everything had come to
// rest, for the events accepted meanwhile.
func (d *drill) cpu(events int64) []reports.Stage {
	stages := map[string]float64{"generator and journal": d.summary.Watch.CPU.Seconds()}
	for name, seconds := range d.cpuAfter {
		stages[name] = max(seconds-d.cpuBefore[name], 0)
	}
	names := make([]string, 0, len(stages))
	for name := range stages {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		switch {
		case stages[a] > stages[b]:
			return -1
		case stages[a] < stages[b]:
			return 1
		}
		return 0
	})
	var out []reports.Stage
	for _, name := range names {
		s := reports.Stage{Name: name, CPUSeconds: stages[name], Events: events}
		if events > 0 {
			s.MicrosEvent = stages[name] * 1e6 / float64(events)
		}
		out = append(out, s)
	}
	return out
}

func (d *drill) self(planned int) reports.SelfWatch {
	w := d.summary.Watch
	self := reports.SelfWatch{GCs: d.gcs, LagP50: reports.Millis(w.Lag.P50), LagP99: reports.Millis(w.Lag.P99), LagMax: reports.Millis(w.Lag.Max), Unsent: d.summary.Unsent,
		Sick: w.Faults(watchLimits(d.s, planned))}
	if d.summary.Length > 0 {
		self.CPUCores = w.CPU.Seconds() / d.summary.Length.Seconds()
	}
	var pauses stat.Histogram
	for _, s := range w.Samples {
		if s.Span > 0 {
			self.PeakCPUCores = max(self.PeakCPUCores, s.CPU.Seconds()/s.Span.Seconds())
		}
		self.GCPauseMax = max(self.GCPauseMax, reports.Millis(s.GCPause))
		self.MemoryBytes = max(self.MemoryBytes, int64(s.Heap))
		pauses.Record(s.GCPause)
	}
	self.GCPauseP99 = reports.Millis(pauses.Quantile(0.99))
	return self
}

// highestRate is the fastest phase whose requests outside fault windows met the objectives.
func (d *drill) highestRate(requests []request, windows []window, limited []reports.Interval) *reports.HighestRate {
	var best *reports.HighestRate
	for _, p := range d.s.Load.Spans() {
		start, end := p.Start, p.End
		var h stat.Histogram
		var good, all, accepted int64
		for _, q := range requests {
			if q.planned < start || q.planned >= end || inside(windows, q.planned) {
				continue
			}
			all++
			if q.ok() {
				good++
			}
			if q.kind != plan.Prepared && !q.replay {
				accepted += int64(q.accepted)
			}
			h.Record(q.response(d.s.Load.Timeout))
		}
		if all == 0 || h.Quantile(0.99) > d.s.Objectives.P99 || float64(good) < float64(d.s.Objectives.Availability)*float64(all) {
			continue
		}
		// The part of the phase that lies outside of windows.
		length := (end - start - covered(windows, start, end)).Seconds()
		if rate := float64(accepted) / length; best == nil || rate > best.EventsPerSecond {
			best = &reports.HighestRate{Phase: p.Name, EventsPerSecond: rate, RequestsPerSecond: float64(good) / length, For: reports.Seconds(length * float64(time.Second))}
			if len(windows) > 0 {
				best.Qualifier = "outside fault windows"
			}
			for _, l := range limited {
				if l.Start.Duration() < end && l.End.Duration() > start {
					best.Qualifier = "HOST-LIMITED: the machine's processors were the bottleneck for part of it"
				}
			}
		}
	}
	return best
}

// firstLimit is the limit that was met first: one of the platform's, or the machine.
func (d *drill) firstLimit(hits []reports.LimitHit, limited []reports.Interval) *reports.FirstLimit {
	var first *reports.FirstLimit
	for _, h := range hits {
		at := reports.Seconds(h.First.Sub(d.start))
		if at < 0 { // while the platform was filled, before the load
			at = reports.Seconds(h.Last.Sub(d.start))
		}
		if at >= 0 && (first == nil || at < first.At) {
			first = &reports.FirstLimit{What: fmt.Sprintf("%s: %s of %s (%s)", h.Service, h.Limit, h.Resource, h.Allowed), At: at}
		}
	}
	for _, l := range limited {
		if l.Start >= 0 && (first == nil || l.Start < first.At) {
			first = &reports.FirstLimit{What: "the machine itself: " + l.Reason, At: l.Start}
		}
	}
	return first
}

// proved says in sentences what a reader may take away; nothing unless it was proved.
func (d *drill) proved(r *reports.Result) []string {
	if r.Verdict == reports.VerdictInvalid {
		return nil // what a measurement that cannot be trusted says is no proof
	}
	var out []string
	passed := func(names ...string) bool {
		for _, name := range names {
			if c, ok := r.Check(name); !ok || c.Status != reports.Pass {
				return false
			}
		}
		return true
	}
	if passed("events-lost", "events-doubled", "minute-figures") {
		out = append(out, fmt.Sprintf("All %s accepted events are counted exactly once, to the cent, though clients sent %s of them again.",
			reports.Count(r.Ledger.Acked), reports.Count(r.Ledger.Replayed)))
		if d.s.Load.Speed != 1 {
			out = append(out, d.wholePlan(r.Ledger.Acked))
		}
	}
	if passed("latency-p99") {
		c, _ := r.Check("latency-p99")
		out = append(out, fmt.Sprintf("Over all planned requests outside fault windows, %s; the objective is %s.", c.Observed, r.Objectives.P99))
	}
	if passed("availability") {
		c, _ := r.Check("availability")
		out = append(out, fmt.Sprintf("Outside fault windows %s of the planned requests were answered 2xx.", c.Observed))
	}
	for _, f := range r.Faults {
		if passed("fault-"+f.Name) && passed("events-lost") && !f.Healthy {
			out = append(out, fmt.Sprintf("%s was survived without loss: %s.", f.Name, f.Effect))
		}
	}
	for _, ro := range r.Rollouts {
		if ro.Stopwatch != nil && passed("rollback-"+ro.Function) {
			out = append(out, fmt.Sprintf("A bad release of %s was rolled back %s after its first bad answer; the limit is %s.", ro.Function, ro.Stopwatch.Total, ro.Stopwatch.Objective))
		}
		if ro.Healthy() && passed("release-"+ro.Function) {
			out = append(out, fmt.Sprintf("A healthy release of %s was left alone: %s.", ro.Function, ro.Climb()))
		}
	}
	if passed("freshness-p99") {
		c, _ := r.Check("freshness-p99")
		out = append(out, fmt.Sprintf("Accepted events were visible in summaries, through all caches, within %s.", c.Observed))
	}
	if passed("real-orders") && r.RealOrders != nil {
		out = append(out, fmt.Sprintf("The %s events of a real shop's day (%s) came out of the API exactly as its file adds up.", reports.Count(r.RealOrders.Events), r.RealOrders.Day))
	}
	return out
}
