// Package reporttest makes results for the tests of whatever renders them: [BlackFriday], a drill
// as it should go, and [Broken], the same drill with all that can go wrong. Both are the
// same at every call. They are drawn from random numbers, not measured.
package reporttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/retailflow/stampede/reports"
)

const seconds = 100

func at(s float64) reports.Seconds { return reports.Seconds(s * float64(time.Second)) }

func ms(x float64) reports.Millis { return reports.Millis(x * float64(time.Millisecond)) }

func pointer[T any](x T) *T { return &x }

// rate is the event rate asked for in a second of the drill.
func rate(t int) float64 {
	switch {
	case t < 20:
		return 174
	case t < 25:
		return 174 + (3472-174)*(float64(t)-19.5)/5
	}
	return 3472
}

type window struct{ start, end, windowEnd int }

var windows = []window{{28, 31, 41}, {52, 54, 65}, {74, 79, 89}}

func within(t int) (window, bool) {
	for _, w := range windows {
		if t >= w.start && t < w.windowEnd {
			return w, true
		}
	}
	return window{}, false
}

// BlackFriday is a drill that passes.
func BlackFriday() *reports.Result {
	start := time.Date(2026, 11, 27, 6, 0, 4, 0, time.UTC)
	r := &reports.Result{
		Scenario: reports.Scenario{
			Name: "black-friday", Description: "the daily mean, then 20 times that, with processes killed and a bad release rolled back",
			SHA256: "5b1a2c0de9f07c1f6b3b1b7f0c5b4f7f8f0a6d0a8b4f2f3d9c1e5a7b9d0e2f41", Text: "name: black-friday\nload:\n  phases:\n    - name: ordinary\n      for: 20s\n      rate: 174/s\n",
			Seed: 20261127, Command: "stampede run black-friday --seed 20261127", Target: "embedded", Epoch: start, Version: "0.1.0", Revision: "9c40f17",
			Settings: []reports.Setting{
				{Name: "webhooks", Value: "5 % of events"}, {Name: "batches", Value: "mean 20 events, cap 500"}, {Name: "dashboard reads", Value: "50 requests/s"},
				{Name: "replays", Value: "1 % of requests"}, {Name: "tenants", Value: "2,400, lognormal sizes, sigma 1.5"}, {Name: "request timeout", Value: "10 s"},
			},
		},
		Started: start.Add(-4 * time.Second), Ended: start.Add(128 * time.Second),
		Environment: reports.Environment{Host: "build-7", OS: "linux/amd64", Kernel: "6.8.0-45-generic", CPU: "Intel Xeon Platinum 8375C", Cores: 2, MemoryBytes: 8_331_000_000, Go: "go1.26.8", Filesystem: "ext4"},
		Proved: []string{
			"All 253,614 events that were accepted are counted exactly once; 2,598 of them were sent twice and 1,204 delivered twice.",
			"Through the death of the whole data tier at 3,472 events/s, no accepted event was lost.",
			"A release that was 400 ms slower was found by 4 of its own answers and rolled back in 3.31 s, at 1 % of the traffic.",
			"Outside fault windows the 99th percentile over all planned requests was 61.2 ms; the objective is 142 ms.",
		},
		Objectives:  reports.Objectives{P99: ms(142), Availability: 0.999, FreshnessP99: ms(15_000), Rollback: ms(300_000), Unknown: 0.001, HostCPU: 0.9},
		HighestRate: &reports.HighestRate{Phase: "rush", EventsPerSecond: 3472, RequestsPerSecond: 389, For: at(39), Qualifier: "the seconds of it outside fault windows"},
		FirstLimit:  &reports.FirstLimit{What: "Lambda: cold-start rate of ingest-events, while its killed processes were replaced", At: at(28.6)},
	}
	random := rand.New(rand.NewPCG(7, 1))
	traffic(r, random)
	faults(r)
	rollout(r)
	freshness(r, random)
	ledger(r)
	resources(r, start)
	checks(r)
	notes(r)
	r.Finish()
	return r
}

