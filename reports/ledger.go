package reports

// Ledger is the ground truth: what clients sent and were told against what every sink holds.
// Events are counted by id, so a retried or replayed one counts once.
type Ledger struct {
	Attempts int64 `json:"attempts"` // requests that carried events, retries included
	Planned  int64 `json:"planned"`  // event ids
	Acked    int64 `json:"acked"`    // 2xx at least once
	Unknown  int64 `json:"unknown"`  // may have arrived, no answer says so
	Refused  int64 `json:"refused"`  // answered, never 2xx
	Unsent   int64 `json:"unsent"`
	Present  int64 `json:"present"` // have an effect in the roll-ups

	Lost      int64 `json:"lost"`    // acked, not present
	Doubled   int64 `json:"doubled"` // present more than once
	Phantom   int64 `json:"phantom"` // present, but refused, never sent, or another tenant's
	Parked    int64 `json:"parked"`  // in a dead-letter queue and not counted
	Conflicts int64 `json:"id_conflicts"`
	Replayed  int64 `json:"replayed"` // ids sent again on purpose
	Copies    int64 `json:"copies"`   // in event blocks beyond an event's first, of replays and of objects delivered again; counted once

	UnknownPresent int64 `json:"unknown_present"` // of Unknown, turned out to be there

	Comparisons []Comparison `json:"comparisons"`
	Drained     Millis       `json:"drained_ms"` // from the end of the load until nothing was under way
	ReadAll     bool         `json:"read_all"`   // every sink was read to its end
}

// Comparison is one kind of figure, computed by the ledger and read from the system.
type Comparison struct {
	Name     string   `json:"name"`     // such as "minute roll-ups", "order facts", "summary answers"
	Compared int64    `json:"compared"` // figures
	Equal    int64    `json:"equal"`
	Scope    string   `json:"scope,omitempty"`    // such as "all 2,400 tenants"
	Examples []string `json:"examples,omitempty"` // of what differs: key, expected, found
}

// RealOrders compares a real day's figures through the API with sums straight from the file.
type RealOrders struct {
	Source  string   `json:"source"` // file and licence
	Tenant  string   `json:"tenant"`
	Zone    string   `json:"zone"`
	Day     string   `json:"day"`      // of the file
	DatedTo string   `json:"dated_to"` // the tenant's last whole day
	Events  int64    `json:"events"`
	Figures []Figure `json:"figures"`
}

// Figure is one number, computed twice.
type Figure struct {
	Name     string `json:"name"`
	FromFile string `json:"from_file"`
	FromAPI  string `json:"from_api"`
	Equal    bool   `json:"equal"`
}
