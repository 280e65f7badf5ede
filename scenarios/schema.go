package scenarios

import (
	"slices"
	"strings"
	"time"
)

// Functions can be killed; those that answer requests themselves can also be released badly and
// judged by their answers.
var (
	functions = []string{"ingest-events", "ingest-webhooks", "process-products", "process-orders", "process-customers", "process-insights", "query-analytics"}
	answering = []string{"ingest-events", "ingest-webhooks", "query-analytics"}
	services  = []string{"apigateway", "dynamodb", "events", "firehose", "lambda", "s3", "sqs", "states"} // as `stampede cloud` names them
)

const (
	longest = 24 * time.Hour
	fastest = PerSecond(100_000)
)

// fields declares the YAML of a scenario: the one place that knows keys, units and ranges.
func (s *Scenario) fields() []field {
	m := &s.Load.Mix
	return []field{
		word("name", &s.Name).must(),
		text("description", &s.Description),
		oneOf("target", &s.Target, TargetEmbedded),
		seed("seed", &s.Seed),
		group("tenants",
			integer("count", &s.Tenants.Count, 1, 9999),
			oneOf("sizes", &s.Tenants.Sizes, Lognormal, Zipf),
			number("sigma", &s.Tenants.Sigma, 0, 4),
			number("exponent", &s.Tenants.Exponent, 0, 3),
			group("plans",
				s.Tenants.Plans.Starter.field("starter"),
				s.Tenants.Plans.Growth.field("growth"),
				s.Tenants.Plans.Enterprise.field("enterprise"),
			),
		),
		group("load",
			list("phases", "phase", &s.Load.Phases, func() Phase { return Phase{From: -1, To: -1} }, (*Phase).fields).must(),
			number("speed", &s.Load.Speed, 1, 100_000),
			share("volume", &s.Load.Volume, 0.00001, 1),
			group("mix",
				share("webhooks", &m.Webhooks, 0, 1),
				number("batch-mean", &m.BatchMean, 1, 500),
				integer("batch-cap", &m.BatchCap, 1, 500),
				rate("reads", &m.ReadRate, 0, float64(fastest)),
				share("replays", &m.ReplayRate, 0, 1),
			),
			duration("timeout", &s.Load.Timeout, 100*time.Millisecond, time.Minute),
		).must(),
		group("delivery",
			duration("buffer", &s.Delivery.Buffer, time.Second, 900*time.Second),
			size("buffer-size", &s.Delivery.BufferSize, 1e6, 128e6),
		),
		group("roll-up",
			duration("every", &s.RollUp.Every, time.Second, time.Hour),
			integer("passes", &s.RollUp.Passes, 1, 1000),
		),
		group("release",
			s.Release.Ladder.field(),
			number("time-scale", &s.Release.TimeScale, 1, 100_000),
			share("min-effect", &s.Release.MinEffect, 0, 0.5),
			integer("min-judged", &s.Release.MinJudged, 1, 1_000_000),
		),
		list("faults", "fault", &s.Faults, func() Fault { return Fault{} }, s.faultFields),
		group("objectives",
			duration("p99", &s.Objectives.P99, time.Millisecond, time.Minute),
			share("availability", &s.Objectives.Availability, 0, 1),
			duration("freshness-p99", &s.Objectives.FreshnessP99, 100*time.Millisecond, time.Hour),
			duration("rollback", &s.Objectives.Rollback, time.Second, time.Hour),
			share("unknown", &s.Objectives.Unknown, 0, 1),
		),
		thresholds("thresholds", &s.Thresholds),
		group("drain", duration("deadline", &s.Drain, time.Second, time.Hour)),
		group("real-orders",
			toggle("replay", &s.RealOrders.On),
			filled("file", &s.RealOrders.File),
			filled("tenant", &s.RealOrders.Tenant),
			day("day", &s.RealOrders.Day),
		),
		s.Limits.field(),
		group("self-watch",
			duration("lag-p99", &s.SelfWatch.LagP99, time.Millisecond, time.Minute),
			duration("gc-pause", &s.SelfWatch.GCPause, time.Millisecond, time.Minute),
			share("unsent", &s.SelfWatch.Unsent, 0, 1),
			share("cpu", &s.SelfWatch.CPU, 0.1, 1),
		),
	}
}

// fields of a phase: rate is short for from and to.
func (p *Phase) fields() []field {
	both := rate("rate", &p.To, 0, fastest)
	read := both.read
	both.read = func(d *decoder, n *node) {
		if p.From >= 0 || p.To >= 0 {
			d.report(n.Position, `phase has both "rate" and "from"/"to": rate is for both ends`)
			return
		}
		read(d, n)
		p.From = p.To
		d.where[&p.From] = n.Position
	}
	both.show = func() *node {
		if p.From != p.To {
			return nil
		}
		return &node{form: scalar, text: p.To.String()}
	}
	end := func(key string, to *PerSecond) field {
		f := rate(key, to, 0, fastest)
		read, show := f.read, f.show
		f.read = func(d *decoder, n *node) {
			if *to >= 0 {
				d.report(n.Position, `phase has both "rate" and %q: rate is for both ends`, key)
				return
			}
			read(d, n)
		}
		f.show = func() *node {
			if p.From == p.To {
				return nil
			}
			return show()
		}
		return f
	}
	return []field{
		word("name", &p.Name).must(),
		duration("for", &p.For, time.Second, longest).must(),
		both, end("from", &p.From), end("to", &p.To),
	}
}

