package agent

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/chaos/fault"
	"github.com/retailflow/stampede/chaos/faults"
	"github.com/retailflow/stampede/chaos/faults/cloudtest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("AGENT_TEST_DIR"); dir != "" {
		beAgent(dir)
		return
	}
	cloudtest.Main()
	goleak.VerifyTestMain(m)
}

var ctx = context.Background()

// toy is a fault that tells a test what happens to it.
type toy struct {
	mu       sync.Mutex
	log      []string
	prepare  error
	apply    error
	revert   []error       // of the first tries
	applying chan struct{} // Apply waits for it, or for the end of its context
	onApply  func()
}

func (f *toy) say(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, what)
}

func (f *toy) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.log, " ")
}

func (f *toy) Prepare(context.Context) (json.RawMessage, error) {
	f.say("prepare")
	return json.RawMessage(`{"undo":"this"}`), f.prepare
}

func (f *toy) Apply(ctx context.Context) (map[string]string, error) {
	f.say("apply")
	if f.onApply != nil {
		f.onApply()
	}
	if f.applying != nil {
		select {
		case <-f.applying:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return map[string]string{"version": "7"}, f.apply
}

func (f *toy) Revert(_ context.Context, inverse json.RawMessage) error {
	f.say("revert" + string(inverse))
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.revert) == 0 {
		return nil
	}
	err := f.revert[0]
	f.revert = f.revert[1:]
	return err
}

func (f *toy) Hits(context.Context) fault.Hits { return fault.Hits{Count: 3, Effect: "three"} }

const reverted = `revert{"undo":"this"}`

// rig is an agent in this process whose faults are toys.
type rig struct {
	*Client
	t     *testing.T
	agent *agent
	dir   string
	toys  map[string]*toy
	stop  func() error
}

func newRig(t *testing.T, dir string, toys map[string]*toy) *rig {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	r := &rig{Client: NewClient(dir), t: t, dir: dir, toys: toys}
	o := Options{Dir: dir, Grace: time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	r.agent = newAgent(o, func(f fault.Fault) (faults.Fault, error) {
		if made := toys[f.Name]; made != nil {
			return made, nil
		}
		return nil, errors.New("no such toy")
	})
	runs, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.agent.run(runs, dir) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = r.stop(); r.Close() })
	require.NoError(t, r.Ready(within(t, time.Minute)))
	return r
}

func within(t *testing.T, d time.Duration) context.Context {
	c, cancel := context.WithTimeout(ctx, d)
	t.Cleanup(cancel)
	return c
}

func lasting(name string, d time.Duration) fault.Fault {
	return fault.Fault{Name: name, Kind: fault.KillProcess, Target: "data", For: d}
}

func (r *rig) lease(id string) Lease {
	r.t.Helper()
	all, err := r.Leases(ctx)
	require.NoError(r.t, err)
	for _, l := range all {
		if l.ID == id {
			return l
		}
	}
	r.t.Fatalf("no lease %s", id)
	return Lease{}
}

func TestFaultIsAppliedAndHealed(t *testing.T) {
	a := &toy{}
	r := newRig(t, "", map[string]*toy{"a": a})
	began := time.Now()
	left := func(d time.Duration, got Lease) {
		t.Helper()
		require.LessOrEqual(t, got.Left, d)
		require.GreaterOrEqual(t, got.Left, d-time.Since(began))
	}
	got, err := r.Apply(ctx, lasting("a", time.Minute))
	require.NoError(t, err)
	require.Equal(t, fault.Applied, got.State)
	require.Equal(t, "a: kill-process data at 0s for 1m", got.Fault)
	require.Equal(t, map[string]string{"version": "7"}, got.Details)
	require.Equal(t, fault.Hits{Count: 3, Effect: "three"}, got.Hits)
	left(time.Minute, got)
	require.NotZero(t, got.Applied)
	got, err = r.Renew(ctx, "a", time.Hour)
	require.NoError(t, err)
	left(time.Hour, got)
	require.Equal(t, "prepare apply", a.said())

	got, err = r.Heal(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, fault.Gone, got.State)
	require.Equal(t, "healed", got.Why)
	require.Zero(t, got.Left)
	require.NotZero(t, got.Gone)
	_, err = r.Heal(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, "prepare apply "+reverted, a.said(), "healing again does nothing")
	_, err = r.Renew(ctx, "a", time.Hour)
	require.ErrorIs(t, err, fault.ErrNotLive)
	_, err = r.Apply(ctx, lasting("a", time.Minute))
	require.ErrorIs(t, err, fault.ErrUsed)
	_, err = r.Renew(ctx, "b", time.Hour)
	require.ErrorIs(t, err, fault.ErrUnknown)
}

