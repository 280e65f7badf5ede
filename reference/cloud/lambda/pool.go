package lambda

import (
	"slices"
	"time"

	"github.com/retailflow/stampede/reference/quota"
)

// poolKey is a version's identity: RevisionID changes with each change of $LATEST.
type poolKey struct{ function, version, revision string }

// pool holds the environments of one unchanging configuration.
type pool struct {
	key       poolKey
	config    *Configuration
	counters  *counters
	warm      quota.WarmPool
	envs      map[uint64]*environment
	waiting   []*invocation
	turns     int // starts that wait for their turn
	launching int // started, not ready
	finishing int // answered, not ready for the next event
	retired   bool
}

// pool finds or makes the pool of a configuration.
func (s *scheduler) pool(c *Configuration) *pool {
	key := poolKey{c.FunctionName, c.Version, c.RevisionID}
	p := s.mu.pools[key]
	if p == nil {
		p = &pool{key: key, config: c, envs: map[uint64]*environment{}, counters: s.countersOf(key.function, key.version)}
		s.mu.pools[key] = p
	}
	return p
}

func (s *scheduler) countersOf(function, version string) *counters {
	key := countersKey{function, version}
	c := s.mu.counters[key]
	if c == nil {
		c = &counters{FunctionStats: FunctionStats{Function: function, Version: version}}
		s.mu.counters[key] = c
	}
	return c
}

// grow orders as many starts as the line is longer than what is on its way.
func (s *scheduler) grow(now time.Time, p *pool) *quota.Refusal {
	for len(p.waiting) > p.finishing+p.launching+p.turns {
		if r := s.mu.concurrency.Grow(now, p.key.function); r != nil {
			return r
		}
		p.turns++
		s.mu.turns = append(s.mu.turns, p)
	}
	s.takeTurns(now)
	return nil
}

// takeTurns starts processes while the host's guard allows. A turn whose invocation has found
// an environment meanwhile is dropped.
func (s *scheduler) takeTurns(now time.Time) {
	for !s.mu.closed && (s.limits.StartsAtOnce == 0 || s.mu.launching < s.limits.StartsAtOnce) {
		// On a full host only who has no environment at all gets one.
		full := s.limits.Processes > 0 && s.mu.processes >= s.limits.Processes
		i := slices.IndexFunc(s.mu.turns, func(p *pool) bool { return !full || len(p.envs) == 0 })
		if i < 0 {
			return
		}
		p := s.mu.turns[i]
		s.mu.turns = slices.Delete(s.mu.turns, i, i+1)
		p.turns--
		if len(p.waiting) <= p.finishing+p.launching {
			s.mu.ahead++
			continue
		}
		p.launching++
		s.mu.launching++
		s.mu.nextID++
		e := newEnvironment(s, p, s.mu.nextID, now)
		p.envs[e.id] = e
		s.mu.processes++
		p.counters.MaxConcurrent = max(p.counters.MaxConcurrent, len(p.envs))
		s.running.Add(1)
		go func() {
			defer s.running.Done()
			s.launch(e)
		}()
	}
}

// retire ends the pools of a function that are of no current version: idle environments at
// once, the others after what they are doing.
func (s *scheduler) retire(name string, f *function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, p := range s.mu.pools {
		if key.function != name || f != nil && f.versions[key.version] != nil && f.versions[key.version].RevisionID == key.revision {
			continue
		}
		p.retired = true
		s.condemnIdle(p, s.now(), 0)
		if len(p.envs) == 0 && len(p.waiting) == 0 && p.turns == 0 {
			delete(s.mu.pools, key)
		}
	}
}

// condemnIdle kills the environments idle for timeout and returns when to look again.
func (s *scheduler) condemnIdle(p *pool, now time.Time, timeout time.Duration) (next time.Duration) {
	ids, next := p.warm.Reap(now, timeout)
	for _, id := range ids {
		p.envs[id].condemn()
	}
	return next
}

// reap kills what has been idle for the limit, until stop.
func (s *scheduler) reap(stop <-chan struct{}) {
	if s.limits.IdleTimeout == 0 {
		<-stop
		return
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait, sleeps := 24*time.Hour, true
		s.mu.Lock()
		now := s.now()
		for _, p := range s.mu.pools {
			if next := s.condemnIdle(p, now, s.limits.IdleTimeout); next > 0 {
				wait, sleeps = min(wait, next), false
			}
		}
		s.mu.reaperSleeps = sleeps
		s.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-stop:
			return
		case <-timer.C:
		case <-s.wake:
		}
	}
}
