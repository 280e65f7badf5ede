package disk

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// flaky is a file system whose files take part of a write and refuse the rest, and whose failed
// syncs lose what was not synced, as a kernel does that drops pages it could not write.
type flaky struct {
	vfs.FS
	writes, syncs atomic.Int64 // that are still to fail
}

func (f *flaky) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	return &flakyFile{File: file, fs: f}, err
}

type flakyFile struct {
	vfs.File
	fs             *flaky
	written, clean int64
}

func (f *flakyFile) Write(p []byte) (int, error) {
	if f.fs.writes.Add(-1) >= 0 {
		n, err := f.File.Write(p[:len(p)/2])
		f.written += int64(n)
		return n, errors.Join(err, syscall.ENOSPC)
	}
	n, err := f.File.Write(p)
	f.written += int64(n)
	return n, err
}

func (f *flakyFile) Sync() error {
	if f.fs.syncs.Add(-1) >= 0 {
		if _, err := f.WriteAt(make([]byte, f.written-f.clean), f.clean); err != nil {
			return err
		}
		return syscall.EIO
	}
	f.clean = f.written
	return f.File.Sync()
}

func (f *flakyFile) SyncData() error { return f.Sync() }

// naive repeats what fails, and thinks no further.
type naive struct {
	vfs.File
}

func (f naive) Write(p []byte) (int, error) {
	for {
		if n, err := f.File.Write(p); err == nil {
			return n, nil
		}
	}
}

func (f naive) Sync() error {
	for {
		if f.File.Sync() == nil {
			return nil
		}
	}
}

const text = "one two three four five six"

// content writes a text in pieces, with syncs between, and returns what the file then holds, less
// the zeros at its end.
func content(t *testing.T, inner vfs.FS, file vfs.File) string {
	for i := 0; i < len(text); i += 9 {
		n, err := file.Write([]byte(text[i : i+9]))
		require.NoError(t, err)
		require.Equal(t, 9, n)
		if i > 0 {
			require.NoError(t, file.Sync())
		}
	}
	require.NoError(t, file.Close())
	back, err := inner.Open("log")
	require.NoError(t, err)
	out, err := io.ReadAll(back)
	require.NoError(t, err)
	require.NoError(t, back.Close())
	return strings.TrimRight(string(out), "\x00")
}

func TestALogHoldsWhatAFailingDiskDropped(t *testing.T) {
	for name, c := range map[string]struct{ writes, syncs int64 }{
		"well": {}, "partial writes": {writes: 3}, "lost syncs": {syncs: 3}, "both": {writes: 2, syncs: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := &flaky{FS: vfs.NewMem()}
				inner.writes.Store(c.writes)
				inner.syncs.Store(c.syncs)
				f := New(inner, nil)
				f.Arm()
				file, err := f.Create("log", "pebble-wal")
				require.NoError(t, err)
				require.Equal(t, text, content(t, inner, file))
				require.NoError(t, f.Err())
			})
		})
	}
}

// The check above must be able to fail: repeating alone is not enough.
func TestRepeatingAloneLosesData(t *testing.T) {
	for _, c := range []struct{ writes, syncs int64 }{{writes: 1}, {syncs: 1}} {
		inner := &flaky{FS: vfs.NewMem()}
		inner.writes.Store(c.writes)
		inner.syncs.Store(c.syncs)
		file, err := inner.Create("log", "pebble-wal")
		require.NoError(t, err)
		require.NotEqual(t, text, content(t, inner, naive{file}), "%+v", c)
	}
}

func TestErrorsPassUntilTheDiskIsArmed(t *testing.T) {
	inner := &flaky{FS: vfs.NewMem()}
	f := New(inner, nil)
	file, err := f.Create("log", "pebble-wal")
	require.NoError(t, err)
	inner.writes.Store(1)
	_, err = file.Write([]byte("four"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	inner.syncs.Store(1)
	require.ErrorIs(t, file.Sync(), syscall.EIO)
	require.NoError(t, f.Err())
	require.NoError(t, file.Close())
}

func TestWhatWaitingDoesNotMendFailsAtOnce(t *testing.T) {
	f := New(vfs.NewMem(), nil)
	f.Arm()
	require.Error(t, f.Rename("absent", "new"))
	require.NoError(t, f.Err())
}

// closed says whether a channel is.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestTheDiskIsSickWhileTheLogWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &flaky{FS: vfs.NewMem()}
		f := New(inner, nil)
		f.Arm()
		file, err := f.Create("log", "pebble-wal")
		require.NoError(t, err)
		require.False(t, closed(f.Sick()))
		inner.syncs.Store(1 << 40)
		written := make(chan error)
		go func() {
			_, err := file.Write([]byte("x"))
			written <- errors.Join(err, file.Sync())
		}()
		before := f.Sick()
		time.Sleep(time.Minute)
		require.True(t, closed(before), "who waited is told")
		require.True(t, closed(f.Sick()), "and so is who comes later")
		require.ErrorIs(t, f.Err(), syscall.EIO)
		tries := 1<<40 - inner.syncs.Load()
		require.Less(t, tries, int64(300), "it does not spin")
		inner.syncs.Store(0)
		require.NoError(t, <-written)
		require.False(t, closed(f.Sick()))
		require.NoError(t, f.Err())
		require.NoError(t, file.Close())
	})
}

func TestFailingTablesMakeTheDiskSickOnceTheyStallWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &flaky{FS: vfs.NewMem()}
		f := New(inner, nil)
		f.Arm()
		l := f.Listener()
		table := func() error {
			file, err := f.Create("table", "pebble-memtable-flush")
			require.NoError(t, err)
			_, err = file.Write([]byte("x"))
			if err == nil {
				err = file.Sync()
			}
			require.NoError(t, file.Close())
			return err
		}
		inner.writes.Store(100)
		begin := time.Now()
		for range 10 {
			require.ErrorIs(t, table(), syscall.ENOSPC)
		}
		require.Greater(t, time.Since(begin), 500*time.Millisecond, "Pebble would try at once, and again")
		require.False(t, closed(f.Sick()), "the log still takes writes")
		l.WriteStallBegin(pebble.WriteStallBeginInfo{})
		require.True(t, closed(f.Sick()))
		inner.writes.Store(0)
		require.NoError(t, table())
		require.False(t, closed(f.Sick()))
		l.WriteStallEnd()
		inner.writes.Store(1)
		require.Error(t, table())
		require.False(t, closed(f.Sick()))
	})
}
