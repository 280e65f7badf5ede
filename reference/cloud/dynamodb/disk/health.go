package disk

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// health is what is known of the disk.
type health struct {
	log   *slog.Logger
	armed atomic.Bool
	sick  atomic.Pointer[chan struct{}] // closed while the disk is sick

	mu struct {
		sync.Mutex
		waiting int  // operations that are being repeated
		stalled bool // Pebble takes no writes
		failing bool // the last table that was begun could not be written
		wait    time.Duration
		err     error     // the latest
		since   time.Time // when it became sick; zero is healthy
	}
}

func (h *health) init(log *slog.Logger) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h.log = log
	h.sick.Store(new(chan struct{}))
	*h.sick.Load() = make(chan struct{})
}

// Arm makes operations wait from now on.
func (h *health) Arm() { h.armed.Store(true) }

// Sick is closed while writes cannot become durable. Once it was closed, ask again for the next
// time.
func (h *health) Sick() <-chan struct{} { return *h.sick.Load() }

// Err says why the disk is sick, or nil.
func (h *health) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.since.IsZero() {
		return nil
	}
	return h.mu.err
}

// settle makes the channel say what the numbers say. The caller holds mu.
func (h *health) settle() {
	sick := h.mu.waiting > 0 || h.mu.stalled && h.mu.failing
	switch {
	case sick && h.mu.since.IsZero():
		h.mu.since = time.Now()
		close(*h.sick.Load())
		h.log.Error("disk_sick", "error", h.mu.err)
	case !sick && !h.mu.since.IsZero():
		h.log.Info("disk_well", "after", time.Since(h.mu.since).String())
		h.mu.since = time.Time{}
		next := make(chan struct{})
		h.sick.Store(&next)
	}
}

// waits says whether an operation that failed so is to be repeated: not if its object is the
// trouble, nor before the disk is armed.
func (h *health) waits(err error) bool {
	return h.armed.Load() && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrClosed)
}

// insist repeats an operation until it succeeds, or fails in a way that waiting does not mend.
func (h *health) insist(operation func() error) error {
	err := operation()
	if err == nil || !h.waits(err) {
		return err
	}
	h.wait(+1, err)
	defer h.wait(-1, nil)
	for pause := firstWait; ; pause = min(2*pause, lastWait) {
		time.Sleep(pause)
		if err = operation(); err == nil || !h.waits(err) {
			return err
		}
	}
}

func (h *health) wait(n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.waiting += n
	if err != nil {
		h.mu.err = err
	}
	h.settle()
}

func (h *health) stall(begun bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.stalled = begun
	h.settle()
}

// failed notes that a table could not be written.
func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.failing, h.mu.err = true, err
	h.mu.wait = min(max(2*h.mu.wait, firstWait), lastWait)
	h.settle()
}

// written notes that a table is complete.
func (h *health) written() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.failing, h.mu.wait = false, 0
	h.settle()
}

// pace holds the next table back while the last one failed: Pebble itself would try at once.
func (h *health) pace() {
	h.mu.Lock()
	wait := h.mu.wait
	h.mu.Unlock()
	time.Sleep(wait)
}
