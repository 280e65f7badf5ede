package ledger

import (
	"fmt"
	"time"
)

// Status of a check.
type Status uint8

// The statuses.
const (
	NotProved Status = iota // something was not read, not drained, or there was nothing to compare
	Pass
	Fail
)

// String is PASS, FAIL or UNKNOWN.
func (s Status) String() string {
	switch s {
	case Pass:
		return "PASS"
	case Fail:
		return "FAIL"
	}
	return "UNKNOWN"
}

// Names of the checks, in the order of a report. Each owns a kind of defect that no other reports.
const (
	CheckLost      = "events-lost"      // accepted, but in no block, or left out of its minute
	CheckDoubled   = "events-doubled"   // counted more than once in its minute
	CheckPhantom   = "events-phantom"   // in a block, but never sent
	CheckRefused   = "events-refused"   // in a block, though refused or never sent off
	CheckContent   = "events-content"   // in a block with another content than was sent
	CheckMinuteIDs = "minute-ids"       // a minute holds other events than its own
	CheckMinutes   = "minute-figures"   // a minute's figures are not those of its events
	CheckHours     = "hour-figures"     // an hour is not what its minutes are
	CheckDays      = "day-figures"      // a tenant's day is not what its hours and minutes are
	CheckOrders    = "order-facts"      // order transitions
	CheckStock     = "stock-levels"     // the newest count of each product
	CheckAnswers   = "api-answers"      // summaries of the API
	CheckParked    = "events-parked"    // in a dead-letter queue and not counted
	CheckUnknown   = "unknown-outcomes" // too many requests without a clear answer while nothing was broken
)

var titles = map[string]string{
	CheckLost:      "no accepted event is lost",
	CheckDoubled:   "no event is counted twice",
	CheckPhantom:   "nothing is there that was not sent",
	CheckRefused:   "nothing is there that was refused",
	CheckContent:   "events are stored as they were sent",
	CheckMinuteIDs: "every minute holds its own events",
	CheckMinutes:   "minutes add up to the cent",
	CheckHours:     "hours add up",
	CheckDays:      "tenants' days add up",
	CheckOrders:    "order facts agree",
	CheckStock:     "stock levels agree",
	CheckAnswers:   "every tenant reads its own figures, to the cent",
	CheckParked:    "nothing is parked",
	CheckUnknown:   "answers are clear while nothing is broken",
}

// Check is one verdict of the ledger.
type Check struct {
	Name     string
	Title    string
	Status   Status
	Compared int64    // things that were looked at
	Bad      int64    // of them
	Examples []string // of what is bad, a few
	Reason   string   // why it is NotProved, or what the numbers are
}

// Report is the reconciliation of a run.
type Report struct {
	Checks []Check

	Attempts int64 // requests
	Unended  int64 // without an outcome on record
	Acked    int64 // events, each counted once
	Unknown  int64
	Refused  int64
	Repeats  int64 // further attempts of events

	Present    int64           // different events in blocks
	PresentOf  map[State]int64 // of them, by what is known of their sending; 0 is never heard of
	Duplicates int64           // further rows of them in blocks
	Events     int64           // in all minutes' roll-ups
}

// Check finds a check by name. It panics on a name that is none.
func (r *Report) Check(name string) *Check {
	for i := range r.Checks {
		if r.Checks[i].Name == name {
			return &r.Checks[i]
		}
	}
	panic("ledger report has no check " + name)
}

// Window is a time during which something was broken on purpose, aftermath included.
type Window struct{ From, To time.Time }

func (w Window) overlaps(from, to time.Time) bool { return !from.After(w.To) && !to.Before(w.From) }

// finding collects what is bad about one check.
type finding struct {
	Check
	limit int
}

func newFinding(name string, limit int) *finding {
	return &finding{Check: Check{Name: name, Title: titles[name]}, limit: limit}
}

// bad counts n bad things and keeps the text if there is room.
func (f *finding) bad(n int64, format string, args ...any) {
	f.Bad += n
	if len(f.Examples) < f.limit {
		f.Examples = append(f.Examples, fmt.Sprintf(format, args...))
	}
}

// settle sets the status: Fail if anything is bad, NotProved for a reason, otherwise Pass.
// firm says that what is bad stays so whatever was not read or has not arrived; if it does
// not, a reason makes even that NotProved.
func (f *finding) settle(firm bool, reason string) Check {
	switch {
	case f.Bad > 0 && (firm || reason == ""):
		f.Status = Fail
	case reason != "":
		f.Status, f.Reason = NotProved, reason
	default:
		f.Status = Pass
	}
	return f.Check
}

// NothingToCompare is the reason of a check that is NotProved because there was nothing.
const NothingToCompare = "nothing to compare"

// settleSome is settle for a check that proves nothing if there was nothing to compare.
func (f *finding) settleSome(firm bool, reason string) Check {
	if reason == "" && f.Compared == 0 && f.Bad == 0 {
		reason = NothingToCompare
	}
	return f.settle(firm, reason)
}
