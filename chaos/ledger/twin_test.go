package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/retailflow/stampede/chaos/ledger"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/reference/api"
)

// Random histories against a twin that keeps everything in maps: any attempts with any
// outcomes, in any order, any rows in the blocks, any damage in the minutes.
func TestAgainstDumbTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		dir := t.TempDir()
		l, err := ledger.Create(dir)
		require.NoError(rt, err)
		defer func() { l.Close() }()

		type sent struct {
			state  ledger.State
			tenant string
			fact   event.Fact
		}
		twin := map[api.ID]*sent{}
		var pool []event.Fact
		for range rapid.IntRange(1, 40).Draw(rt, "events") {
			pool = append(pool, draw(r, time.Duration(r.Int64N(int64(4*time.Minute)))))
		}
		owner := func(f event.Fact) string { return tenants[f.ID[15]%4] }
		for i := range rapid.IntRange(1, 40).Draw(rt, "attempts") {
			tenant := tenants[r.IntN(4)]
			a := ledger.Attempt{Seq: uint64(i), Tenant: tenant, At: start}
			for _, f := range pool {
				if owner(f) == tenant && r.IntN(3) == 0 {
					a.Events = append(a.Events, f)
				}
			}
			require.NoError(rt, l.Begin(a))
			o := ledger.Outcome{State: ledger.State(1 + r.IntN(3))}
			if r.IntN(3) == 0 {
				for range a.Events {
					o.Events = append(o.Events, ledger.State(1+r.IntN(3)))
				}
			}
			ended := r.IntN(4) > 0
			if ended {
				require.NoError(rt, l.End(a.Seq, o, start))
			}
			for j, f := range a.Events {
				state := o.State
				if o.Events != nil {
					state = o.Events[j]
				}
				if !ended {
					state = ledger.Unknown
				}
				if twin[f.ID] == nil {
					twin[f.ID] = &sent{tenant: tenant, fact: f}
				}
				twin[f.ID].state = max(twin[f.ID].state, state)
			}
			if r.IntN(10) == 0 { // the harness dies and goes on
				require.NoError(rt, l.Close())
				l, err = ledger.Open(dir)
				require.NoError(rt, err)
			}
		}

		s := &system{}
		for _, f := range pool {
			for range r.IntN(3) {
				s.store(owner(f), f, f.TimeMS+r.Int64N(5000))
			}
		}
		s.rollUp()
		exact := true
		for _, f := range s.minutes {
			if r.IntN(10) == 0 {
				f.Events += r.Int64N(3) - 1
				f.IDs.Lo += r.Uint64N(2)
				exact = false
			}
		}

		want := map[string]int64{}
		present := map[api.ID]bool{}
		states := map[ledger.State]int64{}
		for _, p := range s.winners() {
			present[p.Fact.ID] = true
			e := twin[p.Fact.ID]
			if e == nil {
				want[ledger.CheckPhantom]++
				states[0]++
				continue
			}
			states[e.state]++
			if e.state == ledger.Refused {
				want[ledger.CheckRefused]++
			}
		}
		var acked, unknown, refused int64
		for id, e := range twin {
			switch e.state {
			case ledger.Acked:
				acked++
				if !present[id] {
					want[ledger.CheckLost]++
				}
			case ledger.Unknown:
				unknown++
			default:
				refused++
			}
		}

		options := lenient
		options.PartEvents = rapid.SampledFrom([]int64{0, 1, 20}).Draw(rt, "events in a part")
		rep, err := l.Reconcile(rt.Context(), s.sinks(), options)
		require.NoError(rt, err)
		require.Equal(rt, [3]int64{acked, unknown, refused}, [3]int64{rep.Acked, rep.Unknown, rep.Refused})
		require.Equal(rt, int64(len(present)), rep.Present)
		require.Equal(rt, int64(len(s.events)-len(present)), rep.Duplicates)
		if diff := cmp.Diff(states, rep.PresentOf); diff != "" {
			rt.Fatalf("present by state (-want +got):\n%s", diff)
		}
		require.Equal(rt, want[ledger.CheckPhantom], rep.Check(ledger.CheckPhantom).Bad)
		require.Equal(rt, want[ledger.CheckRefused], rep.Check(ledger.CheckRefused).Bad)
		require.Zero(rt, rep.Check(ledger.CheckContent).Bad)
		if exact {
			require.Equal(rt, want[ledger.CheckLost], rep.Check(ledger.CheckLost).Bad)
			for _, name := range []string{ledger.CheckDoubled, ledger.CheckMinuteIDs, ledger.CheckMinutes, ledger.CheckHours, ledger.CheckDays, ledger.CheckOrders, ledger.CheckStock, ledger.CheckAnswers} {
				require.Zero(rt, rep.Check(name).Bad, name)
			}
			return
		}
		found := rep.Check(ledger.CheckLost).Bad - want[ledger.CheckLost] + rep.Check(ledger.CheckDoubled).Bad + rep.Check(ledger.CheckMinuteIDs).Bad
		hit := false
		for k, f := range s.minutes {
			sound := &ledger.Figures{}
			for _, p := range s.winners() {
				if p.Tenant == k.tenant && p.Fact.ID.Minute().Unix() == k.start {
					sound.Events++
					sound.IDs = sound.IDs.Add(p.Fact.ID)
				}
			}
			hit = hit || sound.Events != f.Events || sound.IDs != f.IDs
		}
		require.Equal(rt, hit, found > 0, "damage to counts and sums is seen, and nothing else is")
	})
}

