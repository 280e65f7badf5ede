package sqs

import (
	"errors"
	"net/http"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/retailflow/stampede/reference/cloud/wire"
)

// asError finds the AWS error in err.
func asError(err error) (*wire.Error, bool) {
	var e *wire.Error
	ok := errors.As(err, &e)
	return e, ok
}

// receiptEntry names a received message.
type receiptEntry struct {
	Id                string
	ReceiptHandle     string
	VisibilityTimeout *int
}

type receiptInput struct {
	QueueUrl string
	receiptEntry
}

type receiptBatchInput struct {
	QueueUrl string
	Entries  []receiptEntry
}

// succeeded is an entry of a batch that did.
type succeeded struct{ Id string }

// receiptOf reads the receipt handle of a message of q.
func receiptOf(q *queue, handle string) (receipt, error) {
	r, ok := parseReceipt(handle)
	if !ok || r.queue != q.id {
		return receipt{}, wire.Errorf(http.StatusBadRequest, "ReceiptHandleIsInvalid",
			"The input receipt handle %q is not a valid receipt handle.", handle)
	}
	return r, nil
}

func (s *Service) deleteMessage(_ *wire.Request, in receiptInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	r, err := receiptOf(q, in.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	return nil, s.remove(q, []uint64{r.seq})
}

// remove deletes messages durably. Any receipt of a message will do, and one
// that is gone already counts as deleted, as on standard queues.
func (s *Service) remove(q *queue, seqs []uint64) error {
	if err := s.forget(q.id, seqs, pebble.Sync); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	full := q.mu.backlog.inFlight >= orMax(s.limits.InFlight)
	for _, seq := range seqs {
		if q.mu.backlog.remove(seq) {
			q.mu.counters.deleted++
		}
	}
	if full {
		q.signal() // there is room for receivers again
	}
	return nil
}

func (s *Service) deleteMessageBatch(_ *wire.Request, in receiptBatchInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(s.limits, in.Entries, func(e receiptEntry) string { return e.Id }); err != nil {
		return nil, err
	}
	out := batchOutput{[]succeeded{}, []failure{}}
	var seqs []uint64
	for _, e := range in.Entries {
		r, err := receiptOf(q, e.ReceiptHandle)
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		seqs = append(seqs, r.seq)
		out.Successful = append(out.Successful, succeeded{e.Id})
	}
	if err := s.remove(q, seqs); err != nil {
		return nil, err
	}
	return out, nil
}

type batchOutput struct {
	Successful []succeeded
	Failed     []failure
}

func (s *Service) changeVisibility(r *wire.Request, in receiptInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return nil, s.change(q, r.Now, in.receiptEntry)
}

// change gives a message in flight another visibility timeout, from now on. Its
// receipt must be that of its last receive.
func (s *Service) change(q *queue, now time.Time, e receiptEntry) error {
	r, err := receiptOf(q, e.ReceiptHandle)
	if err != nil {
		return err
	}
	if e.VisibilityTimeout == nil {
		return wire.Errorf(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter VisibilityTimeout.")
	}
	seconds, err := between("VisibilityTimeout", e.VisibilityTimeout, 0, 0, 43_200)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.epoch != s.epoch || !q.mu.backlog.change(now, r.seq, r.receives, time.Duration(seconds)*time.Second) {
		return wire.Errorf(http.StatusBadRequest, "MessageNotInflight", "The specified message isn't in flight.")
	}
	q.signal()
	return nil
}

func (s *Service) changeVisibilityBatch(r *wire.Request, in receiptBatchInput) (any, error) {
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(s.limits, in.Entries, func(e receiptEntry) string { return e.Id }); err != nil {
		return nil, err
	}
	out := batchOutput{[]succeeded{}, []failure{}}
	for _, e := range in.Entries {
		if err := s.change(q, r.Now, e); err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, succeeded{e.Id})
	}
	return out, nil
}
