package worker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// control takes the load from the first worker to the result.
func (c *controller) control(ctx context.Context) (*Result, error) {
	if err := c.gather(ctx); err != nil {
		return nil, &notBegun{err}
	}
	at, err := c.begin(ctx)
	if err != nil {
		c.stop()
		return nil, &notBegun{err}
	}
	stopped := c.await(ctx)
	r, err := c.result(at, stopped)
	if err != nil {
		return nil, err
	}
	r.Stopped = ctx.Err() != nil && !stopped.IsZero()
	return r, nil
}

// wait returns when the roster changed, or a loss may be due. Losses are logged.
func (c *controller) wait(ctx context.Context, end <-chan time.Time) error {
	c.mu.Lock()
	next := c.mu.roster.Next()
	c.mu.Unlock()
	var due <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(next.Sub(c.o.now()))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-c.changed:
	case <-due:
	case <-end:
		return errTimeout
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.mu.roster.Check(c.o.now()) {
		c.o.Log.Warn("worker lost", "worker", m.Name, "cause", m.Cause)
	}
	return nil
}

var errTimeout = errors.New("timeout")

// gather waits for the workers.
func (c *controller) gather(ctx context.Context) error {
	t := time.NewTimer(c.o.Within)
	defer t.Stop()
	for {
		c.mu.Lock()
		full, n, refused := c.mu.roster.Full(), len(c.mu.roster.members), c.mu.roster.Refused
		c.mu.Unlock()
		if full {
			return nil
		}
		switch err := c.wait(ctx, t.C); {
		case errors.Is(err, errTimeout):
			text := fmt.Sprintf("%d of %d joined within %s", n, c.o.Workers, c.o.Within)
			if len(refused) > 0 {
				text += ": " + strings.Join(refused, "; ")
			}
			return errors.New(text)
		case err != nil:
			return fmt.Errorf("stopped before the load: %w", err)
		}
	}
}

// prepareWithin is the time to send a job, whose bodies and trace may be long, and to look at it.
const prepareWithin = 30 * time.Second

// begin hands out the shards, compares the clocks and names the start.
func (c *controller) begin(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	members := c.mu.roster.Members()
	for _, m := range members {
		c.mu.shards[m.ID] = newShard(c.o.Job.Timeout)
	}
	c.mu.Unlock()
	// A worker that is lost now ends the attempt: asking it fails.
	err := each(members, func(m Member) error {
		if err := c.ask(ctx, prepareWithin, m, kindPrepare, assignment{Job: c.o.Job, Shard: m.Shard, Shards: len(members)}); err != nil {
			return err
		}
		offset, err := c.compare(ctx, m)
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.mu.roster.Prepared(c.o.now(), m.ID, offset)
	})
	if err != nil {
		return time.Time{}, err
	}
	c.mu.Lock()
	members = c.mu.roster.Members()
	c.mu.Unlock()
	at := c.o.now().Add(lead)
	err = each(members, func(m Member) error {
		c.mu.Lock()
		err := c.mu.roster.Begun(c.o.now(), m.ID)
		c.mu.Unlock()
		if err != nil {
			return fmt.Errorf("worker %s: %w", m.Name, err)
		}
		return c.ask(ctx, toldWithin, m, kindStart, start{At: at, Offset: m.Offset})
	})
	if err == nil && c.o.now().After(at) {
		err = fmt.Errorf("the workers took longer than %s to hear of the start", lead)
	}
	if err != nil {
		return time.Time{}, err
	}
	return at, nil
}

// compare measures how far a worker's clock is ahead.
func (c *controller) compare(ctx context.Context, m Member) (Offset, error) {
	var all []Exchange
	for range exchanges {
		within, cancel := context.WithTimeout(ctx, askWithin)
		e := Exchange{Asked: c.o.now()}
		var r reading
		err := ask(within, c.nc, workerSubject(c.o.Group, m.ID), kindClock, c.id, struct{}{}, &r)
		cancel()
		if err != nil {
			return Offset{}, fmt.Errorf("worker %s: %w", m.Name, err)
		}
		e.Back, e.Heard, e.Answered = c.o.now(), r.Heard, r.Answered
		all = append(all, e)
	}
	return Closest(all), nil
}

func (c *controller) ask(ctx context.Context, most time.Duration, m Member, kind string, question any) error {
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if err := ask(within, c.nc, workerSubject(c.o.Group, m.ID), kind, c.id, question, nil); err != nil {
		return fmt.Errorf("worker %s: %w", m.Name, err)
	}
	return nil
}

// each does something for all workers at once, and joins the errors.
func each(members []Member, do func(Member) error) error {
	faults := make([]error, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { faults[i] = do(m) })
	}
	all.Wait()
	return errors.Join(faults...)
}

// await returns when every worker has reported or is lost. It stops them when ctx ends, and when a
// loss ends the load; then it says when.
func (c *controller) await(ctx context.Context) (stopped time.Time) {
	for {
		c.mu.Lock()
		over, stop := c.mu.roster.All(Reported, Lost), c.mu.roster.Stopped()
		c.mu.Unlock()
		if over {
			return stopped
		}
		if (stop || ctx.Err() != nil) && stopped.IsZero() {
			stopped = c.o.now()
			c.stop()
			ctx = context.WithoutCancel(ctx)
			continue
		}
		_ = c.wait(ctx, nil) // ctx is looked at above
	}
}

// stop makes every worker stop: when it returns no request starts any more in one that answered,
// and others hear it at their next beat.
func (c *controller) stop() {
	c.mu.Lock()
	c.mu.roster.Stop()
	members := c.mu.roster.Members()
	c.mu.Unlock()
	err := each(members, func(m Member) error {
		if m.State == Lost || m.State == Reported {
			return nil
		}
		return c.ask(context.Background(), alone, m, kindStop, struct{}{})
	})
	if err != nil {
		c.o.Log.Warn("worker did not answer to the stop", "error", err)
	}
}

// redacted is a URL without its secrets.
func redacted(text string) string {
	var out []string
	for one := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil {
			out = append(out, "a server whose URL is malformed")
			continue
		}
		u.User = nil
		out = append(out, u.String())
	}
	return strings.Join(out, ",")
}
