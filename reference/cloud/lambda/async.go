package lambda

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// AsyncStats count asynchronous events since Open; Pending is now.
type AsyncStats struct {
	Accepted  int64 `json:"accepted"`
	Succeeded int64 `json:"succeeded"`
	Retried   int64 `json:"retried"` // tries that failed or were throttled, and were followed by another
	Dropped   int64 `json:"dropped"` // after the last retry, or too old, or without a function
	Pending   int64 `json:"pending"` // accepted and not yet done
}

// event is an asynchronous invocation as it is kept until it is done.
type event struct {
	Function  string
	Qualifier string
	Payload   []byte
	Trace     string
	Client    string
	Accepted  time.Time
	Failures  int // tries that the function failed
	Throttles int // tries that were throttled since the last failure
}

// Throttled events are tried again after 1 s, growing to 5 minutes.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	throttleFirst = time.Second
	throttleMost  = 5 * time.Minute
)

// retryIn decides what becomes of an event that failed or was throttled: another try after
// wait, or none. age is how old the event is, config the function's own settings.
func (e *event) retryIn(age time.Duration, throttled bool, config eventsConfig, limits *Limits) (wait time.Duration, again bool) {
	attempts, oldest := 2, limits.AsyncAge
	if config.MaximumRetryAttempts != nil {
		attempts = *config.MaximumRetryAttempts
	}
	if config.MaximumEventAgeInSeconds != nil {
		oldest = time.Duration(*config.MaximumEventAgeInSeconds) * time.Second
	}
	switch {
	case throttled:
		e.Throttles++
		wait = throttleMost
		if e.Throttles < 10 {
			wait = min(throttleMost, throttleFirst<<(e.Throttles-1))
		}
	default:
		e.Failures++
		e.Throttles = 0
		if e.Failures > attempts {
			return 0, false
		}
		wait = limits.AsyncRetry1
		if e.Failures > 1 {
			wait = limits.AsyncRetry2
		}
	}
	return wait, oldest == 0 || age+wait <= oldest
}

// due is a kept event and when to try it.
type due struct {
	id string
	at time.Time
}

type dueHeap []due

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// async keeps asynchronous events until they are done. An event is removed from the database
// after its last try; a crash in between repeats the try, as AWS may.
type async struct {
	db     *pebble.DB
	limits *Limits
	now    func() time.Time
	log    *slog.Logger
	invoke func(ctx context.Context, id string, e *event) (Result, error)
	config func(function string) (eventsConfig, bool)

	mu struct {
		sync.Mutex
		due   dueHeap
		stats AsyncStats
	}
	wake chan struct{}
}

// openAsync finds the events that are not done yet; all are due at once.
func openAsync(s *Service) (*async, error) {
	a := &async{db: s.options.DB, limits: &s.limits, now: s.now, log: s.log, wake: make(chan struct{}, 1)}
	a.invoke, a.config = s.invokeEvent, s.eventsConfig
	err := s.state.each(prefixEvent, func(id string, _ []byte) error {
		a.mu.due = append(a.mu.due, due{id: id, at: a.now()})
		return nil
	})
	a.mu.stats.Pending = int64(len(a.mu.due))
	return a, err
}

// accept makes an event durable; it will be tried at least once.
func (a *async) accept(id string, e *event) error {
	if err := a.store(id, e, pebble.Sync); err != nil {
		return err
	}
	a.mu.Lock()
	a.mu.stats.Accepted++
	a.mu.stats.Pending++
	a.mu.Unlock()
	a.schedule(id, a.now())
	return nil
}

func (a *async) store(id string, e *event, sync *pebble.WriteOptions) error {
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", id, err)
	}
	if err := a.db.Set([]byte(prefixEvent+id), value, sync); err != nil {
		return fmt.Errorf("store event %s: %w", id, err)
	}
	return nil
}

func (a *async) schedule(id string, at time.Time) {
	a.mu.Lock()
	heap.Push(&a.mu.due, due{id, at})
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run tries events as they become due, a bounded number at a time, until ctx ends; it returns
// when no try is under way any more.
func (a *async) run(ctx context.Context) {
	var tries sync.WaitGroup
	defer tries.Wait()
	slots := make(chan struct{}, max(1, a.limits.AsyncAtOnce))
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		id, wait := a.take()
		if id == "" {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			case <-a.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return // the event is still in the database
		case slots <- struct{}{}:
		}
		tries.Add(1)
		go func() {
			defer func() { <-slots; tries.Done() }()
			a.try(ctx, id)
		}()
	}
}

// take removes the first event that is due, or says how long until there is one.
func (a *async) take() (id string, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.mu.due) == 0 {
		return "", 24 * time.Hour
	}
	if wait := a.mu.due[0].at.Sub(a.now()); wait > 0 {
		return "", wait
	}
	return heap.Pop(&a.mu.due).(due).id, 0
}

func (a *async) try(ctx context.Context, id string) {
	e, err := a.load(id)
	if err != nil {
		a.log.Error("lambda_event_unreadable", "event", id, "error", err)
		return
	}
	config, exists := a.config(e.Function)
	if !exists {
		a.done(id, e, false, "no such function")
		return
	}
	r, err := a.invoke(ctx, id, e)
	if err == nil && r.FunctionError == "" {
		a.done(id, e, true, "")
		return
	}
	if ctx.Err() != nil {
		return // shut down in the middle: the next Open tries again
	}
	var refused *wire.Error
	throttled := errors.As(err, &refused) && (refused.Status == http.StatusTooManyRequests || refused.Status >= 500)
	wait, again := e.retryIn(a.now().Sub(e.Accepted), throttled, config, a.limits)
	if !again {
		a.done(id, e, false, "retries or age exhausted")
		return
	}
	if err := a.store(id, e, pebble.NoSync); err != nil { // lost in a crash, it costs one more try
		a.log.Error("lambda_event_not_stored", "event", id, "error", err)
	}
	a.mu.Lock()
	a.mu.stats.Retried++
	a.mu.Unlock()
	a.schedule(id, a.now().Add(wait))
}

func (a *async) load(id string) (*event, error) {
	value, closer, err := a.db.Get([]byte(prefixEvent + id))
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	e := new(event)
	return e, json.Unmarshal(value, e)
}

// done forgets an event. The deletion need not be durable: a crash repeats the try.
func (a *async) done(id string, e *event, succeeded bool, why string) {
	if err := a.db.Delete([]byte(prefixEvent+id), pebble.NoSync); err != nil {
		a.log.Error("lambda_event_not_deleted", "event", id, "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.stats.Pending--
	if succeeded {
		a.mu.stats.Succeeded++
		return
	}
	a.mu.stats.Dropped++
	a.log.Warn("lambda_event_dropped", "event", id, "function", e.Function, "failures", e.Failures, "reason", why)
}

func (a *async) stats() AsyncStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.stats
}