func TestHealThatComesFirstStopsTheGrant(t *testing.T) {
	a := &toy{}
	r := newRig(t, "", map[string]*toy{"a": a})
	_, err := r.Heal(ctx, "a")
	require.NoError(t, err)
	_, err = r.Apply(ctx, lasting("a", time.Minute))
	require.ErrorIs(t, err, fault.ErrUsed)
	require.Empty(t, a.said())
}

func TestLeaseExpiresByItself(t *testing.T) {
	a := &toy{}
	r := newRig(t, "", map[string]*toy{"a": a})
	_, err := r.Apply(ctx, lasting("a", 3*time.Second)) // long enough to be applied
	require.NoError(t, err)
	require.Eventually(t, func() bool { return a.said() == "prepare apply "+reverted }, 30*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return r.lease("a").State == fault.Gone }, 30*time.Second, time.Millisecond)
	require.Equal(t, "expired", r.lease("a").Why)
}

func TestInverseIsDurableBeforeTheFaultIsApplied(t *testing.T) {
	a := &toy{}
	r := newRig(t, "", map[string]*toy{"a": a})
	synced := false
	sync := r.agent.journal.sync
	r.agent.journal.sync = func() error { synced = true; return sync() }
	a.onApply = func() {
		text, err := os.ReadFile(filepath.Join(r.dir, journalName))
		if err == nil && synced && strings.Contains(string(text), `"inverse":{"undo":"this"}`) {
			a.say("(on disk)")
		}
	}
	_, err := r.Apply(ctx, lasting("a", time.Minute))
	require.NoError(t, err)
	require.Equal(t, "prepare apply (on disk)", a.said())
}

func TestNothingIsAppliedWithoutAJournal(t *testing.T) {
	a := &toy{}
	r := newRig(t, "", map[string]*toy{"a": a})
	r.agent.journal.sync = func() error { return errors.New("disk is full") }
	got, err := r.Apply(ctx, lasting("a", time.Minute))
	require.ErrorContains(t, err, "disk is full")
	require.Equal(t, fault.Gone, got.State)
	require.Equal(t, "prepare", a.said())
}

func TestFaultThatFailsIsReverted(t *testing.T) {
	a, b := &toy{apply: errors.New("half done")}, &toy{prepare: errors.New("no such thing")}
	r := newRig(t, "", map[string]*toy{"a": a, "b": b})
	got, err := r.Apply(ctx, lasting("a", time.Minute))
	require.ErrorContains(t, err, "half done")
	require.Equal(t, fault.Gone, got.State)
	require.Equal(t, "could not be applied: half done", got.Why)
	require.Equal(t, "prepare apply "+reverted, a.said())
	got, err = r.Apply(ctx, lasting("b", time.Minute))
	require.ErrorContains(t, err, "no such thing")
	require.Equal(t, fault.Gone, got.State)
	require.Equal(t, "prepare", b.said(), "what changed nothing needs no reverting")
	_, err = r.Apply(ctx, lasting("c", time.Minute))
	require.ErrorContains(t, err, "no such toy")
	_, err = r.Apply(ctx, fault.Fault{Name: "d"})
	require.Error(t, err)
}

func TestExpiryAndHealInterruptTheApplication(t *testing.T) {
	a, b := &toy{applying: make(chan struct{})}, &toy{applying: make(chan struct{})}
	r := newRig(t, "", map[string]*toy{"a": a, "b": b})
	_, err := r.Apply(ctx, lasting("a", 3*time.Second)) // long enough to begin
	require.Error(t, err)
	require.Equal(t, "prepare apply "+reverted, a.said())
	done := make(chan error)
	go func() { _, err := r.Apply(ctx, lasting("b", time.Minute)); done <- err }()
	require.Eventually(t, func() bool { return b.said() == "prepare apply" }, 30*time.Second, time.Millisecond)
	_, err = r.Heal(ctx, "b")
	require.NoError(t, err)
	require.Error(t, <-done)
	require.Equal(t, "prepare apply "+reverted, b.said())
}

