package s3

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"github.com/versity/versitygw/s3response"
)

// forgetful is a disk that knows what was synced, so that losePower can take away the rest.
type forgetful struct {
	mu      sync.Mutex
	files   map[string]os.FileInfo // contents that are durable
	entries map[string]bool        // names that are durable in their folder
	deaf    string                 // "file" or "dir": syncs that do nothing, for the counter-proof
}

func newForgetful() *forgetful {
	return &forgetful{files: map[string]os.FileInfo{}, entries: map[string]bool{}}
}

func (d *forgetful) SyncFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deaf != "file" {
		d.files[path] = info
	}
	return nil
}

func (d *forgetful) SyncDir(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deaf == "dir" {
		return nil
	}
	for _, e := range entries {
		d.entries[filepath.Join(path, e.Name())] = true
	}
	return nil
}

// losePower removes from root what was never made durable.
func (d *forgetful) losePower(t *testing.T, root string) {
	t.Helper()
	var lost []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		synced := d.files[path]
		if !d.entries[path] || !e.IsDir() && (synced == nil || !os.SameFile(synced, info)) {
			lost = append(lost, path)
			if e.IsDir() {
				return fs.SkipDir
			}
		}
		return nil
	})
	require.NoError(t, err)
	for _, path := range lost {
		require.NoError(t, os.RemoveAll(path))
	}
}

var errPowerLost = errors.New("power lost")

// crashAt makes one put that ends after a step, loses power, opens again and says whether the
// object is there and whether it is announced.
func crashAt(t *testing.T, step, deaf string) (answered, present, announced bool) {
	t.Helper()
	dir, disk := t.TempDir(), newForgetful()
	mem := vfs.NewCrashableMem()
	db := openDB(t, mem)
	never := newSink(1 << 30)
	first, err := Open(Options{Dir: dir, DB: db, Events: never, disk: disk})
	require.NoError(t, err)
	require.NoError(t, first.EnsureBucket(t.Context(), "raw"))
	disk.deaf = deaf
	first.store.step = func(name string) error {
		if name == step {
			return errPowerLost
		}
		return nil
	}
	err = first.Put(t.Context(), "raw", "products/2026/11/object", []byte("events"))
	answered = err == nil
	if !answered {
		require.ErrorIs(t, err, errPowerLost)
	}
	after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0, RNG: rand.New(rand.NewPCG(1, 1))})
	require.NoError(t, first.Close())
	require.NoError(t, db.Close())
	disk.losePower(t, filepath.Join(dir, "objects"))

	events := newSink(0)
	db = openDB(t, after)
	second, err := Open(Options{Dir: dir, DB: db, Events: events, disk: disk})
	require.NoError(t, err)
	_, err = second.store.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("raw"), Key: aws.String("products/2026/11/object")})
	present = err == nil
	if present {
		announced = events.await(t).Key == "products/2026/11/object"
	}
	require.NoError(t, second.Close())
	require.NoError(t, db.Close())
	if !present {
		require.Empty(t, events.seen, "an object that is not there is not announced")
	}
	return answered, present, announced
}

func TestPowerLossBetweenStepsLosesNothingAnswered(t *testing.T) {
	for _, c := range []struct {
		step              string
		answered, present bool
	}{
		{"intended", false, false},
		{"written", false, false}, // was only in memory
		{"synced", false, true},
		{"announced", false, true},
		{"none", true, true},
	} {
		t.Run(c.step, func(t *testing.T) {
			answered, present, announced := crashAt(t, c.step, "")
			require.Equal(t, c.answered, answered)
			require.Equal(t, c.present, present)
			require.Equal(t, c.present, announced)
		})
	}
}

func TestTheCrashTestSeesAMissingSync(t *testing.T) {
	for _, deaf := range []string{"file", "dir"} {
		answered, present, _ := crashAt(t, "none", deaf)
		require.True(t, answered)
		require.False(t, present, "without the %s sync the object must be lost", deaf)
	}
}