// traffic draws every request's latency and counts it where a run would.
func traffic(r *reports.Result, random *rand.Rand) {
	kinds := []struct {
		name, endpoint string
		median         float64
	}{{"", "", 0}, {"batch", "POST /v1/tenants/{tenant}/events", 11}, {"webhook", "POST /v1/tenants/{tenant}/webhooks/{platform}", 7}, {"read", "GET /v1/tenants/{tenant}/analytics/summary", 4}}
	parts := []reports.Part{reports.Outside, reports.Inside}
	latency := map[string]*reports.Latency{}
	r.Latency = make([]reports.Latency, 0, len(kinds)*len(parts))
	for _, part := range parts {
		for _, k := range kinds {
			r.Latency = append(r.Latency, reports.Latency{Kind: k.name, Endpoint: k.endpoint, Part: part})
			latency[k.name+string(part)] = &r.Latency[len(r.Latency)-1]
		}
	}
	r.Load = reports.Load{Start: r.Scenario.Epoch}
	for t := range seconds {
		events := rate(t)
		w, inside := within(t)
		part := reports.Outside
		if inside {
			part = reports.Inside
		}
		b := reports.Bucket{At: at(float64(t)), PlannedEvents: int64(events)}
		dead := inside && w.start == 52 && t < 54
		busy := 0.25 + 0.55*events/3472
		var all []float64
		for i, k := range kinds[1:] {
			n := int([]float64{events * 0.95 / 20, events * 0.05, 50}[i] + random.NormFloat64()*3)
			for range max(n, 0) {
				x := k.median * (0.7 + busy) * math.Exp(0.55*random.NormFloat64())
				ok := true
				switch {
				case dead && i < 2:
					ok, x = false, 2+3*random.Float64()
				case inside && w.start == 52 && t < 58:
					x += 900 * random.Float64() * float64(58-t) / 4
				case inside && t < w.start+4 && random.Float64() < 0.04:
					x += 300 + 200*random.Float64()
				case random.Float64() < 0.0002:
					ok = random.Float64() < 0.5
					x = 150 + 60*random.Float64()
				}
				all = append(all, x)
				lag := 0.15 + 0.4*random.ExpFloat64()*busy
				for _, l := range []*reports.Latency{latency[k.name+string(part)], latency[string(part)]} {
					l.Planned++
					l.Response.Record(ms(x).Duration())
					l.Service.Record(ms(x - min(lag, x)).Duration())
					l.Lag.Record(ms(lag).Duration())
					if ok {
						l.OK++
					} else {
						l.Errors++
					}
				}
				if ok {
					b.OK++
				} else {
					b.Errors++
				}
			}
		}
		b.Planned, b.Started, b.Completed = int64(len(all)), int64(len(all)), int64(len(all))
		b.AcceptedEvents = int64(events)
		if dead {
			b.AcceptedEvents = 0
		}
		percentiles(&b, all)
		b.GeneratorCPU = pointer(0.05 + 0.22*busy + 0.02*random.Float64())
		b.SystemCPU = pointer(0.15 + 1.15*busy + 0.1*random.Float64())
		b.HostCPU = pointer(min((*b.GeneratorCPU+*b.SystemCPU+0.08)/2, 1))
		b.RunCPU, b.OthersCPU, b.StealCPU = pointer((*b.GeneratorCPU+*b.SystemCPU)/2), pointer(0.035), pointer(0.005)
		b.MemoryUsed = pointer(0.31 + 0.001*float64(t))
		b.Backlog = pointer(int64(3 + random.IntN(4)))
		r.Load.Planned += b.Planned
		r.Load.Sent += b.Planned
		r.Load.Events += b.PlannedEvents
		r.Load.Accepted += b.AcceptedEvents
		r.Timeline = append(r.Timeline, b)
	}
	r.Load.Phases = []reports.Phase{
		{Name: "ordinary", Start: 0, End: at(20), RequestedEvents: 174, AchievedEvents: 173.8, PeakRequestedEvents: 174, RequestedRequests: 67, AchievedRequests: 67.1},
		{Name: "doors-open", Start: at(20), End: at(25), RequestedEvents: 1823, AchievedEvents: 1819, PeakRequestedEvents: 3472, RequestedRequests: 228, AchievedRequests: 227.5},
		{Name: "rush", Start: at(25), End: at(100), RequestedEvents: 3472, AchievedEvents: 3379, PeakRequestedEvents: 3472, RequestedRequests: 389, AchievedRequests: 379},
	}
	r.Self = reports.SelfWatch{CPUCores: 0.24, PeakCPUCores: 0.31, LagP50: ms(0.31), LagP99: ms(1.9), LagMax: ms(14.2), GCs: 61, GCPauseP99: ms(0.21), GCPauseMax: ms(0.4), MemoryBytes: 212_000_000}
	shares := reports.Processors{Busy: 0.97, Run: 0.7, Others: 0.25, Steal: 0.02}
	r.HostLimited = []reports.Interval{{Start: at(54), End: at(56), Reason: "processors above 90 %: " + shares.String(), Processors: &shares}}
	r.OtherLoad = &reports.OtherLoad{Above: 0.2, Took: at(2), Of: at(seconds), Mean: 0.27, Most: 0.31,
		Intervals: []reports.Interval{{Start: at(54), End: at(56), Reason: "others above 20 %: " + shares.String(), Processors: &shares}}}
}

