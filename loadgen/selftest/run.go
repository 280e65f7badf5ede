package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/job"
)

// Options of [Run].
type Options struct {
	Server []string                  // command that calls Serve in a process of its own
	Rates  []float64                 // of the precision steps, requests/s; nil means 1,000 and 5,000
	Step   time.Duration             // length of each step; 0 means 3 s
	Start  float64                   // first rate of the search; 0 means 2,000 requests/s
	Most   float64                   // it goes no higher; 0 means 200,000
	LagP99 time.Duration             // what "on time" is; 0 means 5 ms
	OnStep func(what string, s Step) // called after each step; may be nil
}

// Step is one short load of the null server at an even rate.
type Step struct {
	Rate         float64 // requests/s
	Sent, Good   int64
	Lag          attack.Lag
	GeneratorCPU time.Duration // of a request
	ServerCPU    time.Duration // of a request
	OnTime       bool          // the lag's p99 was within its limit, all was sent, and answered well
}

// Report is what a machine can do.
type Report struct {
	Clock   time.Duration // smallest difference that two readings of the clock had
	Sleep   time.Duration // how late a sleep of 1 ms ended, median
	Steps   []Step        // at the rates asked for
	Search  []Step        // upwards until one was not on time, then between
	Highest Step          // the highest rate on time; zero if none was
}

// searches is how often the interval between a rate that was on time and one that was not is halved.
const searches = 3

// Run takes about Step for each of ten to fifteen steps.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Rates == nil {
		o.Rates = []float64{1000, 5000}
	}
	if o.Step == 0 {
		o.Step = 3 * time.Second
	}
	if o.Start == 0 {
		o.Start = 2000
	}
	if o.Most == 0 {
		o.Most = 200_000
	}
	if o.LagP99 == 0 {
		o.LagP99 = 5 * time.Millisecond
	}
	if o.OnStep == nil {
		o.OnStep = func(string, Step) {}
	}
	r := Report{Clock: clock(), Sleep: sleep()}
	s, err := Start(o.Server)
	if err != nil {
		return r, err
	}
	defer s.Close()
	if _, err := step(ctx, s, o, 500, min(o.Step, time.Second)); err != nil { // connections and code are warm
		return r, err
	}
	for _, rate := range o.Rates {
		one, err := step(ctx, s, o, rate, o.Step)
		if err != nil {
			return r, err
		}
		o.OnStep("precision", one)
		r.Steps = append(r.Steps, one)
	}
	try := func(rate float64) (bool, error) {
		one, err := step(ctx, s, o, rate, o.Step)
		if err != nil {
			return false, err
		}
		o.OnStep("search", one)
		r.Search = append(r.Search, one)
		if one.OnTime && rate > r.Highest.Rate {
			r.Highest = one
		}
		return one.OnTime, nil
	}
	low, high := 0.0, o.Start
	for {
		onTime, err := try(high)
		if err != nil {
			return r, err
		}
		if !onTime {
			break
		}
		if low = high; high >= o.Most {
			return r, nil
		}
		high = min(2*high, o.Most)
	}
	for range searches {
		middle := (low + high) / 2
		onTime, err := try(middle)
		if err != nil {
			return r, err
		}
		if onTime {
			low = middle
		} else {
			high = middle
		}
	}
	return r, nil
}

func step(ctx context.Context, s *Server, o Options, rate float64, length time.Duration) (Step, error) {
	before, err := s.cpu(ctx)
	if err != nil {
		return Step{}, err
	}
	result, err := job.Run(ctx, job.Job{
		Seed: 1, Target: s.url, Requests: []job.Request{{Path: "/"}}, Arrivals: job.Even,
		// A machine that cannot follow must not pile up work for the steps behind.
		Phases: []string{fmt.Sprintf("constant %v for %s", rate, length)}, Timeout: 5 * time.Second, GiveUp: time.Second, MaxWorkers: 512,
	}, job.Options{Alone: true})
	if err != nil {
		return Step{}, err
	}
	if result.Stopped {
		return Step{}, errors.Join(errors.New("interrupted"), ctx.Err())
	}
	after, err := s.cpu(ctx)
	if err != nil {
		return Step{}, err
	}
	all := result.Measure.Select(nil)
	out := Step{Rate: rate, Sent: result.Sent, Good: all.Good, Lag: result.Watch.Lag}
	if out.Sent > 0 {
		out.GeneratorCPU = result.Watch.CPU / time.Duration(out.Sent)
		out.ServerCPU = (after - before) / time.Duration(out.Sent)
	}
	out.OnTime = out.Lag.P99 <= o.LagP99 && all.Good == all.Planned
	return out, nil
}

// clock is the smallest step of the monotonic clock that can be seen.
func clock() time.Duration {
	least := time.Hour
	for range 1000 {
		from := time.Now()
		d := time.Since(from)
		for d == 0 {
			d = time.Since(from)
		}
		least = min(least, d)
	}
	return least
}
