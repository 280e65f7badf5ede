package run

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/attack"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
)

func newJournal(t *testing.T) *journal {
	t.Helper()
	book, err := ledger.Create(filepath.Join(t.TempDir(), "ledger"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = book.Close() })
	return &journal{ledger: book, start: time.Now()}
}

func TestJournalOfPlannedRequests(t *testing.T) {
	for _, tc := range []struct {
		name string
		res  attack.Result
		want ledger.Counts
	}{
		{"accepted", attack.Result{Sent: true, Connected: true, Status: 202}, ledger.Counts{Attempts: 1, Acked: 2}},
		{"no answer", attack.Result{Sent: true, Connected: true}, ledger.Counts{Attempts: 1, Unknown: 2}},
		{"no connection", attack.Result{Sent: true}, ledger.Counts{Attempts: 1, Refused: 2}},
		{"refused", attack.Result{Sent: true, Connected: true, Status: 403}, ledger.Counts{Attempts: 1, Refused: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := newJournal(t)
			entry := plan.Entry{Seq: 7, Kind: plan.Batch, Events: 2}
			require.NoError(t, j.before(entry, &event.Request{Tenant: "t0001", Facts: make([]event.Fact, 2)}, second))
			require.EqualValues(t, 1, j.ledger.Counts().Open)
			tc.res.Entry = entry
			j.after(tc.res)
			require.NoError(t, j.err())
			require.Equal(t, tc.want, j.ledger.Counts())
		})
	}
}

func TestJournalLeavesOutReadsAndTheUnsent(t *testing.T) {
	j := newJournal(t)
	read := plan.Entry{Seq: 1, Kind: plan.Read}
	require.NoError(t, j.before(read, &event.Request{}, 0))
	j.after(attack.Result{Entry: read, Sent: true, Status: 200})
	j.after(attack.Result{Entry: plan.Entry{Seq: 2, Kind: plan.Batch, Events: 9}, Err: attack.ErrLate})
	require.NoError(t, j.err())
	require.Zero(t, j.ledger.Counts())
}

func TestJournalBesideThePlan(t *testing.T) {
	dial := &url.Error{Op: "Post", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}
	lost := &url.Error{Op: "Post", Err: &net.OpError{Op: "read", Err: errors.New("reset")}}
	for _, tc := range []struct {
		name string
		got  answer
		err  error
		want ledger.Counts
	}{
		{"accepted", answer{status: 202}, nil, ledger.Counts{Attempts: 1, Acked: 1}},
		{"a refused connection carried nothing", answer{}, dial, ledger.Counts{Attempts: 1, Refused: 1}},
		{"a lost one may have", answer{}, lost, ledger.Counts{Attempts: 1, Unknown: 1}},
		{"so may one that timed out", answer{}, context.DeadlineExceeded, ledger.Counts{Attempts: 1, Unknown: 1}},
		{"half an answer is none", answer{status: 202}, lost, ledger.Counts{Attempts: 1, Unknown: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := newJournal(t)
			seq := j.begin(ledger.Attempt{Tenant: "probe01", Events: make([]event.Fact, 1)}, second)
			require.NotZero(t, seq&extraSeq, "apart from the plan's numbers")
			j.end(seq, tc.got, tc.err, 1, 2*second)
			require.NoError(t, j.err())
			require.Equal(t, tc.want, j.ledger.Counts())
			require.NotEqual(t, seq, j.begin(ledger.Attempt{}, second))
		})
	}
}

func TestJournalKeepsItsFirstFailure(t *testing.T) {
	j := newJournal(t)
	require.NoError(t, j.ledger.Close())
	j.begin(ledger.Attempt{Tenant: "t0001"}, 0)
	require.ErrorIs(t, j.err(), os.ErrClosed)
	j.fail(errors.New("a later one"))
	require.ErrorIs(t, j.err(), os.ErrClosed)
}
