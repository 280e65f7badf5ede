package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrHeld says that another agent works in the folder.
var ErrHeld = errors.New("another agent holds the folder")

// journalName is the journal's file in the run folder: one JSON object a line, the last of which
// may be torn by a crash.
const journalName = "agent.journal"

// entry is a line of the journal: an inverse before its fault is applied, or, with Gone, that
// nothing is left of it.
type entry struct {
	ID      string          `json:"id"`
	Fault   string          `json:"fault,omitempty"`
	Inverse json.RawMessage `json:"inverse,omitempty"`
	Gone    string          `json:"gone,omitempty"` // why
}

// journal is what survives the agent. Safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	file *os.File
	sync func() error // file.Sync
}

// openJournal locks the folder's journal and reads it back.
func openJournal(dir string) (*journal, []entry, error) {
	path := filepath.Join(dir, journalName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	entries, err := readBack(file)
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return &journal{file: file, sync: file.Sync}, entries, nil
}

// readBack locks file, reads its entries and cuts off a torn last line.
func readBack(file *os.File) ([]entry, error) {
	switch err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, ErrHeld
	case err != nil:
		return nil, err
	}
	entries, whole, err := readEntries(file)
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(whole); err != nil {
		return nil, err
	}
	_, err = file.Seek(whole, io.SeekStart)
	return entries, err
}

// readEntries returns the entries and how many bytes they take. A last line that is torn is left
// out; anything else that is no entry is an error, for an inverse may be lost in it.
func readEntries(r io.Reader) (entries []entry, whole int64, err error) {
	in := bufio.NewReader(r)
	for line := 1; ; line++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return entries, whole, nil
		}
		if err != nil {
			return nil, 0, err
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil || e.ID == "" {
			return nil, 0, fmt.Errorf("line %d is no entry: %q", line, bytes.TrimSpace(text))
		}
		entries = append(entries, e)
		whole += int64(len(text))
	}
}

// append makes an entry durable.
func (j *journal) append(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write journal of %s: %w", e.ID, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal of %s: %w", e.ID, err)
	}
	if err := j.sync(); err != nil {
		return fmt.Errorf("sync journal of %s: %w", e.ID, err)
	}
	return nil
}

// close lets go of the folder.
func (j *journal) close() error { return j.file.Close() }

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
