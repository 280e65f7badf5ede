package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/retailflow/stampede/reference/cloud/dynamodb"
	"github.com/retailflow/stampede/reference/cloud/dynamodb/store"
)

// server is a running process that answers DynamoDB's protocol.
type server struct {
	name       string
	address    string // host:port
	partitions int    // loaded
	statistics string // URL of its own numbers; "" if it has none
	process    *exec.Cmd
	stdout     io.Writer    // nil discards
	words      bytes.Buffer // what it wrote to its standard error
}

// usage is what a server has used so far.
type usage struct {
	cpu   time.Duration
	syncs int64
}

// launch starts a process, which must not outlive this one.
func (v *server) launch(command string, args ...string) error {
	v.process = exec.Command(command, args...)
	v.process.Stdout, v.process.Stderr = v.stdout, &v.words
	v.process.SysProcAttr = dieWithParent()
	if err := v.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", v.name, err)
	}
	return nil
}

// startOurs starts the stampede binary on a copy of a preloaded table, which it makes first if
// there is none.
func startOurs(ctx context.Context, s settings, stderr io.Writer) (*server, load, error) {
	kept := keptFolder(s)
	l, err := readLoad(kept)
	absent := errors.Is(err, os.ErrNotExist)
	if err != nil && !absent {
		return nil, l, err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, l, fmt.Errorf("make folder: %w", err)
	}
	if err := checkRoom(s.dir, roomFor(s, !absent)); err != nil {
		return nil, l, err
	}
	if absent {
		fmt.Fprintf(stderr, "loading %s into %s\n", size(s.preload), kept)
		l, err = makeLoad(ctx, s, kept, stderr)
	}
	if err != nil {
		return nil, l, err
	}
	v, err := startCopy(s.server, s, workFolder)
	return v, l, err
}

// startCopy starts a stampede binary on a copy of the preloaded table.
func startCopy(binary string, s settings, folder string) (*server, error) {
	work := filepath.Join(s.dir, folder)
	if err := os.RemoveAll(work); err != nil {
		return nil, fmt.Errorf("empty work folder: %w", err)
	}
	if err := linkTree(keptFolder(s), work); err != nil {
		return nil, fmt.Errorf("copy preloaded table: %w", err)
	}
	v, err := openOurs(binary, work)
	if err != nil {
		return nil, err
	}
	if v.partitions = partitions(s.preload); folder != workFolder {
		v.name += ", " + folder
	}
	return v, nil
}

// Folders of a run, below its own.
const (
	workFolder  = "work" // of ours
	baseFolder  = "base"
	peersFolder = "peers"
)

// keptFolder is where the preloaded table lies.
func keptFolder(s settings) string {
	return filepath.Join(s.dir, fmt.Sprintf("items-by-md5-%d", s.preload))
}

// openOurs starts the stampede binary on a folder.
func openOurs(binary, dir string) (*server, error) {
	answer, stdout, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	defer func() { _ = answer.Close() }()
	v := &server{name: "stampede (disk, synced)", stdout: stdout}
	err = v.launch(binary, "cloud", "--services", "dynamodb", "--limits", "off", "--listen", "127.0.0.1:0", "--data-dir", dir)
	if err = errors.Join(err, stdout.Close()); err != nil {
		return nil, err
	}
	url, err := bufio.NewReader(answer).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w: %s", v.name, err, v.words.Bytes()), v.stop())
	}
	v.address = strings.TrimPrefix(strings.TrimSpace(url), "http://")
	v.statistics = strings.TrimSpace(url) + "/_stampede/stats"
	return v, nil
}

// stop asks the process to end and waits for it.
func (v *server) stop() error {
	if err := v.process.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stop %s: %w", v.name, err)
	}
	var ended *exec.ExitError
	if err := v.process.Wait(); err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("stop %s: %w", v.name, err)
	}
	return nil
}

// settle waits until the server does nothing of its own accord and reads what it has used.
func (v *server) settle(ctx context.Context) (usage, error) {
	var u usage
	for quiet := 0; quiet < 3; {
		select {
		case <-ctx.Done():
			return u, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		quiet++
		if v.statistics == "" {
			continue
		}
		m, err := v.storage(ctx)
		if err != nil {
			return u, err
		}
		if u.syncs = m.Syncs; m.Running > 0 {
			quiet = 0
		}
	}
	var err error
	u.cpu, err = v.cpu()
	return u, err
}

// storage reads our own numbers.
func (v *server) storage(ctx context.Context) (m store.Metrics, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.statistics, nil)
	if err != nil {
		return m, fmt.Errorf("read statistics: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return m, fmt.Errorf("read statistics: %w", err)
	}
	var all struct {
		DynamoDB dynamodb.Stats `json:"dynamodb"`
	}
	err = errors.Join(json.NewDecoder(res.Body).Decode(&all), res.Body.Close())
	if err != nil {
		return m, fmt.Errorf("read statistics: %w", err)
	}
	return all.DynamoDB.Storage, nil
}

// clockTick is the unit of times in /proc; Linux has 100 a second for programs on every
// architecture that Go runs on.
const clockTick = time.Second / 100

// cpu is the user and system time of the process.
func (v *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", v.process.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return parseCPU(string(text))
}

// parseCPU reads utime and stime, the 14th and 15th field of /proc/PID/stat. The second one is
// a name in parentheses, which may hold spaces.
func parseCPU(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read processor time: %q", stat)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return time.Duration(user+system) * clockTick, nil
}

// residentBytes is the memory of the process now.
func (v *server) residentBytes() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", v.process.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("read memory: %q", text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
