package lambda

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// scheduler brings invocations and environments together.
//
// An invocation takes the idle environment that was used last. Without one it waits at the end
// of its pool's line, and a process is started for it unless one that is coming up, or one that
// has answered and is about to ask for its next event, will do.
type scheduler struct {
	limits Limits
	now    func() time.Time
	log    *slog.Logger
	launch func(*environment) // starts the process; calls back ready, failed or exited

	mu struct {
		sync.Mutex
		concurrency *quota.Concurrency
		pools       map[poolKey]*pool
		counters    map[countersKey]*counters
		hits        quota.HitSet
		nextID      uint64
		launching   int     // processes between start and first request for an event
		processes   int     // environments of all pools
		turns       []*pool // one for each start that waits for its turn
		ahead       int64
		closed      bool

		reaperSleeps bool // until it is woken: nothing was idle
	}
	wake    chan struct{}  // tells the reaper that an environment became idle
	running sync.WaitGroup // environments
}

func newScheduler(limits Limits, now func() time.Time, log *slog.Logger) *scheduler {
	s := &scheduler{limits: limits, now: now, log: log, wake: make(chan struct{}, 1)}
	s.mu.concurrency = quota.NewConcurrency(limits.concurrency())
	s.mu.pools = map[poolKey]*pool{}
	s.mu.counters = map[countersKey]*counters{}
	return s
}

// submit admits inv or returns the refusal. Its outcome comes on inv.done.
func (s *scheduler) submit(c *Configuration, inv *invocation) *wire.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return serviceClosed()
	}
	now := s.now()
	p := s.pool(c)
	if r := s.mu.concurrency.Reserve(now, p.key.function); r != nil {
		return s.throttle(now, p, r)
	}
	if id, ok := p.warm.Take(); ok {
		s.assign(now, p.envs[id], inv)
		return nil
	}
	p.waiting = append(p.waiting, inv)
	if r := s.grow(now, p); r != nil {
		p.waiting = p.waiting[:len(p.waiting)-1]
		s.mu.concurrency.Release(p.key.function)
		return s.throttle(now, p, r)
	}
	return nil
}

func serviceClosed() *wire.Error {
	return wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailableException", "the service is shutting down")
}

