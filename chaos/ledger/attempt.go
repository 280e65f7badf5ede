package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// State is what is known about one event: the join of its attempts is their highest.
type State uint8

// The states, in the order in which they join.
const (
	Refused State = iota + 1 // it cannot have been taken: refused by the system, or never sent
	Unknown                  // it may have been taken: no answer, or an error after sending
	Acked                    // it was accepted
)

// String is the lower-case name.
func (s State) String() string {
	switch s {
	case Refused:
		return "refused"
	case Unknown:
		return "unknown"
	case Acked:
		return "acked"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Attempt is one request that is about to be sent.
type Attempt struct {
	Seq    uint64 // unique in the ledger
	Tenant string
	At     time.Time
	Events []event.Fact // what must come of it; none for a read
}

// Outcome is what became of an attempt.
type Outcome struct {
	State  State
	Events []State // by index, if they differ
}

// OutcomeOf classifies an answer. sent is false if the request never left; connected is false
// if no connection was found for it; status is 0 without a complete answer. body is looked at
// only for a 207, in which an index that is not listed stays unknown.
func OutcomeOf(sent, connected bool, status int, body []byte, events int) Outcome {
	switch {
	case !sent, status == 0 && !connected:
		return Outcome{State: Refused}
	case status == 0, status >= 500:
		return Outcome{State: Unknown}
	case status == 207:
		return mixed(body, events)
	case status >= 200 && status < 300:
		return Outcome{State: Acked}
	}
	return Outcome{State: Refused}
}

func mixed(body []byte, events int) Outcome {
	var answer api.BatchAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		return Outcome{State: Unknown}
	}
	o := Outcome{State: Unknown, Events: make([]State, events)}
	for i := range o.Events {
		o.Events[i] = Unknown
	}
	for _, r := range answer.Results {
		if r.Index < 0 || r.Index >= events {
			continue
		}
		switch {
		case r.Status >= 200 && r.Status < 300:
			o.Events[r.Index] = Acked
		case r.Status >= 400 && r.Status < 500:
			o.Events[r.Index] = Refused
		}
	}
	if !slices.Contains(o.Events, Unknown) {
		o.State = Acked // the answer as a whole is clear
	}
	return o
}

// of is the state of one event of the attempt.
func (o Outcome) of(index int) State {
	if o.Events != nil && index < len(o.Events) {
		return o.Events[index]
	}
	return o.State
}
