package sqs

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func seqs(got []entry) (s []uint64) {
	for _, e := range got {
		s = append(s, e.seq)
	}
	return s
}

func TestAMessageIsInvisibleForItsTimeout(t *testing.T) {
	b := newBacklog()
	b.add(start, entry{seq: 1, sent: start}, time.Time{})
	got, _ := b.receive(start, 10, 30*time.Second, 0)
	require.Equal(t, []uint64{1}, seqs(got))
	require.Equal(t, 1, got[0].receives)
	wake, ok := b.wake()
	require.True(t, ok)
	require.Equal(t, at(30*time.Second), wake)

	got, _ = b.receive(at(30*time.Second-1), 10, 30*time.Second, 0)
	require.Empty(t, got)
	got, _ = b.receive(at(30*time.Second), 10, 30*time.Second, 0)
	require.Equal(t, []uint64{1}, seqs(got))
	require.Equal(t, 2, got[0].receives)
	require.Equal(t, start, got[0].first)
}

func TestADelayedMessageWaits(t *testing.T) {
	b := newBacklog()
	b.add(start, entry{seq: 1, sent: start}, at(time.Second))
	visible, flying, late := b.counts(start)
	require.Equal(t, [3]int{0, 0, 1}, [3]int{visible, flying, late})
	got, _ := b.receive(at(999*time.Millisecond), 1, time.Second, 0)
	require.Empty(t, got)
	got, _ = b.receive(at(time.Second), 1, time.Second, 0)
	require.Len(t, got, 1)
}

func TestChangingVisibilityCountsFromNow(t *testing.T) {
	b := newBacklog()
	b.add(start, entry{seq: 1, sent: start}, time.Time{})
	b.receive(start, 1, 10*time.Second, 0)
	require.True(t, b.change(at(9*time.Second), 1, 1, 10*time.Second))
	got, _ := b.receive(at(10*time.Second), 1, time.Second, 0)
	require.Empty(t, got, "the first timeout must not count any more")
	require.True(t, b.change(at(11*time.Second), 1, 1, 0))
	got, _ = b.receive(at(11*time.Second), 1, time.Second, 0)
	require.Len(t, got, 1)
	require.False(t, b.change(at(11*time.Second), 1, 1, time.Second), "a stale receipt")
	require.False(t, b.change(at(13*time.Second), 1, 2, time.Second), "visible again")
	require.False(t, b.change(start, 7, 1, time.Second), "unknown")
}

func TestAMessageReceivedTooOftenIsDead(t *testing.T) {
	b := newBacklog()
	b.add(start, entry{seq: 1, sent: start}, time.Time{})
	b.add(start, entry{seq: 2, sent: start}, time.Time{})
	now := start
	for i := range 3 {
		got, dead := b.receive(now, 1, time.Second, 3)
		require.Equal(t, []uint64{1}, seqs(got), "receive %d", i+1)
		require.Empty(t, dead)
		now = now.Add(time.Second)
	}
	got, dead := b.receive(now, 1, time.Second, 3)
	require.Equal(t, []uint64{2}, seqs(got), "the next one is delivered instead")
	require.Equal(t, []uint64{1}, dead)
	visible, flying, _ := b.counts(now)
	require.Equal(t, [2]int{0, 2}, [2]int{visible, flying}, "a message being moved counts as in flight")
	b.restore(1)
	_, dead = b.receive(now, 1, time.Second, 3)
	require.Equal(t, []uint64{1}, dead)
	require.True(t, b.remove(1))
	require.False(t, b.remove(1))
}

func TestExpiredMessagesAreForgotten(t *testing.T) {
	b := newBacklog()
	for i := range 4 {
		b.add(start, entry{seq: uint64(i + 1), sent: at(time.Duration(i) * time.Second)}, time.Time{})
	}
	require.Equal(t, []uint64{1}, b.take(start, 1))
	require.Equal(t, start, b.oldest())
	require.Equal(t, []uint64{2}, b.expired(at(2*time.Second)), "1 is on its way to another queue")
	b.restore(1)
	require.Equal(t, []uint64{1}, b.expired(at(2*time.Second)))
	require.Equal(t, at(2*time.Second), b.oldest())
	require.Len(t, b.messages, 2)
}

