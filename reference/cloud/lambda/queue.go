package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Queue is what an event source mapping needs of SQS.
type Queue interface {
	// Receive waits up to wait for at least one and returns at most most messages.
	Receive(ctx context.Context, queueARN string, most int, wait time.Duration) ([]Message, error)
	// Delete removes what was processed.
	Delete(ctx context.Context, queueARN string, receipts []string) error
	// Release makes what was not processed visible at once.
	Release(ctx context.Context, queueARN string, receipts []string) error
}

// Message is a message as SQS delivers it.
type Message struct {
	ID, Receipt, Body, MD5 string
	Attributes             map[string]string // ApproximateReceiveCount, SentTimestamp, …
	MessageAttributes      map[string]events.SQSMessageAttribute
}

// sqsEvent is the function's event for a batch.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func sqsEvent(queueARN, region string, batch []Message) ([]byte, error) {
	e := events.SQSEvent{Records: make([]events.SQSMessage, len(batch))}
	for i, m := range batch {
		e.Records[i] = events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: m.Receipt, Body: m.Body, Md5OfBody: m.MD5,
			Attributes: m.Attributes, MessageAttributes: m.MessageAttributes,
			EventSource: "aws:sqs", EventSourceARN: queueARN, AWSRegion: region,
		}
	}
	return json.Marshal(e)
}

// errBadReport is an answer that names no valid set of failures: the whole batch has failed.
var errBadReport = errors.New("the function's answer is no valid batch response")

// splitBatch reads a function's answer as ReportBatchItemFailures wants it and returns the
// messages that succeeded and that failed. Null, an empty answer or an empty list is success
// of all; anything invalid is failure of all, with errBadReport.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func splitBatch(batch []Message, answer []byte) (succeeded, failed []Message, err error) {
	var report events.SQSEventResponse
	if len(answer) > 0 {
		err = json.Unmarshal(answer, &report)
	}
	bad := make(map[string]bool, len(report.BatchItemFailures))
	known := make(map[string]bool, len(batch))
	for _, m := range batch {
		known[m.ID] = true
	}
	for _, f := range report.BatchItemFailures {
		if !known[f.ItemIdentifier] {
			err = fmt.Errorf("it names the item %q", f.ItemIdentifier)
		}
		bad[f.ItemIdentifier] = true
	}
	for _, m := range batch {
		if err != nil || bad[m.ID] {
			failed = append(failed, m)
		} else {
			succeeded = append(succeeded, m)
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errBadReport, err)
	}
	return succeeded, failed, err
}

// releaseAfter is how long failed messages stay hidden: a second, doubled for each time the most
// tried of them was received before, at most 20 s. A function that is killed again and again for
// some seconds must not use up the five tries that a dead-letter queue counts.
func releaseAfter(batch []Message) time.Duration {
	tries := 1
	for _, m := range batch {
		if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
			tries = max(tries, n)
		}
	}
	return min(20*time.Second, time.Second<<min(tries-1, 10))
}

// pollers decides how many batches of a mapping are polled at once: at first start, then more
// by growth a minute while all of them find messages, up to most; down again, one by one, as
// they find none. It is pure and not safe for concurrent use.
type pollers struct {
	start, most int
	growth      float64 // a second
	running     int
	busy        int
	grown       time.Time // until when growth is used up
}

func newPollers(limits *Limits, maximumConcurrency int) pollers {
	most := max(1, limits.MappingMax)
	if maximumConcurrency > 0 {
		most = min(most, maximumConcurrency)
	}
	return pollers{start: min(max(1, limits.MappingStart), most), most: most, growth: float64(max(1, limits.MappingGrowth)) / 60}
}

// got is called by a poller that has a batch in hand. It returns how many pollers to add.
func (p *pollers) got(now time.Time) (add int) {
	p.busy++
	if p.busy < p.running || p.running >= p.most || now.Before(p.grown) {
		return 0
	}
	p.grown = now.Add(time.Duration(float64(time.Second) / p.growth))
	p.running++
	return 1
}

// put is called when that batch is done.
func (p *pollers) put() { p.busy-- }

// empty is called by a poller that found nothing; it is to end if leave.
func (p *pollers) empty() (leave bool) {
	if p.running <= p.start {
		return false
	}
	p.running--
	return true
}