// big is a ledger and a sound system of n events, in batches of 20.
func big(t testing.TB, n int) (*ledger.Ledger, ledger.Sinks) {
	r := rand.New(rand.NewPCG(1, 1))
	l, err := ledger.Create(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	var events []ledger.Present
	minutes, hours := map[key]*ledger.Figures{}, map[key]*ledger.Figures{}
	for seq := 0; seq < n/20; seq++ {
		at := time.Duration(seq) * 100 * time.Second / time.Duration(n/20)
		a := ledger.Attempt{Seq: uint64(seq), Tenant: fmt.Sprintf("t%04d", r.IntN(2400)), At: start.Add(at)}
		for range 20 {
			f := draw(r, at)
			a.Events = append(a.Events, f)
			events = append(events, ledger.Present{Tenant: a.Tenant, ReceivedMS: f.TimeMS, Fact: f})
			count(minutes, a.Tenant, f.ID.Minute(), f)
			count(hours, a.Tenant, f.ID.Time().Truncate(time.Hour), f)
		}
		require.NoError(t, l.Begin(a))
		require.NoError(t, l.End(a.Seq, ledger.Outcome{State: ledger.Acked}, a.At))
	}
	return l, ledger.Sinks{Events: list(events), Minutes: levels(minutes), Hours: levels(hours)}
}

// What a reconciliation holds in memory is a part of the events and not all of them.
func TestMemoryIsThatOfAPart(t *testing.T) {
	const n = 200_000
	l, sinks := big(t, n)
	held := func(partEvents int64) uint64 {
		var memory runtime.MemStats
		live := func() uint64 {
			runtime.GC()
			runtime.ReadMemStats(&memory)
			return memory.HeapAlloc
		}
		before, most := live(), uint64(0)
		o := lenient
		o.PartEvents, o.Progress = partEvents, func(string, int64) { most = max(most, live()) }
		r, err := l.Reconcile(t.Context(), sinks, o)
		require.NoError(t, err)
		require.EqualValues(t, n, r.Acked)
		require.EqualValues(t, n, r.Present)
		require.Equal(t, ledger.Pass, r.Check(ledger.CheckMinutes).Status)
		return most - min(before, most)
	}
	const bound = n * 100 // bytes
	parted, whole := held(n/50), held(n)
	t.Logf("%d kB in parts, %d kB as a whole", parted>>10, whole>>10)
	require.Less(t, parted, uint64(bound))
	require.Greater(t, whole, uint64(bound), "a bound that nothing exceeds proves nothing")
}

func BenchmarkReconcile(b *testing.B) {
	l, sinks := big(b, 300_000)
	for b.Loop() {
		if _, err := l.Reconcile(b.Context(), sinks, lenient); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBeginEnd(b *testing.B) {
	l, err := ledger.Create(b.TempDir())
	require.NoError(b, err)
	defer l.Close()
	r := rand.New(rand.NewPCG(1, 1))
	a := ledger.Attempt{Tenant: "t0001", At: start}
	for range 20 {
		a.Events = append(a.Events, draw(r, 0))
	}
	b.ReportAllocs()
	for b.Loop() {
		a.Seq++
		if err := l.Begin(a); err != nil {
			b.Fatal(err)
		}
		if err := l.End(a.Seq, ledger.Outcome{State: ledger.Acked}, start); err != nil {
			b.Fatal(err)
		}
	}
}
