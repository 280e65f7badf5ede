package s3

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Events receives the announcement of each created object. It is called again, with a growing
// pause of at most five seconds, until it returns nil: at least once.
type Events interface {
	ObjectCreated(ctx context.Context, bucket, key string, size int64, etag string, at time.Time) error
}

const (
	outboxPrefix  = "s3/outbox/"
	outboxEnd     = "s3/outbox0"
	deliverers    = 4
	shortestPause = 20 * time.Millisecond
	longestPause  = 5 * time.Second
)

// event is one row of the outbox: an intent until Due.
type event struct {
	id       uint64
	attempts int
	notFor   time.Time

	Bucket string    `json:"bucket"`
	Key    string    `json:"key"`
	Due    bool      `json:"due,omitempty"`
	Size   int64     `json:"size,omitempty"`
	ETag   string    `json:"etag,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// outbox keeps intents and due events in the database and hands due ones to deliver.
type outbox struct {
	db      *pebble.DB
	now     func() time.Time
	log     *slog.Logger
	deliver func(context.Context, event) error
	wake    chan struct{}

	mu struct {
		sync.Mutex
		last      uint64
		due       []event // waiting for a deliverer, in order of arrival
		delivered int64
		retried   int64
	}
}

func newOutbox(db *pebble.DB, now func() time.Time, log *slog.Logger, deliver func(context.Context, event) error) *outbox {
	return &outbox{db: db, now: now, log: log, deliver: deliver, wake: make(chan struct{}, 1)}
}

// load reads the rows left by an earlier process: intents, which the caller settles, and due
// events, which are queued.
func (o *outbox) load() (intents []event, err error) {
	it, err := o.db.NewIter(&pebble.IterOptions{LowerBound: []byte(outboxPrefix), UpperBound: []byte(outboxEnd)})
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	o.mu.Lock()
	defer o.mu.Unlock()
	for it.First(); it.Valid(); it.Next() {
		var e event
		if err := json.Unmarshal(it.Value(), &e); err != nil || len(it.Key()) != len(outboxPrefix)+8 {
			return nil, fmt.Errorf("read outbox row %q: %w", it.Key(), errors.Join(err, errors.New("damaged")))
		}
		e.id = binary.BigEndian.Uint64(it.Key()[len(outboxPrefix):])
		o.mu.last = e.id
		if e.Due {
			o.mu.due = append(o.mu.due, e)
		} else {
			intents = append(intents, e)
		}
	}
	return intents, it.Error()
}

// intend makes the intent to create an object durable.
func (o *outbox) intend(bucket, key string) (event, error) {
	o.mu.Lock()
	o.mu.last++
	e := event{id: o.mu.last, Bucket: bucket, Key: key}
	o.mu.Unlock()
	return e, o.write(e, pebble.Sync)
}

// announce marks an intent as due and queues it. The row needs no sync of its own: without it the
// synced intent is settled at the next start, by the object that is there.
func (o *outbox) announce(e event) error {
	e.Due = true
	if err := o.write(e, pebble.NoSync); err != nil {
		return err
	}
	o.enqueue(e)
	return nil
}

// drop forgets an intent whose object was not made. A drop that is itself lost costs a look at
// the next start.
func (o *outbox) drop(e event) error {
	if err := o.db.Delete(e.row(), pebble.NoSync); err != nil {
		return fmt.Errorf("drop event of %s/%s: %w", e.Bucket, e.Key, err)
	}
	return nil
}

// flush makes every due mark so far durable. A deletion calls it first: an intent whose object is
// gone would be dropped at the next start, although the creation was answered.
func (o *outbox) flush() error {
	if err := o.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("flush outbox: %w", err)
	}
	return nil
}

func (o *outbox) enqueue(e event) {
	o.mu.Lock()
	o.mu.due = append(o.mu.due, e)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) write(e event, sync *pebble.WriteOptions) error {
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event of %s/%s: %w", e.Bucket, e.Key, err)
	}
	if err := o.db.Set(e.row(), value, sync); err != nil {
		return fmt.Errorf("write event of %s/%s: %w", e.Bucket, e.Key, err)
	}
	return nil
}

// run delivers due events, several at once, until ctx ends; it returns when the last is back.
func (o *outbox) run(ctx context.Context) {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	slots := make(chan struct{}, deliverers)
	timer := time.NewTimer(longestPause)
	defer timer.Stop()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		e, wait, ok := o.next(o.now())
		if ok {
			deliveries.Go(func() {
				o.attempt(ctx, e)
				<-slots
			})
			continue
		}
		<-slots
		timer.Reset(wait)
		select {
		case <-o.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// next takes the first event whose pause is over, or says how long to wait for one.
func (o *outbox) next(now time.Time) (event, time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait := longestPause
	for i, e := range o.mu.due {
		if !e.notFor.After(now) {
			o.mu.due = append(o.mu.due[:i], o.mu.due[i+1:]...)
			return e, 0, true
		}
		wait = min(wait, e.notFor.Sub(now))
	}
	return event{}, wait, false
}

func (o *outbox) attempt(ctx context.Context, e event) {
	err := o.deliver(ctx, e)
	if err == nil {
		err = o.drop(e)
		o.mu.Lock()
		o.mu.delivered++
		o.mu.Unlock()
		if err != nil {
			o.log.Warn("delivered event stays in the outbox", "bucket", e.Bucket, "key", e.Key, "error", err)
		}
		return
	}
	if ctx.Err() != nil {
		return // the row stays for the next start
	}
	e.attempts++
	e.notFor = o.now().Add(pause(e.attempts))
	o.log.Debug("object event refused", "bucket", e.Bucket, "key", e.Key, "attempt", e.attempts, "error", err)
	o.mu.Lock()
	o.mu.retried++
	o.mu.Unlock()
	o.enqueue(e)
}

// pause doubles from 20 ms to 5 s.
func pause(attempts int) time.Duration {
	return min(shortestPause<<min(attempts-1, 10), longestPause)
}

func (e event) row() []byte {
	return binary.BigEndian.AppendUint64([]byte(outboxPrefix), e.id)
}
