package asl

import (
	"encoding/json"
	"errors"
	"math"
	"time"
)

// phase is what a thread waits for.
type phase string

const (
	fresh    phase = ""         // about to enter its state
	inTask   phase = "task"     // for a task's outcome
	inWait   phase = "wait"     // for the end of a Wait
	inRetry  phase = "retry"    // to try a state again
	inBlocks phase = "children" // for branches or iterations
	finished phase = "finished"
)

// thread runs through the states of one block. The top, each branch and each iteration is one.
type thread struct {
	State     string          `json:"state"`
	Input     json.RawMessage `json:"input"`
	Phase     phase           `json:"phase,omitempty"`
	Entered   int64           `json:"entered,omitempty"`   // id of the event
	EnteredAt time.Time       `json:"entered_at,omitzero"` //
	Last      int64           `json:"last,omitempty"`      // event that the next one follows
	Work      json.RawMessage `json:"work,omitempty"`      // input after InputPath and Parameters
	Until     time.Time       `json:"until,omitzero"`      // of a wait or a retry
	Task      *Invocation     `json:"task,omitempty"`      // in flight
	Tries     []int           `json:"tries,omitempty"`     // used, by retrier
	Retries   int             `json:"retries,omitempty"`   // of the state so far
	Children  []*thread       `json:"children,omitempty"`  //
	Items     json.RawMessage `json:"items,omitempty"`     // of a Map
	Length    int             `json:"length,omitempty"`    // of Items
	AtOnce    int             `json:"at_once,omitempty"`   // iterations
	Succeeded int64           `json:"succeeded,omitempty"` // event of the latest iteration's end
	Index     int             `json:"index,omitempty"`     // of an iteration
	Item      json.RawMessage `json:"item,omitempty"`      // of an iteration, for $$.Map.Item
	Output    json.RawMessage `json:"output,omitempty"`    // once finished

	outcome *outcome
}

// each visits the thread and all below it that are not finished.
func (t *thread) each(visit func(*thread)) {
	if t == nil || t.Phase == finished {
		return
	}
	visit(t)
	for _, c := range t.Children {
		c.each(visit)
	}
}

// poll runs a thread until it waits, ends or fails.
func (r *run) poll(t *thread, b *block) (done bool, f *failure) {
	for !r.overflow && t.Phase != finished {
		s := b.states[t.State]
		moved, f := r.advance(t, s)
		if f != nil {
			f = r.recover(t, s, f)
		}
		if f != nil {
			return false, f
		}
		if !moved && t.Phase != fresh {
			return false, nil
		}
	}
	return t.Phase == finished, nil
}

// advance does the next thing in a state. moved says that it may go on at once.
func (r *run) advance(t *thread, s *state) (moved bool, f *failure) {
	switch t.Phase {
	case fresh:
		return true, r.enter(t, s)
	case inWait:
		if r.now.Before(t.Until) {
			return false, nil
		}
		return true, r.leave(t, s, mustDecode(t.Work), s.next)
	case inRetry:
		if r.now.Before(t.Until) {
			return false, nil
		}
		t.Retries++
		t.Until = time.Time{}
		return true, r.work(t, s)
	case inTask:
		return r.taskEnded(t, s)
	}
	return r.blocksEnded(t, s)
}

// enter begins a state: its event, its effective input, then its work.
func (r *run) enter(t *thread, s *state) *failure {
	t.Entered = r.add(t.Last, Event{Type: s.kind + "StateEntered", StateEntered: input(s.name, t.Input)})
	t.EnteredAt, t.Last, t.Tries, t.Retries = r.now, t.Entered, make([]int, len(s.retry)), 0
	if r.overflow {
		return nil
	}
	in := any(map[string]any{})
	if s.inputPath != nil {
		var err error
		if in, err = s.inputPath.eval(r.scope(t, s, mustDecode(t.Input))); err != nil {
			return r.explain(t, s, err)
		}
	}
	if s.parameters != nil {
		var err error
		if in, err = s.parameters.eval(r.scope(t, s, in)); err != nil {
			return r.explain(t, s, err)
		}
	}
	t.Work = encode(in)
	return r.work(t, s)
}

// work does what the state is for, on t.Work; again after a retry.
func (r *run) work(t *thread, s *state) *failure {
	switch s.kind {
	case "Task":
		return r.startTask(t, s)
	case "Parallel":
		return r.startBranches(t, s)
	case "Map":
		return r.startIterations(t, s)
	case "Wait":
		return r.startWait(t, s)
	case "Choice":
		return r.choose(t, s)
	case "Fail":
		return r.failState(t, s)
	case "Succeed":
		return r.leave(t, s, mustDecode(t.Work), "")
	}
	result := mustDecode(t.Work)
	if s.hasResult {
		result = s.result
	}
	return r.result(t, s, result)
}

