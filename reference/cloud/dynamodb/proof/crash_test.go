package proof

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/cloud/dynamodb"
)

// forgetful is a file system that does not sync what matches, and says that it did.
type forgetful struct {
	vfs.FS
	match func(name string) bool
}

func (f forgetful) wrap(file vfs.File, name string, err error) (vfs.File, error) {
	if err == nil && f.match(name) {
		return unsynced{file}, nil
	}
	return file, err
}

func (f forgetful) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	return f.wrap(file, name, err)
}

func (f forgetful) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(oldname, newname, category)
	return f.wrap(file, newname, err)
}

func (f forgetful) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.wrap(file, "folder", err)
}

type unsynced struct{ vfs.File }

func (unsynced) Sync() error                { return nil }
func (unsynced) SyncData() error            { return nil }
func (unsynced) SyncTo(int64) (bool, error) { return false, nil }

// crashes lets writers write on a file system that forgets what was not synced, loses power at
// every nth operation that writes, and returns the first lie that it finds then, or nil, and how
// often it looked.
func crashes(t *testing.T, unsyncedName string, nth, steps int, seed uint64) (looked int, lie error) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	var disk vfs.FS = mem
	if unsyncedName != "" {
		disk = forgetful{mem, func(name string) bool { return strings.Contains(name, unsyncedName) }}
	}
	work, rng := newWorkload(4, seed), rand.New(rand.NewPCG(seed, 7))
	var armed atomic.Bool
	var operations atomic.Int64
	var looking sync.Mutex
	off := dynamodb.NoLimits()
	options := dynamodb.Options{Dir: "data", Limits: &off, MemTable: 64 << 10}
	options.FS = errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !armed.Load() || operations.Add(1)%int64(nth) != 0 {
			return nil
		}
		looking.Lock()
		defer looking.Unlock()
		if lie != nil {
			return nil
		}
		percent := rng.IntN(101)
		if unsyncedName != "" {
			percent = 0
		}
		told := work.snapshot()
		after := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
		looked++
		if err := recovered(t, after, work, told, work.snapshot()); err != nil {
			lie = fmt.Errorf("power lost at operation %d (%v %s): %w", operations.Load(), op.Kind, op.Path, err)
		}
		return nil
	}))
	s, err := dynamodb.Open(options)
	require.NoError(t, err)
	server := httptest.NewServer(mux(s, ""))
	c := client(t, server.URL)
	require.NoError(t, createTable(t.Context(), c))
	armed.Store(true)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var answers atomic.Int64
	work.run(ctx, c, func(error) {
		if answers.Add(1) >= int64(steps) {
			stop()
		}
	})
	armed.Store(false)
	server.Close()
	require.NoError(t, s.Close())
	return looked, lie
}

// recovered opens what a crash left and holds it against the histories.
func recovered(t *testing.T, disk vfs.FS, work *workload, told, begun [][]step) error {
	off := dynamodb.NoLimits()
	s, err := dynamodb.Open(dynamodb.Options{Dir: "data", FS: disk, Limits: &off})
	if err != nil {
		return err
	}
	server := httptest.NewServer(mux(s, ""))
	c := client(t, server.URL)
	_, err = work.verify(context.Background(), c, told, begun)
	server.Close()
	if closing := s.Close(); err == nil {
		err = closing
	}
	return err
}

// What was acknowledged is there after power is lost at any operation of the file system.
// brokenVariable names files that are not synced, for the test below.
func TestPowerLoss(t *testing.T) {
	const seed = 31
	looked, lie := crashes(t, os.Getenv(brokenVariable), times(11, 1), times(600, 6000), seed)
	require.NoError(t, lie, "seed %d", seed)
	require.Greater(t, looked, 20)
	t.Logf("power lost %d times, nothing lost or torn, seed %d", looked, seed)
}

// Without any one of the syncs the test above must fail. It does so in a process of its own,
// which Pebble may end when it finds files missing.
func TestPowerLossFindsEveryMissingSync(t *testing.T) {
	for _, name := range []string{".log", ".sst", "MANIFEST", "folder"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestPowerLoss$")
			cmd.Env = append(os.Environ(), brokenVariable+"="+name, "STAMPEDE_PROOF=short")
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "syncs of %s are not needed? %s", name, out)
			require.Regexp(t, "power lost at operation|panic: pebble", string(out))
		})
	}
}