// twin is a backlog that looks at everything every time.
type twin struct {
	messages []*twinMessage
}

type twinMessage struct {
	seq      uint64
	receives int
	due      time.Time
}

func (w *twin) receive(now time.Time, n int, visibility time.Duration, most int) (got, dead []uint64) {
	slices.SortFunc(w.messages, func(a, b *twinMessage) int { return int(a.seq) - int(b.seq) })
	for _, m := range slices.Clone(w.messages) {
		if m.due.After(now) || len(got) == n {
			continue
		}
		if most > 0 && m.receives >= most {
			dead = append(dead, m.seq)
			w.remove(m.seq)
			continue
		}
		m.receives++
		m.due = now.Add(visibility)
		got = append(got, m.seq)
	}
	return got, dead
}

func (w *twin) remove(seq uint64) bool {
	before := len(w.messages)
	w.messages = slices.DeleteFunc(w.messages, func(m *twinMessage) bool { return m.seq == seq })
	return len(w.messages) < before
}

func TestTheBacklogBehavesAsItsTwin(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b, w := newBacklog(), &twin{}
		now := start
		var next uint64
		for step := range 600 {
			switch rng.IntN(6) {
			case 0, 1:
				next++
				due := now.Add(time.Duration(rng.IntN(5)) * time.Second)
				b.add(now, entry{seq: next, sent: now}, due)
				w.messages = append(w.messages, &twinMessage{seq: next, due: due})
			case 2, 3:
				n, visibility := 1+rng.IntN(4), time.Duration(1+rng.IntN(8))*time.Second
				got, dead := b.receive(now, n, visibility, 4)
				want, wantDead := w.receive(now, n, visibility, 4)
				require.Equal(t, want, seqs(got), "seed %d step %d", seed, step)
				require.Equal(t, wantDead, dead, "seed %d step %d", seed, step)
				for _, seq := range dead {
					b.remove(seq)
				}
			case 4:
				seq := 1 + rng.Uint64N(next+1)
				require.Equal(t, w.remove(seq), b.remove(seq), "seed %d step %d", seed, step)
			case 5:
				now = now.Add(time.Duration(rng.IntN(3000)) * time.Millisecond)
			}
			waiting := 0
			for _, m := range w.messages {
				if m.due.After(now) {
					waiting++
				}
			}
			visible, flying, late := b.counts(now)
			require.Equal(t, len(w.messages)-waiting, visible, "seed %d step %d", seed, step)
			require.Equal(t, waiting, flying+late, "seed %d step %d", seed, step)
		}
	}
}

func TestMemoryOfRemovedMessagesIsGivenBack(t *testing.T) {
	b := newBacklog()
	for i := range uint64(50_000) {
		b.add(start, entry{seq: i, sent: start}, at(time.Hour))
		b.remove(i)
	}
	require.Less(t, len(b.waiting)+len(b.aging), 5000)
}

func TestStoredMessagesReadBack(t *testing.T) {
	m := message{ID: "id", Sent: start.Local(), Due: at(time.Second).Local(), Sender: "s", Trace: "t", Source: "src",
		Attributes: []byte(`{}`), Body: "body\x00"}
	got, err := decodeMessage(m.encode())
	require.NoError(t, err)
	require.Equal(t, m, got)
	for cut := range len(m.encode()) {
		_, err := decodeMessage(m.encode()[:cut])
		require.ErrorIs(t, err, errCorrupt, "cut at %d", cut)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&message{ID: "id", Body: "body"}).encode())
	f.Add(receipts{Count: 3, First: start}.encode())
	f.Add([]byte(receipt{queue: 1, seq: 2, receives: 3, epoch: 4}.String()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMessage(b); err == nil {
			again, err := decodeMessage(m.encode())
			require.NoError(t, err)
			require.Equal(t, m, again)
		}
		_, _ = decodeReceipts(b)
		if r, ok := parseReceipt(string(b)); ok {
			again, ok := parseReceipt(r.String())
			require.True(t, ok)
			require.Equal(t, r, again)
		}
	})
}
