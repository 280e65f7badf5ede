package killfunction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/retailflow/stampede/chaos/fault"
)

const (
	environmentsPath = "/_stampede/lambda/environments"
	statsPath        = "/_stampede/stats"

	pollEvery = 3 * time.Millisecond  // while looking for a busy environment
	retry     = 50 * time.Millisecond // when the cloud does not answer
	settle    = time.Second           // until the cloud has counted the last death
)

// Fault kills environments. Its methods may be called concurrently.
type Fault struct {
	fault fault.Fault
	edge  string // base URL
	http  *http.Client

	stop context.CancelFunc
	done chan struct{}

	mu struct {
		sync.Mutex
		baseline deaths
		kills    int64
		hits     int64 // the most that was ever confirmed
	}
}

// deaths are the cloud's counts of a function's processes that ended by themselves.
type deaths struct{ busy, idle int64 }

// New makes the fault; edge is the base URL of the cloud process that runs the functions. A nil
// client is http.DefaultClient.
func New(f fault.Fault, edge string, client *http.Client) *Fault {
	if client == nil {
		client = http.DefaultClient
	}
	return &Fault{fault: f, edge: edge, http: client}
}

// Prepare reads the counts before the first strike.
func (k *Fault) Prepare(ctx context.Context) (json.RawMessage, error) {
	d, err := k.deaths(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mu.baseline = d
	return json.RawMessage(`{}`), nil
}

// Apply begins to strike and returns.
func (k *Fault) Apply(context.Context) (map[string]string, error) {
	ctx, stop := context.WithCancel(context.Background())
	k.stop, k.done = stop, make(chan struct{})
	go func() {
		defer close(k.done)
		k.strike(ctx)
	}()
	return nil, nil
}

// Revert stops striking and waits for the cloud's count of what was struck.
func (k *Fault) Revert(ctx context.Context, _ json.RawMessage) error {
	if k.stop == nil {
		return nil // of an earlier life of the agent, which ended with it
	}
	k.stop()
	<-k.done
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for !k.settled(ctx) && pause(ctx, retry) {
	}
	return nil
}

// settled reads the counts and says whether they hold all kills.
func (k *Fault) settled(ctx context.Context) bool {
	d, err := k.deaths(ctx)
	if err != nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mu.hits = max(k.mu.hits, min(k.mu.kills, d.busy-k.mu.baseline.busy))
	return d.busy+d.idle-k.mu.baseline.busy-k.mu.baseline.idle >= k.mu.kills
}

// Hits counts the processes that died inside an invocation by our hand.
func (k *Fault) Hits(ctx context.Context) fault.Hits {
	k.settled(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	return fault.Hits{Count: k.mu.hits, Effect: fmt.Sprintf("%d processes of %s killed, %d of them inside an invocation",
		k.mu.kills, k.fault.Target, k.mu.hits)}
}

// strike kills one busy environment at each of the fault's moments until ctx ends.
func (k *Fault) strike(ctx context.Context) {
	random := k.fault.Stream()
	start := time.Now()
	for i := 0; ; i++ {
		if !pause(ctx, k.fault.Strike(random, i)-time.Since(start)) {
			return
		}
		pid, ok := k.find(ctx, random.Uint64())
		if !ok {
			return
		}
		err := syscall.Kill(pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			continue // gone by itself in the meantime
		}
		if err == nil {
			k.mu.Lock()
			k.mu.kills++
			k.mu.Unlock()
		}
	}
}

// find asks until an environment of the function is busy; draw chooses among several. It is
// false when ctx has ended.
func (k *Fault) find(ctx context.Context, draw uint64) (pid int, ok bool) {
	for ctx.Err() == nil {
		var all []struct {
			Function string `json:"function"`
			PID      int    `json:"pid"`
			Busy     bool   `json:"busy"`
		}
		wait := pollEvery
		if err := k.get(ctx, environmentsPath, &all); err != nil {
			wait = retry
		}
		var busy []int
		for _, e := range all {
			if e.Function == k.fault.Target && e.Busy && e.PID > 1 {
				busy = append(busy, e.PID)
			}
		}
		if len(busy) > 0 {
			return busy[draw%uint64(len(busy))], true
		}
		pause(ctx, wait)
	}
	return 0, false
}

func (k *Fault) deaths(ctx context.Context) (deaths, error) {
	var stats struct {
		Lambda *struct {
			Functions []struct {
				Function string `json:"function"`
				DiedBusy int64  `json:"died_busy"`
				DiedIdle int64  `json:"died_idle"`
			} `json:"functions"`
		} `json:"lambda"`
	}
	if err := k.get(ctx, statsPath, &stats); err != nil {
		return deaths{}, err
	}
	if stats.Lambda == nil {
		return deaths{}, fmt.Errorf("ask %s%s: it serves no lambda", k.edge, statsPath)
	}
	var d deaths
	for _, f := range stats.Lambda.Functions {
		if f.Function == k.fault.Target {
			d.busy += f.DiedBusy
			d.idle += f.DiedIdle
		}
	}
	return d, nil
}

func (k *Fault) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.edge+path, nil)
	if err != nil {
		return fmt.Errorf("ask %s%s: %w", k.edge, path, err)
	}
	res, err := k.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the cloud: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("ask %s%s: %w", k.edge, path, err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s%s: status %d", k.edge, path, res.StatusCode)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("ask %s%s: %w", k.edge, path, err)
	}
	return nil
}

// pause waits for d; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
