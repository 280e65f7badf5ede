package disk

import "github.com/cockroachdb/pebble/v2/vfs"

// logFile is a file that must not fail: the log, the manifest, a marker, a folder. Its methods
// are called by one goroutine at a time, as Pebble does.
type logFile struct {
	vfs.File
	health *health
	synced int64  // up to where it is durable
	tail   []byte // what stands behind that
	laid   int64  // up to where it has blocks, if it is laid out ahead; -1 is a file that is not
}

// maxTail is how much of a synced tail's memory is kept, in bytes.
const maxTail = 1 << 20

// layStep is how far the log is laid out ahead, in bytes: few syncs then have to
// tell the disk where new blocks are.
const layStep = 256 << 10

var zeros [layStep]byte

// layOut writes zeros where the next n bytes and more will stand. A sync of bytes that take the
// place of others writes them and no more; where a file grows, fdatasync writes its inode as
// well, also if the blocks were allocated (measured by bench-dynamodb, which prints both). Pebble
// takes zeros for the end of a log. It is no fault if there is no room: the write will tell.
func (f *logFile) layOut(n int) {
	if f.laid < 0 {
		return
	}
	at := f.synced + int64(len(f.tail))
	f.laid = max(f.laid, at) // what is written has its blocks, if there was no room to lay it out before
	for end := at + int64(n); f.laid < end; {
		done, err := f.WriteAt(zeros[:], f.laid)
		f.laid += int64(done)
		if err != nil {
			return
		}
	}
}

// Write appends. What a failing disk took of p is not written twice.
func (f *logFile) Write(p []byte) (int, error) {
	f.layOut(len(p))
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
