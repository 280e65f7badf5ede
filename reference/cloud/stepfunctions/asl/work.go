package asl

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// maxWait is the longest a Wait may last, as the service accepts it.
const maxWait = maxTimeout * time.Second

func (r *run) startWait(t *thread, s *state) *failure {
	in := r.scope(t, s, mustDecode(t.Work))
	until := r.now.Add(time.Duration(s.seconds) * time.Second)
	switch {
	case s.secondsPath != nil:
		v, err := s.secondsPath.eval(in)
		if err != nil {
			return r.explain(t, s, failed(ErrorRuntime, "The SecondsPath parameter does not reference an input value: %s", s.secondsPath.text).asError())
		}
		n, ok := integer(v)
		if !ok {
			return r.explain(t, s, failed(ErrorRuntime, "The SecondsPath parameter cannot be parsed as a long value: %s == %s", s.secondsPath.text, bare(v)).asError())
		}
		if n < 0 {
			return r.explain(t, s, failed(ErrorRuntime, "The SecondsPath parameter references a negative value: %s == %d", s.secondsPath.text, n).asError())
		}
		until = r.now.Add(time.Duration(min(n, maxTimeout+1)) * time.Second)
	case s.timestampPath != nil:
		v, err := s.timestampPath.eval(in)
		if err != nil {
			return r.explain(t, s, failed(ErrorRuntime, "The TimestampPath parameter does not reference an input value: %s", s.timestampPath.text).asError())
		}
		text, _ := v.(string)
		if until, err = timestamp(text); err != nil {
			return r.explain(t, s, failed(ErrorRuntime, "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s",
				s.timestampPath.text, bare(v)).asError())
		}
	case !s.timestamp.IsZero():
		until = s.timestamp
	}
	if until.Sub(r.now) > maxWait {
		return r.explain(t, s, failed(ErrorRuntime, "Wait state delay is too long.").asError())
	}
	t.Phase, t.Until = inWait, until
	return nil
}

// bare writes a value for a message: a string without quotes.
func bare(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return string(encode(v))
}

func (r *run) choose(t *thread, s *state) *failure {
	in := mustDecode(t.Work)
	next := s.fallback
	for _, rule := range s.rules {
		ok, err := rule.holds(r.scope(t, s, in))
		if err != nil {
			return r.explain(t, s, err)
		}
		if ok {
			next = rule.next
			break
		}
	}
	if next == "" {
		return failed(ErrorNoChoiceMatched, "No choice rule of the state '%s' matched and it has no default.", s.name)
	}
	return r.leave(t, s, in, next)
}

func (r *run) failState(t *thread, s *state) *failure {
	f := &failure{cause: s.failCause}
	if s.failName != nil {
		f.name = *s.failName
	}
	in := r.scope(t, s, mustDecode(t.Work))
	for i, e := range []expression{s.failNamePath, s.failCausePath} {
		if e == nil {
			continue
		}
		field := []string{"ErrorPath", "CausePath"}[i]
		v, err := e.eval(in)
		if err != nil {
			return r.explain(t, s, describe(err, field, in))
		}
		text, ok := v.(string)
		if !ok {
			return r.explain(t, s, fmt.Errorf("the %s '%s' must reference a string", field, s.failPathTexts[i]))
		}
		if i == 0 {
			f.name = text
		} else {
			f.cause = &text
		}
	}
	return f
}

