package proof

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// tmpfs is a small file system in memory. It needs the right to mount; without, the test is
// skipped, unless STAMPEDE_REQUIRE, a list with commas, names tmpfs.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if slices.Contains(strings.Split(os.Getenv("STAMPEDE_REQUIRE"), ","), "tmpfs") {
			t.Fatalf("mount a tmpfs: %v, and STAMPEDE_REQUIRE names it", err)
		}
		t.Skipf("skipped: mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// fill writes a file until nothing more fits, but for what is left free.
func fill(t *testing.T, dir string, free uint64) (path string) {
	t.Helper()
	path = filepath.Join(dir, "other-peoples-data")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	for block := make([]byte, 4096); ; {
		var usage unix.Statfs_t
		require.NoError(t, unix.Statfs(dir, &usage))
		if usage.Bavail*uint64(usage.Bsize) <= free {
			return path
		}
		if _, err := file.Write(block); errors.Is(err, unix.ENOSPC) {
			return path
		} else if err != nil {
			require.NoError(t, err)
		}
	}
}

// A disk that is full to the brim costs writes, which fail with 500, and nothing else: the
// process lives, acknowledged items can be read, and when space returns so does service.
func TestFullDisk(t *testing.T) {
	for name, end := range map[string]func(*process){"lived through": nil, "killed while full": (*process).kill} {
		t.Run(name, func(t *testing.T) { fullDisk(t, end) })
	}
}

func TestFullDiskFindsAServerThatDiesOfIt(t *testing.T) {
	tmpfs(t, "1m") // or there is nothing to see
	cmd := exec.Command(os.Args[0], "-test.run", "^TestFullDisk$/lived")
	cmd.Env = append(os.Environ(), brokenVariable+"=dies when full", "STAMPEDE_PROOF=short")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "the server is gone")
}

func fullDisk(t *testing.T, end func(*process)) {
	dir := tmpfs(t, "48m")
	data := filepath.Join(dir, "data")
	server := start(t, data, os.Getenv(brokenVariable))
	c := client(t, server.url)
	require.NoError(t, createTable(t.Context(), c))
	work := newWorkload(4, 5)
	quiet := &writer{id: len(work.writers)} // its item is written once
	_, err := c.PutItem(t.Context(), &ddb.PutItemInput{TableName: aws.String(table), Item: func() item {
		i := quiet.key(0)
		i["n"] = num(1)
		return i
	}()})
	require.NoError(t, err)

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var acked, refused atomic.Int64
	var strange atomic.Pointer[string]
	var group sync.WaitGroup
	group.Go(func() {
		work.run(ctx, c, func(err error) {
			var answered smithy.APIError
			switch {
			case err == nil:
				acked.Add(1)
			case errors.As(err, &answered) && answered.ErrorCode() == "InternalServerError" && answered.ErrorFault() == smithy.FaultServer:
				refused.Add(1)
				time.Sleep(5 * time.Millisecond)
			case !errors.As(err, &answered) || answered.ErrorFault() != smithy.FaultClient:
				text := err.Error()
				strange.Store(&text)
			}
		})
	})
	over := make(chan struct{}) // closed when no writer writes any more
	go func() {
		group.Wait()
		close(over)
	}()
	more := func(of *atomic.Int64, n int64, what string) {
		t.Helper()
		from, deadline := of.Load(), time.After(2*time.Minute)
		for of.Load() < from+n {
			select {
			case <-over:
				t.Fatalf("no %s: the server is gone", what)
			case <-deadline:
				t.Fatalf("no %s: %d of %d", what, of.Load()-from, n)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	var ballast string
	rounds := times(1, 5)
	if end != nil {
		rounds = 1
	}
	for range rounds {
		more(&acked, 50, "writes on a working disk")
		ballast = fill(t, dir, 1<<20)
		fill(t, dir, 0)
		more(&refused, 20, "refusals on a full disk")
		for range 5 {
			fill(t, dir, 0) // what a compaction gave back
			more(&refused, 5, "refusals on a full disk")
		}
		out, err := c.GetItem(t.Context(), &ddb.GetItemInput{TableName: aws.String(table), Key: quiet.key(0), ConsistentRead: aws.Bool(true)})
		require.NoError(t, err, "an item that nobody writes, on a full disk")
		require.Equal(t, 1, version(out.Item))
		if end == nil {
			require.NoError(t, os.Remove(ballast))
			more(&acked, 50, "writes after space has returned")
		}
	}
	if end != nil {
		end(server)
	}
	stop()
	group.Wait()
	require.Nil(t, strange.Load(), "neither done nor refused: %v", strange.Load())
	if end == nil {
		server.kill()
	} else {
		require.NoError(t, os.Remove(ballast))
	}
	steps := work.snapshot()
	again := start(t, data, "")
	c = client(t, again.url)
	_, err = c.DeleteItem(t.Context(), &ddb.DeleteItemInput{TableName: aws.String(table), Key: quiet.key(0)})
	require.NoError(t, err)
	_, err = work.verify(t.Context(), c, steps, steps)
	again.kill()
	require.NoError(t, err)
	t.Logf("%d writes acknowledged, %d refused while the disk was full, none lost", acked.Load(), refused.Load())
}
