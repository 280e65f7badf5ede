package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain also looks for leaks. fasthttp, inside the gateway, keeps two process-wide helpers.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/gofiber/utils/v2.StartTimeStampUpdater.func1"),
		goleak.IgnoreAnyFunction("github.com/gofiber/utils/v2.StartTimeStampUpdater.func1.1"),
	)
}

type created struct {
	Bucket, Key, ETag string
	Size              int64
}

// sink records announcements; it refuses the first `refuse` of them.
type sink struct {
	mu     sync.Mutex
	refuse int
	seen   []created
	came   chan created
}

func newSink(refuse int) *sink { return &sink{refuse: refuse, came: make(chan created, 1024)} }

func (s *sink) ObjectCreated(_ context.Context, bucket, key string, size int64, etag string, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return errors.New("not now")
	}
	c := created{Bucket: bucket, Key: key, ETag: etag, Size: size}
	s.seen = append(s.seen, c)
	s.came <- c
	return nil
}

func (s *sink) await(t *testing.T) created {
	t.Helper()
	select {
	case c := <-s.came:
		return c
	case <-time.After(time.Minute):
		t.Fatal("no event within a minute")
		return created{}
	}
}

func openDB(t *testing.T, fs vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: fs, Logger: quiet{}})
	require.NoError(t, err)
	return db
}

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// start opens a Service in dir and a server before it; both end with the test.
func start(t testing.TB, o Options) (*Service, *s3.Client) {
	t.Helper()
	if o.DB == nil {
		db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		o.DB = db
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	service, err := Open(o)
	require.NoError(t, err)
	server := httptest.NewServer(service)
	client, idle := dial(server.URL, "local", "local")
	t.Cleanup(func() {
		idle()
		server.Close()
		require.NoError(t, service.Close())
	})
	return service, client
}

func dial(url, key, secret string) (*s3.Client, func()) {
	transport := &http.Transport{}
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), RetryMaxAttempts: 1,
	}), transport.CloseIdleConnections
}

func TestObjectsByTheSDK(t *testing.T) {
	_, c := start(t, Options{})
	ctx := t.Context()
	bucket := aws.String("stampede-raw")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	require.NoError(t, err)
	_, err = c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	require.NoError(t, err, "one's own bucket again, in us-east-1")

	body := bytes.Repeat([]byte("0123456789"), 1000)
	for _, key := range []string{"products/2026/11/27/08/f-1", "with space+plus%2F/ü/日本", "top"} {
		put, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(body), Metadata: map[string]string{"release": "v7"}})
		require.NoError(t, err, key)
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key})
		require.NoError(t, err, key)
		read, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		require.Equal(t, body, read, key)
		head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: &key})
		require.NoError(t, err, key)
		require.EqualValues(t, len(body), *head.ContentLength)
		require.Equal(t, *put.ETag, *head.ETag)
		require.Equal(t, "v7", head.Metadata["release"])
	}

	part, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("top"), Range: aws.String("bytes=5-14")})
	require.NoError(t, err)
	read, err := io.ReadAll(part.Body)
	require.NoError(t, err)
	require.NoError(t, part.Body.Close())
	require.Equal(t, "5678901234", string(read))
	require.Equal(t, "bytes 5-14/10000", *part.ContentRange)

	list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("products/")})
	require.NoError(t, err)
	require.Len(t, list.Contents, 1)
	require.Equal(t, "products/2026/11/27/08/f-1", *list.Contents[0].Key)

	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("top")})
	require.NoError(t, err)
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("top")})
	var gone *types.NoSuchKey
	require.ErrorAs(t, err, &gone)

	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("once"), Body: strings.NewReader("1"), IfNoneMatch: aws.String("*")})
	require.NoError(t, err)
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("once"), Body: strings.NewReader("2"), IfNoneMatch: aws.String("*")})
	var refused smithy.APIError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "PreconditionFailed", refused.ErrorCode())
}

func TestPresignedGet(t *testing.T) {
	service, c := start(t, Options{})
	require.NoError(t, service.EnsureBucket(t.Context(), "stampede-raw"))
	require.NoError(t, service.Put(t.Context(), "stampede-raw", "report.csv", []byte("a,b")))
	signed, err := s3.NewPresignClient(c).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("stampede-raw"), Key: aws.String("report.csv")}, s3.WithPresignExpires(time.Minute))
	require.NoError(t, err)
	fetch := func(url string) (int, string) {
		r, err := http.Get(url)
		require.NoError(t, err)
		defer http.DefaultClient.CloseIdleConnections()
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		return r.StatusCode, string(body)
	}
	status, body := fetch(signed.URL)
	require.Equal(t, 200, status)
	require.Equal(t, "a,b", body)
	status, body = fetch(strings.Replace(signed.URL, "report.csv", "other.csv", 1))
	require.Equal(t, 403, status, body)
	require.Contains(t, body, "SignatureDoesNotMatch")
}

