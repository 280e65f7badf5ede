package sqs

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
}

func (s *Service) createQueue(r *wire.Request, in createQueueInput) (any, error) {
	if strings.HasSuffix(in.QueueName, ".fifo") {
		return nil, wire.Errorf(http.StatusBadRequest, "UnsupportedOperation", "FIFO queues are not served here.")
	}
	if !validName.MatchString(in.QueueName) {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidParameterValue",
			"Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	set, err := parseSettings(in.Attributes)
	if err != nil {
		return nil, err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	if old, err := s.named(in.QueueName); err == nil {
		old.mu.Lock()
		have := old.mu.settings.list()
		old.mu.Unlock()
		for name, value := range in.Attributes {
			if have[name] != value {
				return nil, wire.Errorf(http.StatusBadRequest, "QueueNameExists",
					"A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return map[string]string{"QueueUrl": s.url(r, in.QueueName)}, nil
	}
	record := queueRecord{ID: s.sequence(), Name: in.QueueName, Attributes: set.raw,
		Created: r.Now.UnixMilli(), Modified: r.Now.UnixMilli()}
	q, err := newQueue(record)
	if err != nil {
		return nil, err
	}
	if err := s.store(record); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.queues[in.QueueName] = q
	return map[string]string{"QueueUrl": s.url(r, in.QueueName)}, nil
}

type queueInput struct {
	QueueUrl  string
	QueueName string
}

func (s *Service) getQueueURL(r *wire.Request, in queueInput) (any, error) {
	if _, err := s.named(in.QueueName); err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": s.url(r, in.QueueName)}, nil
}

type attributesInput struct {
	QueueUrl       string
	AttributeNames []string
	Attributes     map[string]string
}

func (s *Service) getQueueAttributes(r *wire.Request, in attributesInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.expire(q, r.Now)
	q.mu.Lock()
	all := q.mu.settings.list()
	ready, flying, late := q.mu.backlog.counts(r.Now)
	modified := q.mu.modified
	q.mu.Unlock()
	all["ApproximateNumberOfMessages"] = strconv.Itoa(ready)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(flying)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(late)
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(modified.Unix(), 10)
	all["QueueArn"] = s.arn(q.name)
	if slices.Contains(in.AttributeNames, "All") {
		return map[string]any{"Attributes": all}, nil
	}
	picked := make(map[string]string)
	for _, name := range in.AttributeNames {
		if v, ok := all[name]; ok {
			picked[name] = v
		} else if !slices.Contains(stored, name) && name != "RedrivePolicy" && name != "FifoQueue" {
			return nil, wire.Errorf(http.StatusBadRequest, "InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return map[string]any{"Attributes": picked}, nil
}

func (s *Service) setQueueAttributes(r *wire.Request, in attributesInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	raw := maps.Clone(q.mu.settings.raw)
	q.mu.Unlock()
	maps.Copy(raw, in.Attributes)
	set, err := parseSettings(raw)
	if err != nil {
		return nil, err
	}
	err = s.store(queueRecord{ID: q.id, Name: q.name, Attributes: set.raw,
		Created: q.created.UnixMilli(), Modified: r.Now.UnixMilli()})
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.settings = set
	q.mu.modified = r.Now
	q.signal()
	return nil, nil
}

type listQueuesInput struct {
	QueueNamePrefix string
	QueueUrl        string
	MaxResults      int
	NextToken       string
}

func (s *Service) listQueues(r *wire.Request, in listQueuesInput) (any, error) {
	return s.page(r, in, func(q *queue) bool { return strings.HasPrefix(q.name, in.QueueNamePrefix) }, "QueueUrls")
}

// listSources lists the queues whose dead letters go to a queue.
func (s *Service) listSources(r *wire.Request, in listQueuesInput) (any, error) {
	target, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return s.page(r, in, func(q *queue) bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.mu.settings.redrive.Target == s.arn(target.name)
	}, "queueUrls")
}

// maxListed is how many queues a call returns at most.
// Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
const maxListed = 1000

// page lists the queues that want accepts, in order of names; the token of a
// page is the last name of the one before.
func (s *Service) page(r *wire.Request, in listQueuesInput, want func(*queue) bool, member string) (any, error) {
	s.mu.Lock()
	queues := slices.Collect(maps.Values(s.mu.queues))
	s.mu.Unlock()
	slices.SortFunc(queues, func(a, b *queue) int { return strings.Compare(a.name, b.name) })
	size := in.MaxResults
	if size <= 0 || size > maxListed {
		size = maxListed
	}
	urls := []string{}
	out := map[string]any{}
	last := ""
	for _, q := range queues {
		if q.name <= in.NextToken || !want(q) {
			continue
		}
		if len(urls) == size {
			if in.MaxResults > 0 {
				out["NextToken"] = last
			}
			break
		}
		urls = append(urls, s.url(r, q.name))
		last = q.name
	}
	out[member] = urls
	return out, nil
}

func (s *Service) purgeQueue(r *wire.Request, in queueInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	upTo := s.sequence()
	q.mu.Lock()
	if since := r.Now.Sub(q.mu.purged); !q.mu.purged.IsZero() && since < s.limits.PurgeInterval {
		q.mu.Unlock()
		s.hit(r.Now, "purge interval", q.name, s.limits.PurgeInterval.String(), "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html")
		return nil, wire.Errorf(http.StatusForbidden, "PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every %v.", q.name, s.limits.PurgeInterval)
	}
	q.mu.purged = r.Now
	q.mu.Unlock()
	if err := s.clear(q.id, upTo, nil); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for seq := range q.mu.backlog.messages {
		if seq < upTo {
			q.mu.backlog.remove(seq)
		}
	}
	return nil, nil
}

func (s *Service) deleteQueue(_ *wire.Request, in queueInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.clear(q.id, 1<<63, []byte(queuePrefix+q.name)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.mu.queues, q.name)
	s.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.deleted = true
	q.signal()
	return nil, nil
}

// clear durably deletes a queue's messages below a sequence number, and one
// more key if it is not nil.
func (s *Service) clear(queue, below uint64, key []byte) error {
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	for _, prefix := range [...]string{messagePrefix, receiptPrefix} {
		start := binary.BigEndian.AppendUint64([]byte(prefix), queue)
		_ = b.DeleteRange(start, messageKey(prefix, queue, below), nil)
	}
	if key != nil {
		_ = b.Delete(key, nil)
	}
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		return fmt.Errorf("delete messages of queue: %w", err)
	}
	return nil
}
