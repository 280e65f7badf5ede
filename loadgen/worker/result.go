package worker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
	"github.com/retailflow/stampede/loadgen/measure"
	"github.com/retailflow/stampede/reports/stat"
)

// Result is what a load on several workers came to: as a job's, and by worker. Its Watch is that
// of all generators together; lag is that of the requests of workers that were not lost.
type Result struct {
	job.Result
	Workers []Member // by shard
	Faults  []string // that make the load invalid: of workers' health, and of losses
}

// shard is what a controller knows of one worker's part.
type shard struct {
	n        int64 // of the last progress
	measure  *measure.Set
	course   *measure.Course
	standing Standing
	samples  []attack.Sample
	last     *report
}

func newShard(timeout time.Duration) *shard {
	return &shard{measure: measure.New(timeout), course: measure.NewCourse(timeout)}
}

// add takes in a progress; false if it is known already.
func (s *shard) add(p progress) (fresh bool, err error) {
	switch {
	case p.N <= s.n:
		return false, nil
	case p.N != s.n+1:
		return false, fmt.Errorf("progress %d after %d", p.N, s.n)
	}
	if err := s.measure.Merge(p.Measure); err != nil {
		return false, err
	}
	if err := s.course.Merge(p.Course); err != nil {
		return false, err
	}
	s.n, s.standing, s.samples = p.N, p.Standing, append(s.samples, p.Samples...)
	return true, nil
}

// of is the part as a job's result: the worker's own if it reported, else what it told.
func (s *shard) of() *job.Result {
	if s.last != nil {
		return s.last.Result
	}
	all := s.measure.Select(nil)
	r := &job.Result{Measure: s.measure, Course: s.course, Failures: map[string]int64{}}
	r.Sent, r.Unsent, r.Length = all.Planned-all.Dropped, all.Dropped, s.measure.Span()
	r.Watch.Samples = s.samples
	for _, one := range s.samples {
		r.Watch.CPU += one.CPU
	}
	return r
}

// lagLimit is that of attack.Limits.
func lagLimit(l attack.Limits) time.Duration { return cmp.Or(l.LagP99, 50*time.Millisecond) }

// result adds up a load that started at an instant and was stopped at another, zero if it was not.
func (c *controller) result(at, stopped time.Time) (*Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.o.Job.Plan()
	if err != nil {
		return nil, err
	}
	out := &Result{Workers: c.mu.roster.Members()}
	out.Measure, out.Course, out.Failures = measure.New(c.o.Job.Timeout), measure.NewCourse(c.o.Job.Timeout), map[string]int64{}
	out.Start = at
	for i := range out.Workers {
		m := &out.Workers[i]
		one := c.mu.shards[m.ID]
		if one.last != nil && one.last.Fault != "" {
			return nil, fmt.Errorf("worker %s: %s", m.Name, one.last.Fault)
		}
		r := one.of()
		m.Planned = r.Sent + r.Unsent
		if err := out.add(r); err != nil {
			return nil, fmt.Errorf("worker %s: %w", m.Name, err)
		}
		if m.State != Lost && m.Planned > 0 {
			for _, fault := range r.Watch.Faults(c.o.Limits) {
				out.Faults = append(out.Faults, fmt.Sprintf("worker %s: %s", m.Name, fault))
			}
		}
	}
	out.Watch.Lag = lagOf(&out.Measure.Select(nil).Lag)

	// What is owed comes last, so that it is no lag of the living.
	end := max(p.Length(), out.Length)
	if !stopped.IsZero() {
		end = stopped.Sub(at)
	}
	for i := range out.Workers {
		m := &out.Workers[i]
		if m.State != Lost {
			continue
		}
		for o := range unsent(&c.o.Job, p.Shard(m.Shard, len(out.Workers)).Entries(), c.mu.shards[m.ID].standing, end) {
			out.Measure.Add(&o)
			out.Course.Add(&o)
			m.Unsent++
		}
		out.Unsent += m.Unsent
		if c.o.OnLoss != Continue {
			out.Faults = append(out.Faults, fmt.Sprintf("worker %s was lost: %s; %d of its requests count as never sent", m.Name, m.Cause, m.Unsent))
		}
	}
	if c.mu.roster.All(Lost) {
		out.Faults = append(out.Faults, "every worker was lost")
	}
	return out, nil
}

// add adds up all but the lag.
func (r *Result) add(o *job.Result) error {
	if err := r.Measure.Merge(o.Measure); err != nil {
		return err
	}
	if err := r.Course.Merge(o.Course); err != nil {
		return err
	}
	for text, n := range o.Failures {
		r.Failures[text] += n
	}
	r.Sent += o.Sent
	r.Unsent += o.Unsent
	r.Length = max(r.Length, o.Length)
	r.Watch.CPU += o.Watch.CPU
	r.Watch.Late += o.Watch.Late
	r.Watch.Sockets += o.Watch.Sockets
	r.Watch.Samples = append(r.Watch.Samples, o.Watch.Samples...)
	slices.SortStableFunc(r.Watch.Samples, func(a, b attack.Sample) int { return cmp.Compare(a.At, b.At) })
	return nil
}

func lagOf(h *stat.Histogram) attack.Lag {
	return attack.Lag{Count: h.Count(), P50: h.Quantile(0.5), P99: h.Quantile(0.99), P999: h.Quantile(0.999), Max: h.Max()}
}