func (s *scheduler) throttle(now time.Time, p *pool, r *quota.Refusal) *wire.Error {
	p.counters.Throttles++
	s.mu.hits.Note(now, "lambda", r.Limit, p.key.function, r.Allowed, r.Source)
	e := wire.Errorf(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	e.Extra = map[string]any{"Reason": r.Reason}
	return e
}

// note records a refusal that was decided elsewhere.
func (s *scheduler) note(limit, resource, allowed string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.hits.Note(s.now(), "lambda", limit, resource, allowed, quotaSource)
}

// assign gives inv to an environment that waits for an event.
func (s *scheduler) assign(now time.Time, e *environment, inv *invocation) {
	timeout := e.pool.config.timeout()
	inv.started, inv.deadline = now, now.Add(timeout)
	e.current, e.state, e.since = inv, busy, now
	e.invocations++
	inv.timer = time.AfterFunc(timeout, func() { s.expire(e, inv) })
	e.work <- inv // buffered, and empty while the environment waits
}

// expire kills an environment whose invocation is over time.
func (s *scheduler) expire(e *environment, inv *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.current != inv && e.lingering != inv {
		return
	}
	if e.current == inv {
		e.pool.counters.Timeouts++
		s.finish(s.now(), e, timedOut(inv.id, e.pool.config.timeout()).payload(), true)
	}
	e.condemn()
}

// ready is the environment's request for its next event.
func (s *scheduler) ready(e *environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	p := e.pool
	switch e.state {
	case starting:
		p.launching--
		s.mu.launching--
		e.init = now.Sub(e.since)
		p.counters.ColdStarts++
		p.counters.InitSeconds += e.init.Seconds()
	case finishing:
		p.finishing--
		e.lingering.timer.Stop()
		e.lingering = nil
	case busy:
		// The runtime asked for more without an answer: the invocation has failed.
		s.finish(now, e, failure{"Runtime.NoResponse", "RequestId: " + e.current.id + " Error: the runtime asked for the next event without a response"}.payload(), true)
		p.finishing--
		e.lingering.timer.Stop()
		e.lingering = nil
	case idle, dead:
		return
	}
	defer s.takeTurns(now)
	e.state, e.since = idle, now
	if e.condemned || s.mu.closed || p.retired && len(p.waiting) == 0 {
		e.condemn()
		return
	}
	if len(p.waiting) > 0 {
		inv := p.waiting[0]
		p.waiting = p.waiting[1:]
		s.assign(now, e, inv)
		return
	}
	p.warm.Put(now, e.id)
	if s.mu.reaperSleeps {
		s.mu.reaperSleeps = false
		s.wake <- struct{}{} // buffered, and sent once a sleep
	}
}

// answer ends the invocation with this id; false if the environment runs another or none.
func (s *scheduler) answer(e *environment, id string, payload []byte, failed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.current == nil || e.current.id != id {
		return false
	}
	s.finish(s.now(), e, payload, failed)
	return true
}

// initFailed is a runtime's own report that it cannot start; its process is about to exit.
func (s *scheduler) initFailed(e *environment, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f failure
	if err := json.Unmarshal(body, &f); err != nil || f.Type == "" {
		f = failure{"Runtime.Unknown", string(body)}
	}
	if e.state == starting {
		e.initFailure = &f
	}
}

// discard ends an environment that cannot be talked to.
func (s *scheduler) discard(e *environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.pid != 0 {
		_ = syscall.Kill(-e.pid, syscall.SIGKILL) // not condemned: if it is dying already, that was not our doing
	}
}

// wantsTail says whether the caller of what e runs asked for the last lines printed.
func (s *scheduler) wantsTail(e *environment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.current != nil && e.current.tail
}

// finish sends the caller its outcome. The environment is finishing until it asks for more.
func (s *scheduler) finish(now time.Time, e *environment, payload []byte, failed bool) {
	inv, p := e.current, e.pool
	e.current, e.lingering, e.state, e.since = nil, inv, finishing, now
	p.finishing++
	s.mu.concurrency.Release(p.key.function)
	r := Result{Payload: payload, ExecutedVersion: p.config.Version, Duration: now.Sub(inv.started), RequestID: inv.id}
	p.counters.Invocations++
	if failed {
		r.FunctionError = "Unhandled"
		p.counters.Errors++
	}
	if failed || inv.tail {
		r.Log = e.output.tail()
	}
	if e.invocations == 1 {
		r.Init = e.init
	}
	p.counters.bill(r.Init+r.Duration, p.config.MemorySize)
	inv.done <- outcome{result: r}
}

// gone is the end of an environment's process, or of the attempt to start one, why in words.
func (s *scheduler) gone(e *environment, why func(requestID string) failure, cpu time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	p := e.pool
	delete(p.envs, e.id)
	s.mu.processes--
	p.counters.deadCPU += cpu
	switch e.state {
	case starting:
		p.launching--
		s.mu.launching--
		if !s.mu.closed {
			p.counters.InitErrors++
			s.log.Warn("lambda_init_failed", "function", p.key.function, "version", p.key.version, "log", e.output.tail())
		}
		if len(p.waiting) > 0 {
			inv := p.waiting[0]
			p.waiting = p.waiting[1:]
			s.mu.concurrency.Release(p.key.function)
			p.counters.Invocations++
			p.counters.Errors++
			inv.done <- outcome{result: Result{
				Payload: why(inv.id).payload(), FunctionError: "Unhandled", ExecutedVersion: p.config.Version,
				RequestID: inv.id, Log: e.output.tail(),
			}}
		}
	case busy:
		e.current.timer.Stop()
		if !e.condemned {
			p.counters.DiedBusy++
		}
		s.finish(now, e, why(e.current.id).payload(), true)
		p.finishing--
	case finishing:
		p.finishing--
		e.lingering.timer.Stop()
		if !e.condemned {
			p.counters.DiedIdle++
		}
	case idle:
		p.warm.Remove(e.id)
		if !e.condemned {
			p.counters.DiedIdle++
		}
	}
	e.state = dead
	if r := s.grow(now, p); r != nil { // the line has lost an environment it counted on
		s.refuseAll(now, p, r)
	}
	s.takeTurns(now)
	if p.retired && len(p.envs) == 0 && len(p.waiting) == 0 {
		delete(s.mu.pools, p.key)
	}
}

// refuseAll throttles the invocations that nothing is on its way for.
func (s *scheduler) refuseAll(now time.Time, p *pool, r *quota.Refusal) {
	for len(p.waiting) > p.finishing+p.launching+p.turns {
		inv := p.waiting[len(p.waiting)-1]
		p.waiting = p.waiting[:len(p.waiting)-1]
		s.mu.concurrency.Release(p.key.function)
		inv.done <- outcome{refusal: s.throttle(now, p, r)}
	}
}

// setReserved changes a function's reserved concurrency; nil takes it away.
func (s *scheduler) setReserved(name string, n *int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == nil {
		s.mu.concurrency.ClearReserved(name)
		return nil
	}
	return s.mu.concurrency.SetReserved(name, *n)
}

// close kills all environments, fails what waits and waits for the processes to be gone.
func (s *scheduler) close() {
	s.mu.Lock()
	s.mu.closed = true
	for _, p := range s.mu.pools {
		for _, e := range p.envs {
			e.condemn()
		}
		for _, inv := range p.waiting {
			s.mu.concurrency.Release(p.key.function)
			inv.done <- outcome{refusal: serviceClosed()}
		}
		p.waiting = nil
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *scheduler) environments() []Environment {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Environment{}
	for _, p := range s.mu.pools {
		for _, e := range p.envs {
			if e.pid == 0 || e.state == starting {
				continue
			}
			all = append(all, Environment{
				Function: p.key.function, Version: p.key.version, PID: e.pid,
				Busy: e.current != nil, Since: e.since, Invocations: e.invocations,
			})
		}
	}
	return all
}

func (s *scheduler) stats() ([]FunctionStats, int64, []quota.Hit) {
	s.mu.Lock()
	live, inside := map[*counters][]int{}, map[*counters]int{}
	for _, p := range s.mu.pools {
		for _, e := range p.envs {
			live[p.counters] = append(live[p.counters], e.pid)
			if e.state == busy {
				inside[p.counters]++
			}
		}
	}
	out := make([]FunctionStats, 0, len(s.mu.counters))
	pids := make([][]int, 0, len(s.mu.counters))
	for _, c := range s.mu.counters {
		f := c.FunctionStats
		f.CPUSeconds = c.deadCPU.Seconds()
		f.Environments, f.Busy = len(live[c]), inside[c]
		out = append(out, f)
		pids = append(pids, slices.Clone(live[c]))
	}
	ahead, hits := s.mu.ahead, s.mu.hits.List()
	s.mu.Unlock()
	for i := range out {
		for _, pid := range pids[i] {
			out[i].CPUSeconds += processCPU(pid).Seconds()
		}
	}
	return out, ahead, hits
}
