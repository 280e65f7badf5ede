package attack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Summary is what a load came to.
type Summary struct {
	Start   time.Time     // instant of elapsed 0
	Length  time.Duration // until the last outcome
	Sent    int64
	Unsent  int64
	Stopped bool  // by the context, before the plan's end
	Watch   Watch // of the generator on itself
}

// Run sends the plan and returns when every request that was due has its outcome and every
// goroutine has ended. It ends early when ctx does: then nothing more is sent, what is under
// way has Grace to end, and Summary.Stopped is set with a nil error. An error says that the
// load itself failed: bad options, a request that could not be made, or Before's error.
func Run(ctx context.Context, o Options) (Summary, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return Summary{}, fmt.Errorf("attack: %w", err)
	}
	a := newAttack(ctx, o)
	defer a.cancelSend()
	defer a.cancel(nil)
	defer a.alarm.close()
	defer a.transport.CloseIdleConnections()

	var s Summary
	var one sync.Mutex // After is called by one at a time
	a.report = func(r Result) {
		one.Lock()
		defer one.Unlock()
		if r.Sent {
			s.Sent++
		} else {
			s.Unsent++
		}
		s.Length = max(s.Length, r.End)
		o.After(r)
	}

	var work sync.WaitGroup
	work.Go(func() { // in-flight requests outlive a stop by Grace
		<-a.ctx.Done()
		a.stopped()
		stop := time.AfterFunc(o.Grace, a.cancelSend)
		<-a.sendCtx.Done()
		stop.Stop()
	})
	var feeding sync.WaitGroup
	feeding.Go(a.feed)
	for range o.Makers {
		feeding.Go(a.makeBodies)
	}
	watch := startWatch(o.WatchEach, a.elapsed, o.OnSample)
	a.watch = watch

	o.Sender.send(a)
	a.unsentRest()
	feeding.Wait()
	fault := context.Cause(a.ctx)
	s.Stopped = ctx.Err() != nil
	a.cancelSend()
	a.cancel(nil)
	work.Wait()
	s.Watch = watch.stop()
	s.Start = a.started()
	if fault != nil && !s.Stopped && !errors.Is(fault, errOver) {
		return s, fmt.Errorf("attack: %w", fault)
	}
	return s, nil
}

// attack is a load under way.
type attack struct {
	o         Options
	base      string
	transport *http.Transport
	report    func(Result)
	watch     *watcher

	ctx        context.Context // ends at a stop
	cancel     context.CancelCauseFunc
	sendCtx    context.Context // ends Grace after it
	cancelSend context.CancelFunc

	make    chan *batch // to be made, in order
	supply  supply      // to be paced, in order
	alarm   alarm
	clients clients
	start   atomic.Pointer[time.Time] // instant of elapsed 0; nil until it is known
	halt    sync.Once
	halted  time.Duration // when the load was stopped, known after halt
}

// alarm is what the pacer sleeps with; false at a stop.
type alarm interface {
	sleep(d time.Duration) bool
	close()
}

func newAttack(ctx context.Context, o Options) *attack {
	a := &attack{
		o: o, base: strings.TrimRight(o.Target, "/"),
		transport: newTransport(o),
		make:      make(chan *batch, batches),
	}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.sendCtx, a.cancelSend = context.WithCancel(context.WithoutCancel(ctx))
	a.supply.queue = make(chan *batch, batches)
	a.alarm = newAlarm(a)
	if !o.Start.IsZero() {
		a.start.Store(&o.Start)
	}
	return a
}
