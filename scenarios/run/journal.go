package run

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

// journal puts every attempt on the ledger's record, the plan's and those beside it. Reads are
// left out: nothing can come of them. Safe for concurrent use.
type journal struct {
	ledger *ledger.Ledger
	start  time.Time // planned time 0
	extra  atomic.Uint64
	failed atomic.Pointer[error] // the first write that failed
}

// extraSeq numbers attempts beside the plan, apart from the plan's own numbers.
const extraSeq = 1 << 63

func (j *journal) fail(err error) {
	if err != nil {
		j.failed.CompareAndSwap(nil, &err)
	}
}

// err is the first failure of a write, or nil.
func (j *journal) err() error {
	if p := j.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// before records that a planned request is about to leave.
func (j *journal) before(e plan.Entry, r *event.Request, at time.Duration) error {
	if e.Kind == plan.Read {
		return nil
	}
	return j.ledger.Begin(ledger.Attempt{Seq: e.Seq, Tenant: r.Tenant, At: j.start.Add(at), Events: r.Facts})
}

// after records what became of it.
func (j *journal) after(r attack.Result) {
	if r.Entry.Kind == plan.Read || !r.Sent {
		return // a request that never left was never begun
	}
	outcome := ledger.OutcomeOf(r.Sent, r.Connected, r.Status, r.Body, int(r.Entry.Events))
	j.fail(j.ledger.End(r.Entry.Seq, outcome, j.start.Add(r.End)))
}

// begin records an attempt beside the plan and returns its number.
func (j *journal) begin(a ledger.Attempt, at time.Duration) uint64 {
	a.Seq, a.At = extraSeq|j.extra.Add(1), j.start.Add(at)
	j.fail(j.ledger.Begin(a))
	return a.Seq
}

// end records what became of it.
func (j *journal) end(seq uint64, got answer, err error, events int, at time.Duration) {
	// A connection that was refused carried nothing.
	var op *net.OpError
	connected := !(errors.As(err, &op) && op.Op == "dial")
	status := got.status
	if err != nil {
		status = 0
	}
	j.fail(j.ledger.End(seq, ledger.OutcomeOf(true, connected, status, got.body, events), j.start.Add(at)))
}
