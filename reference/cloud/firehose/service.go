package firehose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// MaxBody is the largest request body in bytes that the service needs to be
// given: the largest call in base64, and room to say what is wrong with a larger one.
const MaxBody = 8 << 20

// Objects is where objects are delivered to. Put returns when the object is
// durable; it may be called again with the same key and the same body.
type Objects interface {
	Put(ctx context.Context, bucket, key string, body []byte) error
}

// Options says how to open a Service. DB and Objects are required.
type Options struct {
	// DB is the shared database. Keys begin with "firehose/".
	DB *pebble.DB
	// Objects takes the deliveries.
	Objects Objects
	// Interval replaces the interval of every stream's buffering hints if it is
	// not zero. AWS's hints are whole seconds, of which less than 60 are allowed
	// but unusual; whoever sets this says so in its report.
	Interval time.Duration
	// Limits are the quotas to impose; nil is AWSLimits.
	Limits *Limits
	// Region and Account are parts of ARNs; "us-east-1" and "000000000000" if empty.
	Region, Account string
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Log is where failed deliveries go; silence if nil.
	Log *slog.Logger
}

// Service is the embedded Firehose. Its methods may be called by any number of
// goroutines.
type Service struct {
	store      store
	db         *pebble.DB
	objects    Objects
	interval   time.Duration
	limits     Limits
	region     string
	account    string
	now        func() time.Time
	log        *slog.Logger
	seq        atomic.Uint64 // last one given
	operations wire.Operations
	gate       wire.Gate // of calls
	ctx        context.Context
	cancel     context.CancelFunc

	// admin serialises the calls that change streams, durable write included. It
	// is taken before any other lock.
	admin sync.Mutex

	mu struct {
		sync.RWMutex
		streams map[string]*stream
	}
	hits struct {
		sync.Mutex
		set quota.HitSet
	}
}

var _ wire.Handler = (*Service)(nil)

// Open reads the streams from the database and starts to deliver what is there.
func Open(o Options) (*Service, error) {
	if o.DB == nil || o.Objects == nil {
		return nil, errors.New("open firehose: no database or no objects")
	}
	s := &Service{store: store{o.DB}, db: o.DB, objects: o.Objects, interval: o.Interval, limits: AWSLimits(),
		region: cmp.Or(o.Region, wire.Region), account: cmp.Or(o.Account, wire.Account), now: wire.Clock(o.Now), log: wire.Logger(o.Log)}
	s.operations = s.api()
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	epoch, err := s.store.nextEpoch()
	if err != nil {
		return nil, fmt.Errorf("open firehose: %w", err)
	}
	s.seq.Store(epoch << epochShift)
	records, err := s.store.streams()
	if err != nil {
		return nil, fmt.Errorf("open firehose: %w", err)
	}
	s.mu.streams = make(map[string]*stream, len(records))
	for _, r := range records {
		st := s.newStream(r)
		if err := s.recover(st); err != nil {
			return nil, fmt.Errorf("open firehose: stream %s: %w", r.Name, err)
		}
		s.mu.streams[r.Name] = st
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, st := range s.mu.streams {
		s.start(st)
	}
	return s, nil
}

// newStream makes the stream of a record, not started.
func (s *Service) newStream(r streamRecord) *stream {
	st := &stream{
		streamRecord: r,
		seqs:         func() uint64 { return s.seq.Add(1) },
		peek:         func() uint64 { return s.seq.Load() + 1 },
		notify:       make(chan struct{}, 1),
		done:         make(chan struct{}),
	}
	st.mu.record, st.mu.buffer.hints = r, s.hints(r)
	st.mu.throttle = newThrottle(s.limits)
	return st
}

// hints are a stream's, in effect here.
func (s *Service) hints(r streamRecord) hints {
	h := hints{Bytes: int64(r.MiB) << 20, Interval: time.Duration(r.Seconds) * time.Second}
	if s.interval > 0 {
		h.Interval = s.interval
	}
	return h
}

// recover fills a stream's buffer from the database. What was sealed keeps its
// bounds; what was not is buffered anew and, having waited, is due soon.
func (s *Service) recover(st *stream) error {
	b := &st.mu.buffer
	return s.store.recover(st.ID, func(first uint64, r sealRecord) {
		b.sealed = append(b.sealed, &segment{first: first, end: r.End, records: r.Records, bytes: r.Bytes,
			opened: time.UnixMilli(r.Opened), key: r.Key})
	}, b.restore)
}

// start begins the stream's deliveries.
func (s *Service) start(st *stream) {
	ctx, cancel := context.WithCancel(s.ctx)
	st.stop = cancel
	go func() {
		defer close(st.done)
		s.run(ctx, st)
	}()
}

// halt refuses further records, ends the stream's deliveries and waits for the
// one under way.
func (st *stream) halt() {
	st.mu.Lock()
	st.mu.stopped = true
	st.mu.Unlock()
	st.stop()
	<-st.done
}

// Close stops taking and delivering records and waits for what is under way.
// What is buffered stays in the database, which stays open.
func (s *Service) Close() error {
	s.gate.Close()
	s.gate.Wait() // no call makes or deletes a stream any more
	s.cancel()
	for _, st := range s.mu.streams {
		st.halt()
	}
	return nil
}

// hit records that a limit refused something.
func (s *Service) hit(now time.Time, limit, resource, allowed string) {
	s.hits.Lock()
	defer s.hits.Unlock()
	s.hits.set.Note(now, "firehose", limit, resource, allowed, quotas)
}

// find returns a stream by its name.
func (s *Service) find(name string) (*stream, error) {
	s.mu.RLock()
	st, ok := s.mu.streams[name]
	s.mu.RUnlock()
	if !ok {
		return nil, wire.Errorf(http.StatusBadRequest, "ResourceNotFoundException",
			"Firehose %s under account %s not found.", name, s.account)
	}
	return st, nil
}

// ServeAWS answers one call of the Firehose API.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if !s.gate.Enter() {
		wire.ReplyError(w, r, errStopped)
		return
	}
	defer s.gate.Leave()
	out, err := s.operations.Call(r)
	if err != nil {
		wire.ReplyError(w, r, err)
		return
	}
	wire.ReplyJSON(w, r, out)
}

// api are the operations served.
func (s *Service) api() wire.Operations {
	return wire.Operations{
		"PutRecordBatch":         s.putRecordBatch,
		"PutRecord":              s.putRecord,
		"CreateDeliveryStream":   wire.Decoded(s.create),
		"DescribeDeliveryStream": wire.Decoded(s.describe),
		"ListDeliveryStreams":    wire.Decoded(s.list),
		"UpdateDestination":      wire.Decoded(s.update),
		"DeleteDeliveryStream":   wire.Decoded(s.delete),
	}
}
