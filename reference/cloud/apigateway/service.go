package apigateway

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// MaxBody is the largest request body in bytes that the control plane needs to be given.
const MaxBody = 12 << 20

// Options say how to open a Service. DB and Invoker are required.
type Options struct {
	DB      *pebble.DB       // keys begin with "apigateway/"
	Limits  *Limits          // nil: AWSLimits
	Invoker Invoker          // runs the functions
	Keys    KeySource        // verifies bearer tokens; nil: none is good
	Slow    time.Duration    // an answer that took longer is bad, in [VersionStats]; 0: 142 ms, the SLO
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: silence
}

// Service is the embedded API Gateway. Its methods may be called by any number of goroutines.
type Service struct {
	db      *pebble.DB
	limits  Limits
	invoker Invoker
	tokens  tokens
	slow    time.Duration
	now     func() time.Time
	log     *slog.Logger

	serving    atomic.Pointer[serving] // what the data plane works by
	versions   versions
	operations sync.Map // name -> *operationCounters; "" for what no route matched
	throttled  atomic.Int64
	ids        requestIDs

	// admin serialises the calls of the control plane, durable write included. It is taken
	// before any other lock.
	admin struct {
		sync.Mutex
		state state
	}

	throttle struct {
		sync.Mutex
		account quota.TokenBucket
		hits    quota.HitSet
	}

	closing struct {
		sync.RWMutex // held for reading by requests under way
		closed       bool
	}
}

var _ wire.Handler = (*Service)(nil)

// Open reads the APIs, keys and plans from the database and serves what was deployed.
func Open(o Options) (*Service, error) {
	if o.DB == nil || o.Invoker == nil {
		return nil, errors.New("open apigateway: it needs a database and an invoker")
	}
	s := &Service{db: o.DB, limits: AWSLimits(), invoker: o.Invoker, slow: o.Slow, now: wire.Clock(o.Now), log: wire.Logger(o.Log)}
	s.tokens.source = o.Keys
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	if s.slow == 0 {
		s.slow = 142 * time.Millisecond
	}
	s.ids.init()
	s.operations.Store("", new(operationCounters))
	s.throttle.account = quota.NewTokenBucket(s.limits.RequestsPerSecond, s.limits.Burst)
	var err error
	if s.admin.state, err = loadState(s.db); err != nil {
		return nil, fmt.Errorf("open apigateway: %w", err)
	}
	if err := s.publish(); err != nil {
		return nil, fmt.Errorf("open apigateway: %w", err)
	}
	return s, nil
}

// Close refuses new requests and waits for those under way. The database stays open.
func (s *Service) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	s.closing.closed = true
	return nil
}

// begin reports false once the service is closed; else end must follow.
func (s *Service) begin() bool {
	s.closing.RLock()
	if s.closing.closed {
		s.closing.RUnlock()
		return false
	}
	return true
}

func (s *Service) end() { s.closing.RUnlock() }

// requestIDs makes ids in the form of a UUID: random bytes of this process, then a counter
// that is mixed so that ids do not look alike.
type requestIDs struct {
	prefix, salt uint64
	n            atomic.Uint64
}

func (r *requestIDs) init() {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	r.prefix, r.salt = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

func (r *requestIDs) next() string {
	x := r.n.Add(1)*0x9e3779b97f4a7c15 + r.salt // a bijection: unique while prefix is
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x ^= x >> 27
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], r.prefix)
	binary.BigEndian.PutUint64(raw[8:], x)
	out := make([]byte, 0, 36)
	for i, b := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hexDigits[b>>4], hexDigits[b&15])
	}
	return string(out)
}
