package asl

import "fmt"

func (r *run) startBranches(t *thread, s *state) *failure {
	t.Last = r.add(t.Last, Event{Type: "ParallelStateStarted"})
	t.Children = make([]*thread, len(s.branches))
	for i, b := range s.branches {
		t.Children[i] = &thread{State: b.startAt, Input: t.Work, Last: t.Last, Index: t.Index, Item: t.Item}
	}
	t.Phase = inBlocks
	return nil
}

func (r *run) startIterations(t *thread, s *state) *failure {
	in := mustDecode(t.Work)
	v, err := s.itemsPath.eval(r.scope(t, s, in))
	if err != nil {
		return r.explain(t, s, err)
	}
	items, ok := v.([]any)
	if !ok {
		return r.explain(t, s, fmt.Errorf("Reference path \"%s\" must point to array.", s.itemsPath.text))
	}
	atOnce := s.maxConcurrency
	if s.maxConcurrencyPath != nil {
		v, err := s.maxConcurrencyPath.eval(r.scope(t, s, in))
		if err != nil {
			return r.explain(t, s, err)
		}
		if atOnce, ok = integer(v); !ok {
			return r.explain(t, s, fmt.Errorf("The MaxConcurrencyPath field refers to value \"%s\" which is not a valid integer: %s", bare(v), s.maxConcurrencyPath.text))
		}
		if atOnce < 0 {
			return r.explain(t, s, fmt.Errorf("MaxConcurrency cannot be negative."))
		}
	}
	if atOnce == 0 || atOnce > maxParallel {
		atOnce = maxParallel
	}
	t.Items, t.Length, t.AtOnce, t.Children = encode(items), len(items), int(atOnce), nil
	t.Last = r.add(t.Last, Event{Type: "MapStateStarted", MapStateStarted: &LengthDetails{Length: len(items)}})
	t.Phase = inBlocks
	return nil
}

// blocksEnded runs branches or iterations and joins them once all have ended.
func (r *run) blocksEnded(t *thread, s *state) (moved bool, f *failure) {
	if s.kind == "Map" {
		if f := r.moreIterations(t, s); f != nil {
			return false, f
		}
	}
	for i := 0; i < len(t.Children); i++ { // iterations are added on the way
		c := t.Children[i]
		if c.Phase == finished {
			continue
		}
		b := s.branches[0]
		if s.kind == "Parallel" {
			b = s.branches[i]
		}
		done, f := r.poll(c, b)
		if r.overflow {
			return false, nil
		}
		if f != nil {
			r.abortOthers(t, s, i, b)
			return false, f
		}
		if !done {
			continue
		}
		t.Last = c.Last
		if s.kind == "Map" {
			t.Succeeded = r.add(c.Last, Event{Type: "MapIterationSucceeded", MapIterationSucceeded: &IterationDetails{Name: s.name, Index: i}})
			if f := r.moreIterations(t, s); f != nil {
				return false, f
			}
		}
	}
	return r.join(t, s)
}

// moreIterations starts as many iterations as may run at once.
func (r *run) moreIterations(t *thread, s *state) *failure {
	running := 0
	for _, c := range t.Children {
		if c.Phase != finished {
			running++
		}
	}
	if running >= t.AtOnce || len(t.Children) == t.Length {
		return nil
	}
	items := mustDecode(t.Items).([]any)
	for ; running < t.AtOnce && len(t.Children) < t.Length && !r.overflow; running++ {
		i := len(t.Children)
		in := items[i]
		if s.itemSelector != nil {
			sc := r.scope(t, s, mustDecode(t.Work))
			sc.context = func() any {
				context := r.context(t, s)
				context["Map"] = mapContext(i, items[i])
				return context
			}
			var err error
			if in, err = s.itemSelector.eval(sc); err != nil {
				return r.explain(t, s, err)
			}
		}
		last := r.add(t.Last, Event{Type: "MapIterationStarted", MapIterationStarted: &IterationDetails{Name: s.name, Index: i}})
		t.Children = append(t.Children, &thread{State: s.branches[0].startAt, Input: encode(in), Last: last, Index: i, Item: encode(items[i])})
	}
	return nil
}

// abortOthers writes the end of the failed iteration and of those still running.
func (r *run) abortOthers(t *thread, s *state, which int, b *block) {
	cause := t.Children[which]
	t.Last = cause.Last
	if s.kind != "Map" {
		return
	}
	r.add(t.Last, Event{Type: "MapIterationFailed", MapIterationFailed: &IterationDetails{Name: s.name, Index: which}})
	for i, c := range t.Children {
		if i == which || c.Phase == finished {
			continue
		}
		r.add(t.Last, Event{Type: "MapIterationAborted", MapIterationAborted: &IterationDetails{Name: s.name, Index: i}})
		if kind := b.states[c.State].kind; c.Phase != fresh && abortable[kind] {
			r.add(t.Last, Event{Type: kind + "StateAborted"})
		}
	}
}

// abortable are the states whose end by abort has an event.
var abortable = map[string]bool{"Task": true, "Wait": true, "Map": true, "Parallel": true}

func (r *run) join(t *thread, s *state) (moved bool, f *failure) {
	if s.kind == "Map" && len(t.Children) < t.Length {
		return false, nil
	}
	outputs := make([]any, len(t.Children))
	for i, c := range t.Children {
		if c.Phase != finished {
			return false, nil
		}
		outputs[i] = mustDecode(c.Output)
	}
	previous := t.Last
	if s.kind == "Map" && t.Succeeded > 0 {
		previous = t.Succeeded
	}
	r.add(previous, Event{Type: s.kind + "StateSucceeded"})
	t.Last = previous
	return true, r.result(t, s, outputs)
}
