package firehose_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsfirehose "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/cloud/firehose"
	"github.com/retailflow/stampede/reference/cloud/wire"
)

// bucket is an S3 that can fail, block and crash its caller.
type bucket struct {
	mu      sync.Mutex
	objects map[string]string
	puts    int
	fail    func(key string) error // before the object is stored
	after   func(key string) error // after it was
}

func (b *bucket) Put(ctx context.Context, name, key string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts++
	if b.fail != nil {
		if err := b.fail(key); err != nil {
			return err
		}
	}
	key = name + "/" + key
	if old, ok := b.objects[key]; ok && old != string(body) {
		panic("object " + key + " was put with another body")
	}
	b.objects[key] = string(body)
	if b.after != nil {
		return b.after(key)
	}
	return ctx.Err()
}

func (b *bucket) set(fail, after func(string) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail, b.after = fail, after
}

func (b *bucket) keys() (k []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.objects {
		k = append(k, key)
	}
	return k
}

// all is the bodies of all objects, one behind the other.
func (b *bucket) all() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	for _, body := range b.objects {
		s.WriteString(body)
	}
	return s.String()
}

// world is a service on a disk that forgets what was not synced.
type world struct {
	t       *testing.T
	options firehose.Options
	fs      *vfs.MemFS
	db      *pebble.DB
	bucket  *bucket
	service *firehose.Service
	server  *httptest.Server
	client  *awsfirehose.Client
}

func newWorld(t *testing.T, o firehose.Options) *world {
	t.Helper()
	before := goleak.IgnoreCurrent()
	w := &world{t: t, options: o, fs: vfs.NewCrashableMem(), bucket: &bucket{objects: map[string]string{}}}
	w.open()
	t.Cleanup(func() {
		w.close()
		goleak.VerifyNone(t, before)
	})
	return w
}

type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (w *world) open() {
	w.t.Helper()
	var err error
	w.db, err = pebble.Open("db", &pebble.Options{FS: w.fs, Logger: silent{}})
	require.NoError(w.t, err)
	w.options.DB, w.options.Objects = w.db, w.bucket
	w.service, err = firehose.Open(w.options)
	require.NoError(w.t, err)
	mux := wire.NewMux(wire.Credentials{"local": "local"}, nil, nil)
	mux.Handle("firehose", firehose.MaxBody, w.service)
	w.server = httptest.NewServer(mux)
	w.client = awsfirehose.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.server.URL), HTTPClient: w.server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	})
}

func (w *world) close() {
	require.NoError(w.t, w.service.Close())
	w.server.Close()
	require.NoError(w.t, w.db.Close())
}

// crash loses everything that was not synced, does what is given, and opens
// again.
func (w *world) crash(meanwhile ...func()) {
	w.t.Helper()
	kept := w.fs.CrashClone(vfs.CrashCloneCfg{})
	w.close()
	for _, do := range meanwhile {
		do()
	}
	w.fs = kept
	w.open()
}

func (w *world) create(name string, mib, seconds int32) {
	w.t.Helper()
	_, err := w.client.CreateDeliveryStream(context.Background(), &awsfirehose.CreateDeliveryStreamInput{
		DeliveryStreamName: &name,
		ExtendedS3DestinationConfiguration: &types.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::raw"), RoleARN: aws.String("arn:aws:iam::000000000000:role/r"), Prefix: aws.String(name + "/"),
			BufferingHints: &types.BufferingHints{SizeInMBs: &mib, IntervalInSeconds: &seconds},
		}})
	require.NoError(w.t, err)
}

func (w *world) put(stream string, data ...string) *awsfirehose.PutRecordBatchOutput {
	w.t.Helper()
	out, err := w.tryPut(stream, data...)
	require.NoError(w.t, err)
	return out
}

