package processing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// ErrTooOld is wrapped when events are older than [store.RecomputeDays]: some of their minute's
// blocks may be gone, and a recompute would overwrite a full roll-up with little.
var ErrTooOld = errors.New("older than the retention of raw events allows to recompute")

// Objects is what the handlers need of *s3.Client.
type Objects interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

var _ Objects = (*s3.Client)(nil)

// ProcessOptions are what [NewProcess] needs. DB, Objects and Tables must be set.
type ProcessOptions struct {
	DB      DynamoDB
	Objects Objects
	Tables  Tables
	Version string // executed version of this function, recorded in every block

	Parallel int                                        // calls to DynamoDB at once; 0 means 8
	Shards   func(tenant string, hour time.Time) int    // partitions for the blocks of a tenant's hour that has no count yet; nil means 1, good for 1,000 KB/s
	Now      func() time.Time                           // nil means time.Now
	Wait     func(context.Context, time.Duration) error // between retries; nil waits on a timer
	Log      *slog.Logger                               // nil discards
}

// EnsureDefaults fills in what is zero.
func (o *ProcessOptions) EnsureDefaults() {
	if o.Parallel == 0 {
		o.Parallel = 8
	}
	if o.Shards == nil {
		o.Shards = func(string, time.Time) int { return 1 }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = pause
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Process is the handler of process-products, process-orders and process-customers, which
// differ only in the queue that feeds them.
type Process struct {
	o      ProcessOptions
	db     database
	shards shardCounts
}

// NewProcess makes the handler. It may serve calls at once.
func NewProcess(o ProcessOptions) *Process {
	o.EnsureDefaults()
	p := &Process{o: o, db: newDatabase(o.DB, o.Parallel, o.Wait)}
	p.shards.db, p.shards.table, p.shards.decide = &p.db, o.Tables.Analytics, o.Shards
	return p
}

// Handle processes the objects that the messages of one SQS batch name, one after another. Those
// that fail go back to the queue, and no other with them: a poisoned one must not take its
// neighbours along to the dead-letter queue. If all fail, the error says why.
func (p *Process) Handle(ctx context.Context, batch events.SQSEvent) (out events.SQSEventResponse, err error) {
	var faults []error
	for _, message := range batch.Records {
		if err := p.message(ctx, message.Body); err != nil {
			err = fmt.Errorf("message %s: %w", message.MessageId, err)
			p.o.Log.LogAttrs(ctx, slog.LevelError, "object not processed", slog.Any("error", err))
			faults = append(faults, err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	if len(faults) == len(batch.Records) {
		return events.SQSEventResponse{}, errors.Join(faults...)
	}
	return out, nil
}

func (p *Process) message(ctx context.Context, body string) error {
	bucket, key, err := objectOf(body)
	if err != nil {
		return err
	}
	if err := p.Object(ctx, bucket, key); err != nil {
		return fmt.Errorf("object %s/%s: %w", bucket, key, err)
	}
	return nil
}

// objectOf reads an EventBridge event "Object Created"
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).
func objectOf(body string) (bucket, key string, err error) {
	var event struct {
		DetailType string `json:"detail-type"`
		Detail     struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"detail"`
	}
	if err := json.Unmarshal([]byte(body), &event); err != nil {
		return "", "", fmt.Errorf("event: %w", err)
	}
	bucket, key = event.Detail.Bucket.Name, event.Detail.Object.Key
	if event.DetailType != "Object Created" || bucket == "" || key == "" {
		return "", "", fmt.Errorf("event of type %q for object %q in bucket %q: want an Object Created with both", event.DetailType, key, bucket)
	}
	return bucket, key, nil
}

// Object processes one object: its blocks, all of them, and then its markers. An error leaves
// nothing to be undone.
func (p *Process) Object(ctx context.Context, bucket, key string) error {
	began := p.o.Now()
	body, err := p.read(ctx, bucket, key)
	if err != nil {
		return err
	}
	object, err := codec.SplitObject(body)
	if err != nil {
		return err
	}
	if err := p.young(object, began); err != nil {
		return err
	}
	counts, err := p.counts(ctx, object)
	if err != nil {
		return err
	}
	w, err := prepare(codec.ObjectIDOf(bucket, key), object, counts, p.o.Version)
	if err != nil {
		return err
	}
	if err := p.db.put(ctx, p.o.Tables.Analytics, w.blocks); err != nil {
		return fmt.Errorf("blocks: %w", err)
	}
	// From here on the blocks may be counted; before, a marker would name what is not there.
	if err := p.db.put(ctx, p.o.Tables.Analytics, w.markers); err != nil {
		return fmt.Errorf("markers: %w", err)
	}
	p.o.Log.LogAttrs(ctx, slog.LevelInfo, "object processed",
		slog.String("bucket", bucket), slog.String("key", key), slog.Int("bytes", len(body)),
		slog.Int("events", object.Events), slog.Int("blocks", len(w.blocks)), slog.Int("markers", len(w.markers)),
		slog.Int64("took_ms", p.o.Now().Sub(began).Milliseconds()),
		slog.Int("requests", len(object.Correlations)), slog.Any("correlation_ids", sample(object.Correlations)))
	follow(ctx, p.o.Log, "object requests", object.Correlations, slog.String("bucket", bucket), slog.String("key", key))
	return nil
}

func (p *Process) read(ctx context.Context, bucket, key string) ([]byte, error) {
	out, err := p.o.Objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	defer out.Body.Close()
	var buffer bytes.Buffer
	if n := aws.ToInt64(out.ContentLength); n > 0 {
		buffer.Grow(int(min(n, 64<<20)) + bytes.MinRead)
	}
	if _, err := io.Copy(&buffer, out.Body); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if n := out.ContentLength; n != nil && *n != int64(buffer.Len()) {
		return nil, fmt.Errorf("read %d of %d bytes: %w", buffer.Len(), *n, io.ErrUnexpectedEOF)
	}
	return buffer.Bytes(), nil
}

func (p *Process) young(object codec.Object, now time.Time) error {
	oldest := now.AddDate(0, 0, -store.RecomputeDays).Unix() / 60
	for _, part := range object.Parts {
		if part.Minute < oldest {
			return fmt.Errorf("events of %s for tenant %s: %w", minuteOf(part.Minute).Format(time.RFC3339), part.Tenant, ErrTooOld)
		}
	}
	return nil
}

func minuteOf(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }

func hourOf(part codec.TenantMinute) tenantHour {
	return tenantHour{part.Tenant, minuteOf(part.Minute).Truncate(time.Hour)}
}

// counts reads the shard counts of the object's tenants and hours, and makes sure that the next
// hour has one well before it starts, each tenant at its own minute.
func (p *Process) counts(ctx context.Context, object codec.Object) (map[tenantHour]int, error) {
	var need []tenantHour
	for _, part := range object.Parts {
		th := hourOf(part)
		need = append(need, th)
		ahead := 30 + 3*store.MarkerShard(part.Tenant)
		if minuteOf(part.Minute).Minute() >= ahead {
			need = append(need, tenantHour{th.tenant, th.hour.Add(time.Hour)})
		}
	}
	return p.shards.of(ctx, need)
}

// writes are the items that one object becomes.
type writes struct{ blocks, markers []item }

// prepare is pure: equal objects and counts give equal items.
func prepare(id codec.ObjectID, object codec.Object, counts map[tenantHour]int, version string) (writes, error) {
	type place struct {
		shard  int
		minute int64
	}
	var w writes
	entries := map[place][]codec.MarkerEntry{}
	var places []place
	for _, part := range object.Parts {
		chunks, err := codec.Pack(part)
		if err != nil {
			return writes{}, fmt.Errorf("tenant %s: %w", part.Tenant, err)
		}
		minute := minuteOf(part.Minute)
		e := codec.MarkerEntry{Tenant: part.Tenant, Codec: codec.BlockCodec, Shard: store.BlockShard(id, counts[hourOf(part)])}
		for i, chunk := range chunks {
			ref := codec.BlockRef{Object: id, Codec: e.Codec, Shard: e.Shard, Chunk: i}
			w.blocks = append(w.blocks, store.BlockItem(part.Tenant, minute, ref, chunk, version))
			e.Chunks = append(e.Chunks, codec.Digest(chunk))
		}
		at := place{store.MarkerShard(part.Tenant), part.Minute}
		if entries[at] == nil {
			places = append(places, at)
		}
		entries[at] = append(entries[at], e)
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.minute != b.minute {
			return int(a.minute - b.minute)
		}
		return a.shard - b.shard
	})
	for _, at := range places {
		w.markers = append(w.markers, store.MinuteMarkerItem(at.shard, minuteOf(at.minute), id, entries[at]))
	}
	return w, nil
}
