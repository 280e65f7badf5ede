package processing

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

func TestMoreFactsThanATransactionHolds(t *testing.T) {
	b := newBench(storyNow)
	b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: orderEvents(250, minutes[0])})
	report := b.pass(t, "t0001")
	require.Equal(t, 3, report.Commits, "98 facts a transaction")
	require.Equal(t, 250, report.Facts)
	require.Equal(t, 1, report.Deleted)
	require.Zero(t, report.Left)
	require.Equal(t, 250, b.count("core", "#O#"))
	head, r := b.rollup(t, store.MinuteKey("t0001", minutes[0]))
	require.Equal(t, int64(3), head.Gen)
	require.Equal(t, int64(250*7), r.Currencies[0].Refunded)
	require.Zero(t, b.pass(t, "t0001").Minutes, "nothing is left to do")
}

// wideEvents are orders of so many different articles that their roll-up needs parts.
func wideEvents(n int, minute time.Time) []*api.Event {
	out := orderEvents(n, minute)
	for i, e := range out {
		e.Type = api.EventType_ORDER_CREATED
		for line := range 2000 {
			e.Lines = append(e.Lines, &api.Line{Sku: fmt.Sprintf("article-%030d", i*2000+line), Quantity: 1, Total: 3})
			e.Amount += 3
		}
	}
	return out
}

func TestLargeRollupsHavePartsAndNoOldOnes(t *testing.T) {
	b := newBench(storyHours)
	all := wideEvents(7, minutes[0])
	commits := 0 // their facts are too large for one step
	for i, end := range []int{6, 7} {
		b.put(t, fmt.Sprint("orders/", i), &api.Record{Tenant: "t0001", Events: all[:end]})
		report := b.pass(t, "t0001")
		require.Equal(t, 1, report.Hours)
		require.Zero(t, report.Left+report.Stopped)
		commits += report.Commits
		for key, gen := range map[store.Key]int{store.MinuteKey("t0001", minutes[0]): commits, store.HourKey("t0001", minutes[0].Truncate(time.Hour)): i + 1} {
			head, r := b.rollup(t, key)
			require.Equal(t, int64(gen), head.Gen)
			require.Len(t, r.SKUs, end*2000)
			parts := (len(head.Data) + codec.MaxChunk - 1) / codec.MaxChunk
			require.Greater(t, parts, 1)
			require.Equal(t, parts, b.count("analytics", key.String()+"#p#"), "parts of the head and no others")
		}
	}
	b.world.now = storyEnd
	require.Equal(t, 1, b.pass(t, "t0001").Days)
	_, r := b.rollup(t, store.DayKey("t0001", store.DateIn(minutes[0], time.UTC)))
	require.Equal(t, int64(7*6007), r.Currencies[0].Gross)
}

func TestWhatCannotBeRecomputedStopsAlone(t *testing.T) {
	minute := minutes[0]
	object := codec.ObjectIDOf("raw", "strange")
	mark := func(b *bench, at time.Time, e codec.MarkerEntry) {
		it := store.MinuteMarkerItem(store.MarkerShard("t0001"), at, object, []codec.MarkerEntry{e})
		b.world.set("analytics", store.KeyOf(it), it)
	}
	for name, spoil := range map[string]func(b *bench){
		"block of an unknown codec": func(b *bench) {
			mark(b, minute.Add(time.Minute), codec.MarkerEntry{Tenant: "t0001", Codec: codec.BlockCodec + 1, Chunks: []uint64{1}})
		},
		"block that is not there": func(b *bench) {
			mark(b, minute.Add(time.Minute), codec.MarkerEntry{Tenant: "t0001", Codec: codec.BlockCodec, Chunks: []uint64{1}})
		},
		"older than the retention": func(b *bench) {
			mark(b, storyNow.AddDate(0, 0, -81), codec.MarkerEntry{Tenant: "t0001", Codec: codec.BlockCodec, Chunks: []uint64{1}})
		},
		"block of another minute": func(b *bench) {
			chunks, err := codec.Pack(codec.TenantMinute{Tenant: "t0001", Minute: 1, Requests: []codec.Request{{Events: [][]byte{[]byte("x")}}}})
			require.NoError(t, err)
			ref := codec.BlockRef{Object: object, Codec: codec.BlockCodec}
			it := store.BlockItem("t0001", minute.Add(time.Minute), ref, chunks[0], "1")
			b.world.set("analytics", store.KeyOf(it), it)
			mark(b, minute.Add(time.Minute), codec.MarkerEntry{Tenant: "t0001", Codec: codec.BlockCodec, Chunks: []uint64{codec.Digest(chunks[0])}})
		},
		"marker of an unknown codec": func(b *bench) {
			it := store.MinuteMarkerItem(store.MarkerShard("t0001"), minute.Add(time.Minute), object, nil)
			it[store.AttrBody] = store.BlockItem("t", minute, codec.BlockRef{}, []byte{99}, "")[store.AttrBody]
			b.world.set("analytics", store.KeyOf(it), it)
		},
	} {
		b := newBench(storyNow)
		b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: orderEvents(2, minute)})
		spoil(b)
		report := b.pass(t, "t0001")
		require.Equal(t, 1, report.Stopped, name)
		require.Equal(t, 1, report.Commits, name)
		require.Equal(t, 1, b.count("analytics", "minute#"), "%s: its marker stays, the other is gone", name)
		require.Contains(t, b.log.String(), `"level":"ERROR"`, name)
	}
}

