package job

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/plan"
)

// Options of [Run].
type Options struct {
	Shard, Shards int       // of the plan; 0 of 0 is the whole
	Start         time.Time // instant of elapsed 0; zero means when everything is ready
	Alone         bool      // the process has nothing else to do: it may be confined to one processor meanwhile

	OnSample  func(attack.Sample)    // called each second with the generator's look at itself; may be nil
	OnOutcome func(*measure.Outcome) // called with each outcome, one at a time; may be nil
}

// Run sends a job, or a shard of it, and returns when every request that was due has its outcome.
// A ctx that ends stops the load: Result.Stopped is set and the error nil. The error says that the
// job is at fault, or that the load itself failed; the result then holds what was measured so far.
func Run(ctx context.Context, j Job, o Options) (Result, error) {
	j.EnsureDefaults()
	p, err := j.Plan()
	if err != nil {
		return Result{}, fmt.Errorf("job: %w", err)
	}
	if o.Shards > 1 {
		p = p.Shard(o.Shard, o.Shards)
	}
	a, err := j.attack(p, o)
	if err != nil {
		return Result{}, fmt.Errorf("job: %w", err)
	}
	if o.Alone {
		look, restore := j.fewest(p.Options().Events)
		defer restore()
		said := o.OnSample
		a.OnSample = func(s attack.Sample) {
			look(s)
			if said != nil {
				said(s)
			}
		}
	}
	r := newResult(j.Timeout)
	a.After = func(res attack.Result) {
		outcome := res.Outcome(j.Requests[res.Entry.Tenant].Name, "")
		r.add(&res, &outcome)
		if o.OnOutcome != nil {
			o.OnOutcome(&outcome)
		}
	}
	r.Summary, err = attack.Run(ctx, a)
	return *r, err
}

// attack is how the job's plan, or a shard of it, is sent.
func (j *Job) attack(p *plan.Plan, o Options) (attack.Options, error) {
	check, err := j.Check.compile(j.Seed)
	if err != nil {
		return attack.Options{}, err
	}
	roots, err := j.tls()
	if err != nil {
		return attack.Options{}, err
	}
	a := attack.Options{
		Target: j.Target, Entries: p.Entries(), Make: j.request, Start: o.Start,
		Timeout: j.Timeout, GiveUp: j.GiveUp, MaxWorkers: j.MaxWorkers, Connections: j.Connections, Sender: j.Sender, Protocol: j.Protocol,
		NoReuse: j.NoReuse, TLS: roots, Retry: attack.Retry{Attempts: j.Attempts, Seed: j.Seed},
		Keep:  func(e plan.Entry, _ int) bool { return check.looks(e) },
		Check: check.judge, Good: check.good, OnSample: o.OnSample,
	}
	if c := j.Closed; c != nil {
		if share(c.Users, o.Shard, o.Shards) == 0 { // which would mean an open load
			return attack.Options{}, fmt.Errorf("%d users in %d shards: shard %d has none", c.Users, o.Shards, o.Shard)
		}
		a.Closed = attack.Closed{Users: share(c.Users, o.Shard, o.Shards), Think: c.Think, For: c.For, Seed: j.Seed + uint64(o.Shard)}
	}
	return a, nil
}

// Validate is [Job.Plan], and joins the faults of how it is to be sent.
func (j *Job) Validate() (*plan.Plan, error) {
	p, err := j.Plan()
	if err != nil {
		return nil, err
	}
	a, err := j.attack(p, Options{})
	if err != nil {
		return nil, err
	}
	a.EnsureDefaults()
	return p, a.Validate()
}

// share is how many of n users a shard has.
func share(n, shard, shards int) int {
	if shards <= 1 {
		return n
	}
	return n*(shard+1)/shards - n*shard/shards
}

// request is the one that a plan's entry names.
func (j *Job) request(e plan.Entry) (event.Request, error) {
	q := &j.Requests[e.Tenant]
	header := q.Header
	if header == nil {
		header = http.Header{}
	}
	return event.Request{Method: q.Method, Path: q.Path, Header: header, Body: q.Body}, nil
}

// Result is what a job came to.
type Result struct {
	attack.Summary
	Measure  *measure.Set
	Course   *measure.Course
	Failures map[string]int64 // what checks and connections complained of, by text; at most 20 of them
}

func newResult(timeout time.Duration) *Result {
	return &Result{Measure: measure.New(timeout), Course: measure.NewCourse(timeout), Failures: map[string]int64{}}
}

// maxFailures bounds the complaints that are kept apart.
const maxFailures = 20

func (r *Result) add(res *attack.Result, o *measure.Outcome) {
	r.Measure.Add(o)
	r.Course.Add(o)
	complaint := res.Failed
	if complaint == nil {
		complaint = res.Err
	}
	if complaint == nil {
		return
	}
	text := complaint.Error()
	if _, known := r.Failures[text]; !known && len(r.Failures) >= maxFailures {
		text = "others"
	}
	r.Failures[text]++
}