func TestRevertingIsRepeatedUntilItSucceeds(t *testing.T) {
	a := &toy{revert: []error{errors.New("one"), errors.New("two")}}
	r := newRig(t, "", map[string]*toy{"a": a})
	_, err := r.Apply(ctx, lasting("a", time.Minute))
	require.NoError(t, err)
	all, err := r.HealAll(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, fault.Gone, all[0].State)
	require.Empty(t, all[0].Error)
	require.Equal(t, 3, strings.Count(a.said(), reverted))
}

func TestHealSaysWhatIsNotReverted(t *testing.T) {
	broken := make([]error, 1000)
	for i := range broken {
		broken[i] = errors.New("edge is down")
	}
	a := &toy{revert: broken}
	r := newRig(t, "", map[string]*toy{"a": a})
	_, err := r.Apply(ctx, lasting("a", time.Minute))
	require.NoError(t, err)
	waits, enough := context.WithCancel(ctx)
	healed := make(chan error)
	go func() { _, err := r.Heal(waits, "a"); healed <- err }()
	require.Eventually(t, func() bool { return r.lease("a").Error == "edge is down" }, 30*time.Second, time.Millisecond)
	require.Equal(t, fault.Reverting, r.lease("a").State)
	enough()
	require.ErrorIs(t, <-healed, context.Canceled, "it waits as long as its caller does")
	require.ErrorContains(t, r.stop(), "fault a is not reverted: edge is down")

	// The next agent of the folder knows, and can.
	next := &toy{}
	r2 := newRig(t, r.dir, map[string]*toy{"a": next})
	require.Eventually(t, func() bool { return next.said() == reverted }, 30*time.Second, time.Millisecond)
	_, err = r2.Apply(ctx, lasting("a", time.Minute))
	require.ErrorIs(t, err, fault.ErrUsed)
	require.NoError(t, r2.stop())
	r3 := newRig(t, r.dir, map[string]*toy{"a": next})
	_, err = r3.Apply(ctx, lasting("a", time.Minute))
	require.ErrorIs(t, err, fault.ErrUsed)
	require.Equal(t, reverted, next.said(), "what is gone is not reverted again")
}

func TestStopRevertsEverything(t *testing.T) {
	a, b := &toy{}, &toy{}
	r := newRig(t, "", map[string]*toy{"a": a, "b": b})
	for _, name := range []string{"a", "b"} {
		_, err := r.Apply(ctx, lasting(name, time.Minute))
		require.NoError(t, err)
	}
	require.NoError(t, r.stop())
	for _, f := range []*toy{a, b} {
		require.Equal(t, "prepare apply "+reverted, f.said())
	}
	_, err := r.Leases(ctx)
	require.Error(t, err)
	require.NoFileExists(t, Socket(r.dir))
}

func TestAFolderHasOneAgent(t *testing.T) {
	r := newRig(t, "", nil)
	err := Run(ctx, Options{Dir: r.dir})
	require.ErrorIs(t, err, ErrHeld)
	require.NoError(t, r.Ready(within(t, time.Second)), "the first one is not disturbed")
}

func TestLongFolderNamesHaveASocketToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	r := newRig(t, dir, nil)
	require.NoError(t, r.stop())
}

func TestReadEntries(t *testing.T) {
	const one, two = `{"id":"a","fault":"f","inverse":{}}` + "\n", `{"id":"a","gone":"reverted"}` + "\n"
	for text, want := range map[string]int{"": 0, one: 1, one + two: 2, one + `{"id":"b`: 1, one + `{"id":"b"}`: 1} {
		entries, whole, err := readEntries(strings.NewReader(text))
		require.NoError(t, err)
		require.Len(t, entries, want, text)
		require.EqualValues(t, strings.LastIndexByte(text, '\n')+1, whole, text)
	}
	for _, text := range []string{"x\n" + one, one + "{}\n", "\n"} {
		_, _, err := readEntries(strings.NewReader(text))
		require.ErrorContains(t, err, "is no entry", text)
	}
}

func FuzzReadEntries(f *testing.F) {
	f.Add(`{"id":"a","fault":"f","inverse":{}}` + "\n" + `{"id":"b`)
	f.Fuzz(func(t *testing.T, text string) {
		entries, whole, err := readEntries(strings.NewReader(text))
		if err != nil {
			return
		}
		require.LessOrEqual(t, whole, int64(len(text)))
		again, same, err := readEntries(strings.NewReader(text[:whole]))
		require.NoError(t, err)
		require.Equal(t, entries, again)
		require.Equal(t, whole, same)
	})
}
