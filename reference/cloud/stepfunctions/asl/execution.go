package asl

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// Status of an execution.
type Status string

// The statuses that an execution can have.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Limits of one execution. Zero means none.
type Limits struct {
	MaxEvents  int64 // history entries; the last is the failure
	MaxPayload int   // bytes of a state's input or output
}

// Start says what an execution begins with.
type Start struct {
	ARN, Name               string
	MachineARN, MachineName string
	RoleARN                 string
	Region                  string
	Input                   string // valid JSON
	Seed                    uint64 // of States.UUID, States.MathRandom and jitter
	Limits                  Limits
}

// Execution is a running or ended execution. It marshals to JSON between steps; it is not safe
// for concurrent use.
type Execution struct {
	Start     Start     `json:"start"`
	Status    Status    `json:"status"`
	StartedAt time.Time `json:"started_at"`
	StoppedAt time.Time `json:"stopped_at,omitzero"`
	Output    string    `json:"output,omitempty"`
	Error     *string   `json:"error,omitempty"`
	Cause     *string   `json:"cause,omitempty"`
	Events    int64     `json:"events"` // so far

	Root   *thread   `json:"root,omitempty"`
	Tokens int64     `json:"tokens"`
	Draws  uint64    `json:"draws"`
	Until  time.Time `json:"until,omitzero"` // of the whole execution

	machine *Machine
}

// Invocation asks for a task. Its outcome is reported under its token, once.
type Invocation struct {
	Token    int64
	Function string // name or ARN, with qualifier if any
	Service  bool   // by lambda:invoke: the result is wrapped
	Payload  json.RawMessage
	Deadline time.Time // zero: none
}

// Step is what came of one event.
type Step struct {
	Events  []Event      // to be added to the history
	Invoke  []Invocation // to be started after the step is durable
	Wake    time.Time    // when to call Tick; zero: not needed
	Stopped bool         // the execution has ended
}

// Begin starts an execution and runs it to its first wait.
func (m *Machine) Begin(start Start, now time.Time) (*Execution, Step) {
	x := &Execution{Start: start, Status: Running, StartedAt: now, machine: m}
	if m.Timeout > 0 {
		x.Until = now.Add(m.Timeout)
	}
	r := &run{x: x, now: now}
	r.add(0, Event{Type: "ExecutionStarted", ExecutionStarted: &InputDetails{Input: start.Input, RoleARN: start.RoleARN}})
	x.Root = &thread{State: m.top.startAt, Input: encode(mustDecode(json.RawMessage(start.Input)))}
	return x, r.finish()
}

// Resume continues an execution from its JSON. The step holds the invocations that were in
// flight, to be made again, and the next time to wake.
func (m *Machine) Resume(snapshot []byte) (*Execution, Step, error) {
	x := &Execution{machine: m}
	if err := json.Unmarshal(snapshot, x); err != nil {
		return nil, Step{}, fmt.Errorf("resume execution: %w", err)
	}
	step := Step{Stopped: x.Status != Running}
	if step.Stopped {
		return x, step, nil
	}
	x.Root.each(func(t *thread) {
		if t.Phase == inTask {
			step.Invoke = append(step.Invoke, *t.Task)
		}
	})
	step.Wake = x.wake()
	return x, step, nil
}

// Succeed reports a task's result. A token that is not waited for, after a timeout or an abort, is
// ignored.
func (x *Execution) Succeed(token int64, result json.RawMessage, now time.Time) Step {
	return x.report(token, outcome{result: result}, now)
}

// Fail reports a task's error. cause may be empty.
func (x *Execution) Fail(token int64, name, cause string, now time.Time) Step {
	return x.report(token, outcome{failure: &failure{name: name, cause: &cause}}, now)
}

// Tick continues what was waiting for the time.
func (x *Execution) Tick(now time.Time) Step {
	if x.Status != Running {
		return Step{Stopped: true}
	}
	return (&run{x: x, now: now}).finish()
}

