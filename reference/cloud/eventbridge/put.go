package eventbridge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// putEntry is an event as callers of the API write it.
type putEntry struct {
	Source       string
	DetailType   string
	Detail       string
	Resources    []string
	Time         *float64 // Unix seconds
	EventBusName string
}

type putEventsInput struct{ Entries []putEntry }

// putResult is what a caller learns of an event it put.
type putResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEvents accepts the good events of a call, in one durable write.
func (s *Service) putEvents(r *wire.Request, in putEventsInput) (any, error) {
	if err := s.admit(r.Now, in.Entries); err != nil {
		return nil, err
	}
	results := make([]putResult, len(in.Entries))
	var events []event
	failed := 0
	for i, e := range in.Entries {
		entry, fault := s.check(e)
		if fault != nil {
			results[i] = *fault
			failed++
			continue
		}
		ev := s.event(r.Now, entry)
		results[i].EventId = ev.ID
		events = append(events, ev)
	}
	if err := s.accept(r.Now, events); err != nil {
		return nil, err
	}
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}

// admit refuses a call that is too large or comes too soon.
func (s *Service) admit(now time.Time, entries []putEntry) error {
	if most := orMax(s.limits.BatchEntries); len(entries) == 0 || len(entries) > most {
		s.hit(now, "entries a call", "default", strconv.Itoa(most)+" entries", entrySize)
		return wire.Errorf(http.StatusBadRequest, "ValidationException",
			"1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", most)
	}
	total := 0
	for _, e := range entries {
		total += e.size()
	}
	if most := orMax(s.limits.EntryBytes); total > most {
		s.hit(now, "entry size", "default", strconv.Itoa(most)+" bytes", entrySize)
		return wire.Errorf(http.StatusBadRequest, "ValidationException", "Total size of the entries in the request is over the limit of %d bytes.", most)
	}
	s.mu.Lock()
	allowed := s.mu.puts == nil || s.mu.puts.Allow(now, 1)
	s.mu.Unlock()
	if !allowed {
		s.hit(now, "PutEvents per second", "default", strconv.FormatFloat(s.limits.PutsPerSecond, 'f', -1, 64)+" calls/s", busQuotas)
		return wire.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	}
	return nil
}

// size is what an entry counts towards the limit, in bytes.
// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func (e putEntry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// check reads an entry; fault says why it cannot be put.
func (s *Service) check(e putEntry) (entry Entry, fault *putResult) {
	argument := func(name string) *putResult {
		return &putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."}
	}
	detail := bytes.TrimSpace([]byte(e.Detail))
	switch {
	case e.Source == "":
		return entry, argument("Source")
	case strings.HasPrefix(e.Source, "aws."):
		return entry, &putResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case e.DetailType == "":
		return entry, argument("DetailType")
	case e.Detail == "":
		return entry, argument("Detail")
	case !bytes.HasPrefix(detail, []byte("{")) || !json.Valid(detail):
		return entry, &putResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	case !s.knowsBus(e.EventBusName):
		return entry, &putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Event bus " + e.EventBusName + " does not exist."}
	}
	entry = Entry{Source: e.Source, DetailType: e.DetailType, Detail: detail, Resources: e.Resources}
	if e.Time != nil {
		entry.Time = time.UnixMilli(int64(*e.Time * 1000))
	}
	return entry, nil
}

// Put accepts an event from within the process, from any source. It returns
// when the event is durable for each target it is meant for.
func (s *Service) Put(_ context.Context, e Entry) error {
	if !s.gate.Enter() {
		return fmt.Errorf("put event: %w", errClosed)
	}
	defer s.gate.Leave()
	now := s.now()
	if err := s.accept(now, []event{s.event(now, e)}); err != nil {
		return fmt.Errorf("put event: %w", err)
	}
	return nil
}

// accept stores a delivery for each target of each rule that an event matches,
// all in one durable write, and has them delivered.
func (s *Service) accept(now time.Time, events []event) error {
	var out []outgoing
	matched := make(map[string]int64)
	unmatched := int64(0)
	for _, e := range events {
		text, err := e.encode()
		if err != nil {
			return err
		}
		parsed, err := parseEvent(text)
		if err != nil {
			return fmt.Errorf("parse event: %w", err)
		}
		wanted := false
		for _, r := range *s.matchers.Load() {
			if !r.pattern.match(parsed) {
				continue
			}
			wanted = true
			matched[r.Name]++
			if out, err = s.address(out, r, now, text); err != nil {
				return err
			}
		}
		if !wanted {
			unmatched++
		}
	}
	if err := s.post(out); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.counters.events += int64(len(events))
	s.mu.counters.unmatched += unmatched
	for name, n := range matched {
		s.mu.counters.rule(name).matched += n
	}
	return nil
}

// outgoing is a delivery about to be stored.
type outgoing struct {
	record  deliveryRecord
	payload []byte
}

// address appends a delivery for each target of a rule.
func (s *Service) address(out []outgoing, r *rule, now time.Time, event []byte) ([]outgoing, error) {
	for i := range r.Targets {
		t := &r.Targets[i]
		payload, err := t.payload(event)
		if err != nil {
			return nil, fmt.Errorf("rule %s target %s: %w", r.Name, t.Id, err)
		}
		record := deliveryRecord{Rule: r.Name, Target: t.Arn, Accepted: now.UnixMilli()}
		record.Retries, record.AgeSeconds = s.patience(t)
		if t.DeadLetterConfig != nil {
			record.DeadLetter = t.DeadLetterConfig.Arn
		}
		out = append(out, outgoing{record, payload})
	}
	return out, nil
}

// patience is how often and for how many seconds a target is tried.
func (s *Service) patience(t *target) (retries int, age int64) {
	retries, age = orMax(s.limits.Retries), int64(s.limits.EventAge/time.Second)
	if age == 0 {
		age = forever
	}
	if p := t.RetryPolicy; p != nil {
		if p.MaximumRetryAttempts != nil {
			retries = *p.MaximumRetryAttempts
		}
		if p.MaximumEventAgeInSeconds != nil {
			age = int64(*p.MaximumEventAgeInSeconds)
		}
	}
	return retries, age
}

// forever is an age in seconds that no event reaches.
const forever = 100 * 365 * 24 * 3600

// post stores deliveries durably and shows them to the dispatcher.
func (s *Service) post(out []outgoing) error {
	if len(out) == 0 {
		return nil
	}
	b := s.store.db.NewBatch()
	defer func() { _ = b.Close() }()
	pending := make([]delivery, len(out))
	for i, o := range out {
		seq := s.seq.Add(1)
		value, err := encodeDelivery(o.record, o.payload)
		if err != nil {
			return err
		}
		_ = b.Set(deliveryKey(seq), value, nil)
		pending[i] = o.record.pending(seq)
	}
	if err := s.store.db.Apply(b, pebble.Sync); err != nil {
		return fmt.Errorf("store deliveries: %w", err)
	}
	s.mu.Lock()
	for _, d := range pending {
		s.mu.outbox.add(d)
	}
	s.mu.Unlock()
	s.poke()
	return nil
}

// poke makes the dispatcher look again.
func (s *Service) poke() {
	select {
	case s.notify <- struct{}{}:
	default:
	}
}
