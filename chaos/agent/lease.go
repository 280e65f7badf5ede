package agent

import (
	"time"

	"github.com/retailflow/stampede/chaos/fault"
)

// Lease is a fault as the agent holds it.
type Lease struct {
	ID      string            `json:"id"`
	Fault   string            `json:"fault"` // its line; "" of an id that was healed before it was granted
	State   fault.State       `json:"state"`
	Why     string            `json:"why,omitempty"`     // it is not live any more
	Left    time.Duration     `json:"left_ns,omitempty"` // until it expires, while live
	Hits    fault.Hits        `json:"hits"`
	Details map[string]string `json:"details,omitempty"` // of its application
	Error   string            `json:"error,omitempty"`   // why its last reverting failed
	Applied time.Time         `json:"applied,omitzero"`  // began to be in force
	Gone    time.Time         `json:"gone,omitzero"`     // reverted, confirmed
}

// request is the body of the calls that have one.
type request struct {
	Fault string        `json:"fault,omitempty"` // its line
	More  time.Duration `json:"more_ns,omitempty"`
}

// reply is what every call answers with.
type reply struct {
	Leases []Lease `json:"leases"`
	Error  string  `json:"error,omitempty"`
	Code   string  `json:"code,omitempty"` // names the sentinel that Error wraps
}

// codes name the errors that callers may branch on.
var codes = []struct {
	code string
	err  error
}{
	{"used", fault.ErrUsed},
	{"unknown", fault.ErrUnknown},
	{"not_live", fault.ErrNotLive},
	{"stopping", ErrStopping},
}
