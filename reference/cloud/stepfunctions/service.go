package stepfunctions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/stepfunctions/asl"
	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// MaxBody is the largest request body in bytes that the service needs to be given: a definition
// of the largest size with every byte escaped.
const MaxBody = 8 << 20

// Invoker calls Lambda functions. A failed function is reported as *[FunctionError]; other errors
// count as Lambda's own, by their code if they are a *wire.Error or have ErrorCode.
type Invoker interface {
	Invoke(ctx context.Context, functionARN string, payload []byte) ([]byte, error)
}

// Options of [Open]. DB and Lambda are required.
type Options struct {
	DB      *pebble.DB // shared; keys under "states/"
	Lambda  Invoker
	Region  string           // empty: us-east-1
	Account string           // empty: 000000000000
	Limits  *Limits          // nil: AWSLimits
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: discarded

	// Histories is for how many ended executions the events are kept (stampede-only: AWS keeps
	// them for the retention). Of older ones the history is empty. Zero: 1000.
	Histories int
}

// EnsureDefaults fills what is empty.
func (o *Options) EnsureDefaults() {
	o.Region, o.Account = cmp.Or(o.Region, wire.Region), cmp.Or(o.Account, wire.Account)
	o.Now, o.Log = wire.Clock(o.Now), wire.Logger(o.Log)
	if o.Limits == nil {
		limits := AWSLimits()
		o.Limits = &limits
	}
	o.Histories = cmp.Or(o.Histories, 1000)
}

// Validate reports all that is wrong at once.
func (o *Options) Validate() error {
	var faults []error
	if o.DB == nil {
		faults = append(faults, errors.New("no database"))
	}
	if o.Lambda == nil {
		faults = append(faults, errors.New("no invoker of functions"))
	}
	return errors.Join(faults...)
}

// Stats are counters since Open, but for Running and Machines.
type Stats struct {
	Started     int64          `json:"started"`
	Succeeded   int64          `json:"succeeded"`
	Failed      int64          `json:"failed"`
	TimedOut    int64          `json:"timed_out"`
	Aborted     int64          `json:"aborted"`
	Running     int            `json:"running"`
	Machines    []MachineStats `json:"machines,omitempty"` // those with a running execution, by name
	Transitions int64          `json:"transitions"`
	Invocations int64          `json:"invocations"`
	Steps       int64          `json:"steps"` // synced batches
	LimitHits   []quota.Hit    `json:"limit_hits,omitempty"`
}

// MachineStats are what the executions of one state machine do now.
type MachineStats struct {
	Name    string `json:"name"`
	Running int    `json:"running"` // executions
	Tasks   int    `json:"tasks"`   // invocations that they wait for; none while all wait for a time
}

type counters struct {
	started, succeeded, failed, timedOut, aborted, transitions, invocations, steps atomic.Int64
}

// machine is a state machine with its checked definition.
type machine struct {
	machineRecord
	checked *asl.Machine
}

// Service is the embedded Step Functions. Its methods may be called by any number of goroutines.
type Service struct {
	o        Options
	ctx      context.Context // ends at Close
	cancel   context.CancelFunc
	runners  sync.WaitGroup
	counters counters

	// admin serialises changes of state machines, durable write included. It is taken before mu.
	admin sync.Mutex

	mu struct {
		sync.Mutex
		closed      bool
		machines    map[string]*machine      // by name
		running     map[string]*runner       // by path
		starting    map[string]chan struct{} // by path; closed when durable or given up
		histories   int                      // kept
		starts      quota.TokenBucket
		transitions quota.TokenBucket
		hits        quota.HitSet
	}
}

var _ wire.Handler = (*Service)(nil)

// Open reads the state machines and continues the executions that were running.
func Open(o Options) (*Service, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("open step functions: %w", err)
	}
	s := &Service{o: o}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mu.machines, s.mu.running, s.mu.starting = map[string]*machine{}, map[string]*runner{}, map[string]chan struct{}{}
	s.mu.starts = quota.NewTokenBucket(o.Limits.StartRate, o.Limits.StartBurst)
	s.mu.transitions = quota.NewTokenBucket(o.Limits.TransitionRate, o.Limits.TransitionBurst)
	if err := errors.Join(s.loadMachines(), s.loadExecutions()); err != nil {
		s.cancel()
		return nil, fmt.Errorf("open step functions: %w", err)
	}
	return s, nil
}