func TestEveryWritingCallIsDurable(t *testing.T) {
	dir, disk := t.TempDir(), newForgetful()
	db := openDB(t, vfs.NewMem())
	defer func() { require.NoError(t, db.Close()) }()
	service, err := Open(Options{Dir: dir, DB: db, disk: disk})
	require.NoError(t, err)
	ctx, bucket := t.Context(), aws.String("raw")
	require.NoError(t, service.EnsureBucket(ctx, *bucket))
	require.NoError(t, service.Put(ctx, *bucket, "a/source", []byte("events")))
	_, err = service.store.CopyObject(ctx, s3response.CopyObjectInput{Bucket: bucket, Key: aws.String("b/copy"), CopySource: aws.String("raw/a/source"), ExpectedBucketOwner: aws.String("")})
	require.NoError(t, err)
	up, err := service.store.CreateMultipartUpload(ctx, s3response.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("c/joined")})
	require.NoError(t, err)
	_, err = service.store.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: aws.String("c/joined"), UploadId: &up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("events"), ContentLength: aws.Int64(6)})
	require.NoError(t, err)
	require.NoError(t, service.Close())
	disk.losePower(t, filepath.Join(dir, "objects"))

	service, err = Open(Options{Dir: dir, DB: db, disk: disk})
	require.NoError(t, err)
	parts, err := service.store.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: aws.String("c/joined"), UploadId: &up.UploadId, MaxParts: aws.Int32(10), PartNumberMarker: aws.String("0")})
	require.NoError(t, err, "the upload outlives a loss of power")
	require.Len(t, parts.Parts, 1)
	for _, key := range []string{"a/source", "b/copy"} {
		_, err = service.store.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: &key})
		require.NoError(t, err, key)
	}
	require.NoError(t, service.Close())
}

func TestDeletionDoesNotLoseTheEventOfTheCreation(t *testing.T) {
	dir := t.TempDir()
	mem := vfs.NewCrashableMem()
	db := openDB(t, mem)
	first, err := Open(Options{Dir: dir, DB: db, Events: newSink(1 << 30)})
	require.NoError(t, err)
	require.NoError(t, first.EnsureBucket(t.Context(), "raw"))
	require.NoError(t, first.Put(t.Context(), "raw", "k", []byte("events")))
	_, err = first.store.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("raw"), Key: aws.String("k")})
	require.NoError(t, err)
	after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 0, RNG: rand.New(rand.NewPCG(1, 1))})
	require.NoError(t, first.Close())
	require.NoError(t, db.Close())
	events := newSink(0)
	db = openDB(t, after)
	second, err := Open(Options{Dir: dir, DB: db, Events: events})
	require.NoError(t, err)
	require.Equal(t, "k", events.await(t).Key)
	require.NoError(t, second.Close())
	require.NoError(t, db.Close())
}

func TestUndeliveredEventsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, vfs.NewMem())
	defer func() { require.NoError(t, db.Close()) }()
	first, err := Open(Options{Dir: dir, DB: db, Events: newSink(1 << 30)})
	require.NoError(t, err)
	require.NoError(t, first.EnsureBucket(t.Context(), "raw"))
	for _, key := range []string{"1", "2", "3"} {
		require.NoError(t, first.Put(t.Context(), "raw", key, []byte(key)))
	}
	require.NoError(t, first.Close())
	events := newSink(0)
	second, err := Open(Options{Dir: dir, DB: db, Events: events})
	require.NoError(t, err)
	keys := map[string]bool{}
	for range 3 {
		keys[events.await(t).Key] = true
	}
	require.Len(t, keys, 3)
	require.NoError(t, second.Close())
	third, err := Open(Options{Dir: dir, DB: db, Events: events})
	require.NoError(t, err)
	require.NoError(t, third.Close())
	require.Len(t, events.seen, 3, "a delivered event does not come again")
}

func TestOutboxWaitsLongerAfterEachRefusal(t *testing.T) {
	require.Equal(t, 20*time.Millisecond, pause(1))
	require.Equal(t, 40*time.Millisecond, pause(2))
	require.Equal(t, 5*time.Second, pause(100))
	at := time.Unix(1_800_000_000, 0)
	db := openDB(t, vfs.NewMem())
	defer func() { require.NoError(t, db.Close()) }()
	o := newOutbox(db, func() time.Time { return at }, nil, nil)
	o.enqueue(event{id: 1, notFor: at.Add(40 * time.Millisecond)})
	_, wait, ok := o.next(at)
	require.False(t, ok)
	require.Equal(t, 40*time.Millisecond, wait)
	o.enqueue(event{id: 2})
	e, _, ok := o.next(at)
	require.True(t, ok, "a later event does not wait for a refused one")
	require.EqualValues(t, 2, e.id)
	_, _, ok = o.next(at.Add(40 * time.Millisecond))
	require.True(t, ok)
}

var _ Events = (*sink)(nil)
