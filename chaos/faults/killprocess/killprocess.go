package killprocess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
)

// Fault kills a process. Its methods may be called concurrently.
type Fault struct {
	name string
	path string // of the pid file
	now  func() time.Time

	mu struct {
		sync.Mutex
		killed int // the process it killed; 0: none yet
		at     time.Time
	}
}

// New makes the fault; dir is the run folder. A nil now is time.Now.
func New(f fault.Fault, dir string, now func() time.Time) *Fault {
	if now == nil {
		now = time.Now
	}
	return &Fault{name: f.Target, path: filepath.Join(dir, f.Target+".pid"), now: now}
}

// Prepare checks that the process runs. There is nothing to revert.
func (k *Fault) Prepare(context.Context) (json.RawMessage, error) {
	_, _, err := k.running()
	return json.RawMessage(`{}`), err
}

// Apply kills the process.
func (k *Fault) Apply(context.Context) (map[string]string, error) {
	pid, _, err := k.running()
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return nil, fmt.Errorf("kill %s, pid %d: %w", k.name, pid, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mu.killed, k.mu.at = pid, k.now()
	return map[string]string{"pid": strconv.Itoa(pid)}, nil
}

// Revert does nothing: the supervisor has started the process again, or will.
func (k *Fault) Revert(context.Context, json.RawMessage) error { return nil }

// Hits is one once another process has taken the killed one's place.
func (k *Fault) Hits(context.Context) fault.Hits {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.killed == 0 {
		return fault.Hits{Effect: fmt.Sprintf("process %s was not killed", k.name)}
	}
	pid, since, err := k.running()
	if err != nil || pid == k.mu.killed {
		return fault.Hits{Effect: fmt.Sprintf("process %s (pid %d) killed, not yet started again", k.name, k.mu.killed)}
	}
	return fault.Hits{Count: 1, Effect: fmt.Sprintf("process %s (pid %d) killed, started again as pid %d after %s",
		k.name, k.mu.killed, pid, max(0, since.Sub(k.mu.at)).Round(time.Millisecond))}
}

// running reads the pid file and when it was written, and checks that there is such a process.
func (k *Fault) running() (pid int, since time.Time, err error) {
	text, err := os.ReadFile(k.path)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("find process %s: %w", k.name, err)
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		return 0, time.Time{}, fmt.Errorf("find process %s: %s holds %q, no process id", k.name, k.path, text)
	}
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return 0, time.Time{}, fmt.Errorf("find process %s, pid %d: %w", k.name, pid, err)
	}
	info, err := os.Stat(k.path)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("find process %s: %w", k.name, err)
	}
	return pid, info.ModTime(), nil
}
