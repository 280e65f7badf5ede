package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/lifeline"
)

// Options of [Open]. DB and Dir are required, the zero of the rest is a default.
type Options struct {
	DB          *pebble.DB        // shared; keys begin with "lambda/"
	Dir         string            // absolute folder for code
	Region      string            // us-east-1
	Account     string            // 000000000000
	Limits      *Limits           // AWSLimits
	Queue       Queue             // for event source mappings; without it none can be made
	Seed        uint64            // of the streams that choose between an alias's versions
	Variables   map[string]string // given to every function, such as its credentials and AWS_ENDPOINT_URL; a function's own win
	FunctionLog io.Writer         // lines that functions print, each after "function/version "; nil discards
	Drain       time.Duration     // how long Close lets invocations of mappings and events finish; 1 s
	Now         func() time.Time  // time.Now
	Log         *slog.Logger      // nil discards
}

func (o *Options) ensureDefaults() {
	o.Region, o.Account = cmp.Or(o.Region, wire.Region), cmp.Or(o.Account, wire.Account)
	o.Now, o.Log = wire.Clock(o.Now), wire.Logger(o.Log)
	if o.Limits == nil {
		limits := AWSLimits()
		o.Limits = &limits
	}
	if o.FunctionLog == nil {
		o.FunctionLog = io.Discard
	}
	if o.Drain == 0 {
		o.Drain = time.Second
	}
}

func (o *Options) validate() error {
	var err error
	if o.DB == nil {
		err = errors.New("no database")
	}
	if !filepath.IsAbs(o.Dir) {
		err = errors.Join(err, fmt.Errorf("code folder %q is not an absolute path", o.Dir))
	}
	return err
}

// Service is Lambda. Its methods may be called by any number of goroutines.
type Service struct {
	options   Options
	limits    Limits
	now       func() time.Time
	log       *slog.Logger
	state     *state
	code      *codeStore
	scheduler *scheduler
	async     *async
	mappings  *mappings
	spawner   *lifeline.Spawner
	behind    *lifeline.Spawner
	childEnd  *os.File
	keep      *os.File
	router    router

	cancel context.CancelFunc
	wait   sync.WaitGroup
	once   sync.Once
}

var _ wire.Handler = (*Service)(nil)

// Open reads the state back and starts the service: its mappings poll and its pending events
// are tried from now on.
func Open(o Options) (*Service, error) {
	o.ensureDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open lambda: %w", err)
	}
	s := &Service{options: o, limits: *o.Limits, now: o.Now, log: o.Log}
	s.router.seed = o.Seed
	s.router.streams = map[string]*rand.Rand{}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open lambda: %w", err)
	}
	return s, nil
}

func (s *Service) open() (err error) {
	if s.state, err = openState(s.options.DB); err != nil {
		return err
	}
	if s.code, err = openCodeStore(s.options.Dir); err != nil {
		return err
	}
	s.scheduler = newScheduler(s.limits, s.now, s.log)
	used := map[string]bool{}
	for name, f := range s.state.functions() {
		for _, c := range f.versions {
			used[c.CodeSha256] = true
		}
		if f.record.Reserved != nil {
			if err := s.scheduler.setReserved(name, f.record.Reserved); err != nil {
				return err
			}
		}
	}
	if err := s.code.sweep(used); err != nil {
		return err
	}
	if s.async, err = openAsync(s); err != nil {
		return err
	}
	if s.mappings, err = openMappings(s); err != nil {
		return err
	}
	if s.childEnd, s.keep, err = lifeline.New(); err != nil {
		return err
	}
	s.spawner, s.behind = lifeline.NewSpawner(), lifeline.NewBackgroundSpawner()
	l := &launcher{
		spawner: s.spawner, behind: s.behind, childEnd: s.childEnd, code: s.code, output: &sink{w: s.options.FunctionLog},
		region: s.options.Region, initTime: s.limits.InitTimeout,
	}
	for name, value := range s.options.Variables {
		l.extra = append(l.extra, name+"="+value)
	}
	slices.Sort(l.extra)
	s.scheduler.launch = l.run

	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wait.Go(func() { s.scheduler.reap(ctx.Done()) })
	s.wait.Go(func() { s.async.run(ctx) })
	s.mappings.start()
	return nil
}

// Close stops polling and retrying, lets what they have in hand finish for Options.Drain, kills
// all environments and waits for them. Direct invocations that are under way fail. It does not
// close the database.
func (s *Service) Close() error {
	s.once.Do(func() {
		s.cancel()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			s.mappings.close()
			s.wait.Wait()
		}()
		timer := time.NewTimer(s.options.Drain)
		defer timer.Stop()
		select {
		case <-drained:
		case <-timer.C:
		}
		s.scheduler.close()
		<-drained
		_ = s.spawner.Close() // never fails
		_ = s.behind.Close()
		_ = s.childEnd.Close()
		_ = s.keep.Close()
	})
	return nil
}