func (w *world) tryPut(stream string, data ...string) (*awsfirehose.PutRecordBatchOutput, error) {
	in := &awsfirehose.PutRecordBatchInput{DeliveryStreamName: &stream}
	for _, d := range data {
		in.Records = append(in.Records, types.Record{Data: []byte(d)})
	}
	return w.client.PutRecordBatch(context.Background(), in)
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, 30*time.Second, 2*time.Millisecond, what)
}

func (w *world) stats(name string) firehose.StreamStats {
	w.t.Helper()
	for _, st := range w.service.Stats().Streams {
		if st.Name == name {
			return st
		}
	}
	w.t.Fatalf("no stats of stream %s", name)
	return firehose.StreamStats{}
}

func TestRecordsAreDeliveredTogetherAfterTheInterval(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: 100 * time.Millisecond})
	w.create("s", 5, 60)
	out := w.put("s", "one\n", "two\n")
	require.Zero(t, *out.FailedPutCount)
	require.Len(t, out.RequestResponses, 2)
	require.NotEqual(t, *out.RequestResponses[0].RecordId, *out.RequestResponses[1].RecordId)
	one, err := w.client.PutRecord(context.Background(), &awsfirehose.PutRecordInput{
		DeliveryStreamName: aws.String("s"), Record: &types.Record{Data: []byte("three\n")}})
	require.NoError(t, err)
	require.NotEmpty(t, *one.RecordId)
	w.eventually("delivery", func() bool { return w.stats("s").DeliveredRecords == 3 })
	require.Equal(t, "one\ntwo\nthree\n", w.bucket.all())
	require.Regexp(t, `^raw/s/\d{4}/\d\d/\d\d/\d\d/s-1-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f]{16}$`, w.bucket.keys()[0])
	st := w.stats("s")
	require.EqualValues(t, 0, st.BufferedRecords)
	require.EqualValues(t, 14, st.DeliveredBytes)
	require.Equal(t, 0.1, st.HintSeconds)
	require.EqualValues(t, 5<<20, st.HintBytes)
}

func TestAFullBufferIsDeliveredAtOnce(t *testing.T) {
	w := newWorld(t, firehose.Options{})
	w.create("s", 1, 900)
	chunk := strings.Repeat("x", 500<<10)
	w.put("s", chunk, chunk) // 1,000 KiB: not full
	require.Never(t, func() bool { return w.stats("s").Objects > 0 }, 50*time.Millisecond, 10*time.Millisecond)
	w.put("s", chunk)
	w.eventually("delivery of the first object", func() bool { return w.stats("s").Objects == 1 })
	st := w.stats("s")
	require.EqualValues(t, 1000<<10, st.DeliveredBytes)
	require.EqualValues(t, 1, st.BufferedRecords)
	require.EqualValues(t, 500<<10, st.BufferedBytes)
}

func TestAcknowledgedRecordsSurviveACrash(t *testing.T) {
	w := newWorld(t, firehose.Options{})
	w.create("s", 5, 900)
	w.crash()
	w.put("s", "a")
	w.crash()
	w.put("s", "b", "c")
	w.crash()
	require.EqualValues(t, 3, w.stats("s").BufferedRecords)
	require.EqualValues(t, 3, w.stats("s").BufferedBytes)
	w.options.Interval = time.Millisecond // now they are overdue
	w.crash()
	w.eventually("delivery", func() bool { return w.stats("s").DeliveredRecords == 3 })
	require.Equal(t, "abc", w.bucket.all())
	w.crash()
	require.Zero(t, w.stats("s").BufferedRecords, "deleted durably")
}

