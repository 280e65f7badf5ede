package scenarios

import (
	"math"
	"slices"
	"time"
)

// Parse reads a scenario and applies overrides of the form path=value to it. file names the text
// in messages. All mistakes are reported at once, those that checks find among them, as
// [Diagnostics].
func Parse(file string, text []byte, overrides []string, checks ...Check) (*Scenario, error) {
	root, found := readTree(file, text)
	if root == nil {
		return nil, found
	}
	for _, o := range overrides {
		if err := override(root, o); err != nil {
			found = append(found, *err)
		}
	}
	s := Default()
	s.File = file
	d := &decoder{found: found, where: map[any]Position{}, bad: map[string]bool{}}
	fields := s.fields()
	for i := range fields {
		key, read := fields[i].key, fields[i].read
		fields[i].read = func(d *decoder, n *node) {
			before := len(d.found)
			read(d, n)
			d.bad[key] = len(d.found) > before
		}
	}
	// A fault begins with the scenario's ladder and limits that follow from its timeout, wherever in
	// the text those stand.
	if root.form == mapping {
		slices.SortStableFunc(root.pairs, func(a, b pair) int { return late(a) - late(b) })
	}
	d.object("scenario", root, fields)
	s.where, s.whole = d.where, root.Position
	if root.get("load") != nil {
		s.validate(d, checks)
	}
	if len(d.found) > 0 {
		return nil, d.found.sorted()
	}
	return &s, nil
}

func late(p pair) int {
	if p.key == "faults" {
		return 1
	}
	return 0
}

// Validate checks what no single value can be checked for; Parse has done so. It is for
// scenarios made or changed by code.
func (s *Scenario) Validate() error {
	d := &decoder{}
	s.validate(d, nil)
	if len(d.found) > 0 {
		return d.found.sorted()
	}
	return nil
}

// Find asks checks alone, and returns all that they find.
func (s *Scenario) Find(checks ...Check) error {
	var found Diagnostics
	for _, c := range checks {
		found = append(found, c.Find(s)...)
	}
	if len(found) > 0 {
		return found.sorted()
	}
	return nil
}

// validate reports at the position of a value, or at the scenario's where it is unknown. It
// says nothing about what could not be read, nor about what depends on that.
func (s *Scenario) validate(d *decoder, checks []Check) {
	if !d.bad["load"] {
		s.validateLoad(d)
	}
	if !d.bad["load"] && !d.bad["faults"] {
		s.validateFaults(d)
	}
	if b := s.Delivery.BufferSize; b%1e6 != 0 {
		d.report(s.At(&s.Delivery.BufferSize), "buffer-size: %s is not a whole number of MB, which is all that Firehose takes", b)
	}
	if b := s.Delivery.Buffer; b%time.Second != 0 {
		d.report(s.At(&s.Delivery.Buffer), "buffer: %s is not a whole number of seconds, which is all that Firehose takes", formatDuration(b))
	}
	if e := s.RollUp.Every; e%time.Second != 0 {
		d.report(s.At(&s.RollUp.Every), "every: %s is not a whole number of seconds, which is all that Step Functions waits", formatDuration(e))
	}
	for _, c := range checks {
		if !slices.ContainsFunc(c.Reads, func(key string) bool { return d.bad[key] }) {
			d.found = append(d.found, c.Find(s)...)
		}
	}
}

