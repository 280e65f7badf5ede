package disk

import "github.com/cockroachdb/pebble/v2/vfs"

// logFile is a file that must not fail: the log, the manifest, a marker, a folder. Its methods
// are called by one goroutine at a time, as Pebble does.
type logFile struct {
	vfs.File
	health *health
	synced int64  // up to where it is durable
	tail   []byte // what stands behind that
}

// maxTail is how much of a synced tail's memory is kept, in bytes.
const maxTail = 1 << 20

// Write appends. What a failing disk took of p is not written twice.
func (f *logFile) Write(p []byte) (int, error) {
	f.tail = append(f.tail, p...)
	rest := p
	err := f.health.insist(func() error {
		n, err := f.File.Write(rest)
		rest = rest[n:]
		return err
	})
	return len(p) - len(rest), err
}

// Sync makes all that was written durable.
func (f *logFile) Sync() error { return f.sync(f.File.Sync) }

// SyncData makes all that was written durable.
func (f *logFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *logFile) sync(sync func() error) error {
	doubtful := false
	err := f.health.insist(func() error {
		if doubtful && len(f.tail) > 0 {
			if _, err := f.WriteAt(f.tail, f.synced); err != nil {
				return err
			}
		}
		doubtful = true
		return sync()
	})
	if err != nil {
		return err
	}
	f.synced += int64(len(f.tail))
	if f.tail = f.tail[:0]; cap(f.tail) > maxTail {
		f.tail = nil
	}
	return nil
}

// tableFile is a file that may fail, since Pebble then writes another.
type tableFile struct {
	vfs.File
	health *health
}

func (f *tableFile) note(err error) error {
	if err != nil {
		f.health.failed(err)
	}
	return err
}

// Write appends.
func (f *tableFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.note(err)
}

// Sync completes the table.
func (f *tableFile) Sync() error { return f.done(f.File.Sync()) }

// SyncData completes the table.
func (f *tableFile) SyncData() error { return f.done(f.File.SyncData()) }

func (f *tableFile) done(err error) error {
	if err == nil {
		f.health.written()
	}
	return f.note(err)
}