func TestABlockWrittenAgainOtherwiseIsCountedAnew(t *testing.T) {
	b := newBench(storyNow)
	n := b.insights() // one container, with its cache
	pass := func() {
		_, err := n.Handle(context.Background(), Pass{Shard: store.MarkerShard("t0001")})
		require.NoError(t, err)
	}
	all := orderEvents(4, minutes[0])
	b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: all[:3]}) // a bad release loses one
	pass()
	b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: all})
	pass()
	_, r := b.rollup(t, store.MinuteKey("t0001", minutes[0]))
	require.Equal(t, int64(4), r.Count)
	require.Equal(t, 4, b.count("core", "#O#"))
}

func TestAPassLeavesTheRestWhenTimeIsUp(t *testing.T) {
	b := newBench(storyNow)
	b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: orderEvents(2, minutes[0])})
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Hour))
	defer cancel()
	b.world.now = time.Now().Add(time.Hour - time.Second) // the margin is two
	report, err := b.insights().Handle(ctx, Pass{Shard: store.MarkerShard("t0001")})
	require.NoError(t, err)
	require.Equal(t, 1, report.Left)
	require.Zero(t, report.Commits)
	require.Equal(t, 1, b.count("analytics", "minute#"))
}

func TestHoursAndDaysWaitUntilTheyAreSettled(t *testing.T) {
	b := newBench(storyDay.Add(19*time.Hour + 119*time.Second)) // hour 18 ended 1:59 ago
	for _, tenant := range []string{"t0001"} {
		meta := store.Tenant{ID: tenant, Zone: storyZone}
		b.world.set("core", store.TenantKey(tenant), meta.Item())
	}
	b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: orderEvents(2, minutes[1])})
	report := b.pass(t, "t0001")
	require.Equal(t, []int{1, 0, 0, 0}, []int{report.Commits, report.Hours, report.Days, report.Left})
	b.world.now = b.world.now.Add(time.Second)
	report = b.pass(t, "t0001")
	require.Equal(t, []int{0, 1, 1, 0}, []int{report.Commits, report.Hours, report.Days, report.Left}, "the Indian day ended at 18:30")
	head, r := b.rollup(t, store.DayKey("t0001", store.Date{Year: 2026, Month: 3, Day: 14}))
	require.Equal(t, storyZone, head.Zone)
	require.Equal(t, int64(2), r.Count)
	require.Equal(t, 1, b.count("analytics", "day#"), "the day that began at 18:30 is open")
}

func TestAPassOfNoSuchShardIsRefused(t *testing.T) {
	_, err := newBench(storyNow).insights().Handle(context.Background(), Pass{Shard: 8})
	require.ErrorContains(t, err, "want 0 to 7")
}

func TestCoarseMarkersAreLookedAtNowAndThen(t *testing.T) {
	b := newBench(storyHours)
	n := NewInsights(InsightsOptions{DB: b, Tables: Tables{"core", "analytics"}, Now: func() time.Time { return b.world.now }})
	b.put(t, "orders/one", &api.Record{Tenant: "t0001", Events: orderEvents(1, minutes[0])})
	pass := func() Report {
		report, err := n.Handle(context.Background(), Pass{Shard: store.MarkerShard("t0001")})
		require.NoError(t, err)
		return report
	}
	require.Equal(t, 1, pass().Hours)
	b.put(t, "orders/two", &api.Record{Tenant: "t0001", Events: orderEvents(2, minutes[0])})
	require.Zero(t, pass().Hours, "looked a moment ago")
	b.world.now = b.world.now.Add(15 * time.Second)
	require.Equal(t, 1, pass().Hours)
}

func TestAStepAsksForPartOfWhatItsPartitionGets(t *testing.T) {
	b := newBench(storyHours)
	b.put(t, "orders/many", &api.Record{Tenant: "t0001", Events: orderEvents(600, minutes[0])})
	report := b.pass(t, "t0001")
	require.Equal(t, 600, report.Facts)
	// Facts of under 1 KB cost 2 units each: at most 98 fit into the 100 actions of a transaction,
	// and 125 into the units of a step.
	require.Equal(t, 7, report.Commits)

	wide := newBench(storyHours)
	wide.put(t, "orders/wide", &api.Record{Tenant: "t0001", Events: wideEvents(6, minutes[0])})
	report = wide.pass(t, "t0001")
	require.Equal(t, 6, report.Facts)
	require.Greater(t, report.Commits, 1, "six facts of dozens of KB are more than one step may ask for")
}
