package asl

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// compiler turns raw states into compiled ones and collects every problem.
type compiler struct{ problems []string }

const schema = "SCHEMA_VALIDATION_FAILED"

func (c *compiler) problem(at, format string, args ...any) {
	c.report(schema, at, format, args...)
}

func (c *compiler) report(code, at, format string, args ...any) {
	if at == "" {
		at = "/"
	}
	c.problems = append(c.problems, fmt.Sprintf("%s: %s at %s", code, fmt.Sprintf(format, args...), at))
}

var kinds = []string{"Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"}

func (c *compiler) block(at string, raw rawBlock) *block {
	b := &block{states: make(map[string]*state, len(raw.States))}
	var missing []string
	if raw.StartAt == nil {
		missing = append(missing, "StartAt")
	} else {
		b.startAt = *raw.StartAt
	}
	if raw.States == nil {
		missing = append(missing, "States")
	}
	if missing != nil {
		c.problem(at, "These fields are required: %s", fmt.Sprint(missing))
		return b
	}
	if raw.QueryLanguage == "JSONata" {
		c.problem(at+"/QueryLanguage", "JSONata is not supported here")
	}
	if raw.ProcessorConfig != nil && raw.ProcessorConfig.Mode == "DISTRIBUTED" {
		c.problem(at+"/ProcessorConfig/Mode", "DISTRIBUTED is not supported here")
	}
	for _, name := range sortedKeys(raw.States) {
		place := at + "/States/" + name
		var r rawState
		if err := strict(raw.States[name], &r); err != nil {
			c.problem(place, "%v", err)
			continue
		}
		b.states[name] = c.state(place, name, &r)
	}
	c.transitions(at, b)
	return b
}

// transitions checks that every target exists and every state can be reached.
func (c *compiler) transitions(at string, b *block) {
	reached := map[string]bool{}
	check := func(place, target string) {
		if target == "" {
			return
		}
		reached[target] = true
		if b.states[target] == nil {
			c.report("MISSING_TRANSITION_TARGET", place, "Missing 'Next' target: %s", target)
		}
	}
	if b.states[b.startAt] == nil {
		c.report("MISSING_TRANSITION_TARGET", at+"/StartAt", "Missing 'Next' target: %s", b.startAt)
	}
	reached[b.startAt] = true
	for _, name := range sortedKeys(b.states) {
		s, place := b.states[name], at+"/States/"+name
		check(place+"/Next", s.next)
		check(place+"/Default", s.fallback)
		for i, r := range s.rules {
			check(fmt.Sprintf("%s/Choices[%d]/Next", place, i), r.next)
		}
		for i, k := range s.catch {
			check(fmt.Sprintf("%s/Catch[%d]/Next", place, i), k.next)
		}
	}
	for _, name := range sortedKeys(b.states) {
		if !reached[name] {
			c.report("MISSING_TRANSITION_TARGET", at+"/States/"+name, "State \"%s\" is not reachable.", name)
		}
	}
}

func (c *compiler) state(at, name string, r *rawState) *state {
	s := &state{name: name, kind: r.Type, next: r.Next, end: r.End, resource: r.Resource, maxConcurrency: r.MaxConcurrency}
	if !slices.Contains(kinds, r.Type) {
		c.problem(at+"/Type", "The field 'Type' should have one of these values: [%s]", strings.Join(kinds, ", "))
		return s
	}
	refused := r.refused()
	for _, field := range sortedKeys(refused) {
		if refused[field] != nil {
			c.problem(at+"/"+field, "The field '%s' is not supported here", field)
		}
	}
	if r.QueryLanguage == "JSONata" {
		c.problem(at+"/QueryLanguage", "JSONata is not supported here")
	}
	switch r.Type {
	case "Succeed", "Fail", "Choice":
		if r.Next != "" || r.End {
			c.problem(at, "A %s state has neither 'Next' nor 'End'", r.Type)
		}
	default:
		if (r.Next == "") == !r.End {
			c.problem(at, "Exactly one of these fields is required: [Next, End]")
		}
	}
	s.inputPath = c.path(at+"/InputPath", r.InputPath)
	s.outputPath = c.path(at+"/OutputPath", r.OutputPath)
	s.resultPath = c.referencePath(at+"/ResultPath", r.ResultPath)
	s.parameters = c.template(at+"/Parameters", r.Parameters)
	s.resultSelector = c.template(at+"/ResultSelector", r.ResultSelector)
	switch r.Type {
	case "Task":
		c.task(at, s, r)
	case "Wait":
		c.wait(at, s, r)
	case "Choice":
		c.choice(at, s, r)
	case "Pass":
		if r.Result != nil {
			s.result, s.hasResult = mustDecode(r.Result), true
		}
	case "Fail":
		c.fail(at, s, r)
	case "Parallel":
		c.parallel(at, s, r)
	case "Map":
		c.mapping(at, s, r)
	}
	if r.Retry != nil || r.Catch != nil {
		if !slices.Contains([]string{"Task", "Parallel", "Map"}, r.Type) {
			c.problem(at, "A %s state has neither 'Retry' nor 'Catch'", r.Type)
		}
		c.recovery(at, s, r)
	}
	return s
}

