package ledger

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

func plain(b []byte) string { return string(b) }

func sample() (Attempt, Outcome) {
	return Attempt{Seq: math.MaxUint64, Tenant: "t0001", At: time.UnixMilli(1790000000123).UTC(), Events: []event.Fact{
			{ID: api.NewID(time.UnixMilli(1), [10]byte{1, 2, 3}), Type: 4, TimeMS: -1, Amount: math.MinInt64, Units: math.MaxInt64, Lines: 3, Currency: "JPY",
				Order: "o", Customer: "ü", SKU: "s", Quantity: -7, Sequence: math.MaxUint64},
			{},
		}},
		Outcome{State: Unknown, Events: []State{Acked, Refused}}
}

func TestRecordsRoundTrip(t *testing.T) {
	a, o := sample()
	b := []byte(journalHeader)
	b = appendRecord(b, func(b []byte) []byte { return appendBegin(b, &a) })
	b = appendRecord(b, func(b []byte) []byte { return appendEnd(b, 9, o, a.At) })
	n := 0
	require.NoError(t, readRecords(bytes.NewReader(b), plain, func(got Attempt) error {
		n++
		require.Empty(t, cmp.Diff(a, got))
		return nil
	}, func(seq uint64, got Outcome, ms int64) error {
		n++
		require.EqualValues(t, 9, seq)
		require.Equal(t, a.At.UnixMilli(), ms)
		require.Equal(t, o, got)
		return nil
	}))
	require.Equal(t, 2, n)
}

// Whatever a file holds, reading it ends, does not panic, and what it yields encodes again.
func FuzzReadRecords(f *testing.F) {
	a, o := sample()
	b := []byte(journalHeader)
	b = appendRecord(b, func(b []byte) []byte { return appendBegin(b, &a) })
	b = appendRecord(b, func(b []byte) []byte { return appendEnd(b, 9, o, a.At) })
	f.Add(b)
	f.Add([]byte(journalHeader + "\x01\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		again := []byte(journalHeader)
		err := readRecords(bytes.NewReader(b), plain, func(a Attempt) error {
			again = appendRecord(again, func(b []byte) []byte { return appendBegin(b, &a) })
			return nil
		}, func(seq uint64, o Outcome, ms int64) error {
			again = appendRecord(again, func(b []byte) []byte { return appendEnd(b, seq, o, time.UnixMilli(ms)) })
			return nil
		})
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
		}
		require.NoError(t, readRecords(bytes.NewReader(again), plain, func(Attempt) error { return nil }, func(uint64, Outcome, int64) error { return nil }))
	})
}