func TestSeveralAccessKeysShareTheAccount(t *testing.T) {
	service, err := Open(Options{Dir: t.TempDir(), DB: memoryDB(t), Credentials: map[string]string{"local": "local", "second": "other"}})
	require.NoError(t, err)
	server := httptest.NewServer(service)
	t.Cleanup(func() { server.Close(); require.NoError(t, service.Close()) })
	first, idle1 := dial(server.URL, "local", "local")
	second, idle2 := dial(server.URL, "second", "other")
	wrong, idle3 := dial(server.URL, "second", "guessed")
	stranger, idle4 := dial(server.URL, owner, "guessed")
	defer func() { idle1(); idle2(); idle3(); idle4() }()
	in := &s3.PutObjectInput{Bucket: aws.String("shared"), Key: aws.String("k"), Body: strings.NewReader("v")}
	_, err = first.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: in.Bucket})
	require.NoError(t, err)
	_, err = second.PutObject(t.Context(), in)
	require.NoError(t, err)
	for _, c := range []*s3.Client{wrong, stranger} {
		_, err = c.PutObject(t.Context(), in)
		var refused smithy.APIError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "SignatureDoesNotMatch", refused.ErrorCode())
	}
}

func TestMultipartAndCopyAreAnnounced(t *testing.T) {
	events := newSink(2) // the first is refused twice
	service, c := start(t, Options{Events: events})
	ctx := t.Context()
	bucket, key := aws.String("stampede-raw"), aws.String("big/object")
	require.NoError(t, service.EnsureBucket(ctx, *bucket))
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	require.NoError(t, err)
	chunk := bytes.Repeat([]byte("x"), 5<<20)
	var parts []types.CompletedPart
	for n := int32(1); n <= 2; n++ {
		part, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: &n, Body: bytes.NewReader(chunk)})
		require.NoError(t, err)
		parts = append(parts, types.CompletedPart{ETag: part.ETag, PartNumber: aws.Int32(n)})
	}
	done, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	require.NoError(t, err)
	require.Equal(t, created{Bucket: *bucket, Key: *key, ETag: strings.Trim(*done.ETag, `"`), Size: 10 << 20}, events.await(t))
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("stampede-raw/big/object")})
	require.NoError(t, err)
	require.Equal(t, "copy", events.await(t).Key)
	require.EqualValues(t, 2, service.Stats().EventsRetried)
}

func TestFailedPutIsNotAnnounced(t *testing.T) {
	events := newSink(0)
	service, c := start(t, Options{Events: events})
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("nowhere"), Key: aws.String("k"), Body: strings.NewReader("v")})
	var gone smithy.APIError
	require.ErrorAs(t, err, &gone)
	require.Equal(t, "NoSuchBucket", gone.ErrorCode())
	require.Error(t, service.Put(t.Context(), "nowhere", "k", nil))
	require.NoError(t, service.EnsureBucket(t.Context(), "here"))
	require.NoError(t, service.Put(t.Context(), "here", "k", []byte("v")))
	require.Equal(t, "k", events.await(t).Key)
	require.Equal(t, "here", events.seen[0].Bucket, "the only event")
}

func TestSlowDownAboveThePrefixRate(t *testing.T) {
	at := time.Now()
	service, c := start(t, Options{Limits: &Limits{PutPerPrefix: 2}, Now: func() time.Time { return at }})
	require.NoError(t, service.EnsureBucket(t.Context(), "bucket"))
	put := func(key string) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key, Body: strings.NewReader("v")})
		return err
	}
	require.NoError(t, put("p/1"))
	require.NoError(t, put("p/2"))
	var slow smithy.APIError
	require.ErrorAs(t, put("p/3"), &slow)
	require.Equal(t, "SlowDown", slow.ErrorCode())
	require.NoError(t, put("q/1"), "another prefix has its own rate")
	hits := service.Stats().LimitHits
	require.Len(t, hits, 1)
	require.Equal(t, "bucket/p", hits[0].Resource)
	require.Equal(t, "2 requests/s", hits[0].Allowed)
}

func TestOneServiceAProcessAndTheWorkingFolderComesBack(t *testing.T) {
	before, err := os.Getwd()
	require.NoError(t, err)
	first, err := Open(Options{Dir: t.TempDir(), DB: memoryDB(t)})
	require.NoError(t, err)
	_, err = Open(Options{Dir: t.TempDir(), DB: memoryDB(t)})
	require.ErrorContains(t, err, "only one instance")
	require.NoError(t, first.Close())
	after, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, before, after)
	_, err = Open(Options{Dir: "relative"})
	require.ErrorContains(t, err, "not an absolute path")
	require.ErrorContains(t, err, "no database")
}

func memoryDB(t testing.TB) *pebble.DB {
	db, err := pebble.Open("db", &pebble.Options{FS: vfs.NewMem(), Logger: quiet{}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func BenchmarkPut(b *testing.B) {
	service, c := start(b, Options{Limits: &Limits{}})
	require.NoError(b, service.EnsureBucket(b.Context(), "bench"))
	body := bytes.Repeat([]byte("e"), 100<<10)
	b.Run("way=wire", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			_, err := c.PutObject(b.Context(), &s3.PutObjectInput{Bucket: aws.String("bench"), Key: aws.String(fmt.Sprintf("products/2026/11/27/08/%d", n)), Body: bytes.NewReader(body)})
			require.NoError(b, err)
		}
	})
	b.Run("way=process", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			require.NoError(b, service.Put(b.Context(), "bench", fmt.Sprintf("orders/2026/11/27/08/%d", n), body))
		}
	})
	b.Run("way=get", func(b *testing.B) {
		for b.Loop() {
			got, err := c.GetObject(b.Context(), &s3.GetObjectInput{Bucket: aws.String("bench"), Key: aws.String("products/2026/11/27/08/1")})
			require.NoError(b, err)
			_, err = io.Copy(io.Discard, got.Body)
			require.NoError(b, err)
			require.NoError(b, got.Body.Close())
		}
	})
}
