package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// The times of the protocol. A loss is seen within silence, unless Options say otherwise, and one
// beat, an orphan stops within alone and the second that requests under way are given.
const (
	beatEach     = 250 * time.Millisecond
	silence      = 1500 * time.Millisecond
	alone        = 3500 * time.Millisecond
	progressEach = time.Second
	askWithin    = time.Second
)

// ErrAlone is that of a worker whose controller does not answer any more.
var ErrAlone = errors.New("the controller is gone")

// ServeOptions of [Serve].
type ServeOptions struct {
	URL     string        // of the NATS server or cluster, as nats.Connect reads it
	Group   string        // of workers that a controller draws from; "" means default
	Name    string        // of this worker in reports; "" means host:pid
	Version string        // that the controller must have too
	Once    bool          // end after one load instead of waiting for the next
	Alone   time.Duration // after which a controller that does not answer is gone; 0 means 3.5 s
	Log     *slog.Logger

	Now func() time.Time // a steady clock; nil: the time of day at the start, and what has passed since
}

func (o *ServeOptions) ensureDefaults() {
	if o.Group == "" {
		o.Group = "default"
	}
	if o.Name == "" {
		host, _ := os.Hostname() // "" does for a name
		o.Name = fmt.Sprintf("%s:%d", host, os.Getpid())
	}
	if o.Alone == 0 {
		o.Alone = alone
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		base := time.Now()
		o.Now = func() time.Time { return base.Add(time.Since(base)) }
	}
}

// Serve takes part in one load after the other until ctx ends, which is no error. It waits for a
// server that is not there yet and for a controller that has a place. The error says that the
// server or a controller refused it, or, of Once, what went wrong with the one load.
func Serve(ctx context.Context, o ServeOptions) error {
	o.ensureDefaults()
	closed := make(chan struct{})
	nc, err := nats.Connect(o.URL, nats.Name("stampede worker "+o.Name), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(beatEach), nats.ReconnectJitter(0, 0), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		return fmt.Errorf("worker: connect to %s: %w", redacted(o.URL), err)
	}
	defer func() { <-closed }()
	defer nc.Close()
	for ctx.Err() == nil {
		s := newSession(o, nc)
		err := s.serve(ctx)
		switch {
		case errors.Is(err, errAnswered), nc.IsClosed():
			if last := nc.LastError(); last != nil {
				err = errors.Join(err, last)
			}
			return fmt.Errorf("worker: %w", err)
		case ctx.Err() != nil:
			return nil
		case o.Once:
			if err != nil {
				return fmt.Errorf("worker: %w", err)
			}
			return nil
		case err != nil:
			o.Log.Warn("load ended early", "error", err)
		}
	}
	return nil
}

// newSession is a worker's part in one load; its id is new, so that nothing of an earlier one is
// taken for it.
func newSession(o ServeOptions, nc *nats.Conn) *session {
	s := &session{o: o, nc: nc, id: nuid.Next()}
	s.alive, s.over = context.WithCancel(context.Background()) // a load that was begun is reported whatever ends it
	return s
}
