package eventbridge

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// dispatch fires schedules and hands out deliveries until ctx ends.
func (s *Service) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		now := s.now()
		s.fire(now)
		for d, ok := s.next(ctx, now); ok; d, ok = s.next(ctx, now) {
			s.running.Go(func() { s.deliver(ctx, d) })
		}
		s.sleep(ctx, now)
	}
}

// sleep waits until there may be something to do.
func (s *Service) sleep(ctx context.Context, now time.Time) {
	var due <-chan time.Time
	if at := s.wake(now); !at.IsZero() {
		timer := time.NewTimer(at.Sub(now))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-s.notify:
	case <-due:
	}
}

// wake is when to look again, zero if only when told.
func (s *Service) wake(now time.Time) (at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, t := range s.mu.due {
		sooner(t)
	}
	if t, ok := s.mu.outbox.wake(); ok && len(s.mu.outbox.flying) < s.concurrency {
		if !t.After(now) && s.mu.invocations != nil { // held back by the quota
			t = now.Add(max(s.mu.invocations.RetryAfter(now, 1), time.Millisecond))
		}
		sooner(t)
	}
	return at
}

// next takes a delivery that is due; ok is false if there is none, no room, no
// quota, or ctx has ended.
func (s *Service) next(ctx context.Context, now time.Time) (d delivery, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil || len(s.mu.outbox.flying) >= s.concurrency {
		return d, false
	}
	if t, ok := s.mu.outbox.wake(); !ok || t.After(now) {
		return d, false
	}
	if s.mu.invocations != nil && !s.mu.invocations.Allow(now, 1) {
		s.mu.hits.Note(now, "events", "invocations per second", "default",
			strconv.FormatFloat(s.limits.InvocationsPerSecond, 'f', -1, 64)+" invocations/s", busQuotas)
		return d, false
	}
	return s.mu.outbox.take(now)
}

// fire posts a scheduled event to the targets of each rule that is due. A rule
// whose event cannot be stored stays due.
func (s *Service) fire(now time.Time) {
	s.mu.Lock()
	var due []*rule
	var times []time.Time
	for name, at := range s.mu.due {
		if !at.After(now) {
			due = append(due, s.mu.rules[name])
			times = append(times, at)
		}
	}
	s.mu.Unlock()
	for i, r := range due {
		if err := s.postScheduled(r, now, times[i]); err != nil {
			s.log.Error("schedule_not_fired", "rule", r.Name, "error", err)
			s.postpone(r, now.Add(time.Second))
			continue
		}
		s.postpone(r, r.next(now))
		s.mu.Lock()
		s.mu.counters.rule(r.Name).fired++
		s.mu.Unlock()
	}
}

// postpone sets when a rule is due again, unless it was replaced meanwhile.
func (s *Service) postpone(r *rule, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.rules[r.Name] != r {
		return
	}
	delete(s.mu.due, r.Name)
	if !at.IsZero() {
		s.mu.due[r.Name] = at
	}
}

// postScheduled posts the event of one rule's schedule.
func (s *Service) postScheduled(r *rule, now, at time.Time) error {
	text, err := s.event(now, Entry{Source: "aws.events", DetailType: "Scheduled Event", Detail: json.RawMessage("{}"),
		Resources: []string{s.ruleARN(r.Name)}, Time: at}).encode()
	if err != nil {
		return err
	}
	out, err := s.address(nil, r, now, text)
	if err != nil {
		return err
	}
	return s.post(out)
}

// deliver tries one delivery and notes how that went.
func (s *Service) deliver(ctx context.Context, d delivery) {
	defer s.poke()
	record, payload, err := s.store.delivery(d.seq)
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		err = s.targets.Deliver(limited, record.Target, payload)
		cancel()
	}
	if err == nil {
		err = s.store.dropDelivery(d.seq)
	}
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mu.outbox.done(d.seq)
		s.mu.counters.rule(d.rule).delivered++
		return
	}
	if ctx.Err() != nil {
		return // stopped; the next Open tries again
	}
	s.mu.Lock()
	again := s.mu.outbox.failed(s.now(), d.seq)
	s.mu.counters.rule(d.rule).failures++
	s.mu.Unlock()
	s.log.Warn("event_not_delivered", "rule", d.rule, "target", record.Target, "attempts", d.attempts+1, "again", again, "error", err)
	if !again {
		s.giveUp(d, record, payload)
	}
}

// giveUp sends an event to the target's dead-letter queue, with the patience of
// a new event, or drops it if there is none.
func (s *Service) giveUp(d delivery, record deliveryRecord, payload []byte) {
	if record.DeadLetter == "" {
		if err := s.store.dropDelivery(d.seq); err != nil {
			s.log.Error("delivery_not_deleted", "rule", d.rule, "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mu.counters.rule(d.rule).dropped++
		return
	}
	record.Target, record.DeadLetter = record.DeadLetter, ""
	record.Accepted = s.now().UnixMilli()
	record.Retries, record.AgeSeconds = s.patience(&target{})
	if err := s.store.divert(d.seq, record, payload); err != nil {
		s.log.Error("dead_letter_not_stored", "rule", d.rule, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.outbox.add(record.pending(d.seq))
	s.mu.counters.rule(d.rule).deadLettered++
}
