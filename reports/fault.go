package reports

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
	Limits    []FaultLimit `json:"limits,omitempty"`
}

// FaultLimit is one of the scenario's own limits inside a fault's window.
type FaultLimit struct {
	Name     string `json:"name"`
	Limit    string `json:"limit"`
	Observed string `json:"observed"`
	Status   Status `json:"status"`
}
