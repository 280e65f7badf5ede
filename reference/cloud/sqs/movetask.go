package sqs

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// moveTask moves the messages of a dead-letter queue back. Tasks live in memory
// only: after a restart what was not moved is still in the dead-letter queue.
type moveTask struct {
	handle  string
	source  string
	target  string // ARN, or "" for the queues the messages came from
	rate    int    // messages a second, 0 is as fast as it goes
	started time.Time
	cancel  context.CancelFunc

	mu struct {
		sync.Mutex
		status  string
		reason  string
		moved   int
		planned int
	}
}

type moveInput struct {
	SourceArn                    string
	DestinationArn               string
	MaxNumberOfMessagesPerSecond int
	TaskHandle                   string
	MaxResults                   int
}

func (s *Service) startMove(r *wire.Request, in moveInput) (any, error) {
	source, err := s.byARN(in.SourceArn)
	if err != nil {
		return nil, err
	}
	if in.DestinationArn != "" {
		if _, err := s.byARN(in.DestinationArn); err != nil {
			return nil, err
		}
	}
	most := s.limits.MovesPerSecond
	if in.MaxNumberOfMessagesPerSecond < 0 || (most > 0 && in.MaxNumberOfMessagesPerSecond > most) {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidParameterValue",
			"Value for parameter MaxNumberOfMessagesPerSecond must be between 1 and %d.", most)
	}
	t := &moveTask{source: in.SourceArn, target: in.DestinationArn, rate: in.MaxNumberOfMessagesPerSecond, started: r.Now}
	if t.rate == 0 {
		t.rate = most
	}
	t.handle = base64.StdEncoding.EncodeToString([]byte(`{"taskId":"` + uuid.NewString() + `","sourceArn":"` + in.SourceArn + `"}`))
	t.mu.status = "RUNNING"
	source.mu.Lock()
	t.mu.planned, _, _ = source.mu.backlog.counts(r.Now)
	source.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.mu.moves {
		if other.source == t.source && other.running() {
			return nil, wire.Errorf(http.StatusBadRequest, "UnsupportedOperation",
				"There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	ctx, cancel := context.WithCancel(s.tasks)
	t.cancel = cancel
	if !s.gate.Go(func() {
		defer cancel()
		t.finish(ctx, s.move(ctx, t, source))
	}) {
		cancel()
		return nil, errClosed
	}
	s.mu.moves = append([]*moveTask{t}, s.mu.moves...)
	return map[string]string{"TaskHandle": t.handle}, nil
}

// byARN returns the queue of an ARN.
func (s *Service) byARN(arn string) (*queue, error) {
	q, err := s.named(queueName(arn))
	if err != nil {
		return nil, wire.Errorf(http.StatusNotFound, "ResourceNotFoundException", "The resource that you specified doesn't exist: %s", arn)
	}
	return q, nil
}

func (t *moveTask) running() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.status == "RUNNING" || t.mu.status == "CANCELLING"
}

func (t *moveTask) finish(ctx context.Context, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		t.mu.status = "CANCELLED"
	case err != nil:
		t.mu.status, t.mu.reason = "FAILED", err.Error()
	default:
		t.mu.status = "COMPLETED"
	}
}

// move moves what is visible in the source, a handful at a time, at the task's
// pace. A moved message is a new one: new id, sent now, never received.
func (s *Service) move(ctx context.Context, t *moveTask, source *queue) error {
	const handful = 10
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := s.now()
		source.mu.Lock()
		seqs := source.mu.backlog.take(now, handful)
		source.mu.Unlock()
		if len(seqs) == 0 {
			return nil
		}
		if err := s.moveBack(t, source, seqs, now); err != nil {
			source.mu.Lock()
			for _, seq := range seqs {
				source.mu.backlog.restore(seq)
			}
			source.mu.Unlock()
			return err
		}
		t.mu.Lock()
		t.mu.moved += len(seqs)
		t.mu.Unlock()
		if t.rate > 0 {
			pause := time.NewTimer(time.Duration(len(seqs)) * time.Second / time.Duration(t.rate))
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
		}
	}
}

// moveBack moves messages to the task's target, or each to where it came from.
func (s *Service) moveBack(t *moveTask, source *queue, seqs []uint64, now time.Time) error {
	byTarget := make(map[string][]uint64)
	for _, seq := range seqs {
		target := t.target
		if target == "" {
			m, err := s.get(source.id, seq)
			if err != nil {
				return err
			}
			if target = m.Source; target == "" {
				return fmt.Errorf("message %s has no source queue", m.ID)
			}
		}
		byTarget[target] = append(byTarget[target], seq)
	}
	for target, part := range byTarget {
		to, err := s.named(queueName(target))
		if err != nil {
			return err
		}
		err = s.transfer(source, to, part, now, func(m *message) {
			m.ID, m.Sent, m.Source = uuid.NewString(), now, ""
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) listMoves(_ *wire.Request, in moveInput) (any, error) {
	if _, err := s.byARN(in.SourceArn); err != nil {
		return nil, err
	}
	most := min(max(in.MaxResults, 1), 10)
	results := []map[string]any{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.mu.moves {
		if t.source != in.SourceArn || len(results) == most {
			continue
		}
		t.mu.Lock()
		one := map[string]any{
			"Status": t.mu.status, "SourceArn": t.source, "StartedTimestamp": t.started.UnixMilli(),
			"ApproximateNumberOfMessagesMoved": t.mu.moved, "ApproximateNumberOfMessagesToMove": t.mu.planned,
		}
		if t.mu.status == "RUNNING" {
			one["TaskHandle"] = t.handle
		}
		if t.mu.reason != "" {
			one["FailureReason"] = t.mu.reason
		}
		if t.target != "" {
			one["DestinationArn"] = t.target
		}
		if t.rate > 0 {
			one["MaxNumberOfMessagesPerSecond"] = t.rate
		}
		t.mu.Unlock()
		results = append(results, one)
	}
	return map[string]any{"Results": results}, nil
}

func (s *Service) cancelMove(_ *wire.Request, in moveInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.mu.moves {
		if t.handle != in.TaskHandle || !t.running() {
			continue
		}
		t.cancel()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.mu.status = "CANCELLING"
		return map[string]int{"ApproximateNumberOfMessagesMoved": t.mu.moved}, nil
	}
	return nil, wire.Errorf(http.StatusNotFound, "ResourceNotFoundException", "Task does not exist.")
}
