package run

import (
	"context"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/cloud"
	"github.com/retailflow/stampede/reference/quota"
	"github.com/retailflow/stampede/reports"
)

// observer looks at the system and the machine once a second, and remembers what a killed
// process had counted. Safe for concurrent use.
type observer struct {
	world  *world
	start  time.Time // planned time 0
	weight func() float64

	mu struct {
		sync.Mutex
		looks []observation
		host  hostTimes
		data  lifetimes
		edge  lifetimes
		cpu   float64 // of the system's processes at the last look
		at    time.Time
	}
}

// lifetimes are the counters of one supervised process over all its lives: a restarted process
// begins again at zero.
type lifetimes struct {
	past []cloud.Stats // the last look at each life that ended
	now  cloud.Stats
}

func (l *lifetimes) look(s cloud.Stats) {
	if l.now.Process.PID != 0 && l.now.Process.PID != s.Process.PID {
		l.past = append(l.past, l.now)
	}
	l.now = s
}

// each calls f with the last look at every life.
func (l *lifetimes) each(f func(cloud.Stats)) {
	for _, s := range l.past {
		f(s)
	}
	if l.now.Process.PID != 0 {
		f(l.now)
	}
}

func (l *lifetimes) cpu() float64 {
	var sum float64
	l.each(func(s cloud.Stats) { sum += s.Process.CPUSeconds })
	return sum
}

func newObserver(w *world, start time.Time, weight func() float64) *observer {
	o := &observer{world: w, start: start, weight: weight}
	o.mu.host, _ = readHostTimes()
	return o
}

// run looks once a second until ctx ends.
func (o *observer) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			o.look(ctx)
		}
	}
}

// look takes one observation.
func (o *observer) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 900*time.Millisecond)
	defer cancel()
	data, dataErr := o.world.stats(ctx, o.world.dataURL)
	edge, edgeErr := o.world.stats(ctx, o.world.edgeURL)
	now := time.Now()
	host, _ := readHostTimes()
	memory, _ := memoryUsed()

	o.mu.Lock()
	defer o.mu.Unlock()
	seen := observation{at: now.Sub(o.start), host: host.since(o.mu.host), memory: memory, weight: o.weight(), known: dataErr == nil && edgeErr == nil}
	o.mu.host = host
	if dataErr == nil {
		o.mu.data.look(data)
		seen.waiting = backlogOf(data)
	}
	if edgeErr == nil {
		o.mu.edge.look(edge)
	}
	cpu := o.mu.data.cpu() + o.mu.edge.cpu() + functionCPU(o.mu.edge.now)
	if !o.mu.at.IsZero() {
		seen.systemCPU = max(cpu-o.mu.cpu, 0) / now.Sub(o.mu.at).Seconds()
	}
	o.mu.cpu, o.mu.at = cpu, now
	o.mu.looks = append(o.mu.looks, seen)
}

// backlogOf counts what waits between delivery and the roll-up, apart from markers: objects to
// be announced, events to be delivered, messages in queues.
func backlogOf(s cloud.Stats) int64 {
	var n int64
	if s.SQS != nil {
		for _, q := range s.SQS.Queues {
			if deadLetter(q.Name) {
				continue // parked is for good, not waiting
			}
			n += int64(q.Visible + q.InFlight + q.Delayed)
		}
	}
	if s.S3 != nil {
		n += int64(s.S3.EventsWaiting)
	}
	if s.EventBridge != nil {
		n += int64(s.EventBridge.Pending)
	}
	return n
}

// functionCPU sums the processor time of all function processes, live and dead.
func functionCPU(s cloud.Stats) float64 {
	var sum float64
	if s.Lambda != nil {
		for _, f := range s.Lambda.Functions {
			sum += f.CPUSeconds
		}
	}
	return sum
}

// mark notes the processor time of all stages so far.
func (o *observer) mark(into *map[string]float64) { *into = o.stages() }

// observations copies what was seen.
func (o *observer) observations() []observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]observation(nil), o.mu.looks...)
}

// backlog is the waiting work over time.
func (o *observer) backlog() []backlogSample {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []backlogSample
	for _, seen := range o.mu.looks {
		if seen.known {
			out = append(out, backlogSample{at: seen.at, waiting: seen.waiting})
		}
	}
	return out
}

// limitHits joins the refusals of all services over all lives.
func (o *observer) limitHits() []reports.LimitHit {
	o.mu.Lock()
	defer o.mu.Unlock()
	type key struct{ service, limit, resource string }
	order := []key{}
	byKey := map[key]*reports.LimitHit{}
	add := func(hits []quota.Hit) {
		for _, h := range hits {
			k := key{h.Service, h.Limit, h.Resource}
			known := byKey[k]
			if known == nil {
				hit := reports.LimitHit(h)
				byKey[k] = &hit
				order = append(order, k)
				continue
			}
			known.Count += h.Count
			if h.First.Before(known.First) {
				known.First = h.First
			}
			if h.Last.After(known.Last) {
				known.Last = h.Last
			}
		}
	}
	for _, lives := range []*lifetimes{&o.mu.data, &o.mu.edge} {
		lives.each(func(s cloud.Stats) {
			for _, hits := range s.LimitHits() {
				add(hits)
			}
		})
	}
	out := make([]reports.LimitHit, len(order))
	for i, k := range order {
		out[i] = *byKey[k]
	}
	return out
}

// stages are the processor time of the system by process and function, over all lives.
func (o *observer) stages() map[string]float64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]float64{"data": o.mu.data.cpu(), "edge": o.mu.edge.cpu()}
	o.mu.edge.each(func(s cloud.Stats) {
		if s.Lambda == nil {
			return
		}
		for _, f := range s.Lambda.Functions {
			out[f.Function] += f.CPUSeconds
		}
	})
	return out
}