func percentiles(b *reports.Bucket, all []float64) {
	if len(all) == 0 {
		return
	}
	sorted := append([]float64(nil), all...)
	slices.Sort(sorted)
	q := func(p float64) *reports.Millis { return pointer(ms(sorted[int(p*float64(len(sorted)-1))])) }
	b.P50, b.P90, b.P99, b.Max = q(0.5), q(0.9), q(0.99), q(1)
}

func faults(r *reports.Result) {
	limits := func(p99, seen99, available, seenAvailable string) []reports.FaultLimit {
		return []reports.FaultLimit{
			{Name: "p99", Limit: p99, Observed: seen99, Status: reports.Pass}, {Name: "availability", Limit: available, Observed: seenAvailable, Status: reports.Pass},
		}
	}
	r.Faults = []reports.Fault{
		{Name: "kill-ingest", Line: "kill-function(ingest-events, hits 3, every 300ms) at 28s for 3s", Start: at(28), End: at(31), WindowEnd: at(41), Hits: 9, HitsWant: 3,
			Effect: "11 processes killed, 9 of them in the middle of an invocation; 9 requests answered 502 and were sent again", Answers: reports.Answers{OK: 5048, Failed: 9}, Limits: limits("≤ 5 s", "489 ms", "≥ 95 %", "99.8 %")},
		{Name: "kill-orders", Line: "kill-function(process-orders, hits 1, every 300ms) at 28s for 3s", Start: at(28), End: at(31), WindowEnd: at(41), Hits: 2, HitsWant: 1,
			Effect: "4 processes killed, 2 of them in the middle of an invocation; both messages were delivered again", Answers: reports.Answers{OK: 5057}, Limits: limits("≤ 5 s", "489 ms", "≥ 95 %", "99.8 %")},
		{Name: "kill-data", Line: "kill-process(data) at 52s for 2s", Start: at(52), End: at(53.7), WindowEnd: at(65), Hits: 1, HitsWant: 1,
			Effect:   "process data (pid 4711) killed, started again as pid 4822 after 12ms; it answers again after 1.7 s (planned requests: 1.84 s)",
			Recovery: &reports.Recovery{Probe: pointer(ms(1700)), Planned: pointer(ms(1840))}, Answers: reports.Answers{OK: 4350, Unavailable: 668, Failed: 3, TimedOut: 2, Cut: 36}, UnderWay: reports.Answers{OK: 2, Unavailable: 3}, Limits: limits("≤ 10 s", "1.02 s", "≥ 50 %", "86.3 %")},
		{Name: "slow-release", Line: "release-function(ingest-events, slow(400ms)) at 74s for 10s", Start: at(74), End: at(78.9), WindowEnd: at(89), Hits: 5, HitsWant: 1,
			Effect: "5 of 5 answers of version 2 were slower than 142 ms", Answers: reports.Answers{OK: 5833, Throttled: 1}, Limits: limits("≤ 1 s", "441 ms", "≥ 99 %", "99.98 %")},
	}
}

