package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/worker"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/loadtest"
)

// Workers are processes that send the load together. The zero value is none: the caller sends it.
type Workers struct {
	Count  int
	NATS   string // URL of a server or cluster; "" means one inside this process
	Listen string // of that one, host:port; port 0 is a free one
	Token  string // that it asks for; "" is drawn
	Group  string // of workers; "" means default
	OnLoss worker.OnLoss
	Within time.Duration // for the workers to join; 0 means 1 m
	Log    *slog.Logger
	Say    io.Writer // is told how to start workers; may be nil
}

// generated is what a load came to, whoever sent it.
type generated struct {
	job.Result
	faults  []string // that make it invalid
	workers []loadtest.Worker
}

// generate sends the load, from here or through workers. Of workers, only the progress is live.
func (o *Options) generate(ctx context.Context, show *progress, here job.Options) (*generated, error) {
	if o.Workers.Count == 0 {
		r, err := job.Run(ctx, o.Job, here)
		return &generated{Result: r, faults: r.Watch.Faults(o.Limits)}, err
	}
	w := o.Workers
	if w.NATS == "" {
		b, err := worker.OpenBroker(w.Listen, w.Token)
		if err != nil {
			return nil, refused(err)
		}
		defer b.Close()
		w.NATS = b.URL()
		if w.Say != nil {
			fmt.Fprintf(w.Say, "waiting for %d workers: stampede worker --nats %s\n", w.Count, reachable(w.NATS))
		}
	}
	r, err := worker.Control(ctx, worker.Options{
		URL: w.NATS, Group: w.Group, Version: o.Version, Job: o.Job, Workers: w.Count, OnLoss: w.OnLoss, Limits: o.Limits, Within: w.Within, Log: w.Log,
		OnProgress: show.workers(),
	})
	if errors.Is(err, worker.ErrNothingSent) {
		return nil, refused(err)
	}
	if err != nil {
		return nil, err
	}
	g := &generated{Result: r.Result, faults: r.Faults}
	for _, m := range r.Workers {
		g.workers = append(g.workers, loadtest.Worker{
			Name: m.Name, State: string(m.State), Cause: m.Cause, Requests: m.Planned, Unsent: m.Unsent, Lagged: !m.Lagging.IsZero(),
			ClockAhead: reports.Millis(m.Offset.Ahead), ClockWithin: reports.Millis(m.Offset.Within),
		})
	}
	return g, nil
}

// reachable names this machine where a server listens on all addresses.
func reachable(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	ip := net.ParseIP(u.Hostname())
	host, err := os.Hostname()
	if ip == nil || !ip.IsUnspecified() || err != nil {
		return text
	}
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String()
}

// workers shows what workers say: a line when one of them speaks for the second time, for then a
// second has gone by, whoever was lost in it.
func (p *progress) workers() func(worker.Progress) {
	said := map[string]bool{}
	var sum attack.Sample
	return func(w worker.Progress) {
		if said[w.Worker.ID] {
			p.sample(sum)
			clear(said)
			sum = attack.Sample{}
		}
		said[w.Worker.ID] = true
		p.addSet(w.Measure)
		if n := len(w.Samples); n > 0 {
			sum.At = max(sum.At, w.Samples[n-1].At)
			sum.UnderWay += w.Samples[n-1].UnderWay
		}
	}
}
