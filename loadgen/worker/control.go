package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
)

// Options of [Control].
type Options struct {
	URL     string // of the NATS server or cluster, as nats.Connect reads it; see Broker
	Group   string // of workers; "" means default
	Version string // that workers must have too
	Job     job.Job
	Workers int           // how many take part
	OnLoss  OnLoss        // "" means Invalid
	Limits  attack.Limits // of a worker's health
	Within  time.Duration // for the workers to join; 0 means 1 m
	Silence time.Duration // after which a worker that is not heard is lost; 0 means 1.5 s
	Log     *slog.Logger

	OnProgress func(Progress) // called with what each worker did in a second, one at a time; may be nil

	now func() time.Time // steady
}

// Progress is what one worker did since its progress before. It is the callee's.
type Progress struct {
	Worker  Member
	Measure *measure.Set
	Course  *measure.Course
	Samples []attack.Sample
}

func (o *Options) ensureDefaults() {
	if o.Group == "" {
		o.Group = "default"
	}
	if o.OnLoss == "" {
		o.OnLoss = Invalid
	}
	if o.Within == 0 {
		o.Within = time.Minute
	}
	if o.Silence == 0 {
		o.Silence = silence
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnProgress == nil {
		o.OnProgress = func(Progress) {}
	}
	if o.now == nil {
		base := time.Now()
		o.now = func() time.Time { return base.Add(time.Since(base)) }
	}
	o.Job.EnsureDefaults()
}

// Validate joins all faults.
func (o Options) Validate() error {
	var faults []error
	if o.Workers < 1 {
		faults = append(faults, fmt.Errorf("%d workers: must be at least 1", o.Workers))
	}
	if o.OnLoss != Invalid && o.OnLoss != Continue {
		faults = append(faults, fmt.Errorf("on the loss of a worker %q: must be %s or %s", o.OnLoss, Invalid, Continue))
	}
	if strings.ContainsAny(o.Group, " \t.*>") {
		faults = append(faults, fmt.Errorf("group %q: must be a word without dots and stars", o.Group))
	}
	if c := o.Job.Closed; c != nil && c.Users < o.Workers {
		faults = append(faults, fmt.Errorf("%d users for %d workers: each needs one at least", c.Users, o.Workers))
	}
	if _, err := o.Job.Validate(); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// lead is how long before the load its start is agreed on, and toldWithin how long a worker may take
// to confirm it: if one does not, the others hear of it before anything is sent.
const (
	lead       = 3 * time.Second
	toldWithin = lead * 3 / 4
)

// exchanges of clocks, of which the narrowest counts.
const exchanges = 10

// ErrNothingSent is what errors from before the load are; their texts do not repeat it.
var ErrNothingSent = errors.New("nothing was sent")

type notBegun struct{ error }

func (n *notBegun) Is(target error) bool { return target == ErrNothingSent }
func (n *notBegun) Unwrap() error        { return n.error }

// Control gathers workers, runs the job on them and adds up what they measured. A ctx that ends
// stops the load: then no request starts in any worker, Result.Stopped is set and the error nil.
// An error that is no [ErrNothingSent] says that the load failed in a worker.
func Control(ctx context.Context, o Options) (*Result, error) {
	o.ensureDefaults()
	if err := o.Validate(); err != nil {
		return nil, &notBegun{err}
	}
	closed := make(chan struct{})
	nc, err := nats.Connect(o.URL, nats.Name("stampede controller"), nats.MaxReconnects(-1), nats.ReconnectWait(beatEach),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		return nil, &notBegun{fmt.Errorf("workers: connect to %s: %w", redacted(o.URL), err)}
	}
	defer func() { <-closed }()
	defer nc.Close()
	c := newController(o, nc)
	if err := c.open(); err != nil {
		return nil, &notBegun{fmt.Errorf("workers: %w", err)}
	}
	defer c.close()
	r, err := c.control(ctx)
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	return r, nil
}

// controller is the shell around a Roster.
type controller struct {
	o    Options
	nc   *nats.Conn
	id   string
	subs []*nats.Subscription
	desk *desk // of the load's subject

	changed chan struct{} // something happened to the roster

	mu struct {
		sync.Mutex
		roster Roster
		shards map[string]*shard // by worker
	}
}

func newController(o Options, nc *nats.Conn) *controller {
	c := &controller{o: o, nc: nc, id: nuid.Next(), changed: make(chan struct{}, 1)}
	c.mu.roster = Roster{Want: o.Workers, Version: o.Version, Silence: o.Silence, OnLoss: o.OnLoss}
	c.mu.shards = map[string]*shard{}
	return c
}

func (c *controller) open() error {
	c.desk = newDesk(c.hear)
	run, err := c.nc.Subscribe(runSubject(c.o.Group, c.id), c.desk.receive)
	if err != nil {
		return err
	}
	// Of several controllers one is asked.
	join, err := c.nc.QueueSubscribe(joinSubject(c.o.Group), "controllers", newDesk(c.hear).receive)
	if err != nil {
		return err
	}
	c.subs = []*nats.Subscription{run, join}
	return c.nc.Flush()
}

func (c *controller) close() {
	for _, sub := range c.subs {
		_ = sub.Unsubscribe() // a closed connection has none
	}
	// The last report ends the load before its worker has the answer.
	c.desk.settle()
	_ = c.nc.FlushTimeout(askWithin) // who hears nothing asks again
}

// wake makes the waiting one look at the roster.
func (c *controller) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// hear answers a worker.
func (c *controller) hear(kind, from string, body []byte) (any, error) {
	defer c.wake()
	switch kind {
	case kindHello:
		return read(body, func(h Hello) (any, error) { return c.welcome(h), nil })
	case kindBeat:
		c.mu.Lock()
		defer c.mu.Unlock()
		return order{Stop: !c.mu.roster.Hear(c.o.now(), from)}, nil
	case kindProgress:
		return read(body, func(p progress) (any, error) { return nil, c.progress(from, p) })
	case kindReport:
		return read(body, func(r report) (any, error) { return nil, c.report(from, r) })
	}
	return nil, fmt.Errorf("no such message: %q", kind)
}

func (c *controller) welcome(h Hello) Welcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok, err := c.mu.roster.Join(c.o.now(), h)
	switch {
	case err != nil:
		c.o.Log.Warn("worker refused", "error", err)
		return Welcome{Fault: err.Error()}
	case !ok:
		return Welcome{}
	}
	c.o.Log.Info("worker joined", "worker", h.Name, "id", h.ID)
	return Welcome{Run: runSubject(c.o.Group, c.id)}
}

func (c *controller) progress(from string, p progress) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.mu.shards[from]
	if one == nil || p.Measure == nil || p.Course == nil {
		return ErrNotExpected
	}
	lags := false
	for _, s := range p.Samples {
		lags = lags || s.Lag.P99 > lagLimit(c.o.Limits)
	}
	if err := c.mu.roster.Progress(c.o.now(), from, lags); err != nil {
		return err
	}
	fresh, err := one.add(p)
	if err != nil || !fresh {
		return err
	}
	member := *c.mu.roster.find(from)
	if lags {
		c.o.Log.Warn("worker lags", "worker", member.Name)
	}
	c.o.OnProgress(Progress{Worker: member, Measure: p.Measure, Course: p.Course, Samples: p.Samples})
	return nil
}

func (c *controller) report(from string, r report) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.mu.shards[from]
	if one == nil || r.Result == nil && r.Fault == "" {
		return ErrNotExpected
	}
	if one.last != nil { // the answer to the first attempt was lost
		return nil
	}
	if err := c.mu.roster.Report(c.o.now(), from); err != nil {
		return err
	}
	one.last = &r
	return nil
}
