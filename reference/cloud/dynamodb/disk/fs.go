package disk

import (
	"log/slog"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Waits between two tries of an operation that failed.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = 250 * time.Millisecond
)

// FS is a file system that waits until a failing operation succeeds. It is safe for concurrent
// use. The zero value is not usable.
type FS struct {
	vfs.FS
	health
}

// New wraps a file system. Until Arm it passes errors on, so that opening a database fails
// where it cannot work.
func New(inner vfs.FS, log *slog.Logger) *FS {
	f := &FS{FS: inner}
	f.health.init(log)
	return f
}

// Unwrap is the file system below.
func (f *FS) Unwrap() vfs.FS { return f.FS }

// Listener tells the disk when Pebble stalls writes.
func (f *FS) Listener() *pebble.EventListener {
	return &pebble.EventListener{
		WriteStallBegin: func(pebble.WriteStallBeginInfo) { f.stall(true) },
		WriteStallEnd:   func() { f.stall(false) },
		BackgroundError: func(err error) { f.log.Debug("pebble_background", "error", err) },
		// An answer that cannot be read is an error of that answer, not the end of the process.
		DataCorruption: func(info pebble.DataCorruptionInfo) { f.log.Error("pebble_corruption", "message", info.String()) },
	}
}

// background says whether a file's failure is one that Pebble mends itself, by writing another.
func background(category vfs.DiskWriteCategory) bool {
	return strings.Contains(string(category), "flush") || strings.Contains(string(category), "compaction") || strings.Contains(string(category), "ingest")
}

// Create makes a file for writing.
func (f *FS) Create(name string, category vfs.DiskWriteCategory) (file vfs.File, err error) {
	if background(category) {
		f.pace()
		if file, err = f.FS.Create(name, category); err != nil {
			f.failed(err)
			return nil, err
		}
		return &tableFile{File: file, health: &f.health}, nil
	}
	err = f.insist(func() error {
		file, err = f.FS.Create(name, category)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f.logFile(file, category, 0), nil
}

// writeAheadLog is the category of the files that are synced with every commit.
const writeAheadLog vfs.DiskWriteCategory = "pebble-wal"

// logFile makes a file of that many bytes one that does not fail. Of all such only the log is
// laid out ahead: the others are synced rarely.
func (f *FS) logFile(file vfs.File, category vfs.DiskWriteCategory, size int64) *logFile {
	if category != writeAheadLog {
		size = -1
	}
	return &logFile{File: file, health: &f.health, laid: size}
}

// ReuseForWrite makes a file of an old one, or, if that fails, of nothing.
func (f *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(oldname, newname, category)
	if err != nil {
		if !f.waits(err) {
			return nil, err
		}
		_ = f.Remove(oldname) // what is left of it is removed at the next start
		return f.Create(newname, category)
	}
	size := int64(0)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	return f.logFile(file, category, size), nil
}

// OpenDir opens a folder, whose Sync waits.
func (f *FS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return f.logFile(file, "", 0), nil
}

// Rename renames a file.
func (f *FS) Rename(oldname, newname string) error {
	return f.insist(func() error { return f.FS.Rename(oldname, newname) })
}

// Link makes a hard link.
func (f *FS) Link(oldname, newname string) error {
	return f.insist(func() error { return f.FS.Link(oldname, newname) })
}
