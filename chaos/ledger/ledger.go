package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrExists is returned by [Create] for a folder that holds a ledger already.
var ErrExists = errors.New("a ledger exists already")

// Counts are kept while the load runs, by attempt as it ended; the states of events after
// joining their attempts are in [Report].
type Counts struct {
	Attempts int64 `json:"attempts"` // begun
	Open     int64 `json:"open"`     // begun and not ended
	Acked    int64 `json:"acked"`    // events in ended attempts, a replay counted again
	Unknown  int64 `json:"unknown"`
	Refused  int64 `json:"refused"`
}

// Ledger is the journal of a run in a folder.
type Ledger struct {
	dir string

	mu struct {
		sync.Mutex
		file   *os.File // nil after Close
		buffer []byte   // ends that wait for the next begin
		failed error    // of the first write that failed: what follows it could not be read
		sizes  map[uint64]int
		counts Counts
	}
}

// maxBuffered bounds the ends that a death of the harness turns into unknown outcomes.
const maxBuffered = 32 << 10

// Create starts a ledger in a folder that it makes. The error is [ErrExists] if there is one.
func Create(dir string) (*Ledger, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	files, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	if len(files) > 0 {
		return nil, fmt.Errorf("create ledger in %s: %w", dir, ErrExists)
	}
	return open(dir, 1)
}

// Open continues a ledger, for instance after the death of the harness: attempts without an
// end stay unknown. It writes to a segment of its own, behind the others.
func Open(dir string) (*Ledger, error) {
	files, err := segments(dir)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("open ledger in %s: %w", dir, os.ErrNotExist)
	}
	return open(dir, len(files)+1)
}

func open(dir string, number int) (*Ledger, error) {
	name := filepath.Join(dir, fmt.Sprintf("attempts-%06d.journal", number))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if _, err := f.WriteString(journalHeader); err != nil {
		f.Close()
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{dir: dir}
	l.mu.file, l.mu.sizes = f, map[uint64]int{}
	return l, nil
}

// segments lists the journal files in the order in which they were written.
func segments(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, "attempts-*.journal")) // sorted by name
}

// Begin puts an attempt on record. When it has returned nil the record survives the death of
// the process, and the attempt may be sent. It fails on a full disk, and from then on.
func (l *Ledger) Begin(a Attempt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twice := l.mu.sizes[a.Seq]; twice {
		return fmt.Errorf("begin attempt %d: begun already and not ended", a.Seq)
	}
	l.mu.buffer = appendRecord(l.mu.buffer, func(b []byte) []byte { return appendBegin(b, &a) })
	if err := l.flush(); err != nil {
		return fmt.Errorf("begin attempt %d: %w", a.Seq, err)
	}
	l.mu.sizes[a.Seq] = len(a.Events)
	l.mu.counts.Attempts++
	l.mu.counts.Open++
	return nil
}

// End puts the outcome of an attempt on record. The record may be lost if the process dies
// soon after: the outcome is unknown then.
func (l *Ledger) End(seq uint64, o Outcome, at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	events, ok := l.mu.sizes[seq]
	if !ok {
		return fmt.Errorf("end attempt %d: not begun", seq)
	}
	delete(l.mu.sizes, seq)
	l.mu.counts.Open--
	for i := range events {
		switch o.of(i) {
		case Acked:
			l.mu.counts.Acked++
		case Unknown:
			l.mu.counts.Unknown++
		default:
			l.mu.counts.Refused++
		}
	}
	l.mu.buffer = appendRecord(l.mu.buffer, func(b []byte) []byte { return appendEnd(b, seq, o, at) })
	if len(l.mu.buffer) > maxBuffered {
		if err := l.flush(); err != nil {
			return fmt.Errorf("end attempt %d: %w", seq, err)
		}
	}
	return nil
}

// flush hands the buffer to the operating system, which keeps it if this process dies.
func (l *Ledger) flush() error {
	if l.mu.failed != nil {
		return l.mu.failed
	}
	if l.mu.file == nil {
		return os.ErrClosed
	}
	if _, err := l.mu.file.Write(l.mu.buffer); err != nil {
		l.mu.failed = fmt.Errorf("write ledger: %w", err)
		return l.mu.failed
	}
	l.mu.buffer = l.mu.buffer[:0]
	return nil
}

// Counts so far.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.counts
}

// Close writes what is buffered, waits for the disk and closes the journal. Reconcile needs
// no open journal.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.file == nil {
		return nil
	}
	err := errors.Join(l.flush(), l.mu.file.Sync(), l.mu.file.Close())
	l.mu.file = nil
	if err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}
