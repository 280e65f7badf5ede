package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Settle is how long after its injection a fault's window lasts at least: what it broke may
// still show.
const Settle = 10 * time.Second

// Fault is one thing that goes wrong on purpose. Exactly one of its kinds is set.
type Fault struct {
	Name string
	At   time.Duration // from the start of the load
	For  time.Duration // the longest that it lasts: it is reverted by then, whatever happens

	KillFunction    *KillFunction
	KillProcess     *KillProcess
	ReleaseFunction *ReleaseFunction

	Limits FaultLimits
}

// KillFunction kills processes of a function with SIGKILL, again and again while it lasts.
type KillFunction struct {
	Function string
	Hits     int           // at least so many in the middle of an invocation, or the run is INVALID
	Every    time.Duration // between two kills
}

// KillProcess kills a cloud process with SIGKILL once; the supervisor starts it again.
type KillProcess struct {
	Process string
}

// ReleaseFunction sends a new version of a function up a ladder. One with a defect must be rolled
// back, one without must reach the top.
type ReleaseFunction struct {
	Function  string
	Defect    Defect
	Ladder    Ladder
	TimeScale float64
	Rollback  bool // off: harm is seen and nothing is done, for proving that the check can fail
}

// Defect is what is wrong with a release.
type Defect struct {
	Kind  DefectKind
	Delay time.Duration // of every answer, when slow
	Share Share         // of answers, when failing
}

// DefectKind is a way to be bad, or not.
type DefectKind string

// The kinds.
const (
	None    DefectKind = "none"    // none: the same code as a new version
	Slow    DefectKind = "slow"    // slow(400ms): every answer is that much later
	Failing DefectKind = "failing" // failing(50%): that share of answers is a 5xx
)

// String is the YAML form.
func (d Defect) String() string {
	switch d.Kind {
	case None:
		return string(None)
	case Slow:
		return fmt.Sprintf("slow(%s)", formatDuration(d.Delay))
	}
	return fmt.Sprintf("failing(%s)", d.Share)
}

func parseDefect(text string) (Defect, error) {
	if text == string(None) {
		return Defect{Kind: None}, nil
	}
	name, rest, _ := strings.Cut(text, "(")
	argument, closed := strings.CutSuffix(rest, ")")
	kinds := []string{string(Slow), string(Failing)}
	if !slices.Contains(kinds, name) || !closed {
		return Defect{}, fmt.Errorf("unknown defect %q%s; allowed: none, slow(DURATION), failing(SHARE)", text, Suggest(name, append(kinds, string(None))))
	}
	d := Defect{Kind: DefectKind(name)}
	var err error
	if d.Kind == Slow {
		d.Delay, err = parseDuration(argument)
	} else {
		d.Share, err = parseShare(argument)
	}
	switch {
	case err != nil:
		return Defect{}, err
	case d.Kind == Slow && (d.Delay < time.Millisecond || d.Delay > time.Minute):
		return Defect{}, fmt.Errorf("slow(%s) is out of range: from 1ms to 1m", argument)
	case d.Kind == Failing && !(d.Share > 0 && d.Share <= 1):
		return Defect{}, fmt.Errorf("failing(%s) is out of range: above 0%%, to 100%%", argument)
	}
	return d, nil
}

// FaultLimits hold inside a fault's window; 0 is the default of [Scenario.LimitsOf].
type FaultLimits struct {
	P99          time.Duration
	Availability Share
}

// WindowAvailability is the share of requests that must be answered 2xx in the window of a fault
// that sets no limit of its own: a fault excuses what it must break, not everything.
const WindowAvailability Share = 0.9

// LimitsOf are what holds inside a fault's window: its own limits, and defaults where it sets
// none. The default p99 is a tenth above the timeout of requests: what was not answered counts at
// the timeout, and its share is availability's; what waited longer than that was never served.
func (s *Scenario) LimitsOf(f Fault) FaultLimits {
	limits := f.Limits
	if limits.P99 == 0 {
		limits.P99 = s.Load.Timeout + s.Load.Timeout/10
	}
	if limits.Availability == 0 {
		limits.Availability = WindowAvailability
	}
	return limits
}

// Kind is the YAML key of what the fault does.
func (f Fault) Kind() string {
	switch {
	case f.KillFunction != nil:
		return "kill-function"
	case f.KillProcess != nil:
		return "kill-process"
	case f.ReleaseFunction != nil:
		return "release-function"
	}
	return ""
}

// Healthy says that the fault is a release without a defect: it breaks nothing, so it has no
// window, and the objectives hold while it climbs.
func (f Fault) Healthy() bool {
	return f.ReleaseFunction != nil && f.ReleaseFunction.Defect.Kind == None
}

// Window is the stretch of the load in which the objectives do not apply: the injected interval
// and [Settle] after it.
type Window struct{ Start, End time.Duration }

// Window is the fault's own; a run may have to lengthen it.
func (f Fault) Window() Window { return Window{f.At, f.At + f.For + Settle} }

// Windows are the windows of all faults that break something, joined where they overlap and cut at
// the end of the load.
func (s *Scenario) Windows() []Window {
	var all []Window
	for _, f := range s.Faults {
		if !f.Healthy() {
			all = append(all, f.Window())
		}
	}
	slices.SortFunc(all, func(a, b Window) int { return cmp.Compare(a.Start, b.Start) })
	var joined []Window
	for _, w := range all {
		w.End = min(w.End, s.Load.Length())
		if last := len(joined) - 1; last >= 0 && w.Start <= joined[last].End {
			joined[last].End = max(joined[last].End, w.End)
		} else if w.End > w.Start {
			joined = append(joined, w)
		}
	}
	return joined
}

// Covered is how much of the load fault windows cover.
func (s *Scenario) Covered() time.Duration {
	var sum time.Duration
	for _, w := range s.Windows() {
		sum += w.End - w.Start
	}
	return sum
}
