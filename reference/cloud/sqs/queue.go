package sqs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// queue is a backlog with the name, settings and waiters around it.
type queue struct {
	id      uint64
	name    string
	created time.Time

	// mu is never held while another lock is taken or the database waits.
	mu struct {
		sync.Mutex
		backlog  *backlog
		settings settings
		modified time.Time
		purged   time.Time
		deleted  bool
		wake     chan struct{} // closed when messages may have become visible
		counters counters
	}
}

// counters count what happened since the service was opened.
type counters struct {
	sent, received, deleted, deadLettered, expired int64
}

// queueRecord is a queue as it is stored.
type queueRecord struct {
	ID         uint64            `json:"id"`
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
	Created    int64             `json:"created_ms"`
	Modified   int64             `json:"modified_ms"`
}

func newQueue(r queueRecord) (*queue, error) {
	set, err := parseSettings(r.Attributes)
	if err != nil {
		return nil, err
	}
	q := &queue{id: r.ID, name: r.Name, created: time.UnixMilli(r.Created)}
	q.mu.backlog = newBacklog()
	q.mu.settings = set
	q.mu.modified = time.UnixMilli(r.Modified)
	q.mu.wake = make(chan struct{})
	return q, nil
}

// store writes the queue's record durably.
func (s *Service) store(r queueRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode queue %s: %w", r.Name, err)
	}
	if err := s.db.Set([]byte(queuePrefix+r.Name), value, pebble.Sync); err != nil {
		return fmt.Errorf("write queue %s: %w", r.Name, err)
	}
	return nil
}

// signal wakes the long polls. The caller holds q.mu.
func (q *queue) signal() {
	close(q.mu.wake)
	q.mu.wake = make(chan struct{})
}

// arrive makes stored messages part of the backlog.
func (q *queue) arrive(now time.Time, entries []entry, due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range entries {
		q.mu.backlog.add(now, e, due)
	}
	q.signal()
}

// find returns the queue of a URL.
func (s *Service) find(url string) (*queue, error) {
	if url == "" {
		return nil, wire.Errorf(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter QueueUrl.")
	}
	return s.named(path.Base(url))
}

// named returns the queue of a name.
func (s *Service) named(name string) (*queue, error) {
	s.mu.Lock()
	q, ok := s.mu.queues[name]
	s.mu.Unlock()
	if !ok {
		return nil, wire.Errorf(http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
	}
	return q, nil
}

// arn is the ARN of a queue's name.
func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.region + ":" + s.account + ":" + name
}

// url is the URL of a queue's name, on the host the caller used.
func (s *Service) url(r *wire.Request, name string) string {
	scheme := "http"
	if r.HTTP.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.HTTP.Host + "/" + s.account + "/" + name
}
