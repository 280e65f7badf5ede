package deploy

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrFenced is returned when another controller has taken over the journal.
var ErrFenced = errors.New("another controller has taken over")

// Journal is an append-only file of records. It belongs outside the system under test. It is not
// safe for concurrent use within a process. Between processes the newest epoch wins, and of two
// that claim the same one, the first.
type Journal struct {
	path  string
	file  *os.File
	owner string // of this opening's records
	epoch int64  // claimed by this opening
	size  int64  // of what was read and written
}

// OpenJournal opens or makes the file. A last line that was cut off by a crash is removed; damage
// before it is an error.
func OpenJournal(path string) (*Journal, error) {
	_, missing := os.Stat(path)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{path: path, file: file, owner: rand.Text()}
	err = j.repair()
	if err == nil && missing != nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), file.Close())
	}
	return j, nil
}

// repair cuts a half-written last line off and takes note of the newest epoch.
func (j *Journal) repair() error {
	records, whole, err := j.read()
	if err != nil {
		return err
	}
	for _, r := range records {
		j.epoch = max(j.epoch, r.Epoch)
	}
	j.size = whole
	return j.file.Truncate(whole)
}

// Records reads all records.
func (j *Journal) Records() ([]Record, error) {
	records, _, err := j.read()
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", j.path, err)
	}
	return records, nil
}

// Epoch is the newest that was seen at opening or claimed since.
func (j *Journal) Epoch() int64 { return j.epoch }

// read decodes the whole lines; whole is their length.
func (j *Journal) read() (records []Record, whole int64, err error) {
	raw, err := os.ReadFile(j.path)
	if err != nil {
		return nil, 0, err
	}
	for {
		line, rest, ended := bytes.Cut(raw, []byte("\n"))
		if !ended {
			return records, whole, nil
		}
		r, err := decodeRecord(string(line))
		if err != nil {
			if len(rest) == 0 { // the last line, written in part
				return records, whole, nil
			}
			return nil, 0, err
		}
		records = append(records, r)
		whole += int64(len(line)) + 1
		raw = rest
	}
}

// Append writes a record; durable says to sync it before returning. A record of a higher epoch
// claims that epoch. It is [ErrFenced] if another controller has claimed one meanwhile.
func (j *Journal) Append(r Record, durable bool) error {
	if err := j.Fenced(); err != nil {
		return err
	}
	r.Owner = j.owner
	line, err := encodeRecord(r)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(line); err != nil {
		return fmt.Errorf("write journal %s: %w", j.path, err)
	}
	if durable {
		if err := j.file.Sync(); err != nil {
			return fmt.Errorf("sync journal %s: %w", j.path, err)
		}
	}
	// Whoever wrote between the look and the write has lost to this record, or won before it.
	return j.catchUp(func(o Record) bool {
		if o.Owner == j.owner {
			j.epoch = max(j.epoch, o.Epoch)
			return false
		}
		return o.Epoch > j.epoch && (r.Epoch > j.epoch || o.Epoch > r.Epoch)
	})
}

// Fenced is [ErrFenced] if another controller has claimed a newer epoch.
func (j *Journal) Fenced() error {
	return j.catchUp(func(o Record) bool { return o.Epoch > j.epoch })
}

// catchUp reads the records since the last look, in order. A record that fences makes it ErrFenced;
// others, by a controller that has lost already, do not count.
func (j *Journal) catchUp(fences func(Record) bool) error {
	info, err := j.file.Stat()
	if err != nil {
		return fmt.Errorf("read journal %s: %w", j.path, err)
	}
	if info.Size() == j.size {
		return nil
	}
	raw := make([]byte, info.Size()-j.size)
	if _, err := j.file.ReadAt(raw, j.size); err != nil {
		return fmt.Errorf("read journal %s: %w", j.path, err)
	}
	for {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		if !whole {
			return nil // somebody is still writing; the next look sees it
		}
		r, err := decodeRecord(string(line))
		if err != nil {
			return fmt.Errorf("read journal %s: %w", j.path, err)
		}
		j.size += int64(len(line)) + 1
		if fences(r) {
			return fmt.Errorf("journal %s: %w", j.path, ErrFenced)
		}
		raw = rest
	}
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