// faultFields declares a fault. Those of a bad release begin as the scenario's release, which
// is therefore read before: see Parse.
func (s *Scenario) faultFields(f *Fault) []field {
	kill := option("kill-function", &f.KillFunction, func() *KillFunction { return &KillFunction{Hits: 1, Every: 500 * time.Millisecond} }, func(k *KillFunction) []field {
		return []field{
			oneOf("function", &k.Function, functions...).must(),
			integer("hits", &k.Hits, 1, 1000),
			duration("every", &k.Every, 10*time.Millisecond, time.Minute),
		}
	})
	process := option("kill-process", &f.KillProcess, func() *KillProcess { return &KillProcess{} }, func(k *KillProcess) []field {
		return []field{oneOf("process", &k.Process, "data").must()}
	})
	release := option("release-function", &f.ReleaseFunction, func() *ReleaseFunction {
		return &ReleaseFunction{Ladder: s.Release.Ladder, TimeScale: s.Release.TimeScale, Rollback: true}
	}, func(r *ReleaseFunction) []field {
		return []field{
			oneOf("function", &r.Function, answering...).must(),
			value("defect", &r.Defect, parseDefect, Defect.String).must(),
			r.Ladder.field(),
			number("time-scale", &r.TimeScale, 1, 100_000),
			toggle("rollback", &r.Rollback),
		}
	})
	limits := group("limits",
		duration("p99", &f.Limits.P99, time.Millisecond, time.Hour),
		share("availability", &f.Limits.Availability, 0.0001, 1),
	)
	show := limits.show
	limits.show = func() *node {
		if f.Healthy() { // it has no window to hold them in
			return nil
		}
		return show()
	}
	return []field{
		word("name", &f.Name).must(),
		duration("at", &f.At, 0, longest).must(),
		duration("for", &f.For, 100*time.Millisecond, longest).must(),
		kill, process, release, limits,
	}
}

func (p *UsagePlan) field(name string) field {
	return group(name,
		rate("rate", &p.Rate, 0.01, fastest),
		integer("burst", &p.Burst, 1, 100_000),
		integer("daily-quota", &p.DailyQuota, 0, 1_000_000_000),
	)
}

func (l *Ladder) field() field {
	return group("ladder",
		share("first", &l.First, 0.0001, 0.99),
		duration("for", &l.For, 0, longest),
		share("step", &l.Step, 0.001, 1),
		duration("every", &l.Every, 0, longest),
	)
}

// option is a mapping that may be absent.
func option[T any](key string, to **T, fresh func() *T, fields func(*T) []field) field {
	return field{
		key: key,
		read: func(d *decoder, n *node) {
			*to = fresh()
			d.where[*to] = n.Position
			d.object(key, n, fields(*to))
		},
		show: func() *node {
			if *to == nil {
				return nil
			}
			return shown(fields(*to))
		},
	}
}

func day(key string, to *string) field {
	f := text(key, to)
	read := f.read
	f.read = func(d *decoder, n *node) {
		read(d, n)
		if _, err := time.Parse(time.DateOnly, n.text); n.form == scalar && err != nil {
			d.report(n.Position, "%s: %q is not a date: write it as 2011-11-29", key, n.text)
		}
	}
	return f
}

// field of limits: aws, off, or a mapping of services to one of these or to settings.
func (l *Limits) field() field {
	mode := oneOf("limits", &l.Mode, LimitsAWS, LimitsOff)
	return field{
		key: "limits",
		read: func(d *decoder, n *node) {
			if n.form != mapping {
				mode.read(d, n)
				return
			}
			l.Services = make([]ServiceLimits, len(n.pairs))
			for i, p := range n.pairs {
				l.Services[i] = ServiceLimits{Service: p.key, Mode: LimitsAWS}
				l.Services[i].read(d, p)
			}
		},
		show: func() *node {
			if len(l.Services) == 0 {
				return mode.show()
			}
			n := &node{form: mapping}
			for _, s := range l.Services {
				n.pairs = append(n.pairs, pair{key: s.Service, value: s.show()})
			}
			return n
		},
	}
}

func (s *ServiceLimits) read(d *decoder, p pair) {
	if !slices.Contains(services, p.key) {
		d.report(p.Position, "unknown service %q in limits%s; allowed: %s", p.key, Suggest(p.key, services), strings.Join(services, ", "))
		return
	}
	if p.value.form != mapping {
		oneOf(p.key, &s.Mode, LimitsAWS, LimitsOff).read(d, p.value)
		return
	}
	s.settings(d, "", p.value.pairs)
}

// settings are single values, or mappings of them, whose names are then joined by dots.
func (s *ServiceLimits) settings(d *decoder, prefix string, pairs []pair) {
	for _, p := range pairs {
		if name := prefix + p.key; p.value.form == mapping {
			s.settings(d, name+".", p.value.pairs)
		} else if d.scalar(name, p.value) {
			s.Settings = append(s.Settings, LimitSetting{name, p.value.text, p.Position, p.value.Position})
		}
	}
}

func (s *ServiceLimits) show() *node {
	if len(s.Settings) == 0 {
		return &node{form: scalar, text: string(s.Mode)}
	}
	n := &node{form: mapping}
	for _, set := range s.Settings {
		n.pairs = append(n.pairs, pair{key: set.Name, value: &node{form: scalar, text: set.Value}})
	}
	return n
}