func TestTheSameRecordsKeepTheirNameAcrossACrash(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: 20 * time.Millisecond})
	w.create("s", 5, 60)
	// The object arrives, but the answer does not: nobody knows that it is there.
	w.bucket.set(nil, func(string) error { return errors.New("answer lost") })
	w.put("s", "first")
	w.eventually("an attempt", func() bool { return w.stats("s").DeliveryFailures > 0 })
	w.options.Interval = time.Hour
	w.crash(func() { w.bucket.set(nil, nil) })
	w.eventually("the sealed object must not wait again", func() bool { return w.stats("s").DeliveredRecords == 1 })
	w.put("s", "second") // must not get into the first object
	w.options.Interval = time.Millisecond
	w.crash()
	w.eventually("delivery", func() bool { return w.stats("s").DeliveredRecords == 1 })
	require.Len(t, w.bucket.keys(), 2, "no second object with the first record")
	require.Len(t, w.bucket.all(), len("first")+len("second"))
}

func TestDeliveryIsRetriedUntilItSucceeds(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: 10 * time.Millisecond})
	w.create("s", 5, 60)
	n := 0
	w.bucket.set(func(string) error {
		if n++; n < 3 {
			return errors.New("slow down")
		}
		return nil
	}, nil)
	w.put("s", "x")
	w.eventually("a failure", func() bool { return w.stats("s").LastError != "" })
	require.EqualValues(t, 1, w.stats("s").BufferedRecords)
	w.eventually("delivery", func() bool { return w.stats("s").Objects == 1 })
	require.EqualValues(t, 2, w.stats("s").DeliveryFailures)
	require.Empty(t, w.stats("s").LastError)
}

func TestClosingWhileDeliveriesFail(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: time.Millisecond})
	w.create("s", 5, 60)
	w.bucket.set(func(string) error { return errors.New("down") }, nil)
	w.put("s", "x")
	w.eventually("a failure", func() bool { return w.stats("s").DeliveryFailures > 0 })
	require.NoError(t, w.service.Close())
	_, err := w.tryPut("s", "y")
	var unavailable *types.ServiceUnavailableException
	require.ErrorAs(t, err, &unavailable)
}

func TestTheQuotaFailsRecordsOneByOne(t *testing.T) {
	limits := firehose.AWSLimits()
	limits.BytesPerSecond = 1000
	limits.RecordBytes = 1000
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, firehose.Options{Limits: &limits, Now: func() time.Time { return now }, Interval: time.Hour})
	w.create("s", 5, 60)
	out := w.put("s", strings.Repeat("a", 800), strings.Repeat("b", 800), strings.Repeat("c", 100))
	require.EqualValues(t, 1, *out.FailedPutCount)
	require.Equal(t, "ServiceUnavailableException", *out.RequestResponses[1].ErrorCode)
	require.Nil(t, out.RequestResponses[1].RecordId)
	require.NotNil(t, out.RequestResponses[2].RecordId)
	_, err := w.tryPut("s", strings.Repeat("d", 999))
	var unavailable *types.ServiceUnavailableException
	require.ErrorAs(t, err, &unavailable, "nothing was admitted")
	require.EqualValues(t, 2, w.stats("s").BufferedRecords)
	require.EqualValues(t, 2, w.stats("s").ThrottledRecords)
	hits := w.service.Stats().LimitHits
	require.Len(t, hits, 1)
	require.Equal(t, "bytes per second", hits[0].Limit)
	require.Equal(t, "1000 bytes/s", hits[0].Allowed)
	require.EqualValues(t, 2, hits[0].Count)
}

func TestCallsThatAreTooLargeAreRefused(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: time.Hour})
	w.create("s", 5, 60)
	refused := func(err error) {
		t.Helper()
		var invalid *types.InvalidArgumentException
		require.ErrorAs(t, err, &invalid)
	}
	records := make([]string, 501)
	for i := range records {
		records[i] = "x"
	}
	_, err := w.tryPut("s", records...)
	refused(err)
	w.put("s", records[:500]...)
	whole := strings.Repeat("x", 1000<<10)
	_, err = w.tryPut("s", whole+"x")
	refused(err)
	_, err = w.tryPut("s", whole, whole, whole, whole, whole)
	refused(err)
	w.put("s", whole, whole, whole, whole)
	_, err = w.tryPut("none", "x")
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)
	require.EqualValues(t, 504, w.stats("s").BufferedRecords)
}

