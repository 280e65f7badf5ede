package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// Rows hands every row of a sink to yield, in any order, until yield or the reading fails.
type Rows[T any] func(ctx context.Context, yield func(T) error) error

// Sinks are what the system says it holds. A nil sink was not read: what depends on it is
// [NotProved], never passed. So is what depends on a sink whose reading fails.
//
// Each is read once and to its end: Events before roll-ups, Orders before Stock, Answers last.
type Sinks struct {
	Events  Rows[Present]   // every event in every block, repeated ones included
	Minutes Rows[Rollup]    // one-minute roll-ups
	Hours   Rows[Rollup]    // of UTC hours
	Days    Rows[Rollup]    // of the tenants' own days
	Orders  Rows[OrderFact] // order facts
	Stock   Rows[Stock]     // stock levels
	Answers Rows[Answer]    // summaries as the API gave them
	Parked  Rows[Parked]    // what lies in dead-letter queues
}

// Present is one event in one block.
type Present struct {
	Tenant     string
	ReceivedMS int64  // among equal ids the earliest (ReceivedMS, Content) counts
	Content    uint64 // hash of the content
	Object     string // the delivered object that it came with; "" if not known
	Fact       event.Fact
}

// Rollup is the stored figures of one tenant's bucket.
type Rollup struct {
	Tenant string
	Start  time.Time // a day's is midnight in the tenant's zone
	Figures
}

// Figures are what a roll-up or an answer says. Turnovers may be in any order.
type Figures struct {
	Events   int64
	IDs      api.Sum128
	ByType   [EventTypes]int64 // by api.EventType
	Turnover []api.Turnover
	// Conflicts counts, for ids that came with several contents, the contents that do not count.
	Conflicts int64
}

// EventTypes is how many values api.EventType has, the unspecified one included.
const EventTypes = int(api.EventType_CUSTOMER_UPDATED) + 1

// FiguresOf reads the figures of a summary. The error says which part is not readable.
func FiguresOf(s *api.Summary) (Figures, error) {
	f := Figures{Events: s.Events, Turnover: slices.Clone(s.Currencies), Conflicts: s.Conflicts}
	if strings.Trim(s.IDs, "0") != "" { // absent means none
		if _, err := fmt.Sscanf(s.IDs, "%16x%16x", &f.IDs.Hi, &f.IDs.Lo); err != nil || len(s.IDs) != 32 {
			return f, fmt.Errorf("ids %q: want 32 hexadecimal digits", s.IDs)
		}
	}
	for name, n := range s.ByType {
		t, err := api.ParseType(name)
		if err != nil {
			return f, err
		}
		f.ByType[t] = n
	}
	return f, nil
}

// OrderFact is one transition of an order.
type OrderFact struct {
	Tenant   string
	ID       api.ID // of the event that reported it
	Order    string
	State    api.EventType
	TimeMS   int64
	Amount   int64
	Currency string
}

// Stock is the level of a product.
type Stock struct {
	Tenant   string
	SKU      string
	Quantity int64
	Sequence uint64
}

// Answer is a summary that the API gave, after everything had settled.
type Answer struct {
	Tenant   string    // that was asked for
	From, To time.Time // that were asked for, whole minutes; zero accepts the answer's own
	Summary  api.Summary
}

// Parked is one event in a dead-letter queue, or an object of which nothing more is known.
type Parked struct {
	Queue  string
	Tenant string
	ID     api.ID // zero if not known
	Object string
}