// result applies ResultSelector and ResultPath, then leaves the state.
func (r *run) result(t *thread, s *state, result any) *failure {
	if s.resultSelector != nil {
		var err error
		if result, err = s.resultSelector.eval(r.scope(t, s, result)); err != nil {
			return r.explain(t, s, err)
		}
	}
	out := mustDecode(t.Input)
	if s.resultPath != nil {
		var ok bool
		if out, ok = s.resultPath.put(out, result); !ok {
			return failed(ErrorResultPathFailure, "Unable to apply step \"%s\" to input %s", s.resultPath.text, t.Input)
		}
	}
	return r.leave(t, s, out, s.next)
}

// leave applies OutputPath, writes the event and moves to next; "" ends the thread.
func (r *run) leave(t *thread, s *state, out any, next string) *failure {
	if s.outputPath == nil {
		out = map[string]any{}
	} else {
		var err error
		if out, err = s.outputPath.eval(r.scope(t, s, out)); err != nil {
			return r.explain(t, s, err)
		}
	}
	raw := encode(out)
	if limit := r.x.Start.Limits.MaxPayload; limit > 0 && len(raw) > limit {
		return tooLarge(s.name)
	}
	r.exit(t, s, raw, next)
	return nil
}

// exit writes the event of a state's end.
func (r *run) exit(t *thread, s *state, out json.RawMessage, next string) {
	last := r.add(t.Last, Event{Type: s.kind + "StateExited", StateExited: output(s.name, out)})
	*t = thread{State: next, Input: out, Last: last, Index: t.Index, Item: t.Item}
	if next == "" {
		t.Phase, t.Output, t.Input = finished, out, nil
	}
}

func tooLarge(what string) *failure {
	return failed(ErrorDataLimitExceeded, "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", what)
}

// recover handles a failure by the state's Retry, then its Catch; it returns what is left of it.
func (r *run) recover(t *thread, s *state, f *failure) *failure {
	t.outcome, t.Task, t.Until = nil, nil, time.Time{}
	if f.fatal() {
		return f
	}
	for i, k := range s.retry {
		if !f.matches(k.names) {
			continue
		}
		if t.Tries[i] >= k.maxAttempts {
			break
		}
		delay := k.delay(t.Tries[i])
		if k.jitter {
			delay = time.Duration(r.random().Int64N(int64(delay) + 1))
		}
		t.Tries[i]++
		t.Phase, t.Until, t.Children = inRetry, r.now.Add(delay), nil
		return nil
	}
	if s.kind == "Map" || s.kind == "Parallel" {
		t.Last = r.add(t.Last, Event{Type: s.kind + "StateFailed"})
	}
	for _, k := range s.catch {
		if !f.matches(k.names) {
			continue
		}
		out := mustDecode(t.Input)
		if k.resultPath != nil {
			var ok bool
			if out, ok = k.resultPath.put(out, any(f.output())); !ok {
				return failed(ErrorResultPathFailure, "Unable to apply step \"%s\" to input %s", k.resultPath.text, t.Input)
			}
		}
		r.exit(t, s, encode(out), k.next)
		return nil
	}
	return f
}

// delay before the try after the given number of tries.
func (k retrier) delay(tries int) time.Duration {
	seconds := k.interval.Seconds() * math.Pow(k.backoff, float64(tries))
	if k.maxDelay > 0 {
		seconds = min(seconds, k.maxDelay.Seconds())
	}
	return time.Duration(min(seconds, maxTimeout) * float64(time.Second))
}

// scope is what the state's expressions see, with v as their input.
func (r *run) scope(t *thread, s *state, v any) scope {
	return scope{input: v, random: r.random, context: func() any { return r.context(t, s) }}
}

// context is the context object:
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
func (r *run) context(t *thread, s *state) map[string]any {
	start := r.x.Start
	context := map[string]any{
		"Execution": map[string]any{
			"Id": start.ARN, "Name": start.Name, "RoleArn": start.RoleARN,
			"StartTime": instant(r.x.StartedAt), "Input": mustDecode(json.RawMessage(start.Input)), "RedriveCount": whole(0),
		},
		"StateMachine": map[string]any{"Id": start.MachineARN, "Name": start.MachineName},
		"State": map[string]any{
			"Name": s.name, "EnteredTime": instant(t.EnteredAt), "RetryCount": whole(int64(t.Retries)),
		},
	}
	if t.Item != nil {
		context["Map"] = mapContext(t.Index, mustDecode(t.Item))
	}
	return context
}

func mapContext(index int, item any) map[string]any {
	return map[string]any{"Item": map[string]any{"Index": whole(int64(index)), "Value": item}}
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// explain turns an error of an expression into a failure of the state.
func (r *run) explain(t *thread, s *state, err error) *failure {
	var missing *errNoResult
	var carried failureError
	f := failed(ErrorRuntime, "%v", err)
	switch {
	case errors.As(err, &missing):
		f = failed(ErrorRuntime, "Invalid path '%s' : %s", missing.path, missing.at)
	case errors.As(err, &carried):
		f = carried.failure
	}
	return failed(f.name, "An error occurred while executing the state '%s' (entered at the event id #%d). %s", s.name, t.Entered, *f.cause)
}