func TestStreamsAreManaged(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: time.Hour})
	ctx := context.Background()
	for _, name := range []string{"c", "a", "b"} {
		w.create(name, 3, 120)
	}
	_, err := w.client.CreateDeliveryStream(ctx, &awsfirehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("a"),
		S3DestinationConfiguration: &types.S3DestinationConfiguration{BucketARN: aws.String("arn:aws:s3:::raw"), RoleARN: aws.String("r")}})
	var inUse *types.ResourceInUseException
	require.ErrorAs(t, err, &inUse)
	_, err = w.client.CreateDeliveryStream(ctx, &awsfirehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("d"),
		S3DestinationConfiguration: &types.S3DestinationConfiguration{BucketARN: aws.String("raw"), RoleARN: aws.String("r"),
			BufferingHints: &types.BufferingHints{SizeInMBs: aws.Int32(129), IntervalInSeconds: aws.Int32(901)}}})
	require.ErrorContains(t, err, "BucketARN")
	require.ErrorContains(t, err, "SizeInMBs must be 1 to 128; IntervalInSeconds", "all faults at once")

	d, err := w.client.DescribeDeliveryStream(ctx, &awsfirehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("a")})
	require.NoError(t, err)
	require.Equal(t, types.DeliveryStreamStatusActive, d.DeliveryStreamDescription.DeliveryStreamStatus)
	s3 := d.DeliveryStreamDescription.Destinations[0].ExtendedS3DestinationDescription
	require.EqualValues(t, 3, *s3.BufferingHints.SizeInMBs)
	require.EqualValues(t, 120, *s3.BufferingHints.IntervalInSeconds)
	require.Equal(t, "a/", *s3.Prefix)
	require.WithinDuration(t, time.Now(), *d.DeliveryStreamDescription.CreateTimestamp, time.Minute)

	w.put("b", "lost")
	_, err = w.client.DeleteDeliveryStream(ctx, &awsfirehose.DeleteDeliveryStreamInput{DeliveryStreamName: aws.String("b")})
	require.NoError(t, err)
	w.crash()
	list, err := w.client.ListDeliveryStreams(ctx, &awsfirehose.ListDeliveryStreamsInput{Limit: aws.Int32(1)})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, list.DeliveryStreamNames)
	require.True(t, *list.HasMoreDeliveryStreams)
	list, err = w.client.ListDeliveryStreams(ctx, &awsfirehose.ListDeliveryStreamsInput{ExclusiveStartDeliveryStreamName: aws.String("a")})
	require.NoError(t, err)
	require.Equal(t, []string{"c"}, list.DeliveryStreamNames)
	require.False(t, *list.HasMoreDeliveryStreams)
	w.create("b", 1, 60)
	require.Zero(t, w.stats("b").BufferedRecords)
}