func rollout(r *reports.Result) {
	o := reports.Rollout{
		Function: "ingest-events", From: "1", To: "2", Defect: "slow(400ms)", Outcome: "rolled back", Start: at(74), End: at(78.9), TimeScale: 600,
		Detectable:  "at 1 %, harm of 52 % of answers after 13 requests; at 11 %, of 9 % after 160",
		CanaryAsked: 5, CanaryBad: 5, StableAsked: 811, StableBad: 0, ControlCalls: 6,
		Decisions: []reports.Decision{
			{At: at(74), Action: "start", Weight: 0.01, Reason: "version 2 published, alias live at 1 %", EValue: 1, SmallestExcluded: 1},
			{At: at(75), Action: "hold", Weight: 0.01, Reason: "1 of 300 requests judged", CanaryRequests: 1, CanaryBad: 1, EValue: 3.9, SmallestExcluded: 1, NeedRequests: 13},
			{At: at(78.2), Action: "roll back", Weight: 0, Reason: "4 of 4 answers of version 2 were slower than 142 ms, 0 of 623 of version 1", CanaryRequests: 4, CanaryBad: 4, EValue: 1840, SmallestExcluded: 1},
		},
	}
	for i := range 10 {
		weight, wait := 0.01+0.1*float64(i), 15*time.Minute
		if i == 0 {
			wait = 30 * time.Minute
		}
		o.Ladder = append(o.Ladder, reports.Rung{Weight: weight, Wait: reports.Seconds(wait), Reached: i == 0, At: at(74)})
	}
	o.Stopwatch = reports.NewStopwatch(reports.Millis(5*time.Minute), at(74.88), at(78.06), at(78.12), at(78.19), at(78.61))
	r.Rollouts = []reports.Rollout{o}
	for t := range r.Timeline {
		weight, share := 0.0, 0.0
		if t >= 74 && t < 79 {
			weight, share = 0.01, 0.006
		}
		r.Timeline[t].CanaryWeight = &weight
		r.Timeline[t].CanaryShare = &share
	}
}

func freshness(r *reports.Result, random *rand.Rand) {
	for i := range 8 * seconds {
		t := float64(i) / 8
		age := 3200 + 5000*random.Float64() + 400*random.NormFloat64()
		w, inside := within(int(t))
		part := reports.Outside
		if inside {
			part = reports.Inside
			if w.start == 52 && t < 58 {
				age += 5500
			}
		}
		age = max(age, 900)
		r.Freshness.Samples = append(r.Freshness.Samples, reports.FreshnessSample{At: at(t), Age: ms(age), Tenant: fmt.Sprintf("t%04d", 1+i%40), Part: part})
		if inside {
			r.Freshness.Inside.Record(ms(age).Duration())
		} else {
			r.Freshness.Outside.Record(ms(age).Duration())
		}
		if b := &r.Timeline[int(t)]; b.Freshness == nil || *b.Freshness < ms(age) {
			b.Freshness = pointer(ms(age))
		}
	}
	r.Freshness.Settings = []reports.FreshnessSetting{
		{Name: "delivery buffer", Run: "2 s or 5 MB", AWS: "60 s or 5 MB"}, {Name: "roll-up pass", Run: "every 5 s", AWS: "our own setting; 15 s is the promise"}, {Name: "read cache of open minutes", Run: "2 s", AWS: "our own setting"},
	}
}

func ledger(r *reports.Result) {
	accepted := r.Load.Accepted
	r.Ledger = reports.Ledger{
		Attempts: 31_944, Planned: r.Load.Events, Acked: accepted, Unknown: 612, Refused: r.Load.Events - accepted - 612, Present: accepted + 388, UnknownPresent: 388,
		Replayed: 2598, Copies: 1204, Drained: ms(9400), ReadAll: true,
		Comparisons: []reports.Comparison{
			{Name: "minute roll-ups", Compared: 4193, Equal: 4193, Scope: "all 2,400 tenants: count, money and Σ hash128(id)"},
			{Name: "hour and day roll-ups", Compared: 4800, Equal: 4800, Scope: "all tenants"},
			{Name: "order facts", Compared: 31_207, Equal: 31_207, Scope: "all tenants"},
			{Name: "stock levels", Compared: 9120, Equal: 9120, Scope: "all tenants"},
			{Name: "summary answers", Compared: 110, Equal: 110, Scope: "the ten largest tenants and a seeded hundred"},
		},
	}
	r.RealOrders = &reports.RealOrders{
		Source: "UCI Online Retail (Chen, 2015), CC BY 4.0", Tenant: "t0001", Zone: "Europe/London", Day: "2011-11-29", DatedTo: "2026-11-26", Events: 3121,
		Figures: []reports.Figure{
			{Name: "orders", FromFile: "132", FromAPI: "132", Equal: true}, {Name: "cancelled orders", FromFile: "18", FromAPI: "18", Equal: true},
			{Name: "gross sales", FromFile: "72,194.61 GBP", FromAPI: "72,194.61 GBP", Equal: true}, {Name: "cancellations", FromFile: "-1,322.50 GBP", FromAPI: "-1,322.50 GBP", Equal: true},
			{Name: "units", FromFile: "34,519", FromAPI: "34,519", Equal: true},
		},
	}
}

