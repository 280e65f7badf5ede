package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
	"github.com/zeebo/xxh3"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

type startIn struct {
	MachineARN string  `json:"stateMachineArn"`
	Name       string  `json:"name"`
	Input      *string `json:"input"`
}

type startOut struct {
	ARN     string      `json:"executionArn"`
	Started asl.Instant `json:"startDate"`
}

func (s *Service) startExecution(in startIn) (startOut, error) {
	input := "{}"
	if in.Input != nil {
		input = *in.Input
	}
	return s.start(s.ctx, in.MachineARN, in.Name, input)
}

// StartExecution starts an execution from inside the process, as EventBridge does; an empty name
// is replaced by a UUID. The same name and input while it runs is the same execution. It returns
// when the start is durable; the error is a *wire.Error.
func (s *Service) StartExecution(ctx context.Context, machineARN, name string, input []byte) (executionARN string, err error) {
	if len(input) == 0 {
		input = []byte("{}")
	}
	out, err := s.start(ctx, machineARN, name, string(input))
	return out.ARN, err
}

func (s *Service) start(ctx context.Context, machineARN, name, input string) (startOut, error) {
	m, err := s.machineByARN(machineARN)
	if err != nil {
		return startOut{}, err
	}
	if name == "" {
		name = uuid.NewString()
	}
	if err := checkName(name); err != nil {
		return startOut{}, err
	}
	if limit := s.o.Limits.PayloadBytes; limit > 0 && len(input) > limit {
		return startOut{}, wire.Errorf(400, "InvalidExecutionInput", "Invalid Execution Input: the input is above %d bytes", limit)
	}
	if !json.Valid([]byte(input)) {
		return startOut{}, wire.Errorf(400, "InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", "not a JSON value")
	}
	p := executionPath(m.Name, name)
	earlier, release, err := s.reserve(ctx, p)
	if err != nil {
		return startOut{}, err
	}
	defer release()
	arn := s.executionARN(p)
	if earlier != nil {
		if earlier.Status == asl.Running && earlier.Start.Input == input {
			return startOut{arn, asl.Instant{Time: earlier.StartedAt}}, nil
		}
		return startOut{}, wire.Errorf(400, "ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
	}
	now := s.o.Now()
	if err := s.admit(now); err != nil {
		return startOut{}, err
	}
	x, step := m.checked.Begin(asl.Start{
		ARN: arn, Name: name, MachineARN: m.ARN, MachineName: m.Name, RoleARN: m.RoleARN, Region: s.o.Region,
		Input: input, Seed: xxh3.HashString(arn),
		Limits: asl.Limits{MaxEvents: s.o.Limits.HistoryEvents, MaxPayload: s.o.Limits.PayloadBytes},
	}, now)
	r := &runner{s: s, path: p, definition: digest(m.Definition), x: x, inbox: make(chan message), done: make(chan struct{})}
	if err := r.commit(step, true); err != nil {
		return startOut{}, err
	}
	s.counters.started.Add(1)
	s.pace(now, transitions(step.Events))
	s.launch(r, step)
	return startOut{arn, asl.Instant{Time: now}}, nil
}

// reserve makes sure that one caller at a time starts an execution of this path, and returns the
// execution that is there already.
func (s *Service) reserve(ctx context.Context, p string) (earlier *summary, release func(), err error) {
	for {
		s.mu.Lock()
		if s.mu.closed {
			s.mu.Unlock()
			return nil, nil, wire.Errorf(503, "ServiceUnavailable", "the service is closing")
		}
		other := s.mu.starting[p]
		if other == nil {
			break
		}
		s.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	mine := make(chan struct{})
	s.mu.starting[p] = mine
	s.mu.Unlock()
	release = func() {
		s.mu.Lock()
		delete(s.mu.starting, p)
		s.mu.Unlock()
		close(mine)
	}
	var rec executionRecord
	found, err := load(s.o.DB, executionKey(p), &rec)
	if err == nil && found {
		earlier = &summary{}
		err = json.Unmarshal(rec.Execution, earlier)
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return earlier, release, nil
}

// launch runs an execution whose last step is durable.
func (s *Service) launch(r *runner, step asl.Step) {
	if step.Stopped {
		s.ended(r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.running[r.path] = r
	if !s.mu.closed {
		s.runners.Go(func() { r.run(step) })
	}
}

func (s *Service) loadExecutions() error {
	err := scan(s.o.DB, key("history", ""), func(_, _ []byte) (bool, error) {
		s.mu.histories++
		return true, nil
	})
	if err != nil {
		return err
	}
	machines := map[string]*asl.Machine{}
	return scan(s.o.DB, key("execution", ""), func(k, v []byte) (bool, error) {
		p := string(k[len(key("execution", "")):])
		var rec executionRecord
		var sum struct{ Status asl.Status }
		if err := errors.Join(json.Unmarshal(v, &rec), json.Unmarshal(rec.Execution, &sum)); err != nil {
			return false, fmt.Errorf("read execution %q: %w", p, err)
		}
		if sum.Status != asl.Running {
			return true, nil
		}
		m := machines[rec.Definition]
		if m == nil {
			text, err := s.definition(rec.Definition)
			if err == nil {
				m, err = asl.Parse([]byte(text))
			}
			if err != nil {
				return false, fmt.Errorf("read execution %q: %w", p, err)
			}
			machines[rec.Definition] = m
		}
		x, step, err := m.Resume(rec.Execution)
		if err != nil {
			return false, fmt.Errorf("read execution %q: %w", p, err)
		}
		s.launch(&runner{s: s, path: p, definition: rec.Definition, x: x, inbox: make(chan message), done: make(chan struct{})}, step)
		return true, nil
	})
}

// ended counts an execution's end and removes what is kept no longer.
func (s *Service) ended(r *runner) {
	switch r.x.Status {
	case asl.Succeeded:
		s.counters.succeeded.Add(1)
	case asl.Failed:
		s.counters.failed.Add(1)
	case asl.TimedOut:
		s.counters.timedOut.Add(1)
	case asl.Aborted:
		s.counters.aborted.Add(1)
	}
	s.mu.Lock()
	delete(s.mu.running, r.path)
	s.mu.histories++
	surplus := max(s.mu.histories-s.o.Histories, 0)
	s.mu.histories -= surplus
	s.mu.Unlock()
	if err := s.prune(surplus); err != nil {
		s.o.Log.Warn("old executions stay", "error", err)
	}
}

// prune removes the events of the oldest surplus executions and all of those past retention. It
// needs no sync: what comes back after a crash is removed by a later call.
func (s *Service) prune(surplus int) error {
	b := &batch{Batch: s.o.DB.NewBatch()}
	err := scan(s.o.DB, key("history", ""), func(k, _ []byte) (bool, error) {
		if surplus == 0 {
			return false, nil
		}
		surplus--
		_, p := stopped("history", k)
		b.remove(append([]byte(nil), k...))
		b.removeAll(key("event", p+"\x00"))
		return true, nil
	})
	if retention := s.o.Limits.Retention; err == nil && retention > 0 {
		before := s.o.Now().Add(-retention)
		err = scan(s.o.DB, key("ended", ""), func(k, _ []byte) (bool, error) {
			at, p := stopped("ended", k)
			if at.After(before) {
				return false, nil
			}
			return true, s.forget(b, append([]byte(nil), k...), p, at)
		})
	}
	if err != nil {
		return errors.Join(err, b.Close())
	}
	return b.commit(pebble.NoSync)
}

func (s *Service) forget(b *batch, ended []byte, p string, at time.Time) error {
	var rec executionRecord
	var sum summary
	found, err := load(s.o.DB, executionKey(p), &rec)
	if err != nil {
		return err
	}
	if found {
		if err := json.Unmarshal(rec.Execution, &sum); err != nil {
			return fmt.Errorf("read execution %q: %w", p, err)
		}
		b.remove(startedKey(sum.Start.MachineName, sum.Start.Name, sum.StartedAt))
	}
	b.remove(ended)
	b.remove(executionKey(p))
	b.removeAll(key("event", p+"\x00"))
	b.remove(stoppedKey("history", p, at))
	return nil
}
