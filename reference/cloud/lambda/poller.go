package lambda

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// poller is a mapping and, while it is enabled, the goroutines that poll for it.
type poller struct {
	m      *mappings
	cancel context.CancelFunc // nil while disabled
	wait   sync.WaitGroup

	mu struct {
		sync.Mutex
		mapping Mapping
		pollers pollers
		stats   MappingStats
	}
}

func (p *poller) mapping() Mapping {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.mapping
}

// start begins to poll if the mapping is enabled. The caller has seen the end of an earlier start.
func (p *poller) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	mapping := p.mu.mapping
	if mapping.State != "Enabled" || p.m.queue == nil {
		p.mu.pollers.running = 0
		return
	}
	most := 0
	if mapping.ScalingConfig != nil {
		most = mapping.ScalingConfig.MaximumConcurrency
	}
	p.mu.pollers = newPollers(p.m.limits, most)
	p.mu.pollers.running = p.mu.pollers.start
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	for range p.mu.pollers.start {
		p.wait.Go(func() { p.poll(ctx, mapping) })
	}
}

// tell asks the pollers to end; wait says when they have.
func (p *poller) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
	p.mu.pollers.running = 0
}

// poll takes batches to the function, one at a time, until ctx ends or the mapping needs fewer
// pollers. A queue that fails is tried again, at most every second.
func (p *poller) poll(ctx context.Context, mapping Mapping) {
	backoff := time.Duration(0)
	for ctx.Err() == nil {
		batch, err := p.collect(ctx, mapping)
		if len(batch) == 0 {
			if err == nil {
				backoff = 0
				if p.leave(ctx) {
					return
				}
				continue
			}
			if ctx.Err() != nil {
				return
			}
			p.count(func(s *MappingStats) { s.Errors++ })
			p.m.log.Warn("lambda_queue_unreachable", "queue", mapping.EventSourceArn, "error", err)
			backoff = pause(ctx, backoff)
			continue
		}
		p.mu.Lock()
		if p.mu.pollers.got(p.m.now()) > 0 && ctx.Err() == nil {
			p.wait.Go(func() { p.poll(ctx, mapping) })
		}
		p.mu.Unlock()
		p.process(ctx, mapping, batch)
		p.mu.Lock()
		p.mu.pollers.put()
		p.mu.Unlock()
		backoff = 0
	}
}

func (p *poller) leave(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ctx.Err() == nil && p.mu.pollers.empty()
}

func (p *poller) count(change func(*MappingStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.mu.stats)
}

// pause waits for the next backoff, 100 ms doubling to 1 s, and returns it.
func pause(ctx context.Context, before time.Duration) time.Duration {
	wait := min(max(backoffFirst, 2*before), backoffMost)
	sleep(ctx, wait)
	return wait
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// collect gathers a batch: until it is full, its window has passed since the first message, or
// the payload limit is near. Messages received before an error are returned with it.
func (p *poller) collect(ctx context.Context, mapping Mapping) ([]Message, error) {
	window := time.Duration(mapping.MaximumBatchingWindowInSeconds) * time.Second
	wait := longPoll
	var batch []Message
	var end time.Time
	size := 0
	for {
		got, err := p.m.queue.Receive(ctx, mapping.EventSourceArn, min(10, mapping.BatchSize-len(batch)), wait)
		if err != nil {
			return batch, err
		}
		for _, m := range got {
			size += 2*len(m.Body) + 1024 // quoted as JSON a body grows, mostly by less
		}
		if len(batch) == 0 {
			if len(got) == 0 {
				return nil, nil
			}
			end = p.m.now().Add(window)
		}
		batch = append(batch, got...)
		if len(got) == 0 {
			sleep(ctx, shortPoll) // SQS waits in whole seconds: below one it answers at once
		}
		wait = end.Sub(p.m.now())
		if wait <= 0 || len(batch) >= mapping.BatchSize || size > maxBatchBytes/2 {
			return batch, nil
		}
	}
}

// process hands a batch to the function and settles its messages.
func (p *poller) process(ctx context.Context, mapping Mapping, batch []Message) {
	payload, err := sqsEvent(mapping.EventSourceArn, p.m.region, batch)
	if err != nil {
		p.m.log.Error("lambda_batch_not_encoded", "queue", mapping.EventSourceArn, "error", err)
		p.release(ctx, mapping, batch)
		return
	}
	p.count(func(s *MappingStats) { s.Batches++; s.Messages += int64(len(batch)) })
	r, err := p.m.invoke(ctx, mapping.FunctionArn, payload)
	var wait time.Duration
	for try := 1; throttled(err) && try < throttledTries && ctx.Err() == nil; try++ {
		p.count(func(s *MappingStats) { s.Throttled++ })
		wait = pause(ctx, wait)
		r, err = p.m.invoke(ctx, mapping.FunctionArn, payload)
	}
	switch {
	case err != nil:
		if ctx.Err() == nil {
			p.m.log.Warn("lambda_batch_not_invoked", "function", mapping.FunctionArn, "error", err)
		}
		p.release(ctx, mapping, batch)
		return
	case r.FunctionError != "":
		p.m.log.Warn("lambda_batch_failed", "function", mapping.FunctionArn, "version", r.ExecutedVersion,
			"request_id", r.RequestID, "error", string(r.Payload[:min(len(r.Payload), tailLine)]))
		p.release(ctx, mapping, batch)
		return
	case !slices.Contains(mapping.FunctionResponseTypes, reportFailures):
		p.remove(mapping, batch)
		return
	}
	succeeded, failed, err := splitBatch(batch, r.Payload)
	if err != nil {
		p.m.log.Warn("lambda_batch_report_invalid", "function", mapping.FunctionArn, "error", err)
	}
	p.remove(mapping, succeeded)
	p.release(ctx, mapping, failed)
}

func throttled(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Status == http.StatusTooManyRequests
}

// remove deletes what was processed; what it cannot delete will be delivered again.
func (p *poller) remove(mapping Mapping, batch []Message) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	for chunk := range slices.Chunk(batch, 10) {
		if err := p.m.queue.Delete(ctx, mapping.EventSourceArn, receipts(chunk)); err != nil {
			p.count(func(s *MappingStats) { s.Errors++ })
			p.m.log.Warn("lambda_messages_not_deleted", "queue", mapping.EventSourceArn, "messages", len(chunk), "error", err)
		}
	}
}

// release makes what was not processed visible again: after a pause, lest the tries that a dead
// letter queue counts pass in a moment. (AWS leaves the messages until their visibility timeout;
// what cannot be released here waits for that too.)
func (p *poller) release(ctx context.Context, mapping Mapping, batch []Message) {
	if len(batch) == 0 {
		return
	}
	sleep(ctx, releaseAfter(batch))
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	p.count(func(s *MappingStats) { s.Failed += int64(len(batch)) })
	for chunk := range slices.Chunk(batch, 10) {
		if err := p.m.queue.Release(ctx, mapping.EventSourceArn, receipts(chunk)); err != nil {
			p.count(func(s *MappingStats) { s.Errors++ })
			p.m.log.Warn("lambda_messages_not_released", "queue", mapping.EventSourceArn, "messages", len(chunk), "error", err)
		}
	}
}

func receipts(batch []Message) []string {
	out := make([]string, len(batch))
	for i, m := range batch {
		out[i] = m.Receipt
	}
	return out
}
