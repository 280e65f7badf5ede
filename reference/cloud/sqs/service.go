package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
	"github.com/retailflow/stampede/reference/quota"
)

// MaxBody is the largest request body in bytes that the service needs to be
// given: a batch of the largest size, with every byte escaped.
const MaxBody = 8 << 20

// Options says how to open a Service. DB is required.
type Options struct {
	// DB is the shared database. Keys begin with "sqs/".
	DB *pebble.DB
	// Limits are the quotas to impose; nil is AWSLimits.
	Limits *Limits
	// Region and Account are parts of ARNs; "us-east-1" and "000000000000" if empty.
	Region, Account string
	// Now is the clock, time.Now if nil.
	Now func() time.Time
	// Log is where failures go that no caller is told of; silence if nil.
	Log *slog.Logger
}

// Service is the embedded SQS. Its methods may be called by any number of
// goroutines.
type Service struct {
	db      *pebble.DB
	limits  Limits
	region  string
	account string
	now     func() time.Time
	log     *slog.Logger
	epoch   uint64 // how often the service was opened on this database

	closing chan struct{}
	cancel  context.CancelFunc
	tasks   context.Context
	running sync.WaitGroup // move tasks and calls

	// admin serialises the calls that change queues, durable write included. It
	// is taken before any other lock.
	admin sync.Mutex

	mu struct {
		sync.Mutex
		closed bool              // no calls begin and no tasks start any more
		queues map[string]*queue // by name
		seq    uint64            // last one given
		hits   quota.HitSet
		moves  []*moveTask // newest first
	}
}

var _ wire.Handler = (*Service)(nil)

// Open reads the queues and their messages from the database.
func Open(o Options) (*Service, error) {
	if o.DB == nil {
		return nil, errors.New("open sqs: no database")
	}
	s := &Service{db: o.DB, limits: AWSLimits(), region: o.Region, account: o.Account, now: o.Now, log: o.Log,
		closing: make(chan struct{})}
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.account == "" {
		s.account = "000000000000"
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.tasks, s.cancel = context.WithCancel(context.Background())
	s.mu.queues = make(map[string]*queue)
	if err := s.load(); err != nil {
		s.cancel()
		return nil, fmt.Errorf("open sqs: %w", err)
	}
	return s, nil
}

// begin takes part in what Close waits for. It reports false once the service
// is closed.
func (s *Service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// errClosed is the answer to calls once the service is closed.
var errClosed = error(wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is shutting down."))

// Close ends all long polls, stops move tasks and waits for them and for the
// calls being answered. The database stays open.
func (s *Service) Close() error {
	s.mu.Lock()
	if s.mu.closed {
		s.mu.Unlock()
		return nil
	}
	s.mu.closed = true
	s.mu.Unlock()
	close(s.closing)
	s.cancel()
	s.running.Wait()
	return nil
}

// sequence gives the next sequence number.
func (s *Service) sequence() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.seq++
	return s.mu.seq
}

// hit records that a limit refused something.
func (s *Service) hit(now time.Time, limit, resource, allowed, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.hits.Note(now, "sqs", limit, resource, allowed, source)
}

// ServeAWS answers one call of the SQS API.
func (s *Service) ServeAWS(w http.ResponseWriter, r *wire.Request) {
	if !s.begin() {
		replyError(w, r, errClosed)
		return
	}
	defer s.running.Done()
	out, err := s.call(r)
	if err != nil {
		replyError(w, r, err)
		return
	}
	wire.ReplyJSON(w, r, out)
}

// call runs the operation that the request names.
func (s *Service) call(r *wire.Request) (any, error) {
	switch r.Action {
	case "SendMessage":
		return serve(r, s.sendMessage)
	case "SendMessageBatch":
		return serve(r, s.sendMessageBatch)
	case "ReceiveMessage":
		return serve(r, s.receiveMessage)
	case "DeleteMessage":
		return serve(r, s.deleteMessage)
	case "DeleteMessageBatch":
		return serve(r, s.deleteMessageBatch)
	case "ChangeMessageVisibility":
		return serve(r, s.changeVisibility)
	case "ChangeMessageVisibilityBatch":
		return serve(r, s.changeVisibilityBatch)
	case "CreateQueue":
		return serve(r, s.createQueue)
	case "GetQueueUrl":
		return serve(r, s.getQueueURL)
	case "GetQueueAttributes":
		return serve(r, s.getQueueAttributes)
	case "SetQueueAttributes":
		return serve(r, s.setQueueAttributes)
	case "ListQueues":
		return serve(r, s.listQueues)
	case "ListDeadLetterSourceQueues":
		return serve(r, s.listSources)
	case "PurgeQueue":
		return serve(r, s.purgeQueue)
	case "DeleteQueue":
		return serve(r, s.deleteQueue)
	case "StartMessageMoveTask":
		return serve(r, s.startMove)
	case "ListMessageMoveTasks":
		return serve(r, s.listMoves)
	case "CancelMessageMoveTask":
		return serve(r, s.cancelMove)
	case "ListQueueTags":
		return map[string]any{"Tags": map[string]string{}}, nil
	case "TagQueue", "UntagQueue":
		return nil, nil
	}
	return nil, wire.UnknownOperation(r)
}

// serve decodes the input of an operation and runs it.
func serve[In any](r *wire.Request, do func(*wire.Request, In) (any, error)) (any, error) {
	var in In
	if err := wire.Decode(r, &in); err != nil {
		return nil, err
	}
	return do(r, in)
}

// queryCodes are the codes that older clients know errors by; SQS sends them
// beside the new ones.
//
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
var queryCodes = map[string]string{
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"MessageNotInflight":           "AWS.SimpleQueueService.MessageNotInflight",
	"PurgeQueueInProgress":         "AWS.SimpleQueueService.PurgeQueueInProgress",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",
}

func replyError(w http.ResponseWriter, r *wire.Request, err error) {
	var e *wire.Error
	if errors.As(err, &e) {
		code := e.Code
		if old, ok := queryCodes[code]; ok {
			code = old
		}
		w.Header().Set("X-Amzn-Query-Error", code+";Sender")
	}
	wire.ReplyError(w, r, err)
}
