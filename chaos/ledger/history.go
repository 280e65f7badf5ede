package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
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

func (n *names) fact(tenant uint32, f *event.Fact) fact {
	return fact{
		id: f.ID, timeMS: f.TimeMS, amount: f.Amount, units: f.Units, quantity: f.Quantity, sequence: f.Sequence,
		tenant: tenant, order: n.of(f.Order), customer: n.of(f.Customer), sku: n.of(f.SKU), currency: n.of(f.Currency),
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

// sent is one event of one attempt, or after joining of all attempts.
type sent struct {
	fact
	state State
}

// history is what the journal comes to.
type history struct {
	attempts, unended       int64
	calm, calmUnknown       int64 // attempts outside of fault windows, and those of unknown outcome
	acked, unknown, refused int64 // events, after joining
	repeats                 int64 // attempts of events that had been attempted before
}

type openAttempt struct {
	tenant string
	events []event.Fact
	at     time.Time
}

// readHistory reads all segments, and hands every event of every attempt to put, with what came of
// it. Only attempts that have begun and not ended are held in memory.
func readHistory(files []string, windows []Window, put func(tenant string, f *event.Fact, s State) error) (history, error) {
	var h history
	open := map[uint64]openAttempt{}
	settle := func(a openAttempt, o Outcome, until time.Time) error {
		if !slices.ContainsFunc(windows, func(w Window) bool { return w.overlaps(a.at, until) }) {
			if h.calm++; o.State == Unknown {
				h.calmUnknown++
			}
		}
		for i := range a.events {
			if err := put(a.tenant, &a.events[i], o.of(i)); err != nil {
				return err
			}
		}
		return nil
	}
	lose := func(a openAttempt) error {
		h.unended++
		return settle(a, Outcome{State: Unknown}, a.at)
	}
	begin := func(a Attempt) error {
		if lost, again := open[a.Seq]; again { // by a harness that went on after its death
			if err := lose(lost); err != nil {
				return err
			}
		}
		open[a.Seq] = openAttempt{tenant: a.Tenant, events: slices.Clone(a.Events), at: a.At}
		h.attempts++
		return nil
	}
	end := func(seq uint64, o Outcome, atMS int64) error {
		a, ok := open[seq]
		if !ok {
			return fmt.Errorf("end of attempt %d, which was not begun: %w", seq, ErrCorrupt)
		}
		delete(open, seq)
		return settle(a, o, time.UnixMilli(atMS))
	}
	for _, name := range files {
		if err := readSegment(name, begin, end); err != nil {
			return h, fmt.Errorf("read ledger %s: %w", name, err)
		}
	}
	for _, a := range open {
		if err := lose(a); err != nil {
			return h, err
		}
	}
	return h, nil
}

// roughEvents guesses how many events journal files hold.
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

func readSegment(name string, begin func(Attempt) error, end func(uint64, Outcome, int64) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	n := newNames()
	text := func(b []byte) string {
		if len(n.text) > 1<<16 { // what is still in use is kept by its users
			n = newNames()
		}
		return n.share(b)
	}
	return readRecords(bufio.NewReaderSize(f, 1<<20), text, begin, end)
}

func appendSent(b []byte, tenant uint32, f *event.Fact, s State) []byte {
	return appendFact(append(binary.AppendUvarint(b, uint64(tenant)), byte(s)), f)
}

func (d *decoder) sent(n *names) sent {
	tenant, state := uint32(d.uvarint()), State(d.byte())
	f := d.fact()
	return sent{fact: n.fact(tenant, &f), state: state}
}

// join sorts the attempts of an id together, gives each content of it one entry and all of them
// the highest state: by tenant and id, different contents of one id following one another.
func (h *history) join(all []sent) []sent {
	slices.SortFunc(all, func(a, b sent) int {
		if c := byTenantAndID(&a.fact, &b.fact); c != 0 {
			return c
		}
		return compareContent(&a.fact, &b.fact)
	})
	out := all[:0]
	for i := 0; i < len(all); {
		group, first := i, len(out)
		same := all[i].fact // out overwrites what was read
		state := State(0)
		for ; i < len(all) && byTenantAndID(&same, &all[i].fact) == 0; i++ {
			state = max(state, all[i].state)
			if e := all[i]; len(out) == first || out[len(out)-1].fact != e.fact {
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
	return out
}

// compareContent is any total order over what two facts of one id say.
func compareContent(a, b *fact) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.timeMS, b.timeMS), cmp.Compare(a.amount, b.amount), cmp.Compare(a.units, b.units),
		cmp.Compare(a.quantity, b.quantity), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.currency, b.currency),
		cmp.Compare(a.order, b.order), cmp.Compare(a.customer, b.customer), cmp.Compare(a.sku, b.sku))
}