// Invoke runs function (a name or ARN, with or without a qualifier of its own) on payload and
// returns what it answered. headers may be nil; X-Amzn-Trace-Id and X-Amz-Client-Context (base64,
// as in the API) go to the function. The error is a *wire.Error when the invocation was not
// admitted, and ctx's when the caller gave up; the function then runs on.
func (s *Service) Invoke(ctx context.Context, function, qualifier string, payload []byte, headers http.Header) (Result, error) {
	client, err := clientContext(headers)
	if err != nil {
		return Result{}, err
	}
	return s.invoke(ctx, function, qualifier, payload, call{
		id: uuid.NewString(), trace: headers.Get("X-Amzn-Trace-Id"), client: client,
	})
}

// call is what a caller hands along.
type call struct {
	id, trace, client string
	tail              bool
}

func (s *Service) invoke(ctx context.Context, function, qualifier string, payload []byte, by call) (Result, error) {
	name, own, err := parseTarget(function)
	if err != nil {
		return Result{}, err
	}
	if qualifier == "" {
		qualifier = own
	} else if own != "" && own != qualifier {
		return Result{}, invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	config, arn, err := s.resolve(name, qualifier)
	if err != nil {
		return Result{}, err
	}
	if limit := s.limits.SyncPayload; limit > 0 && len(payload) > limit {
		s.scheduler.note("synchronous payload", name, fmt.Sprintf("%d bytes", limit))
		return Result{}, payloadTooLarge(limit)
	}
	if by.trace == "" {
		by.trace = newTrace(s.now(), by.id)
	}
	inv := &invocation{
		id: by.id, arn: arn, payload: payload, trace: by.trace, clientContext: by.client, tail: by.tail,
		done: make(chan outcome, 1),
	}
	if refusal := s.scheduler.submit(config, inv); refusal != nil {
		return Result{}, refusal
	}
	select {
	case o := <-inv.done:
		if o.refusal != nil {
			return Result{}, o.refusal
		}
		return o.result, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for %s: %w", name, ctx.Err())
	}
}

func payloadTooLarge(limit int) *wire.Error {
	return wire.Errorf(http.StatusRequestEntityTooLarge, "RequestTooLargeException",
		"Request must be smaller than %d bytes for the InvokeFunction operation", limit)
}

// resolve finds the version that one invocation goes to, and the ARN it was invoked by.
func (s *Service) resolve(name, qualifier string) (*Configuration, string, error) {
	f := s.state.function(name)
	if f == nil {
		return nil, "", notFound("Function not found: %s", s.arn(name, qualifier))
	}
	config, _, err := f.resolve(qualifier, s.router.draw)
	if err != nil {
		return nil, "", err
	}
	if config == nil {
		return nil, "", notFound("Function not found: %s", s.arn(name, qualifier))
	}
	return config, s.arn(name, qualifier), nil
}

func (s *Service) arn(name, qualifier string) string {
	arn := "arn:aws:lambda:" + s.options.Region + ":" + s.options.Account + ":function:" + name
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// invokeARN is an invocation by an event source.
func (s *Service) invokeARN(ctx context.Context, arn string, payload []byte) (Result, error) {
	return s.invoke(context.WithoutCancel(ctx), arn, "", payload, call{id: uuid.NewString()})
}

// invokeEvent is one try of an asynchronous event.
func (s *Service) invokeEvent(ctx context.Context, id string, e *event) (Result, error) {
	return s.invoke(context.WithoutCancel(ctx), e.Function, e.Qualifier, e.Payload, call{id: id, trace: e.Trace, client: e.Client})
}

func (s *Service) eventsConfig(name string) (eventsConfig, bool) {
	f := s.state.function(name)
	if f == nil {
		return eventsConfig{}, false
	}
	return f.record.Events, true
}

// router draws the numbers that choose between an alias's versions: one stream an alias, seeded
// by the service's seed and the alias's ARN, so that a run can be repeated.
type router struct {
	seed    uint64
	mu      sync.Mutex
	streams map[string]*rand.Rand
}

func (r *router) draw(a *Alias) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	stream := r.streams[a.AliasArn]
	if stream == nil {
		h := fnv.New64a()
		_, _ = h.Write([]byte(a.AliasArn))
		stream = rand.New(rand.NewPCG(r.seed, h.Sum64()))
		r.streams[a.AliasArn] = stream
	}
	return stream.Float64()
}

// newTrace is a trace header with a root of its own, not sampled.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func newTrace(now time.Time, id string) string {
	return fmt.Sprintf("Root=1-%08x-%s;Sampled=0", uint32(now.Unix()), strings.ReplaceAll(id, "-", "")[:24])
}
