package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// names numbers strings, so that rows of millions of events compare and fit.
type names struct {
	number map[string]uint32
	text   []string
}

func newNames() *names { return &names{number: map[string]uint32{"": 0}, text: []string{""}} }

func (n *names) of(s string) uint32 {
	if i, ok := n.number[s]; ok {
		return i
	}
	i := uint32(len(n.text))
	n.number[s] = i
	n.text = append(n.text, s)
	return i
}

// share returns the string of bytes without making it twice.
func (n *names) share(b []byte) string {
	if i, ok := n.number[string(b)]; ok {
		return n.text[i]
	}
	return n.text[n.of(string(b))]
}

// fact is an event.Fact with its strings numbered. Lines are left out: figures have none.
type fact struct {
	id       api.ID
	timeMS   int64
	amount   int64
	units    int64
	quantity int64
	sequence uint64
	tenant   uint32
	order    uint32
	customer uint32
	sku      uint32
	currency uint32
	kind     uint8
}

func (n *names) fact(tenant string, f *event.Fact) fact {
	return fact{
		id: f.ID, timeMS: f.TimeMS, amount: f.Amount, units: f.Units, quantity: f.Quantity, sequence: f.Sequence,
		tenant: n.of(tenant), order: n.of(f.Order), customer: n.of(f.Customer), sku: n.of(f.SKU), currency: n.of(f.Currency),
		kind: uint8(f.Type),
	}
}

// minute is that of the id, in minutes since the epoch.
func (f *fact) minute() int64 { return f.id.Time().UnixMilli() / 60_000 }

// byTenantAndID groups a tenant's minutes too, since ids rise with time.
func byTenantAndID(a, b *fact) int {
	if a.tenant != b.tenant {
		return cmp.Compare(a.tenant, b.tenant)
	}
	return bytes.Compare(a.id[:], b.id[:])
}

// sent is one event of one attempt, or after settling of all attempts.
type sent struct {
	fact
	state State
}

// history is the journal, read back.
type history struct {
	names *names
	sent  []sent // by tenant and id; different contents of one id follow one another

	attempts, unended       int64
	calm, calmUnknown       int64 // attempts outside of fault windows, and those of unknown outcome
	acked, unknown, refused int64 // events, after joining
	repeats                 int64 // attempts of events that had been attempted before
}

type openAttempt struct {
	first, n int
	at       time.Time
}

// readHistory reads all segments and joins the attempts.
func readHistory(dir string, n *names, windows []Window) (*history, error) {
	files, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	h := &history{names: n}
	open := map[uint64]openAttempt{}
	count := func(from, to time.Time, state State) {
		if slices.ContainsFunc(windows, func(w Window) bool { return w.overlaps(from, to) }) {
			return
		}
		if h.calm++; state == Unknown {
			h.calmUnknown++
		}
	}
	begin := func(a Attempt) error {
		if lost, again := open[a.Seq]; again { // by a harness that went on after its death
			h.unended++
			count(lost.at, lost.at, Unknown)
		}
		open[a.Seq] = openAttempt{first: len(h.sent), n: len(a.Events), at: a.At}
		h.attempts++
		for i := range a.Events {
			h.sent = append(h.sent, sent{fact: n.fact(a.Tenant, &a.Events[i]), state: Unknown})
		}
		return nil
	}
	end := func(seq uint64, o Outcome, atMS int64) error {
		a, ok := open[seq]
		if !ok {
			return fmt.Errorf("end of attempt %d, which was not begun: %w", seq, ErrCorrupt)
		}
		delete(open, seq)
		for i := range a.n {
			h.sent[a.first+i].state = o.of(i)
		}
		count(a.at, time.UnixMilli(atMS), o.State)
		return nil
	}
	h.sent = make([]sent, 0, roughEvents(files))
	for _, name := range files {
		if err := readSegment(name, n, begin, end); err != nil {
			return nil, fmt.Errorf("read ledger %s: %w", name, err)
		}
	}
	for _, a := range open {
		h.unended++
		count(a.at, a.at, Unknown)
	}
	h.join()
	return h, nil
}

// roughEvents guesses how many events files hold, so that they are not copied over and over
// while they are read.
func roughEvents(files []string) int64 {
	const bytesEach = 56 // of a usual event and its share of the attempt
	size := int64(0)
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			size += info.Size()
		}
	}
	return size / bytesEach
}

func readSegment(name string, n *names, begin func(Attempt) error, end func(uint64, Outcome, int64) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return readRecords(bufio.NewReaderSize(f, 1<<20), n.share, begin, end)
}

// join sorts the attempts of an id together, gives each content of it one entry and all of
// them the highest state.
func (h *history) join() {
	slices.SortFunc(h.sent, func(a, b sent) int {
		if c := byTenantAndID(&a.fact, &b.fact); c != 0 {
			return c
		}
		return compareContent(&a.fact, &b.fact)
	})
	out := h.sent[:0]
	for i := 0; i < len(h.sent); {
		group, first := i, len(out)
		state := State(0)
		for ; i < len(h.sent) && byTenantAndID(&h.sent[group].fact, &h.sent[i].fact) == 0; i++ {
			state = max(state, h.sent[i].state)
			if e := h.sent[i]; len(out) == first || out[len(out)-1].fact != e.fact {
				out = append(out, e)
			}
		}
		h.repeats += int64(i - group - 1)
		for j := first; j < len(out); j++ {
			out[j].state = state
		}
		switch state {
		case Acked:
			h.acked++
		case Unknown:
			h.unknown++
		default:
			h.refused++
		}
	}
	h.sent = out
}

// compareContent is any total order over what two facts of one id say.
func compareContent(a, b *fact) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.timeMS, b.timeMS), cmp.Compare(a.amount, b.amount), cmp.Compare(a.units, b.units),
		cmp.Compare(a.quantity, b.quantity), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.currency, b.currency),
		cmp.Compare(a.order, b.order), cmp.Compare(a.customer, b.customer), cmp.Compare(a.sku, b.sku))
}
