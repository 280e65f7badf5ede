package lambda

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stage is a scheduler whose processes are imaginary.
type stage struct {
	*scheduler
	t        *testing.T
	config   *Configuration
	launched chan *environment
	now      time.Time
}

func newStage(t *testing.T, change func(*Limits)) *stage {
	limits := NoLimits()
	if change != nil {
		change(&limits)
	}
	s := &stage{t: t, config: newConfiguration("f", "arn"), launched: make(chan *environment, 100), now: time.Unix(1e9, 0)}
	s.scheduler = newScheduler(limits, func() time.Time { return s.now }, slog.New(slog.DiscardHandler))
	s.launch = func(e *environment) { s.launched <- e }
	return s
}

func (s *stage) submit(id string) *invocation {
	s.t.Helper()
	inv := &invocation{id: id, done: make(chan outcome, 1)}
	require.Nil(s.t, s.scheduler.submit(s.config, inv))
	return inv
}

// start is the next environment whose process was started.
func (s *stage) start() *environment {
	s.t.Helper()
	select {
	case e := <-s.launched:
		return e
	case <-time.After(eventually):
		s.t.Fatal("no process was started")
		return nil
	}
}

// runs makes the environment ask for its next event and returns its id.
func (s *stage) runs(e *environment) string {
	s.ready(e)
	select {
	case inv := <-e.work:
		return inv.id
	default:
		return ""
	}
}

func TestSchedulerGivesTheLineToWhatIsFreeFirst(t *testing.T) {
	s := newStage(t, func(l *Limits) { l.StartsAtOnce = 1 })
	a, b, c := s.submit("a"), s.submit("b"), s.submit("c")
	first := s.start()
	require.Equal(t, "a", s.runs(first))
	second := s.start() // b's turn has come
	require.True(t, s.answer(first, "a", []byte("1"), false))
	require.Equal(t, "b", s.runs(first), "before the process started for it is up")
	require.True(t, s.answer(first, "b", []byte("2"), false))
	require.Equal(t, "c", s.runs(first))
	require.Empty(t, s.runs(second), "it comes up to nothing to do, and stays warm")
	require.Empty(t, s.launched, "c's turn was dropped")
	_, ahead, _ := s.stats()
	require.EqualValues(t, 1, ahead)
	for _, inv := range []*invocation{a, b} {
		require.Empty(t, (<-inv.done).result.FunctionError)
	}
	s.submit("d")
	require.Equal(t, "d", (<-second.work).id)
	require.False(t, s.answer(first, "x", nil, false), "an id it does not run")
	require.True(t, s.answer(first, "c", nil, true))
	require.Equal(t, "Unhandled", (<-c.done).result.FunctionError)
	for _, e := range []*environment{first, second} {
		if e.current != nil {
			e.current.timer.Stop()
		}
	}
}

func TestSchedulerStartsNothingMoreOnAFullHost(t *testing.T) {
	s := newStage(t, func(l *Limits) { l.Processes = 1 })
	a, b := s.submit("a"), s.submit("b")
	first := s.start()
	require.Empty(t, s.launched, "the host is full")
	require.Equal(t, "a", s.runs(first))
	require.True(t, s.answer(first, "a", []byte("1"), false))
	require.Equal(t, "b", s.runs(first), "b waited for the environment that there is")
	c := s.submit("c")
	s.gone(first, func(id string) failure { return exited(id, "signal: killed") }, 0)
	require.Equal(t, "Unhandled", (<-b.done).result.FunctionError)
	second := s.start()
	require.Equal(t, "c", s.runs(second), "there is room again")
	require.True(t, s.answer(second, "c", []byte("3"), false))
	for _, inv := range []*invocation{a, c} {
		require.Empty(t, (<-inv.done).result.FunctionError)
	}
}

func TestSchedulerCountsOnWhatHasJustAnswered(t *testing.T) {
	s := newStage(t, nil)
	s.submit("a")
	e := s.start()
	require.Equal(t, "a", s.runs(e))
	require.True(t, s.answer(e, "a", nil, false))
	s.submit("b")
	require.Empty(t, s.launched, "the environment is about to be free")
	s.gone(e, func(id string) failure { return exited(id, "signal: killed") }, 0)
	second := s.start()
	require.Equal(t, "b", s.runs(second), "but if it dies, a process is started after all")
	second.current.timer.Stop()
	f, _, _ := s.stats()
	require.EqualValues(t, 1, f[0].DiedIdle)
}

func TestSchedulerThrottlesWhatItMayNotGrowFor(t *testing.T) {
	s := newStage(t, func(l *Limits) { l.ScaleUp, l.ScaleWindow = 1, 10*time.Second })
	a := s.submit("a")
	refused := s.scheduler.submit(s.config, &invocation{id: "b", done: make(chan outcome, 1)})
	require.Equal(t, http.StatusTooManyRequests, refused.Status)
	e := s.start()
	s.gone(e, func(id string) failure { return exited(id, "exit status 1") }, 0)
	require.Equal(t, "Unhandled", (<-a.done).result.FunctionError, "a failed start is the answer of the first in line")
	require.Zero(t, s.mu.concurrency.Running("f"))

	s.now = s.now.Add(10 * time.Second)
	s.submit("c")
	e = s.start()
	require.Equal(t, "c", s.runs(e))
	require.True(t, s.answer(e, "c", nil, false))
	d := &invocation{id: "d", done: make(chan outcome, 1)}
	require.Nil(t, s.scheduler.submit(s.config, d), "it waits for the environment that has answered")
	s.gone(e, func(id string) failure { return exited(id, "signal: killed") }, 0)
	require.Equal(t, http.StatusTooManyRequests, (<-d.done).refusal.Status)
	require.Zero(t, s.mu.concurrency.Running("f"))
	_, _, hits := s.stats()
	require.EqualValues(t, 2, hits[0].Count)
	require.Equal(t, "concurrency scaling rate", hits[0].Limit)
}

func TestSchedulerTakesAnEventLoopWithoutAnAnswerAsFailure(t *testing.T) {
	s := newStage(t, nil)
	a := s.submit("a")
	e := s.start()
	require.Equal(t, "a", s.runs(e))
	require.Empty(t, s.runs(e))
	require.Equal(t, "Runtime.NoResponse", parseFailure(t, (<-a.done).result.Payload).Type)
	s.submit("b")
	require.Equal(t, "b", (<-e.work).id, "the environment is of use still")
	e.current.timer.Stop()
}
