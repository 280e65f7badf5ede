package truth

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/reports/stat"
)

// Tool is a load generator under test.
type Tool struct {
	Name    string
	Version string
	// Even says that its requests are meant to start evenly spaced from its first on, and that the
	// schedule begins with that one; else it starts a plan of its own at a given instant.
	Even bool
	// Run sends Rate requests a second for For to Load.URL and says the response times at
	// [Quantiles].
	Run func(context.Context, Load) ([]time.Duration, error)
	// Runs of which medians are taken; 0 means Options.Runs.
	Runs int

	command func(Load) command // for [MeasureCosts]
}

// Load is what a tool is asked to send.
type Load struct {
	URL     string
	Rate    int
	For     time.Duration
	Timeout time.Duration
	Seed    uint64
	Start   time.Time // of a tool that is not even
}

// plan is when the load's requests are meant to start: at random for our own, evenly for others.
func (l Load) plan(even bool) ([]Planned, []plan.Entry, error) {
	if even {
		list := make([]Planned, int(float64(l.Rate)*l.For.Seconds()))
		for i := range list {
			list[i] = Planned{Seq: uint64(i), At: time.Duration(math.Round(float64(i) / float64(l.Rate) * float64(time.Second)))}
		}
		return list, nil, nil
	}
	rate, err := arrival.New(arrival.Constant(arrival.PerSecond(l.Rate), l.For))
	if err != nil {
		return nil, nil, err
	}
	p, err := plan.New(plan.Options{Seed: l.Seed, Events: rate, Tenants: []float64{1}, Mix: plan.Mix{BatchMean: 1, BatchCap: 1}})
	if err != nil {
		return nil, nil, err
	}
	var list []Planned
	var entries []plan.Entry
	for e := range p.Entries() {
		list = append(list, Planned{Seq: e.Seq, At: e.At})
		entries = append(entries, e)
	}
	return list, entries, nil
}

// Own is this project's generator, with one of its senders.
func Own(name string, sender attack.Sender) Tool {
	return Tool{Name: name, Run: func(ctx context.Context, l Load) ([]time.Duration, error) {
		_, entries, err := l.plan(false)
		if err != nil {
			return nil, err
		}
		said := &stat.Histogram{}
		s, err := attack.Run(ctx, attack.Options{
			Target: l.URL, Start: l.Start, Timeout: l.Timeout, Sender: sender,
			Entries: func(yield func(plan.Entry) bool) {
				for _, e := range entries {
					if !yield(e) {
						return
					}
				}
			},
			Make: func(e plan.Entry) (event.Request, error) {
				return event.Request{Method: http.MethodGet, Path: "/?n=" + strconv.FormatUint(e.Seq, 10), Header: http.Header{}}, nil
			},
			After: func(r attack.Result) {
				o := r.Outcome("", "")
				said.Record(o.Latency(l.Timeout))
			},
		})
		if err == nil && s.Stopped {
			err = fmt.Errorf("stopped: %w", context.Cause(ctx))
		}
		return quantiles(said), err
	}}
}