func (s *Scenario) validateLoad(d *decoder) {
	names := map[string]bool{}
	whole := true
	for i := range s.Load.Phases {
		p := &s.Load.Phases[i]
		if p.From < 0 || p.To < 0 {
			whole = false
			d.report(s.At(p), `phase %q needs "rate", or both "from" and "to"`, p.Name)
		}
		if names[p.Name] {
			d.report(s.At(&p.Name, p), "second phase with the name %q", p.Name)
		}
		names[p.Name] = true
	}
	switch length := s.Load.Planned(); {
	case len(s.Load.Phases) == 0:
		d.report(s.At(&s.Load.Phases), "load has no phases: there is nothing to run")
	case length > longest:
		d.report(s.At(&s.Load.Phases[0]), "load lasts %s; at most %s", formatDuration(length), formatDuration(longest))
	case whole && s.Load.Events() < 1:
		d.report(s.At(&s.Load.Phases[0]), "load sends no events: an empty run proves nothing")
	case s.Load.Length() < shortest:
		d.report(s.At(&s.Load.Speed), "speed %s: %s would be over in %s; at most %s", formatNumber(s.Load.Speed), formatDuration(length),
			formatDuration(s.Load.Length().Round(time.Microsecond)), formatNumber(math.Floor(length.Seconds()/shortest.Seconds())))
	case whole && s.Load.Speed > 1 && s.Load.Peak() > fastest:
		d.report(s.At(&s.Load.Speed), "speed %s: the peak would be %s events/s; at most %s, which is a speed of %s", formatNumber(s.Load.Speed),
			formatNumber(math.Round(float64(s.Load.Peak()))), formatNumber(float64(fastest)), formatNumber(math.Floor(s.Load.Speed*float64(fastest/s.Load.Peak()))))
	}
	if m := s.Load.Mix; m.BatchMean > float64(m.BatchCap) {
		d.report(s.At(&s.Load.Mix.BatchMean), "batch-mean %s is above batch-cap %d", formatNumber(m.BatchMean), m.BatchCap)
	}
}

func (s *Scenario) validateFaults(d *decoder) {
	length := s.Load.Length()
	names := map[string]bool{}
	for i := range s.Faults {
		f := &s.Faults[i]
		if names[f.Name] {
			d.report(s.At(&f.Name, f), "second fault with the name %q", f.Name)
		}
		names[f.Name] = true
		kinds := 0
		for _, set := range []bool{f.KillFunction != nil, f.KillProcess != nil, f.ReleaseFunction != nil} {
			if set {
				kinds++
			}
		}
		if kinds != 1 {
			d.report(s.At(f), "fault %q needs exactly one of kill-function, kill-process, release-function; it has %d", f.Name, kinds)
		}
		if f.At+f.For > length {
			d.report(s.At(&f.For, f), "fault %q ends at %s, after the load's end at %s", f.Name, formatDuration(f.At+f.For), formatDuration(length))
		}
		if k := f.KillFunction; k != nil && k.Every > f.For {
			d.report(s.At(&k.Every, k), "fault %q kills every %s and lasts %s: it needs one interval at least", f.Name, formatDuration(k.Every), formatDuration(f.For))
		} else if k != nil && time.Duration(k.Hits-1)*k.Every > f.For {
			d.report(s.At(&k.Hits, k), "fault %q cannot hit %d times: a kill every %s makes %d in %s", f.Name, k.Hits, formatDuration(k.Every), f.For/k.Every+1, formatDuration(f.For))
		}
	}
	for i := range s.Faults {
		if f := &s.Faults[i]; f.Healthy() {
			if !f.ReleaseFunction.Rollback {
				d.report(s.At(&f.ReleaseFunction.Rollback, f.ReleaseFunction), "fault %q has no defect: rollback can only be switched off for a release that should be rolled back", f.Name)
			}
			for _, limit := range []struct {
				set   bool
				where any
			}{{f.Limits.P99 != 0, &f.Limits.P99}, {f.Limits.Availability != 0, &f.Limits.Availability}} {
				if limit.set {
					d.report(s.At(limit.where, f), "fault %q has no defect, hence no window: the objectives hold while it climbs, and it takes no limits", f.Name)
				}
			}
		} else {
			f.Limits = s.LimitsOf(*f)
		}
		if f := &s.Faults[i]; f.ReleaseFunction != nil {
			for j := range i {
				if g := &s.Faults[j]; g.ReleaseFunction != nil && f.At < g.At+g.For && g.At < f.At+f.For {
					d.report(s.At(&f.At, f), "fault %q releases while %q does: one release at a time", f.Name, g.Name)
				}
			}
		}
	}
	if covered := s.Covered(); 2*covered > length && len(s.Faults) > 0 {
		d.report(s.At(&s.Faults[0]), "fault windows (each fault and %s after it) cover %s of %s: at most half, or nothing is left to hold to the objectives",
			formatDuration(Settle), formatDuration(covered), formatDuration(length))
	}
}