// Close stops running executions where they are and waits for them and their tasks. They continue
// at the next Open. The database stays open.
func (s *Service) Close() error {
	s.mu.Lock()
	s.mu.closed = true
	s.mu.Unlock()
	s.cancel()
	s.runners.Wait()
	return nil
}

// Stats is cheap.
func (s *Service) Stats() Stats {
	c := &s.counters
	st := Stats{
		Started: c.started.Load(), Succeeded: c.succeeded.Load(), Failed: c.failed.Load(), TimedOut: c.timedOut.Load(),
		Aborted: c.aborted.Load(), Transitions: c.transitions.Load(), Invocations: c.invocations.Load(), Steps: c.steps.Load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Running, st.LimitHits = len(s.mu.running), s.mu.hits.List()
	byName := map[string]*MachineStats{}
	for path, r := range s.mu.running {
		name, _, _ := strings.Cut(path, "\x00")
		if byName[name] == nil {
			byName[name] = &MachineStats{Name: name}
		}
		byName[name].Running++
		byName[name].Tasks += int(r.tasks.Load())
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		st.Machines = append(st.Machines, *byName[name])
	}
	return st
}

// ServeAWS answers one request.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	answer, err := s.answer(r)
	if err != nil {
		wire.ReplyError(w, r, err)
		return
	}
	wire.ReplyJSON(w, r, answer)
}

func (s *Service) answer(r *wire.Request) (any, error) {
	switch r.Action {
	case "CreateStateMachine":
		return call(r, s.createMachine)
	case "UpdateStateMachine":
		return call(r, s.updateMachine)
	case "DescribeStateMachine":
		return call(r, s.describeMachine)
	case "DescribeStateMachineForExecution":
		return call(r, s.describeMachineForExecution)
	case "DeleteStateMachine":
		return call(r, s.deleteMachine)
	case "ListStateMachines":
		return call(r, s.listMachines)
	case "ValidateStateMachineDefinition":
		return call(r, s.validateDefinition)
	case "StartExecution":
		return call(r, s.startExecution)
	case "StartSyncExecution":
		return nil, wire.Errorf(400, "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
	case "StopExecution":
		return call(r, s.stopExecution)
	case "DescribeExecution":
		return call(r, s.describeExecution)
	case "ListExecutions":
		return call(r, s.listExecutions)
	case "GetExecutionHistory":
		return call(r, s.executionHistory)
	}
	return nil, wire.UnknownOperation(r)
}

// call decodes a request's body for an operation.
func call[In, Out any](r *wire.Request, do func(In) (Out, error)) (any, error) {
	var in In
	if err := wire.Decode(r, &in); err != nil {
		return nil, err
	}
	return do(in)
}

// admit takes a token for a start.
func (s *Service) admit(now time.Time) error {
	l := s.o.Limits
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.StartRate > 0 && !s.mu.starts.Allow(now, 1) {
		s.mu.hits.Note(now, "states", "StartExecution rate", "", fmt.Sprintf("%g/s", l.StartRate), quotas)
		return wire.Errorf(400, "ThrottlingException", "Rate exceeded")
	}
	if l.OpenExecutions > 0 && len(s.mu.running) >= l.OpenExecutions {
		s.mu.hits.Note(now, "states", "open executions", "", fmt.Sprint(l.OpenExecutions), quotas)
		return wire.Errorf(400, "ExecutionLimitExceeded", "Maximum number of running executions reached: %d", l.OpenExecutions)
	}
	return nil
}

// pace takes n transitions and says how long to hold them back.
func (s *Service) pace(now time.Time, n int) time.Duration {
	s.counters.transitions.Add(int64(n))
	rate := s.o.Limits.TransitionRate
	if rate == 0 || n == 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.transitions.Take(now, float64(n))
	wait := s.mu.transitions.RetryAfter(now, 0)
	if wait > 0 {
		s.mu.hits.Note(now, "states", "state transition rate", "", fmt.Sprintf("%g/s", rate), quotas)
	}
	return wait
}