func (c *compiler) path(at string, n nullable) *path {
	if !n.set {
		return &path{text: "$"}
	}
	if n.text == nil {
		return nil
	}
	p, err := parsePath(*n.text)
	if err != nil {
		c.problem(at, "Value is not a valid JSONPath: %v", err)
	}
	return &p
}

func (c *compiler) referencePath(at string, n nullable) *path {
	p := c.path(at, n)
	if p != nil && (!p.reference() || p.context) {
		c.problem(at, "Value is not a Reference Path")
	}
	return p
}

// optionalPath compiles a path that is nil where the field is missing.
func (c *compiler) optionalPath(at, text string) *path {
	if text == "" {
		return nil
	}
	return c.path(at, nullable{set: true, text: &text})
}

func (c *compiler) template(at string, raw json.RawMessage) expression {
	if raw == nil {
		return nil
	}
	return compileTemplate(mustDecode(raw), func(field string) {
		c.problem(at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", field)
	})
}

func (c *compiler) task(at string, s *state, r *rawState) {
	s.timeoutPath = c.optionalPath(at+"/TimeoutSecondsPath", r.TimeoutSecondsPath)
	c.optionalPath(at+"/HeartbeatSecondsPath", r.HeartbeatSecondsPath)
	if r.TimeoutSeconds != nil {
		if s.timeout = *r.TimeoutSeconds; s.timeout < 1 || s.timeout > maxTimeout {
			c.problem(at+"/TimeoutSeconds", "Value must be between 1 and %d", maxTimeout)
		}
	}
	parts := strings.SplitN(r.Resource, ":", 7)
	switch {
	case r.Resource == LambdaInvoke:
		s.service = true
	case len(parts) == 7 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function" && parts[6] != "":
	default:
		c.problem(at+"/Resource", "The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.", r.Resource)
	}
}

func (c *compiler) wait(at string, s *state, r *rawState) {
	s.secondsPath = c.optionalPath(at+"/SecondsPath", r.SecondsPath)
	s.timestampPath = c.optionalPath(at+"/TimestampPath", r.TimestampPath)
	given := 0
	for _, is := range []bool{r.Seconds != nil, r.SecondsPath != "", r.Timestamp != "", r.TimestampPath != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.problem(at, "Exactly one of these fields is required: [Seconds, SecondsPath, Timestamp, TimestampPath]")
	}
	if r.Seconds != nil {
		if s.seconds = *r.Seconds; s.seconds < 0 || s.seconds > maxTimeout {
			c.problem(at+"/Seconds", "Value must be between 0 and %d", maxTimeout)
		}
	}
	if r.Timestamp != "" {
		var err error
		if s.timestamp, err = timestamp(r.Timestamp); err != nil {
			c.problem(at+"/Timestamp", "String does not match RFC3339 timestamp")
		}
	}
}

func (c *compiler) choice(at string, s *state, r *rawState) {
	s.fallback = r.Default
	if len(r.Choices) == 0 {
		c.problem(at+"/Choices", "Value cannot be empty")
	}
	for i, raw := range r.Choices {
		place := fmt.Sprintf("%s/Choices[%d]", at, i)
		compiled := compileRule(raw, false, func(below, format string, args ...any) {
			c.problem(place+below, format, args...)
		})
		if compiled.next == "" {
			c.problem(place, "These fields are required: [Next]")
		}
		s.rules = append(s.rules, compiled)
	}
}

func (c *compiler) fail(at string, s *state, r *rawState) {
	s.failName, s.failCause = r.Error, r.Cause
	s.failPathTexts = [2]string{r.ErrorPath, r.CausePath}
	for _, f := range []struct {
		name, text string
		literal    *string
		into       *expression
	}{{"Error", r.ErrorPath, r.Error, &s.failNamePath}, {"Cause", r.CausePath, r.Cause, &s.failCausePath}} {
		if f.text == "" {
			continue
		}
		if f.literal != nil {
			c.problem(at, "Only one of these fields is allowed: [%s, %sPath]", f.name, f.name)
		}
		e, err := parseExpression(f.text)
		if err != nil {
			c.problem(at+"/"+f.name+"Path", "Value is not a valid JSONPath or intrinsic function call")
			continue
		}
		*f.into = e
	}
}

func (c *compiler) parallel(at string, s *state, r *rawState) {
	if len(r.Branches) == 0 {
		c.problem(at+"/Branches", "Value cannot be empty")
	}
	for i, raw := range r.Branches {
		s.branches = append(s.branches, c.inner(fmt.Sprintf("%s/Branches[%d]", at, i), raw))
	}
}

func (c *compiler) mapping(at string, s *state, r *rawState) {
	field, raw := "ItemProcessor", r.ItemProcessor
	if r.Iterator != nil {
		if raw != nil {
			c.problem(at, "Only one of these fields is allowed: [ItemProcessor, Iterator]")
		}
		field, raw = "Iterator", r.Iterator
	}
	if raw == nil {
		c.problem(at, "These fields are required: [ItemProcessor]")
	} else {
		s.branches = []*block{c.inner(at+"/"+field, raw)}
	}
	s.itemsPath = c.optionalPath(at+"/ItemsPath", r.ItemsPath)
	if s.itemsPath == nil {
		s.itemsPath = &path{text: "$"}
	}
	if s.itemSelector = c.template(at+"/ItemSelector", r.ItemSelector); s.itemSelector == nil {
		s.itemSelector = s.parameters
	} else if s.parameters != nil {
		c.problem(at, "Only one of these fields is allowed: [ItemSelector, Parameters]")
	}
	s.parameters = nil // of a Map they shape the items, not the input
	s.maxConcurrencyPath = c.optionalPath(at+"/MaxConcurrencyPath", r.MaxConcurrencyPath)
	if r.MaxConcurrency < 0 {
		c.problem(at+"/MaxConcurrency", "Value must not be negative")
	}
}

func (c *compiler) inner(at string, raw json.RawMessage) *block {
	var b rawBlock
	if err := strict(raw, &b); err != nil {
		c.problem(at, "%v", err)
		return &block{}
	}
	return c.block(at, b)
}

func (c *compiler) recovery(at string, s *state, r *rawState) {
	names := func(place string, names []string, last bool) {
		switch {
		case len(names) == 0:
			c.problem(place+"/ErrorEquals", "Value cannot be empty")
		case slices.Contains(names, ErrorAll) && (len(names) > 1 || !last):
			c.problem(place+"/ErrorEquals", "States.ALL must appear alone and in the last retrier or catcher")
		}
	}
	for i, raw := range r.Retry {
		place := fmt.Sprintf("%s/Retry[%d]", at, i)
		names(place, raw.ErrorEquals, i == len(r.Retry)-1)
		k := retrier{names: raw.ErrorEquals, interval: time.Second, maxAttempts: 3, backoff: 2, jitter: raw.JitterStrategy == "FULL"}
		if v := raw.IntervalSeconds; v != nil {
			k.interval = c.bounded(place+"/IntervalSeconds", *v, 1)
		}
		if v := raw.MaxDelaySeconds; v != nil {
			k.maxDelay = c.bounded(place+"/MaxDelaySeconds", *v, 1)
		}
		if v := raw.MaxAttempts; v != nil {
			c.bounded(place+"/MaxAttempts", *v, 0)
			k.maxAttempts = int(*v)
		}
		if v := raw.BackoffRate; v != nil {
			if k.backoff = *v; k.backoff < 1 {
				c.problem(place+"/BackoffRate", "Value must be at least 1")
			}
		}
		if j := raw.JitterStrategy; j != "" && j != "FULL" && j != "NONE" {
			c.problem(place+"/JitterStrategy", "Value should be one of: [FULL, NONE]")
		}
		s.retry = append(s.retry, k)
	}
	for i, raw := range r.Catch {
		place := fmt.Sprintf("%s/Catch[%d]", at, i)
		names(place, raw.ErrorEquals, i == len(r.Catch)-1)
		if raw.Next == "" {
			c.problem(place, "These fields are required: [Next]")
		}
		if raw.Assign != nil || raw.Output != nil {
			c.problem(place, "The fields 'Assign' and 'Output' are not supported here")
		}
		s.catch = append(s.catch, catcher{names: raw.ErrorEquals, next: raw.Next, resultPath: c.referencePath(place+"/ResultPath", raw.ResultPath)})
	}
}

func (c *compiler) bounded(at string, v, least int64) time.Duration {
	if v < least || v > maxTimeout {
		c.problem(at, "Value must be between %d and %d", least, maxTimeout)
	}
	return time.Duration(min(v, maxTimeout)) * time.Second
}
