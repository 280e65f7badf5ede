package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// message is something that happened to an execution.
type message func(x *asl.Execution, now time.Time) asl.Step

// runner runs one execution; only its goroutine touches x.
type runner struct {
	s          *Service
	path       string
	definition string // digest
	x          *asl.Execution
	inbox      chan message
	done       chan struct{} // closed once the end is durable, or the run is over without one
	tasks      atomic.Int64  // in flight
}

// run takes messages and the time until the execution ends or the service closes. step is durable
// already.
func (r *runner) run(step asl.Step) {
	ctx, cancel := context.WithCancel(r.s.ctx) // ends the tasks in flight with the execution
	defer cancel()
	defer close(r.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for _, task := range step.Invoke {
			r.tasks.Add(1)
			r.s.runners.Go(func() {
				defer r.tasks.Add(-1)
				r.invoke(ctx, task)
			})
		}
		wait := time.Hour
		if !step.Wake.IsZero() {
			wait = step.Wake.Sub(r.s.o.Now())
		}
		timer.Reset(wait)
		var first message
		select {
		case <-ctx.Done():
			return
		case first = <-r.inbox:
		case <-timer.C:
			first = (*asl.Execution).Tick
		}
		step = r.together(first)
		if err := r.commit(step, false); err != nil {
			r.s.o.Log.Error("execution halts until the next start", "execution", r.x.Start.ARN, "error", err)
			r.s.mu.Lock()
			delete(r.s.mu.running, r.path)
			r.s.mu.Unlock()
			return
		}
		if step.Stopped {
			r.s.ended(r)
			return
		}
		if !r.hold(ctx, r.s.pace(r.s.o.Now(), transitions(step.Events))) {
			return
		}
	}
}

// together applies a message and all that wait behind it, so that they share one sync.
func (r *runner) together(m message) asl.Step {
	all := m(r.x, r.s.o.Now())
	for {
		select {
		case m := <-r.inbox:
			step := m(r.x, r.s.o.Now())
			step.Events = append(all.Events, step.Events...)
			step.Invoke = append(all.Invoke, step.Invoke...)
			all = step
		default:
			return all
		}
	}
}

// hold waits for the transition rate.
func (r *runner) hold(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// send hands over a message unless the execution has ended or halted.
func (r *runner) send(m message) {
	select {
	case r.inbox <- m:
	case <-r.done:
	case <-r.s.ctx.Done():
	}
}

// commit makes a step durable: its events and the execution after it.
func (r *runner) commit(step asl.Step, first bool) error {
	if len(step.Events) == 0 && len(step.Invoke) == 0 && !first {
		return nil // nothing happened, such as an outcome that came too late
	}
	state, err := json.Marshal(r.x)
	if err != nil {
		return fmt.Errorf("encode execution %s: %w", r.x.Start.ARN, err)
	}
	b := &batch{Batch: r.s.o.DB.NewBatch()}
	if len(step.Events) > 0 {
		b.put(eventKey(r.path, step.Events[0].ID), step.Events)
	}
	b.put(executionKey(r.path), executionRecord{Definition: r.definition, Execution: state})
	if first {
		b.put(startedKey(r.x.Start.MachineName, r.x.Start.Name, r.x.StartedAt), []byte(nil))
	}
	if step.Stopped {
		b.put(stoppedKey("ended", r.path, r.x.StoppedAt), []byte(nil))
		b.put(stoppedKey("history", r.path, r.x.StoppedAt), []byte(nil))
	}
	r.s.counters.steps.Add(1)
	if err := b.commit(pebble.Sync); err != nil {
		return fmt.Errorf("write execution %s: %w", r.x.Start.ARN, err)
	}
	return nil
}

func transitions(events []asl.Event) (n int) {
	for _, e := range events {
		if strings.HasSuffix(e.Type, "StateEntered") {
			n++
		}
	}
	return n
}

// invoke runs one task and reports its outcome.
func (r *runner) invoke(ctx context.Context, task asl.Invocation) {
	r.s.counters.invocations.Add(1)
	if !task.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, task.Deadline.Sub(r.s.o.Now()))
		defer cancel()
	}
	result, err := r.s.o.Lambda.Invoke(ctx, r.s.functionARN(task.Function), task.Payload)
	if ctx.Err() != nil {
		return // the end, the close or the timeout, which the execution sees by itself
	}
	if err != nil {
		name, cause := classify(err)
		r.send(func(x *asl.Execution, now time.Time) asl.Step { return x.Fail(task.Token, name, cause, now) })
		return
	}
	if len(result) == 0 {
		result = []byte("null")
	}
	r.send(func(x *asl.Execution, now time.Time) asl.Step { return x.Succeed(task.Token, result, now) })
}

// functionARN completes a bare function name.
func (s *Service) functionARN(function string) string {
	if strings.HasPrefix(function, "arn:") {
		return function
	}
	return "arn:aws:lambda:" + s.o.Region + ":" + s.o.Account + ":function:" + function
}

// FunctionError is a function's own failure.
type FunctionError struct {
	Name  string // errorType
	Cause string // the payload
}

func (e *FunctionError) Error() string { return "function failed: " + e.Name }

// NewFunctionError reads the payload of an invocation that has a FunctionError. A payload without
// errorType is Lambda.Unknown:
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
func NewFunctionError(payload []byte) *FunctionError {
	var p struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(payload, &p) != nil || p.Type == "" {
		p.Type = "Lambda.Unknown"
	}
	return &FunctionError{Name: p.Type, Cause: string(payload)}
}

// classify names an error as Step Functions does.
func classify(err error) (name, cause string) {
	var function *FunctionError
	var service *wire.Error
	var coded interface {
		ErrorCode() string
		ErrorMessage() string
	}
	switch {
	case errors.As(err, &function):
		return function.Name, function.Cause
	case errors.As(err, &service):
		return "Lambda." + service.Code, service.Message
	case errors.As(err, &coded):
		return "Lambda." + coded.ErrorCode(), coded.ErrorMessage()
	}
	return "Lambda.SdkClientException", err.Error()
}
