package reports

import (
	"fmt"
	"strings"
)

// Fault is one injected fault and what it did. Its window is the injected interval plus 10 s,
// longer while the backlog it made drains.
type Fault struct {
	Name      string       `json:"name"`
	Line      string       `json:"line"` // as the fault prints itself, and parses back
	Start     Seconds      `json:"start_s"`
	End       Seconds      `json:"end_s"` // of the injection: reverted, confirmed gone
	WindowEnd Seconds      `json:"window_end_s"`
	Hits      int64        `json:"hits"`
	HitsWant  int64        `json:"hits_want"` // fewer make the run INVALID
	Effect    string       `json:"effect"`    // a sentence: "21 processes killed, 9 of them inside an invocation"
	Recovery  *Recovery    `json:"recovery,omitempty"`
	Answers   Answers      `json:"answers"`           // to the requests planned inside the window
	UnderWay  Answers      `json:"under_way"`         // to those planned before it and not answered yet when it struck; the objectives hold for them
	Healthy   bool         `json:"healthy,omitempty"` // a release without a defect: it breaks nothing and has no window
	Limits    []FaultLimit `json:"limits,omitempty"`
}

// Recovery is how long after it was killed a process answered again, to each of those who asked;
// nil is not seen.
type Recovery struct {
	Probe   *Millis `json:"probe_ms,omitempty"`   // the harness itself, many times a second: until the end of the first answer of the new process
	Planned *Millis `json:"planned_ms,omitempty"` // a planned request that needs the process, sent after the kill: until the end of the first 2xx
}

// String is a clause: "answers again after 480 ms (planned requests: 655 ms)".
func (r Recovery) String() string {
	planned := "planned requests: none answered"
	if r.Planned != nil {
		planned = "planned requests: " + r.Planned.String()
	}
	if r.Probe == nil {
		return fmt.Sprintf("was not seen to answer again (%s)", planned)
	}
	return fmt.Sprintf("answers again after %s (%s)", r.Probe, planned)
}

// Answers counts requests by what came of them; each is counted once.
type Answers struct {
	OK          int64 `json:"ok"`          // 2xx
	Throttled   int64 `json:"throttled"`   // 429
	Refused     int64 `json:"refused"`     // any other status below 500
	Unavailable int64 `json:"unavailable"` // 503
	Failed      int64 `json:"failed"`      // any other 5xx
	TimedOut    int64 `json:"timed_out"`
	Cut         int64 `json:"cut"` // connection refused or ended without an answer
	Unsent      int64 `json:"unsent"`
}

// String lists what happened at all: "3,210 2xx, 41 503, 2 timeouts".
func (a Answers) String() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{a.OK, "2xx"}, {a.Throttled, "429"}, {a.Refused, "other 3xx or 4xx"}, {a.Unavailable, "503"}, {a.Failed, "other 5xx"},
		{a.TimedOut, "timed out"}, {a.Cut, "without an answer"}, {a.Unsent, "unsent"},
	} {
		if p.n > 0 {
			parts = append(parts, Count(p.n)+" "+p.what)
		}
	}
	if len(parts) == 0 {
		return "no requests"
	}
	return strings.Join(parts, ", ")
}

// Told is a sentence about all answers that the fault could spoil.
func (f Fault) Told() string {
	text := f.Answers.String()
	if f.UnderWay != (Answers{}) {
		text += "; of those under way when it struck: " + f.UnderWay.String()
	}
	return text
}

// FaultLimit is a limit inside a fault's window, of the scenario or by default.
type FaultLimit struct {
	Name     string `json:"name"`
	Limit    string `json:"limit"`
	Observed string `json:"observed"`
	Status   Status `json:"status"`
}
