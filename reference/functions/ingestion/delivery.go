package ingestion

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/retailflow/stampede/reference/api"
)

// Firehose is the one call that ingestion makes; *firehose.Client has it.
type Firehose interface {
	PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, options ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// ErrNotDelivered is wrapped by every failure to make events durable. Some streams may have
// taken theirs: sending the whole request again is safe, and the only way to be sure.
var ErrNotDelivered = errors.New("not delivered")

// StreamNames are the delivery streams' names in the order of [api.Streams].
type StreamNames [len(api.Streams)]string

// Delivery puts a request's records into their streams: one PutRecordBatch a stream, the
// calls at the same time. Firehose has no call for several streams, so fewer is not possible;
// what can be saved is the stack that a fresh goroutine grows through the SDK's middleware (a
// quarter of a call's CPU), hence a kept goroutine for each but the last stream.
type Delivery struct {
	client  Firehose
	names   StreamNames
	jobs    [len(api.Streams) - 1]chan job
	workers sync.WaitGroup
}

type job struct {
	ctx     context.Context
	records [][]byte
	answer  chan<- error
}

// NewDelivery starts the goroutines that [Delivery.Close] ends.
func NewDelivery(client Firehose, names StreamNames) *Delivery {
	d := &Delivery{client: client, names: names}
	for i := range d.jobs {
		jobs := make(chan job)
		d.jobs[i] = jobs
		d.workers.Go(func() {
			for j := range jobs {
				j.answer <- d.put(j.ctx, i, j.records)
			}
		})
	}
	return d
}

// Close waits for calls under way. No put may follow.
func (d *Delivery) Close() error {
	for _, jobs := range d.jobs {
		close(jobs)
	}
	d.workers.Wait()
	return nil
}

// deliver returns nil only if every stream has every record. It waits for all calls, also
// after one has failed. The error wraps [ErrNotDelivered].
func (d *Delivery) deliver(ctx context.Context, r *records) error {
	last, lastRecords := -1, [][]byte(nil)
	var answers chan error
	waiting := 0
	for i := range api.Streams {
		batch := r.of(i)
		if len(batch) == 0 {
			continue
		}
		if last >= 0 {
			if answers == nil {
				answers = make(chan error, len(d.jobs))
			}
			d.jobs[last] <- job{ctx: ctx, records: lastRecords, answer: answers}
			waiting++
		}
		last, lastRecords = i, batch
	}
	if last < 0 {
		return nil
	}
	err := d.put(ctx, last, lastRecords)
	for range waiting {
		err = errors.Join(err, <-answers)
	}
	return err
}

func (d *Delivery) put(ctx context.Context, stream int, batch [][]byte) error {
	in := &firehose.PutRecordBatchInput{DeliveryStreamName: &d.names[stream], Records: make([]types.Record, len(batch))}
	for i, data := range batch {
		in.Records[i].Data = data
	}
	out, err := d.client.PutRecordBatch(ctx, in)
	switch {
	case err != nil:
		return fmt.Errorf("put %d records to %s: %w: %w", len(batch), d.names[stream], ErrNotDelivered, err)
	case out == nil || out.FailedPutCount == nil:
		return fmt.Errorf("put %d records to %s: %w: answer without a count", len(batch), d.names[stream], ErrNotDelivered)
	case *out.FailedPutCount != 0:
		return fmt.Errorf("put %d records to %s: %w: %d refused: %s",
			len(batch), d.names[stream], ErrNotDelivered, *out.FailedPutCount, firstFailure(out))
	}
	return nil
}

func firstFailure(out *firehose.PutRecordBatchOutput) string {
	for _, entry := range out.RequestResponses {
		if entry.ErrorCode != nil {
			return *entry.ErrorCode + " " + aws.ToString(entry.ErrorMessage)
		}
	}
	return "no reason given"
}
