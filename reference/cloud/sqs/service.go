package sqs

import (
	"cmp"
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

	operations wire.Operations
	gate       wire.Gate // of move tasks and calls
	closing    chan struct{}
	cancel     context.CancelFunc
	tasks      context.Context

	// admin serialises the calls that change queues, durable write included. It
	// is taken before any other lock.
	admin sync.Mutex

	mu struct {
		sync.Mutex
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
	s := &Service{db: o.DB, limits: AWSLimits(), region: cmp.Or(o.Region, wire.Region), account: cmp.Or(o.Account, wire.Account),
		now: wire.Clock(o.Now), log: wire.Logger(o.Log), closing: make(chan struct{})}
	s.operations = s.api()
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	s.tasks, s.cancel = context.WithCancel(context.Background())
	s.mu.queues = make(map[string]*queue)
	if err := s.load(); err != nil {
		s.cancel()
		return nil, fmt.Errorf("open sqs: %w", err)
	}
	return s, nil
}

// errClosed is the answer to calls once the service is closed.
var errClosed = error(wire.Errorf(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is shutting down."))

// Close ends all long polls, stops move tasks and waits for them and for the
// calls being answered. The database stays open.
func (s *Service) Close() error {
	if s.gate.Close() {
		close(s.closing)
		s.cancel()
	}
	s.gate.Wait()
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
	if !s.gate.Enter() {
		replyError(w, r, errClosed)
		return
	}
	defer s.gate.Leave()
	out, err := s.operations.Call(r)
	if err != nil {
		replyError(w, r, err)
		return
	}
	wire.ReplyJSON(w, r, out)
}

// api are the operations served. Tags are taken and forgotten.
func (s *Service) api() wire.Operations {
	return wire.Operations{
		"SendMessage":                  wire.Decoded(s.sendMessage),
		"SendMessageBatch":             wire.Decoded(s.sendMessageBatch),
		"ReceiveMessage":               wire.Decoded(s.receiveMessage),
		"DeleteMessage":                wire.Decoded(s.deleteMessage),
		"DeleteMessageBatch":           wire.Decoded(s.deleteMessageBatch),
		"ChangeMessageVisibility":      wire.Decoded(s.changeVisibility),
		"ChangeMessageVisibilityBatch": wire.Decoded(s.changeVisibilityBatch),
		"CreateQueue":                  wire.Decoded(s.createQueue),
		"GetQueueUrl":                  wire.Decoded(s.getQueueURL),
		"GetQueueAttributes":           wire.Decoded(s.getQueueAttributes),
		"SetQueueAttributes":           wire.Decoded(s.setQueueAttributes),
		"ListQueues":                   wire.Decoded(s.listQueues),
		"ListDeadLetterSourceQueues":   wire.Decoded(s.listSources),
		"PurgeQueue":                   wire.Decoded(s.purgeQueue),
		"DeleteQueue":                  wire.Decoded(s.deleteQueue),
		"StartMessageMoveTask":         wire.Decoded(s.startMove),
		"ListMessageMoveTasks":         wire.Decoded(s.listMoves),
		"CancelMessageMoveTask":        wire.Decoded(s.cancelMove),
		"ListQueueTags":                func(*wire.Request) (any, error) { return map[string]any{"Tags": map[string]string{}}, nil },
		"TagQueue":                     func(*wire.Request) (any, error) { return nil, nil },
		"UntagQueue":                   func(*wire.Request) (any, error) { return nil, nil },
	}
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