func resources(r *reports.Result, start time.Time) {
	stage := func(name string, us float64) reports.Stage {
		return reports.Stage{Name: name, CPUSeconds: us * float64(r.Load.Accepted) / 1e6, Events: r.Load.Accepted, MicrosEvent: us}
	}
	r.CPUBudget = 60
	r.CPU = []reports.Stage{
		stage("generator", 71.2), stage("gateway and Lambda", 96.1), stage("ingest-events", 118.4), stage("ingest-webhooks", 74.9),
		stage("data tier", 141.7), stage("process-*", 48.3), stage("process-insights", 31.6), stage("query-analytics", 55.2),
	}
	r.Limits = []reports.LimitHit{
		{Service: "lambda", Limit: "cold starts", Resource: "ingest-events", Count: 4, First: start.Add(28600 * time.Millisecond), Last: start.Add(30 * time.Second), Allowed: "1,000 environments per 10 s", Source: "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"},
	}
	r.Changed = []reports.AWSDefault{
		{Service: "firehose", Setting: "buffer interval", AWS: "60 s (300 s in the API)", Run: "2 s", Source: "https://docs.aws.amazon.com/firehose/latest/dev/create-configure.html"},
		{Service: "lambda", Setting: "account concurrency", AWS: "1,000", Run: "32", Source: "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"},
		{Service: "codedeploy", Setting: "canary interval", AWS: "real time", Run: "rungs wait 1/600", Source: "https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html"},
	}
}

func checks(r *reports.Result) {
	outside := &r.Latency[0]
	p99 := reports.CheckQuantile("latency", &outside.Response, 0.99, 142*time.Millisecond)
	p99.Required = true
	available := reports.CheckShare("availability", outside.OK, outside.Planned, 0.999)
	available.Required = true
	fresh := reports.CheckQuantile("freshness", &r.Freshness.Outside, 0.99, 15*time.Second)
	none := func(name, unit string) reports.Check {
		c := reports.CheckAtMost(name, reports.GroupLedger, 0, 0, unit)
		c.Required = true
		return c
	}
	r.Checks = []reports.Check{
		p99, available, fresh,
		none("nothing-lost", "lost events"), none("nothing-doubled", "doubled events"), none("nothing-invented", "phantom events"), none("nothing-parked", "parked events"),
		{Name: "figures-equal", Group: reports.GroupLedger, Status: reports.Pass, Required: true, Objective: "every figure equal to the ledger's own", Observed: "49,430 of 49,430", Detail: "Roll-ups, order facts, stock levels and the API's answers, each compared to the cent.", Numbers: map[string]float64{"compared": 49_430, "equal": 49_430}},
		{Name: "faults-struck", Group: reports.GroupFaults, Status: reports.Pass, Required: true, Objective: "every fault hits as often as it was asked to", Observed: "4 of 4 faults", Numbers: map[string]float64{"hits": 17}},
		{Name: "fault-limits", Group: reports.GroupFaults, Status: reports.Pass, Required: true, Objective: "the scenario's limits inside windows", Observed: "8 of 8 held"},
		{Name: "windows-share", Group: reports.GroupFaults, Status: reports.Pass, Required: true, Objective: "windows cover at most 50 %", Observed: "41 %", Numbers: map[string]float64{"covered_s": 41}},
		{Name: "rollback-time", Group: reports.GroupRollout, Status: reports.Pass, Required: true, Objective: "≤ 5 m from the first bad answer to safe traffic", Observed: "3.31 s", Numbers: map[string]float64{"total_ms": 3310}},
		{Name: "real-orders", Group: reports.GroupData, Status: reports.Pass, Required: true, Objective: "a real day's figures equal to the file's, to the cent", Observed: "5 of 5 figures"},
		{Name: "generator-health", Group: reports.GroupHarness, Status: reports.Pass, Required: true, Objective: "lag p99 ≤ 20 ms, unsent ≤ 0.1 %", Observed: "lag p99 1.9 ms, 0 unsent", Numbers: map[string]float64{"lag_p99_ms": 1.9, "unsent": 0}},
		{Name: "container-faults", Group: reports.GroupHarness, Status: reports.Unknown, Objective: "containers can be cut off", Observed: "not an embedded target's fault", Detail: "Optional: it does not keep the run from PASS."},
	}
}

