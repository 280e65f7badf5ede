package reports

import "slices"

// Status is what a check found.
type Status string

// The statuses. A check whose status is none of these counts as [Invalid].
const (
	Pass         Status = "PASS"         // proven inside the objective
	Fail         Status = "FAIL"         // proven outside
	Inconclusive Status = "INCONCLUSIVE" // measured, but too little to say which
	Unknown      Status = "UNKNOWN"      // could not be seen: unread, undrained, or out of reach
	Invalid      Status = "INVALID"      // the measurement itself cannot be trusted
)

// Group sorts checks in the report.
type Group string

// The groups, in the report's order.
const (
	GroupObjectives Group = "objectives" // latency, availability, freshness
	GroupLedger     Group = "ledger"     // nothing lost, doubled, invented
	GroupFaults     Group = "faults"     // each fault struck, and was survived
	GroupRollout    Group = "rollout"    // releases judged and rolled back in time
	GroupData       Group = "data"       // figures equal to an independent source
	GroupHarness    Group = "harness"    // the harness watched itself
)

// Groups lists them in the report's order.
var Groups = [...]Group{GroupObjectives, GroupLedger, GroupFaults, GroupRollout, GroupData, GroupHarness}

// Title is how the report heads a group.
func (g Group) Title() string {
	switch g {
	case GroupObjectives:
		return "Service objectives"
	case GroupLedger:
		return "Ground truth"
	case GroupFaults:
		return "Faults"
	case GroupRollout:
		return "Rollout"
	case GroupData:
		return "Real data"
	case GroupHarness:
		return "The harness on itself"
	}
	return string(g)
}

// Check is one question that a run answers, with the numbers behind the answer.
type Check struct {
	Name      string             `json:"name"` // stable, kebab-case; tools match on it
	Group     Group              `json:"group"`
	Status    Status             `json:"status"`
	Required  bool               `json:"required"`            // whether INCONCLUSIVE or UNKNOWN keeps the run from PASS
	Objective string             `json:"objective,omitempty"` // what was asked, such as "p99 ≤ 142 ms"
	Observed  string             `json:"observed,omitempty"`  // what was seen, such as "p99 96.3 ms (95.1 to 97.9)"
	Detail    string             `json:"detail,omitempty"`    // one or two sentences more
	Numbers   map[string]float64 `json:"numbers,omitempty"`   // unit at the end of each key: p99_ms, lost_events
	Examples  []string           `json:"examples,omitempty"`  // a few offending ids, keys or lines
}

// GroupsOf lists the groups that have checks: the known ones in the report's order, then others
// as they come.
func GroupsOf(checks []Check) []Group {
	var list []Group
	for _, g := range Groups {
		if slices.ContainsFunc(checks, func(c Check) bool { return c.Group == g }) {
			list = append(list, g)
		}
	}
	for _, c := range checks {
		if !slices.Contains(list, c.Group) {
			list = append(list, c.Group)
		}
	}
	return list
}
