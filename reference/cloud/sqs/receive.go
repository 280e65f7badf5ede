package sqs

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

type receiveInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

// received is a message as a receiver sees it.
type received struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string `json:",omitempty"`
	MD5OfMessageAttributes string            `json:",omitempty"`
	MessageAttributes      attributes        `json:",omitempty"`
}

func (s *Service) receiveMessage(r *wire.Request, in receiveInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	n, err := between("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 1, orMax(s.limits.BatchEntries))
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	set := q.mu.settings
	q.mu.Unlock()
	wait, err := between("WaitTimeSeconds", in.WaitTimeSeconds, int(set.wait/time.Second), 0, 20)
	if err != nil {
		return nil, err
	}
	visibility, err := between("VisibilityTimeout", in.VisibilityTimeout, int(set.visibility/time.Second), 0, 43_200)
	if err != nil {
		return nil, err
	}
	got, err := s.poll(r, q, n, time.Duration(visibility)*time.Second, time.Duration(wait)*time.Second)
	if err != nil {
		return nil, err
	}
	if len(got) == 0 {
		return nil, nil
	}
	out := make([]received, 0, len(got))
	for _, d := range got {
		m, err := s.show(q, d, in)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return map[string]any{"Messages": out}, nil
}

// between checks a whole number of a request; initial is its default.
func between(name string, given *int, initial, low, high int) (int, error) {
	if given == nil {
		return initial, nil
	}
	if *given < low || *given > high {
		return 0, wire.Errorf(http.StatusBadRequest, "InvalidParameterValue",
			"Value %d for parameter %s is invalid. Reason: Must be >= %d and <= %d.", *given, name, low, high)
	}
	return *given, nil
}

// delivery is a stored message together with its receive.
type delivery struct {
	message
	entry
}

// poll receives up to n messages, waiting at most wait for the first. It
// returns early, with nothing, when the caller goes away, the queue is deleted
// or the service closes.
func (s *Service) poll(r *wire.Request, q *queue, n int, visibility, wait time.Duration) ([]delivery, error) {
	now := s.now()
	deadline := now.Add(wait)
	var timer *time.Timer
	for {
		got, wake, next, err := s.attempt(q, now, n, visibility, wait > 0)
		if err != nil || len(got) > 0 || wake == nil || !now.Before(deadline) {
			return got, err
		}
		pause := deadline.Sub(now)
		if !next.IsZero() && next.Before(deadline) {
			pause = next.Sub(now)
		}
		if timer == nil {
			timer = time.NewTimer(pause)
			defer timer.Stop()
		} else {
			timer.Reset(pause)
		}
		select {
		case <-wake:
		case <-timer.C:
		case <-r.HTTP.Context().Done():
			return nil, nil
		case <-s.closing:
			return nil, nil
		}
		now = s.now()
	}
}

// attempt receives what is visible now. wake is closed when trying again may
// help, next is when it will help in any case, if not zero. A nil wake means
// that waiting is of no use.
func (s *Service) attempt(q *queue, now time.Time, n int, visibility time.Duration, long bool) (got []delivery, wake chan struct{}, next time.Time, err error) {
	s.expire(q, now)
	q.mu.Lock()
	if q.mu.deleted {
		q.mu.Unlock()
		return nil, nil, time.Time{}, nil
	}
	wake = q.mu.wake
	policy := q.mu.settings.redrive
	_, flying, _ := q.mu.backlog.counts(now)
	room := orMax(s.limits.InFlight) - flying
	var entries []entry
	var dead []uint64
	if room > 0 {
		entries, dead = q.mu.backlog.receive(now, min(n, room), visibility, policy.MaxReceives)
	}
	next, _ = q.mu.backlog.wake()
	q.mu.Unlock()

	if room <= 0 {
		s.hit(now, "messages in flight", q.name, strconv.Itoa(s.limits.InFlight)+" messages", queueQuotas)
		if !long {
			return nil, nil, time.Time{}, wire.Errorf(http.StatusForbidden, "OverLimit",
				"Too many messages in flight: the queue allows %d.", s.limits.InFlight)
		}
	}
	if err := s.bury(q, policy.Target, dead, now); err != nil {
		s.log.Error("dead_letters_not_moved", "queue", q.name, "error", err)
	}
	got, err = s.read(q, entries)
	return got, wake, next, err
}

// read fetches the bodies of received messages and counts the receives.
func (s *Service) read(q *queue, entries []entry) ([]delivery, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	got := make([]delivery, 0, len(entries))
	for _, e := range entries {
		m, err := s.get(q.id, e.seq)
		if errors.Is(err, pebble.ErrNotFound) { // deleted in the meantime
			q.mu.Lock()
			q.mu.backlog.remove(e.seq)
			q.mu.Unlock()
			continue
		}
		if err != nil {
			return nil, err
		}
		got = append(got, delivery{message: m, entry: e})
		_ = b.Set(messageKey(receiptPrefix, q.id, e.seq), receipts{Count: e.receives, First: e.first}.encode(), nil)
	}
	// Not waiting for the disk: a lost count only means another try.
	if err := s.db.Apply(b, pebble.NoSync); err != nil {
		return nil, fmt.Errorf("count receives of queue %s: %w", q.name, err)
	}
	q.mu.Lock()
	q.mu.counters.received += int64(len(got))
	q.mu.Unlock()
	return got, nil
}

// get reads a message from the database.
func (s *Service) get(queue, seq uint64) (message, error) {
	value, closer, err := s.db.Get(messageKey(messagePrefix, queue, seq))
	if err != nil {
		return message{}, fmt.Errorf("read message: %w", err)
	}
	m, err := decodeMessage(value)
	if cerr := closer.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("read message: %w", cerr)
	}
	return m, err
}

// bury moves messages that were received too often to the dead-letter queue.
// They keep their id and the time they were sent. If that fails they become
// visible again.
func (s *Service) bury(q *queue, target string, dead []uint64, now time.Time) error {
	if len(dead) == 0 {
		return nil
	}
	to, err := s.named(queueName(target))
	if err == nil {
		err = s.transfer(q, to, dead, now, func(m *message) { m.Source = s.arn(q.name) })
	}
	if err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, seq := range dead {
			q.mu.backlog.restore(seq)
		}
		return fmt.Errorf("move to %s: %w", target, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.counters.deadLettered += int64(len(dead))
	return nil
}

// transfer moves messages that were put aside from one queue to another, in one
// durable step; change may alter each of them.
func (s *Service) transfer(from, to *queue, seqs []uint64, now time.Time, change func(*message)) error {
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	var arriving []entry
	for _, seq := range seqs {
		m, err := s.get(from.id, seq)
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		m.Due = time.Time{}
		change(&m)
		e := entry{seq: s.sequence(), sent: m.Sent}
		_ = b.Delete(messageKey(messagePrefix, from.id, seq), nil)
		_ = b.Delete(messageKey(receiptPrefix, from.id, seq), nil)
		_ = b.Set(messageKey(messagePrefix, to.id, e.seq), m.encode(), nil)
		arriving = append(arriving, e)
	}
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		return fmt.Errorf("move messages from %s to %s: %w", from.name, to.name, err)
	}
	from.mu.Lock()
	for _, seq := range seqs {
		from.mu.backlog.remove(seq)
	}
	from.mu.Unlock()
	to.arrive(now, arriving, time.Time{})
	return nil
}

// expire deletes messages older than the queue keeps them.
func (s *Service) expire(q *queue, now time.Time) {
	q.mu.Lock()
	old := q.mu.backlog.expired(now.Add(-q.mu.settings.retention))
	q.mu.counters.expired += int64(len(old))
	q.mu.Unlock()
	if err := s.forget(q.id, old, pebble.NoSync); err != nil {
		s.log.Error("expired_messages_not_deleted", "queue", q.name, "error", err)
	}
}

// show is a delivery as the receiver asked to see it.
func (s *Service) show(q *queue, d delivery, in receiveInput) (received, error) {
	m := received{
		MessageId: d.ID, Body: d.Body, MD5OfBody: md5Hex(d.Body),
		ReceiptHandle: receipt{queue: q.id, seq: d.seq, receives: d.receives, epoch: s.epoch}.String(),
	}
	all := map[string]string{
		"SentTimestamp":                    strconv.FormatInt(d.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(d.receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(d.first.UnixMilli(), 10),
		"SenderId":                         d.Sender,
		"AWSTraceHeader":                   d.Trace,
		"DeadLetterQueueSourceArn":         d.Source,
	}
	names := append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...)
	everything := slices.Contains(names, "All")
	for name, value := range all {
		if value == "" || (!everything && !slices.Contains(names, name)) {
			delete(all, name)
		}
	}
	m.Attributes = all
	attrs, err := decodeAttributes(d.message.Attributes)
	if err != nil {
		return received{}, err
	}
	m.MessageAttributes = attrs.pick(in.MessageAttributeNames)
	m.MD5OfMessageAttributes = m.MessageAttributes.md5Hex()
	return m, nil
}
