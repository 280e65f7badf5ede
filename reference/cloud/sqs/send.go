package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// sendEntry is one message of a send.
type sendEntry struct {
	Id                      string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       attributes
	MessageSystemAttributes attributes
}

type sendMessageInput struct {
	QueueUrl string
	sendEntry
}

// sent is what a caller learns of a message it sent.
type sent struct {
	Id                           string `json:",omitempty"`
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

func (s *Service) sendMessage(r *wire.Request, in sendMessageInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if _, err := s.checkSend(q, r.Now, &in.sendEntry); err != nil {
		return nil, err
	}
	out, err := s.send(q, r.Now, r.AccessKey, []sendEntry{in.sendEntry})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Send puts a message into the queue of an ARN and returns when it is durable.
func (s *Service) Send(_ context.Context, queueARN string, body string) error {
	if !s.gate.Enter() {
		return fmt.Errorf("send to %s: %w", queueARN, errClosed)
	}
	defer s.gate.Leave()
	name := queueName(queueARN)
	q, err := s.named(name)
	if err != nil {
		return fmt.Errorf("send to %s: %w", queueARN, err)
	}
	entry := sendEntry{MessageBody: body}
	now := s.now()
	if _, err := s.checkSend(q, now, &entry); err != nil {
		return fmt.Errorf("send to %s: %w", queueARN, err)
	}
	if _, err := s.send(q, now, "", []sendEntry{entry}); err != nil {
		return fmt.Errorf("send to %s: %w", queueARN, err)
	}
	return nil
}

// checkSend says what is wrong with a message and how large it is in bytes.
func (s *Service) checkSend(q *queue, now time.Time, e *sendEntry) (size int, err error) {
	if e.MessageBody == "" {
		return 0, wire.Errorf(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter MessageBody.")
	}
	if !validText(e.MessageBody) {
		return 0, wire.Errorf(http.StatusBadRequest, "InvalidMessageContents",
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.")
	}
	if fault := e.MessageAttributes.validate(); fault != "" {
		return 0, wire.Errorf(http.StatusBadRequest, "InvalidParameterValue", "%s", fault)
	}
	if d := e.DelaySeconds; d != nil && (*d < 0 || *d > 900) {
		return 0, wire.Errorf(http.StatusBadRequest, "InvalidParameterValue",
			"Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *d)
	}
	q.mu.Lock()
	most := min(q.mu.settings.maxBytes, orMax(s.limits.MessageBytes))
	q.mu.Unlock()
	size = len(e.MessageBody) + e.MessageAttributes.size()
	if size > most {
		s.hit(now, "message size", q.name, strconv.Itoa(most)+" bytes", messageQuotas)
		return 0, wire.Errorf(http.StatusBadRequest, "InvalidParameterValue",
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	return size, nil
}

// validText reports whether SQS takes the characters of a text.
func validText(text string) bool {
	for i, c := range text {
		switch {
		case c == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				return false
			}
		case c < 0x20 && c != '\t' && c != '\n' && c != '\r', c == 0xFFFE, c == 0xFFFF:
			return false
		}
	}
	return true
}

// send stores messages, durably and together, and then shows them to receivers.
func (s *Service) send(q *queue, now time.Time, sender string, entries []sendEntry) ([]sent, error) {
	q.mu.Lock()
	delay := q.mu.settings.delay
	q.mu.Unlock()
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	out := make([]sent, len(entries))
	arriving := make([]entry, len(entries))
	dues := make([]time.Time, len(entries))
	for i, e := range entries {
		m := message{ID: uuid.NewString(), Sent: now, Sender: sender, Body: e.MessageBody}
		wait := delay
		if e.DelaySeconds != nil {
			wait = time.Duration(*e.DelaySeconds) * time.Second
		}
		if wait > 0 {
			m.Due = now.Add(wait)
		}
		if len(e.MessageAttributes) > 0 {
			var err error
			if m.Attributes, err = json.Marshal(e.MessageAttributes); err != nil {
				return nil, fmt.Errorf("encode message attributes: %w", err)
			}
		}
		if h, ok := e.MessageSystemAttributes["AWSTraceHeader"]; ok && h.StringValue != nil {
			m.Trace = *h.StringValue
		}
		arriving[i] = entry{seq: s.sequence(), sent: now}
		dues[i] = m.Due
		out[i] = sent{Id: e.Id, MessageId: m.ID, MD5OfMessageBody: md5Hex(e.MessageBody),
			MD5OfMessageAttributes: e.MessageAttributes.md5Hex(), MD5OfMessageSystemAttributes: e.MessageSystemAttributes.md5Hex()}
		_ = b.Set(messageKey(messagePrefix, q.id, arriving[i].seq), m.encode(), nil)
	}
	if err := s.db.Apply(b, pebble.Sync); err != nil {
		return nil, fmt.Errorf("store messages of queue %s: %w", q.name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, e := range arriving {
		q.mu.backlog.add(now, e, dues[i])
	}
	q.mu.counters.sent += int64(len(entries))
	q.signal()
	return out, nil
}

type sendBatchInput struct {
	QueueUrl string
	Entries  []sendEntry
}

// failure is an entry of a batch that did not succeed.
type failure struct {
	Id          string
	Code        string
	Message     string
	SenderFault bool
}

func failed(id string, err error) failure {
	if e, ok := asError(err); ok {
		return failure{Id: id, Code: e.Code, Message: e.Message, SenderFault: true}
	}
	return failure{Id: id, Code: "InternalFailure", Message: "The entry could not be processed."}
}

func (s *Service) sendMessageBatch(r *wire.Request, in sendBatchInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(s.limits, in.Entries, func(e sendEntry) string { return e.Id }); err != nil {
		return nil, err
	}
	out := struct {
		Successful []sent
		Failed     []failure
	}{[]sent{}, []failure{}}
	var good []sendEntry
	total := 0
	for _, e := range in.Entries {
		size, err := s.checkSend(q, r.Now, &e)
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		total += size
		good = append(good, e)
	}
	if most := orMax(s.limits.MessageBytes); total > most {
		s.hit(r.Now, "batch size", q.name, strconv.Itoa(most)+" bytes", messageQuotas)
		return nil, wire.Errorf(http.StatusBadRequest, "BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", most, total)
	}
	if len(good) > 0 {
		if out.Successful, err = s.send(q, r.Now, r.AccessKey, good); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var validEntryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch says what is wrong with a batch as a whole.
func checkBatch[E any](l Limits, entries []E, id func(E) string) error {
	if len(entries) == 0 {
		return wire.Errorf(http.StatusBadRequest, "EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if most := orMax(l.BatchEntries); len(entries) > most {
		return wire.Errorf(http.StatusBadRequest, "TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are %d. You have sent %d.", most, len(entries))
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		switch id := id(e); {
		case !validEntryID.MatchString(id):
			return wire.Errorf(http.StatusBadRequest, "InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[id]:
			return wire.Errorf(http.StatusBadRequest, "BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		default:
			seen[id] = true
		}
	}
	return nil
}