// Stop aborts the execution.
func (x *Execution) Stop(name, cause string, now time.Time) Step {
	if x.Status != Running {
		return Step{Stopped: true}
	}
	r := &run{x: x, now: now}
	x.Error, x.Cause = optional(name), optional(cause)
	r.end(Aborted, Event{Type: "ExecutionAborted", ExecutionAborted: &ErrorDetails{Error: x.Error, Cause: x.Cause}}, 0)
	return r.step
}

func (x *Execution) report(token int64, o outcome, now time.Time) Step {
	if x.Status != Running {
		return Step{Stopped: true}
	}
	r := &run{x: x, now: now}
	x.Root.each(func(t *thread) {
		if t.Phase == inTask && t.Task.Token == token {
			t.outcome = &o
		}
	})
	return r.finish()
}

// wake is the earliest time that anything waits for.
func (x *Execution) wake() time.Time {
	at := x.Until
	x.Root.each(func(t *thread) {
		until := t.Until
		if t.Phase == inTask {
			until = t.Task.Deadline
		}
		if !until.IsZero() && (at.IsZero() || until.Before(at)) {
			at = until
		}
	})
	return at
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// outcome is a task's end, kept only within a step.
type outcome struct {
	result  json.RawMessage
	failure *failure
}

// run is one step in progress.
type run struct {
	x        *Execution
	now      time.Time
	step     Step
	overflow bool // the history is full
}

// add writes a history event after the one it follows, and returns its id.
func (r *run) add(previous int64, e Event) int64 {
	if limit := r.x.Start.Limits.MaxEvents; limit > 0 && r.x.Events >= limit-1 && !endsExecution(e.Type) {
		r.overflow = true // the last place is kept for the end
		return previous
	}
	r.x.Events++
	e.ID, e.PreviousEventID, e.Timestamp = r.x.Events, previous, Instant{r.now}
	r.step.Events = append(r.step.Events, e)
	return e.ID
}

func endsExecution(kind string) bool {
	switch kind {
	case "ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted":
		return true
	}
	return false
}

// finish runs every thread as far as it goes.
func (r *run) finish() Step {
	x := r.x
	if !x.Until.IsZero() && !r.now.Before(x.Until) {
		name := ErrorTimeout
		x.Error = &name
		r.end(TimedOut, Event{Type: "ExecutionTimedOut", ExecutionTimedOut: &ErrorDetails{}}, 0)
		return r.step
	}
	done, f := r.poll(x.Root, x.machine.top)
	switch {
	case r.overflow:
		r.fail(failed(ErrorRuntime, "The execution reached the maximum number of history events (%d).", x.Start.Limits.MaxEvents))
	case f != nil:
		r.fail(f)
	case done:
		x.Output = string(x.Root.Output)
		r.end(Succeeded, Event{Type: "ExecutionSucceeded", ExecutionSucceeded: output("", x.Root.Output)}, x.Root.Last)
	default:
		r.step.Wake = x.wake()
	}
	return r.step
}

func (r *run) fail(f *failure) {
	name := f.name
	r.x.Error, r.x.Cause = &name, f.cause
	if name == "" {
		r.x.Error = nil
	}
	r.end(Failed, Event{Type: "ExecutionFailed", ExecutionFailed: &ErrorDetails{Error: r.x.Error, Cause: f.cause}}, r.x.Root.Last)
}

func (r *run) end(status Status, e Event, previous int64) {
	r.add(previous, e)
	r.x.Status, r.x.StoppedAt, r.x.Root = status, r.now, nil
	r.step.Invoke, r.step.Stopped = nil, true
}

// random continues the execution's own stream of randomness; each call draws anew.
func (r *run) random() *rand.Rand {
	r.x.Draws++
	return rand.New(rand.NewPCG(r.x.Start.Seed, r.x.Draws))
}
