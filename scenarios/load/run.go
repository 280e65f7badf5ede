package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/loadgen/threshold"
	"github.com/retailflow/stampede/reports"
	"github.com/retailflow/stampede/reports/loadtest"
)

// ErrRefused is wrapped by errors that were found before anything was sent: a job that is at
// fault, a target that cannot be reached, an output that cannot be written.
var ErrRefused = errors.New("nothing was sent")

// Options of [Run].
type Options struct {
	Job        job.Job
	Name       string // of the load, in its reports
	Thresholds []threshold.Threshold
	Limits     attack.Limits // of the generator's own health; beyond them the load is invalid
	Workers    Workers       // that send it
	Outputs    []Output
	Version    string
	Command    string // that repeats the load

	Progress io.Writer // nil is quiet
	Terminal bool      // Progress is one: its line is rewritten
}

// Run sends the load and writes its outputs. When ctx ends nothing is sent any more, and the result
// is that of what was sent. An error that is no [ErrRefused] says that the load itself failed, or
// that an output could not be written; there is a result if it is not nil.
func Run(ctx context.Context, o Options) (*loadtest.Result, error) {
	o.Job.EnsureDefaults()
	p, err := o.Job.Validate()
	if err != nil {
		return nil, refused(err)
	}
	if o.Workers.Count == 0 { // workers look for themselves
		if err := o.Job.Probe(ctx); err != nil {
			return nil, refused(err)
		}
	}
	files, err := openOutputs(o.Outputs)
	if err != nil {
		return nil, refused(err)
	}
	defer files.discard()

	live, err := openStreams(ctx, &o)
	if err != nil {
		return nil, refused(err)
	}
	show := newProgress(o.Progress, o.Terminal, p.Length())
	if o.Job.Closed == nil {
		show.asked = p.Options().Events.Total
	} else {
		show.length = o.Job.Closed.For
	}
	r, err := o.generate(ctx, show, job.Options{
		Alone: live.metrics == nil,
		OnSample: func(s attack.Sample) {
			show.sample(s)
			if live.metrics != nil {
				live.metrics.Sample(s)
			}
		},
		OnOutcome: func(out *measure.Outcome) {
			show.add(out)
			if live.metrics != nil {
				live.metrics.Add(out)
			}
		},
	})
	show.end()
	told := live.close(ctx)
	if err != nil {
		return nil, errors.Join(err, told)
	}
	result := o.result(r)
	if o.Job.Closed == nil {
		result.Asked = p.Options().Events.Total(p.Length())
	}
	result.Finish()
	return result, errors.Join(told, files.write(result))
}

func refused(err error) error { return &refusal{err} }

// refusal is an ErrRefused that does not say so in its text: whoever prints it does.
type refusal struct{ error }

func (r *refusal) Is(target error) bool { return target == ErrRefused }
func (r *refusal) Unwrap() error        { return r.error }

// result is what a job came to as it is reported, still to be finished.
func (o *Options) result(r *generated) *loadtest.Result {
	out := &loadtest.Result{
		Name: o.Name, Target: o.Job.Target, Plan: describe(&o.Job), Closed: o.Job.Closed != nil, Seed: o.Job.Seed, Command: o.Command, Version: o.Version,
		Started: r.Start, Interrupted: r.Stopped, Length: reports.Seconds(r.Length), Sent: r.Sent,
		Measure: r.Measure, Course: r.Course, Self: self(r.Watch), Workers: r.workers,
	}
	if slope, ok := r.Watch.Growth(); ok && len(r.workers) == 0 { // several processes have no memory in common
		out.Self.Growth = &slope
	}
	out.Judge(o.Thresholds)
	out.Invalid = r.faults
	if places := int64(cmp.Or(o.Job.MaxWorkers, 4096)); len(out.Invalid) > 0 && out.Self.UnderWay >= places {
		out.Invalid = append(out.Invalid, fmt.Sprintf("%s requests were waiting for answers at once: the next had to wait for one of them; more are allowed with --under-way", reports.Count(places)))
	}
	for text, n := range r.Failures {
		out.Failures = append(out.Failures, loadtest.Failure{Text: text, Count: n})
	}
	slices.SortFunc(out.Failures, func(a, b loadtest.Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out
}

func self(w attack.Watch) loadtest.Self {
	s := loadtest.Self{CPU: reports.Seconds(w.CPU), LagP50: reports.Millis(w.Lag.P50), LagP99: reports.Millis(w.Lag.P99), LagMax: reports.Millis(w.Lag.Max)}
	for _, one := range w.Samples {
		s.GCPauseMax = max(s.GCPauseMax, reports.Millis(one.GCPause))
		s.Heap, s.Memory = max(s.Heap, one.Heap), max(s.Memory, one.Memory)
		s.Goroutines = max(s.Goroutines, one.Goroutines)
		s.UnderWay = max(s.UnderWay, one.UnderWay)
	}
	return s
}

// describe says in words what a job asks for.
func describe(j *job.Job) []string {
	var lines []string
	switch {
	case j.Closed != nil:
		lines = append(lines, fmt.Sprintf("%s users who think for %s on average, for %s", reports.Count(int64(j.Closed.Users)), j.Closed.Think, j.Closed.For))
	case j.Trace != nil:
		lines = append(lines, fmt.Sprintf("a recorded trace at speed %v and volume %v, %s arrivals", cmp.Or(j.Trace.Speed, 1), cmp.Or(j.Trace.Volume, 1), j.Arrivals))
	default:
		for _, phase := range j.Phases {
			lines = append(lines, fmt.Sprintf("%s, in requests/s, %s arrivals", phase, j.Arrivals))
		}
	}
	limits := fmt.Sprintf("seed %d, timeout %s, %s", j.Seed, j.Timeout, cmp.Or(j.Protocol, attack.HTTP1))
	if j.Attempts > 1 {
		limits += fmt.Sprintf(", up to %d attempts", j.Attempts)
	}
	if j.NoReuse {
		limits += ", a connection for each request"
	}
	return append(lines, limits)
}
