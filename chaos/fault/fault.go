package fault

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is a way for things to go wrong.
type Kind string

// The kinds.
const (
	KillFunction    Kind = "kill-function"    // SIGKILL to busy environments of a function, again and again
	KillProcess     Kind = "kill-process"     // SIGKILL to one of our processes, once; its supervisor starts it again
	ReleaseFunction Kind = "release-function" // publishes a version of a function, with a defect or without
)

// Kinds are all kinds, in the order of help texts.
var Kinds = []Kind{KillFunction, KillProcess, ReleaseFunction}

// Fault is one fault of a run. Its line is
//
//	NAME: KIND TARGET at DURATION for DURATION [hits=N] [every=DURATION] [defect=DEFECT] [seed=N]
type Fault struct {
	Name   string        // unique in a run: the id of its lease
	Kind   Kind          //
	Target string        // a function, or the name of a process
	At     time.Duration // from the start of the load
	For    time.Duration // the longest that it lasts: it is reverted by then, whatever happens
	Hits   int           // fewer confirmed ones make the run invalid; 0 is 1
	Every  time.Duration // between two strikes of kill-function
	Defect Defect        // of release-function
	Seed   uint64        // of its choices
}

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	targetForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$`)
)

// Wanted is how many hits the fault must have.
func (f Fault) Wanted() int { return max(1, f.Hits) }

// Validate returns all that is wrong with the fault, joined.
func (f Fault) Validate() error {
	var faults []error
	report := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !nameForm.MatchString(f.Name) {
		report("name %q is not of the form %s", f.Name, nameForm)
	}
	if !targetForm.MatchString(f.Target) {
		report("target %q is not of the form %s", f.Target, targetForm)
	}
	if f.At < 0 {
		report("it begins at %s, before the load", f.At)
	}
	if f.For <= 0 {
		report("it lasts for %s: it needs an end above zero", f.For)
	}
	if f.Hits < 0 {
		report("hits=%d is below zero", f.Hits)
	}
	switch f.Kind {
	case KillFunction:
		if f.Every < time.Millisecond || f.Every > f.For {
			report("every=%s is out of range: from 1ms to the %s it lasts", f.Every, f.For)
		}
	case KillProcess, ReleaseFunction:
		if f.Every != 0 {
			report("%s takes no every", f.Kind)
		}
		if f.Kind == KillProcess && f.Hits > 1 {
			report("hits=%d: %s strikes once", f.Hits, f.Kind)
		}
	default:
		report("unknown kind %q; allowed: %s", f.Kind, join(Kinds))
	}
	if f.Kind == ReleaseFunction {
		if err := f.Defect.Validate(); err != nil {
			faults = append(faults, err)
		}
	} else if f.Defect != (Defect{}) {
		report("%s takes no defect", f.Kind)
	}
	return errors.Join(faults...)
}

// String is the fault's line. Parse reads it back to an equal value.
func (f Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s at %s for %s", f.Name, f.Kind, f.Target, short(f.At), short(f.For))
	if f.Hits != 0 {
		fmt.Fprintf(&b, " hits=%d", f.Hits)
	}
	if f.Every != 0 {
		fmt.Fprintf(&b, " every=%s", short(f.Every))
	}
	if f.Defect != (Defect{}) {
		fmt.Fprintf(&b, " defect=%s", f.Defect)
	}
	if f.Seed != 0 {
		fmt.Fprintf(&b, " seed=%d", f.Seed)
	}
	return b.String()
}

// Parse reads a fault's line and validates it.
func Parse(line string) (Fault, error) {
	f, err := parse(line)
	if err == nil {
		err = f.Validate()
	}
	if err != nil {
		return Fault{}, fmt.Errorf("parse fault %q: %w", line, err)
	}
	return f, nil
}

func parse(line string) (Fault, error) {
	words := strings.Fields(line)
	if len(words) < 7 || !strings.HasSuffix(words[0], ":") || words[3] != "at" || words[5] != "for" {
		return Fault{}, errors.New("want NAME: KIND TARGET at DURATION for DURATION [KEY=VALUE]")
	}
	f := Fault{Name: strings.TrimSuffix(words[0], ":"), Kind: Kind(words[1]), Target: words[2]}
	var faults []error
	keep := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	var err error
	f.At, err = time.ParseDuration(words[4])
	keep(err)
	f.For, err = time.ParseDuration(words[6])
	keep(err)
	seen := map[string]bool{}
	for _, word := range words[7:] {
		key, value, _ := strings.Cut(word, "=")
		if seen[key] {
			keep(fmt.Errorf("second %s", key))
		}
		seen[key] = true
		switch key {
		case "hits":
			f.Hits, err = strconv.Atoi(value)
		case "every":
			f.Every, err = time.ParseDuration(value)
		case "defect":
			f.Defect, err = ParseDefect(value)
		case "seed":
			f.Seed, err = strconv.ParseUint(value, 10, 64)
		default:
			err = fmt.Errorf("unknown key %q; allowed: hits, every, defect, seed", key)
		}
		keep(err)
	}
	return f, errors.Join(faults...)
}

// short is a duration without the zero units that its String ends in: 2m for 2m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func join(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