func notes(r *reports.Result) {
	r.Notes = []reports.Note{
		{At: at(-3.1), Kind: "start", Text: "edge and data processes ready in 0.9 s; first event accepted after 1.8 s"},
		{At: 0, Kind: "load", Text: "phase ordinary: 174 events/s"}, {At: at(20), Kind: "load", Text: "phase doors-open: 174 to 3,472 events/s"}, {At: at(25), Kind: "load", Text: "phase rush: 3,472 events/s"},
		{At: at(28), Kind: "fault", Text: "kill-ingest and kill-orders begin"}, {At: at(31), Kind: "fault", Text: "kill-ingest and kill-orders end, confirmed gone"},
		{At: at(52), Kind: "fault", Text: "kill-data: data process 4711 killed"}, {At: at(53.7), Kind: "restart", Text: "data process 4922 ready; replayed 214 MB of log"},
		{At: at(74), Kind: "rollout", Text: "release of ingest-events version 2 starts at 1 %"}, {At: at(78.12), Kind: "rollout", Text: "rolled back: harm proved by 4 answers"},
		{At: at(109.4), Kind: "drain", Text: "queues, buffers and executions empty; all faults confirmed gone"},
	}
}

// Broken is the same drill on a system that fails it, on a machine that is too small, cut short:
// every kind of trouble that a report has to show.
func Broken() *reports.Result {
	r := BlackFriday()
	r.Interrupted = "interrupt signal after 92 s"
	r.Timeline = r.Timeline[:92]
	r.HighestRate, r.FirstLimit = nil, nil
	r.Proved = []string{"The run was cut short: what follows is what was seen until then."}
	r.Ledger.Lost, r.Ledger.Doubled = 14, 3
	r.Ledger.Comparisons[0].Equal -= 2
	r.Ledger.Comparisons[0].Examples = []string{"t0007 2026-11-27T06:01 expected 41 events 1,204.50 EUR, found 40 events 1,180.55 EUR", "t0311 2026-11-27T06:01 expected 3 events, found 4"}
	r.Checks[0].Status, r.Checks[0].Observed = reports.Fail, "p99 171 ms (168 ms to 175 ms)"
	r.Checks[1].Status = reports.Inconclusive
	r.Checks[3].Status, r.Checks[3].Observed = reports.Fail, "14 lost events"
	r.Checks[3].Examples = []string{"01938f2a-7b1c-7d3e-9a40-5f0c2b7e11d4 acked at 31.204 s by <ingest-events>, in no object", "01938f2a-7b1c-7d3e-9a40-5f0c2b7e11d5 acked at 31.204 s, in no object"}
	r.Checks[8].Status, r.Checks[8].Detail = reports.Invalid, "kill-orders killed 4 processes, none of them in the middle of an invocation: the fault proved nothing."
	r.Faults[1].Hits = 0
	r.Faults[2].Limits[1].Status, r.Faults[2].Limits[1].Observed = reports.Fail, "31 %"
	r.Self.Sick = []string{"lag p99 84 ms is above 20 ms: the generator did not send when it should have"}
	r.RealOrders.Figures[2].FromAPI, r.RealOrders.Figures[2].Equal = "72,194.60 GBP", false
	r.Rollouts = append(r.Rollouts, healthy())
	r.Finish()
	return r
}

// healthy is a release without a defect whose time was over on the second of its rungs.
func healthy() reports.Rollout {
	return reports.Rollout{
		Function: "query-analytics", From: "1", To: "2", Outcome: "interrupted", Start: at(4), End: at(20), TimeScale: 600,
		Ladder:      []reports.Rung{{Weight: 0.5, Wait: at(1800), Reached: true, At: at(4.2)}, {Weight: 0.75, Wait: at(900), Reached: true, At: at(16.4)}, {Weight: 0.9, Wait: at(900)}},
		Detectable:  "at 50 %, harm of 4.1 % of answers after 300 requests",
		CanaryAsked: 361, CanaryBad: 1, StableAsked: 322, StableBad: 0, ControlCalls: 9,
		Decisions: []reports.Decision{
			{At: at(4.2), Action: "start", Weight: 0.5, Reason: "1 functions, 3 rungs", EValue: 1, SmallestExcluded: 1},
			{At: at(16.4), Action: "advance", Weight: 0.75, Reason: "no harm; an extra 4.9 % of bad answers or more is excluded", CanaryRequests: 304, CanaryBad: 1, EValue: 0.6, SmallestExcluded: 0.049},
		},
	}
}
