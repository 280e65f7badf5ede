package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retailflow/stampede/loadgen/job"
)

// session is a worker in one load.
type session struct {
	o    ServeOptions
	nc   *nats.Conn
	id   string
	run  string // subject of the load
	work sync.WaitGroup

	alive context.Context // ends with the session
	over  context.CancelFunc

	mu struct {
		sync.Mutex
		assigned *assignment
		begun    bool
		ended    bool
		fault    error              // of the session
		stop     context.CancelFunc // of the load; nil before it begins
	}
}

// serve joins a load, and returns when it is over.
func (s *session) serve(ctx context.Context) error {
	sub, err := s.nc.Subscribe(workerSubject(s.o.Group, s.id), newDesk(s.hear).receive)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // a closed connection has none
	defer s.over()
	if err := s.join(ctx); err != nil {
		return err
	}
	s.o.Log.Info("joined", "load", s.run, "worker", s.id)
	s.beat(ctx)
	s.end(nil)
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.fault
}

// join asks until a controller has a place.
func (s *session) join(ctx context.Context) error {
	for ctx.Err() == nil {
		var w Welcome
		within, cancel := context.WithTimeout(ctx, askWithin)
		err := ask(within, s.nc, joinSubject(s.o.Group), kindHello, s.id, Hello{ID: s.id, Name: s.o.Name, Version: s.o.Version}, &w)
		cancel()
		switch {
		case w.Fault != "":
			return fmt.Errorf("%w: %s", errAnswered, w.Fault)
		case w.Run != "":
			s.run = w.Run
			return nil
		case s.nc.IsClosed():
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(beatEach):
		}
	}
	return ctx.Err()
}

// beat tells the controller that this worker lives, and hears whether to go on, until the session
// is over.
func (s *session) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEach)
	defer ticker.Stop()
	heard := time.Now()
	for {
		var o order
		within, cancel := context.WithTimeout(ctx, askWithin)
		err := ask(within, s.nc, s.run, kindBeat, s.id, struct{}{}, &o)
		cancel()
		switch {
		case err == nil && !o.Stop:
			heard = time.Now()
		case err == nil:
			heard = time.Now()
			s.halt()
			if !s.running() {
				return
			}
		case time.Since(heard) >= s.o.Alone:
			s.end(ErrAlone)
			return
		}
		select {
		case <-ticker.C:
		case <-s.alive.Done():
			return
		case <-ctx.Done():
			s.end(ctx.Err())
			return
		}
	}
}

func (s *session) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.begun && !s.mu.ended
}

// halt stops the load: when it returns no request starts any more.
func (s *session) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.stop != nil {
		s.mu.stop()
	}
	s.mu.assigned = nil // nothing begins either
}

// end ends the session, once.
func (s *session) end(fault error) {
	s.halt()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.ended {
		s.mu.ended, s.mu.fault = true, fault
		s.over()
	}
}

// hear answers the controller.
func (s *session) hear(kind, _ string, body []byte) (any, error) {
	switch kind {
	case kindClock:
		heard := s.o.Now()
		return reading{Heard: heard, Answered: s.o.Now()}, nil
	case kindPrepare:
		return read(body, s.prepare)
	case kindStart:
		return read(body, s.start)
	case kindStop:
		s.halt()
		return nil, nil
	}
	return nil, fmt.Errorf("no such message: %q", kind)
}

func (s *session) prepare(a assignment) (any, error) {
	a.Job.EnsureDefaults()
	if _, err := a.Job.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.alive, 2*time.Second)
	defer cancel()
	if err := a.Job.Probe(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.assigned = &a
	return nil, nil
}

// start begins the load at the controller's instant.
func (s *session) start(b start) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.begun {
		return nil, nil // the answer to the first attempt was lost
	}
	a := s.mu.assigned
	if a == nil || s.mu.ended {
		return nil, errors.New("a start without a shard")
	}
	ctx, stop := context.WithCancel(context.Background())
	s.mu.begun, s.mu.stop = true, stop
	at := time.Now().Add(b.Offset.Theirs(b.At).Sub(s.o.Now()))
	s.work.Go(func() {
		defer stop()
		s.end(s.load(ctx, a, at))
	})
	return nil, nil
}

// load runs the shard and reports it. The error says that nobody took the report.
func (s *session) load(ctx context.Context, a *assignment, at time.Time) error {
	p, err := a.Job.Plan()
	if err != nil {
		return err
	}
	t := newTally(a.Job.Timeout, p.Shard(a.Shard, a.Shards).Entries())
	defer t.close()
	telling, told := context.WithCancel(context.Background())
	var tell sync.WaitGroup
	tell.Go(func() { s.tell(telling, t) })
	r, err := job.Run(ctx, a.Job, job.Options{Shard: a.Shard, Shards: a.Shards, Start: at, OnOutcome: t.add, OnSample: t.sample})
	told()
	tell.Wait()
	last := report{Result: &r}
	if err != nil {
		last.Fault = err.Error()
		last.Result = nil
	}
	return s.insist(kindReport, last)
}

// tell sends what happened, each second.
func (s *session) tell(ctx context.Context, t *tally) {
	ticker := time.NewTicker(progressEach)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if err := s.insist(kindProgress, t.take()); err != nil {
			return
		}
	}
}

// insist sends a message until the controller has it, refuses it, or is gone.
func (s *session) insist(kind string, message any) error {
	for since := time.Now(); ; {
		within, cancel := context.WithTimeout(s.alive, s.o.Alone)
		err := ask(within, s.nc, s.run, kind, s.id, message, nil)
		cancel()
		if err == nil || errors.Is(err, errAnswered) {
			return err
		}
		if time.Since(since) >= s.o.Alone || s.alive.Err() != nil || s.nc.IsClosed() {
			return fmt.Errorf("%w: %w", ErrAlone, err)
		}
		select {
		case <-time.After(beatEach / 5): // without a responder the answer comes at once
		case <-s.alive.Done():
		}
	}
}