// Many producers while deliveries fail now and then and the disk is lost once:
// every acknowledged record is delivered, and none twice.
func TestConcurrentProducersLoseNothing(t *testing.T) {
	w := newWorld(t, firehose.Options{Interval: 5 * time.Millisecond})
	w.create("s", 1, 60)
	n := 0
	w.bucket.set(func(string) error {
		if n++; n%5 == 0 {
			return errors.New("now and then")
		}
		return nil
	}, nil)
	var mu sync.Mutex
	acked := map[string]bool{}
	produce := func(round string) {
		var wg sync.WaitGroup
		for p := range 6 {
			wg.Go(func() {
				for i := range 20 {
					var data []string
					for j := range 3 {
						data = append(data, fmt.Sprintf("%s-%d-%d-%d\n", round, p, i, j))
					}
					if _, err := w.tryPut("s", data...); err == nil {
						mu.Lock()
						for _, d := range data {
							acked[strings.TrimSpace(d)] = true
						}
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
	}
	produce("one")
	w.crash()
	produce("two")
	w.eventually("delivery", func() bool { return w.stats("s").BufferedRecords == 0 })
	seen := map[string]int{}
	for _, line := range bytes.Fields([]byte(w.bucket.all())) {
		seen[string(line)]++
	}
	require.Len(t, acked, 2*6*20*3)
	for id := range acked {
		require.Equal(t, 1, seen[id], id)
	}
}

func BenchmarkPutRecordBatch(b *testing.B) {
	for _, size := range []int{2_400, 12_000} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: silent{}})
			require.NoError(b, err)
			limits := firehose.NoLimits()
			s, err := firehose.Open(firehose.Options{DB: db, Objects: &bucket{objects: map[string]string{}}, Limits: &limits, Interval: time.Hour})
			require.NoError(b, err)
			defer func() { require.NoError(b, errors.Join(s.Close(), db.Close())) }()
			call := func(action, body string) {
				rec := httptest.NewRecorder()
				s.ServeAWS(rec, &wire.Request{Service: "firehose", Action: action, Body: []byte(body), Now: time.Now(),
					HTTP: httptest.NewRequest("POST", "/", nil)})
				if rec.Code != 200 {
					b.Fatal(rec.Body.String())
				}
			}
			call("CreateDeliveryStream", `{"DeliveryStreamName":"s","S3DestinationConfiguration":{"BucketARN":"arn:aws:s3:::raw"}}`)
			body := `{"DeliveryStreamName":"s","Records":[{"Data":"` + strings.Repeat("YWJj", size/3) + `"}]}`
			b.SetBytes(int64(size))
			b.SetParallelism(32) // callers that share a disk write
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					call("PutRecordBatch", body)
				}
			})
		})
	}
}

// TestHintsAreChanged: what is buffered goes by the new hints, and a crash does not bring back
// the old ones.
func TestHintsAreChanged(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, firehose.Options{})
	w.create("a", 5, 900)
	w.put("a", "x")
	version := func() (string, *types.BufferingHints) {
		d, err := w.client.DescribeDeliveryStream(ctx, &awsfirehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("a")})
		require.NoError(t, err)
		s := d.DeliveryStreamDescription
		return *s.VersionId, s.Destinations[0].ExtendedS3DestinationDescription.BufferingHints
	}
	update := func(version string, change *types.ExtendedS3DestinationUpdate) error {
		_, err := w.client.UpdateDestination(ctx, &awsfirehose.UpdateDestinationInput{DeliveryStreamName: aws.String("a"),
			CurrentDeliveryStreamVersionId: &version, DestinationId: aws.String("destinationId-000000000001"), ExtendedS3DestinationUpdate: change})
		return err
	}
	soon := &types.ExtendedS3DestinationUpdate{BufferingHints: &types.BufferingHints{SizeInMBs: aws.Int32(1), IntervalInSeconds: aws.Int32(0)}}
	first, _ := version()
	var conflict *types.ConcurrentModificationException
	require.ErrorAs(t, update("7", soon), &conflict)
	var invalid *types.InvalidArgumentException
	require.ErrorAs(t, update(first, &types.ExtendedS3DestinationUpdate{Prefix: aws.String("elsewhere/")}), &invalid)
	require.ErrorAs(t, update(first, &types.ExtendedS3DestinationUpdate{BufferingHints: &types.BufferingHints{SizeInMBs: aws.Int32(0), IntervalInSeconds: aws.Int32(0)}}), &invalid)
	require.Empty(t, w.bucket.keys())
	require.NoError(t, update(first, soon))
	w.eventually("delivery by the new interval", func() bool { return w.bucket.all() == "x" })
	require.ErrorAs(t, update(first, soon), &conflict, "its version is gone")
	w.crash()
	second, hints := version()
	require.NotEqual(t, first, second)
	require.Zero(t, *hints.IntervalInSeconds)
	require.EqualValues(t, 1, *hints.SizeInMBs)
	require.EqualValues(t, 1<<20, w.stats("a").HintBytes)
}