func (r *run) startTask(t *thread, s *state) *failure {
	timeout := s.timeout
	if s.timeoutPath != nil {
		v, err := s.timeoutPath.eval(r.scope(t, s, mustDecode(t.Input)))
		if err != nil {
			return r.explain(t, s, err)
		}
		n, ok := integer(v)
		if !ok || n < 1 {
			return r.explain(t, s, fmt.Errorf("the TimeoutSecondsPath parameter must reference a positive integer: %s == %s", s.timeoutPath.text, bare(v)))
		}
		timeout = n
	}
	call := &Invocation{Function: s.resource, Payload: t.Work, Service: s.service}
	if s.service {
		var f *failure
		if call, f = r.serviceCall(t, s); f != nil {
			return f
		}
		t.Last = r.add(t.Last, Event{Type: "TaskScheduled", TaskScheduled: &ScheduledDetails{
			Parameters: string(t.Work), Region: r.x.Start.Region, Resource: "invoke", ResourceType: "lambda", TimeoutInSeconds: timeout,
		}})
		t.Last = r.add(t.Last, Event{Type: "TaskStarted", TaskStarted: &ScheduledDetails{Resource: "invoke", ResourceType: "lambda"}})
	} else {
		t.Last = r.add(t.Last, Event{Type: "LambdaFunctionScheduled", LambdaFunctionScheduled: &ScheduledDetails{
			Input: string(t.Work), InputDetails: &Truncation{}, Resource: s.resource, TimeoutInSeconds: timeout,
		}})
		t.Last = r.add(t.Last, Event{Type: "LambdaFunctionStarted"})
	}
	r.x.Tokens++
	call.Token = r.x.Tokens
	if timeout > 0 {
		call.Deadline = r.now.Add(time.Duration(timeout) * time.Second)
	}
	t.Phase, t.Task = inTask, call
	r.step.Invoke = append(r.step.Invoke, *call)
	return nil
}

// serviceCall reads the parameters of lambda:invoke.
func (r *run) serviceCall(t *thread, s *state) (*Invocation, *failure) {
	parameters, _ := mustDecode(t.Work).(map[string]any)
	name, _ := parameters["FunctionName"].(string)
	if name == "" {
		return nil, r.explain(t, s, fmt.Errorf("The Parameters '%s' could not be used to start the Task: [The required field 'FunctionName' is missing]", t.Work))
	}
	if qualifier, ok := parameters["Qualifier"].(string); ok && qualifier != "" {
		name += ":" + qualifier
	}
	payload := json.RawMessage("{}")
	if v, ok := parameters["Payload"]; ok {
		payload = encode(v)
	}
	return &Invocation{Function: name, Payload: payload, Service: true}, nil
}

// taskEnded takes a task's outcome or its timeout.
func (r *run) taskEnded(t *thread, s *state) (moved bool, f *failure) {
	o := t.outcome
	if o == nil {
		if t.Task.Deadline.IsZero() || r.now.Before(t.Task.Deadline) {
			return false, nil
		}
		name := ErrorTimeout
		e := Event{Type: "LambdaFunctionTimedOut", LambdaFunctionTimedOut: &ErrorDetails{Error: &name}}
		if s.service {
			e = Event{Type: "TaskTimedOut", TaskTimedOut: &ErrorDetails{Error: &name, Resource: "invoke", ResourceType: "lambda"}}
		}
		t.Last = r.add(t.Last, e)
		return false, &failure{name: name}
	}
	t.outcome = nil
	if f := o.failure; f != nil {
		return false, r.taskFailed(t, s, f)
	}
	result, err := decode(o.result)
	if err != nil {
		return false, r.taskFailed(t, s, failed(ErrorRuntime, "The task '%s' returned invalid JSON: %v", s.resource, err))
	}
	raw, kind := encode(result), s.resource
	if s.service {
		result = map[string]any{"Payload": result, "StatusCode": json.Number(strconv.Itoa(200))}
		raw, kind = encode(result), "lambda"
	}
	if limit := r.x.Start.Limits.MaxPayload; limit > 0 && len(raw) > limit {
		return false, r.taskFailed(t, s, tooLarge(kind))
	}
	e := Event{Type: "LambdaFunctionSucceeded", LambdaFunctionSucceeded: output("", raw)}
	if s.service {
		e = Event{Type: "TaskSucceeded", TaskSucceeded: &OutputDetails{Output: string(raw), Resource: "invoke", ResourceType: "lambda"}}
	}
	t.Last = r.add(t.Last, e)
	return true, r.result(t, s, result)
}

func (r *run) taskFailed(t *thread, s *state, f *failure) *failure {
	name := f.name
	e := Event{Type: "LambdaFunctionFailed", LambdaFunctionFailed: &ErrorDetails{Error: &name, Cause: f.cause}}
	if s.service {
		e = Event{Type: "TaskFailed", TaskFailed: &ErrorDetails{Error: &name, Cause: f.cause, Resource: "invoke", ResourceType: "lambda"}}
	}
	t.Last = r.add(t.Last, e)
	return f
}
