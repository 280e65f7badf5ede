package eventbridge

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
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
// given: the largest call, its details escaped inside JSON.
const MaxBody = 8 << 20

// Targets is where events are delivered to. Deliver returns nil once the target
// has taken the payload for good; it may be called again with the same.
type Targets interface {
	Deliver(ctx context.Context, targetARN string, payload []byte) error
}

// Options says how to open a Service. DB and Targets are required.
type Options struct {
	// DB is the shared database. Keys begin with "events/".
	DB *pebble.DB
	// Targets takes the deliveries.
	Targets Targets
	// Concurrency is how many deliveries may be under way at once, 64 if zero.
	Concurrency int
	// Timeout ends a delivery that does not come back, 60 s if zero.
	Timeout time.Duration
	// Limits are the quotas to impose; nil is AWSLimits.
	Limits *Limits
	// Region and Account are parts of ARNs; "us-east-1" and "000000000000" if empty.
	Region, Account string
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Log is where failed deliveries go; silence if nil.
	Log *slog.Logger
}

// Service is the embedded EventBridge. Its methods may be called by any number
// of goroutines.
type Service struct {
	store       store
	targets     Targets
	concurrency int
	timeout     time.Duration
	limits      Limits
	region      string
	account     string
	now         func() time.Time
	log         *slog.Logger
	seq         atomic.Uint64 // last one given
	matchers    atomic.Pointer[[]*rule]

	notify     chan struct{} // has one token when the dispatcher should look again
	cancel     context.CancelFunc
	running    sync.WaitGroup // the dispatcher and its deliveries
	operations wire.Operations
	gate       wire.Gate // of calls

	// admin serialises the calls that change rules, durable write included. It
	// is taken before mu.
	admin sync.Mutex

	mu struct {
		sync.Mutex
		rules       map[string]*rule
		due         map[string]time.Time // of rules with a schedule
		outbox      *outbox
		puts        *quota.TokenBucket // nil is no limit
		invocations *quota.TokenBucket
		hits        quota.HitSet
		counters    counters
	}
}

var _ wire.Handler = (*Service)(nil)

// Open reads rules and undelivered events from the database and starts to
// deliver. Schedules missed since then are not made up for.
func Open(o Options) (*Service, error) {
	if o.DB == nil || o.Targets == nil {
		return nil, errors.New("open eventbridge: no database or no targets")
	}
	s := &Service{store: store{o.DB}, targets: o.Targets, limits: AWSLimits(), notify: make(chan struct{}, 1),
		concurrency: cmp.Or(o.Concurrency, 64), timeout: cmp.Or(o.Timeout, time.Minute),
		region: cmp.Or(o.Region, wire.Region), account: cmp.Or(o.Account, wire.Account), now: wire.Clock(o.Now), log: wire.Logger(o.Log)}
	s.operations = s.api()
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	s.mu.rules = make(map[string]*rule)
	s.mu.due = make(map[string]time.Time)
	s.mu.outbox = newOutbox()
	s.mu.puts = bucket(s.limits.PutsPerSecond)
	s.mu.invocations = bucket(s.limits.InvocationsPerSecond)
	s.mu.counters.rules = make(map[string]*ruleCounters)
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open eventbridge: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.running.Go(func() { s.dispatch(ctx) })
	return s, nil
}

// bucket is a quota of one second's worth, nil for no limit.
func bucket(rate float64) *quota.TokenBucket {
	if rate <= 0 {
		return nil
	}
	b := quota.NewTokenBucket(rate, max(rate, 1))
	return &b
}

// load rebuilds the state from the database.
func (s *Service) load() error {
	epoch, err := s.store.nextEpoch()
	if err != nil {
		return err
	}
	s.seq.Store(epoch << epochShift)
	err = s.store.scan(rulePrefix, func(_, value []byte) error {
		var r ruleRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("decode rule: %w", err)
		}
		c, err := r.compile()
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		s.install(c)
		return nil
	})
	if err != nil {
		return err
	}
	s.publish()
	return s.store.scan(deliveryPrefix, func(key, value []byte) error {
		r, _, err := decodeDelivery(value)
		if err != nil {
			return err
		}
		s.mu.outbox.add(r.pending(binary.BigEndian.Uint64(key)))
		return nil
	})
}

// pending is a stored delivery as the outbox knows it, due at once.
func (r deliveryRecord) pending(seq uint64) delivery {
	accepted := time.UnixMilli(r.Accepted)
	return delivery{seq: seq, rule: r.Rule, accepted: accepted, due: accepted,
		retries: r.Retries, age: time.Duration(r.AgeSeconds) * time.Second}
}

// install makes a rule the current one of its name. The caller holds s.mu or is
// the only one to know s.
func (s *Service) install(r *rule) {
	s.mu.rules[r.Name] = r
	delete(s.mu.due, r.Name)
	if at := r.next(s.now()); !at.IsZero() {
		s.mu.due[r.Name] = at
	}
}

// publish renews the list of rules that events are matched with. The caller
// holds s.mu or is the only one to know s.
func (s *Service) publish() {
	var list []*rule
	for _, r := range s.mu.rules {
		if r.Enabled && r.pattern != nil && len(r.Targets) > 0 {
			list = append(list, r)
		}
	}
	s.matchers.Store(&list)
}

// Close stops taking events and delivering them, and waits for what is under
// way. What was not delivered stays in the database, which stays open.
func (s *Service) Close() error {
	s.gate.Close()
	s.cancel()
	s.running.Wait()
	s.gate.Wait()
	return nil
}

// hit records that a limit refused something. The caller does not hold s.mu.
func (s *Service) hit(now time.Time, limit, resource, allowed, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.hits.Note(now, "events", limit, resource, allowed, source)
}

// errClosed is the answer once the service is closed.
var errClosed = error(wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is shutting down."))

// ServeAWS answers one call of the EventBridge API.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if !s.gate.Enter() {
		wire.ReplyError(w, r, errClosed)
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
		"PutEvents":         wire.Decoded(s.putEvents),
		"PutRule":           wire.Decoded(s.putRule),
		"PutTargets":        wire.Decoded(s.putTargets),
		"ListRules":         wire.Decoded(s.listRules),
		"DescribeRule":      wire.Decoded(s.describeRule),
		"ListTargetsByRule": wire.Decoded(s.listTargets),
		"RemoveTargets":     wire.Decoded(s.removeTargets),
		"DeleteRule":        wire.Decoded(s.deleteRule),
		"EnableRule":        wire.Decoded(s.enableRule),
		"DisableRule":       wire.Decoded(s.disableRule),
		"TestEventPattern":  wire.Decoded(s.testPattern),
	}
}
