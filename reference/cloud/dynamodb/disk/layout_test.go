package disk

import (
	"bytes"
	"io"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// record is about what a commit writes.
var record = bytes.Repeat([]byte("r"), 1100)

// growth is how often a file changed its size while n records were written to it, each of which
// would have cost a sync that writes the inode, too.
func growth(t *testing.T, file vfs.File, n int) (times int) {
	size := int64(-1)
	for range n {
		_, err := file.Write(bytes.Clone(record)) // a writer may change it, as MemFS does under the race detector
		require.NoError(t, err)
		info, err := file.Stat()
		require.NoError(t, err)
		if info.Size() != size {
			times++
		}
		size = info.Size()
		require.NoError(t, file.Sync())
	}
	return times
}

func TestTheLogSeldomGrows(t *testing.T) {
	const n = 1000
	inner := vfs.NewMem()
	f := New(inner, nil)
	file, err := f.Create("1.log", writeAheadLog)
	require.NoError(t, err)
	require.Equal(t, 1+n*len(record)/layStep, growth(t, file, n))
	require.NoError(t, file.Close())

	file, err = f.ReuseForWrite("1.log", "2.log", writeAheadLog)
	require.NoError(t, err)
	require.Equal(t, 1, growth(t, file, n), "an old log has its blocks")
	require.NoError(t, file.Close())

	back, err := inner.Open("2.log")
	require.NoError(t, err)
	text, err := io.ReadAll(back)
	require.NoError(t, err)
	require.NoError(t, back.Close())
	require.True(t, bytes.HasPrefix(text, bytes.Repeat(record, n)))
	require.Empty(t, bytes.Trim(text[n*len(record):], "\x00"), "zeros end a log")

	// What the check is for: a file that is not laid out grows with every record.
	file, err = inner.Create("plain", writeAheadLog)
	require.NoError(t, err)
	require.Equal(t, n, growth(t, file, n))
	require.NoError(t, file.Close())
}

func TestOnlyTheLogIsLaidOut(t *testing.T) {
	f := New(vfs.NewMem(), nil)
	file, err := f.Create("MANIFEST-1", "pebble-manifest")
	require.NoError(t, err)
	require.Equal(t, 9, growth(t, file, 9))
	require.NoError(t, file.Close())
}

// cramped is a file system that has room for part of the zeros only.
type cramped struct {
	vfs.FS
	room int
}

func (f *cramped) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	return crampedFile{file, f}, err
}

type crampedFile struct {
	vfs.File
	fs *cramped
}

func (f crampedFile) WriteAt(p []byte, at int64) (int, error) {
	n := min(f.fs.room, len(p))
	f.fs.room -= n
	n, err := f.File.WriteAt(p[:n], at)
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

func TestALogIsWrittenWhereItCannotBeLaidOut(t *testing.T) {
	inner := &cramped{FS: vfs.NewMem(), room: 100}
	f := New(inner, nil)
	f.Arm()
	file, err := f.Create("1.log", writeAheadLog)
	require.NoError(t, err)
	require.Equal(t, 9, growth(t, file, 9))
	inner.room = 1 << 20
	require.Equal(t, 1, growth(t, file, 9), "when room has returned")
	require.NoError(t, f.Err(), "the disk is not sick for that")
	require.NoError(t, file.Close())
	back, err := inner.Open("1.log")
	require.NoError(t, err)
	text, err := io.ReadAll(back)
	require.NoError(t, err)
	require.NoError(t, back.Close())
	require.Equal(t, bytes.Repeat(record, 18), bytes.TrimRight(text, "\x00"), "zeros take no record's place")
}
