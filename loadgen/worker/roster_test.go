package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// gathered is a roster of two in a state.
func gathered(t *testing.T, s State, on OnLoss) *Roster {
	r := &Roster{Want: 2, Version: "v", Silence: time.Second, OnLoss: on}
	for _, id := range []string{"a", "b"} {
		ok, err := r.Join(noon, Hello{ID: id, Name: id, Version: "v"})
		require.True(t, ok)
		require.NoError(t, err)
		if s != Joined {
			require.NoError(t, r.Prepared(noon, id, Offset{}))
		}
		if s == Running {
			require.NoError(t, r.Begun(noon, id))
		}
	}
	return r
}

func states(r *Roster) (out []State) {
	for _, m := range r.Members() {
		out = append(out, m.State)
	}
	return out
}

func TestJoining(t *testing.T) {
	r := gathered(t, Joined, Invalid)
	require.True(t, r.Full())
	for _, c := range []struct {
		hello Hello
		ok    bool
		fault string
	}{
		{Hello{ID: "a", Version: "v"}, true, ""}, // again: the answer was lost
		{Hello{ID: "c", Version: "v"}, false, ""},
		{Hello{ID: "d", Name: "old", Version: "u"}, false, "worker old has version u, the controller has v: both must be the same"},
	} {
		ok, err := r.Join(noon, c.hello)
		require.Equal(t, c.ok, ok, c.hello.ID)
		if c.fault == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, c.fault)
			require.Equal(t, []string{c.fault}, r.Refused)
		}
	}
	require.Len(t, r.Members(), 2)
}

func TestWhoOnlyJoinedMakesRoom(t *testing.T) {
	r := gathered(t, Joined, Invalid)
	require.True(t, r.Hear(after(900), "b"))
	require.Equal(t, after(1000), r.Next())
	require.Empty(t, r.Check(after(999)))
	lost := r.Check(after(1000))
	require.Len(t, lost, 1)
	require.Equal(t, "a", lost[0].ID)
	require.False(t, r.Full())
	require.False(t, r.Stopped())
	require.False(t, r.Hear(after(1001), "a"), "it must join again")
	ok, err := r.Join(after(1100), Hello{ID: "c", Version: "v"})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, 0, r.Members()[0].Shard)
	require.Equal(t, "b", r.Members()[0].ID)
	require.Equal(t, 1, r.Members()[1].Shard)
}

func TestALossByPolicy(t *testing.T) {
	for _, c := range []struct {
		on      OnLoss
		stopped bool
	}{{Invalid, true}, {Continue, false}} {
		r := gathered(t, Running, c.on)
		require.NoError(t, r.Progress(after(600), "b", false))
		lost := r.Check(after(1000))
		require.Len(t, lost, 1)
		require.Equal(t, "not heard for 1s", lost[0].Cause)
		require.Equal(t, []State{Lost, Running}, states(r))
		require.Equal(t, c.stopped, r.Stopped())
		require.Empty(t, r.Check(after(1001)), "a loss is said once")
		// What comes back is told to stop, and its word counts no more.
		require.False(t, r.Hear(after(1100), "a"))
		require.ErrorIs(t, r.Report(after(1100), "a"), ErrNotExpected)
		require.ErrorIs(t, r.Progress(after(1100), "a", false), ErrNotExpected)
		require.Equal(t, !c.stopped, r.Hear(after(1100), "b"))
		require.False(t, r.All(Reported, Lost))
		require.NoError(t, r.Report(after(1200), "b"))
		require.True(t, r.All(Reported, Lost))
		require.Zero(t, r.Next())
		require.Empty(t, r.Check(after(9000)), "who has reported may go")
	}
}

func TestStepsComeInTheirOrder(t *testing.T) {
	for from, steps := range map[State]map[State]bool{
		Joined:  {Ready: true},
		Ready:   {Running: true},
		Running: {Joined: true, Reported: true}, // Joined stands for progress
	} {
		for to, try := range map[State]func(*Roster) error{
			Ready:    func(r *Roster) error { return r.Prepared(noon, "a", Offset{Ahead: 1}) },
			Running:  func(r *Roster) error { return r.Begun(noon, "a") },
			Joined:   func(r *Roster) error { return r.Progress(noon, "a", true) },
			Reported: func(r *Roster) error { return r.Report(noon, "a") },
		} {
			err := try(gathered(t, from, Invalid))
			if steps[to] {
				require.NoError(t, err, "%s → %s", from, to)
			} else {
				require.ErrorIs(t, err, ErrNotExpected, "%s → %s", from, to)
			}
		}
	}
	r := gathered(t, Running, Invalid)
	require.NoError(t, r.Progress(after(5), "a", true))
	require.NoError(t, r.Progress(after(9), "a", true))
	require.Equal(t, after(5), r.Members()[0].Lagging)
	r.Lose("a", "its machine said so")
	require.Equal(t, "its machine said so", r.Members()[0].Cause)
	require.Equal(t, []State{Lost, Running}, states(r))
	r.Stop()
	ok, err := r.Join(noon, Hello{ID: "c", Version: "v"})
	require.NoError(t, err)
	require.False(t, ok)
}

func TestClocksAreComparedByTheQuickestExchange(t *testing.T) {
	hour := func(ms int) time.Time { return after(ms).Add(time.Hour) }
	quick := Exchange{Asked: after(0), Heard: hour(2), Answered: hour(3), Back: after(5)}
	require.Equal(t, Offset{Ahead: time.Hour, Within: 2 * time.Millisecond}, quick.Offset())
	// One way was slow: the offset is wrong, but not by more than it says.
	slow := Exchange{Asked: after(0), Heard: hour(80), Answered: hour(80), Back: after(90)}
	require.Equal(t, Offset{Ahead: time.Hour + 35*time.Millisecond, Within: 45 * time.Millisecond}, slow.Offset())
	require.Equal(t, quick.Offset(), Closest([]Exchange{slow, quick, slow}))
	require.Zero(t, Closest(nil))
	require.Equal(t, hour(7), quick.Offset().Theirs(after(7)))
}
