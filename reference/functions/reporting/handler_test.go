package reporting_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/reporting"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is in the middle of a minute, so the current one is open.
var noon = time.Date(2026, 11, 27, 12, 17, 30, 0, time.UTC)

func TestSummaryIsTheSumOfItsMinutesInAnyZone(t *testing.T) {
	from, to := noon.Truncate(24*time.Hour).AddDate(0, 0, -3), noon.Truncate(time.Minute).Add(time.Minute)
	for i, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"} {
		t.Run(zone, func(t *testing.T) {
			db := newTable()
			db.page = 50
			s := openShop(t, db, "t0001", zone, uint64(i), from, to, noon)
			a := analytics(t, db, &clock{noon})
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			for range 60 {
				start := from.Add(time.Duration(rng.IntN(4000)) * time.Minute)
				end := start.Add(time.Duration(rng.IntN(3000)+1) * time.Minute)
				want := s.sum(start, end)
				got := read[api.Summary](t, get(t, a, "t0001", "/analytics/summary", "from", start.Format(time.RFC3339), "to", end.Format(time.RFC3339)))
				require.Equal(t, want.Count, got.Events, "%s to %s", start, end)
				require.Equal(t, want.IDs.String(), got.IDs)
				require.Equal(t, want.LastCorrelation, got.Trace)
				for _, c := range got.Currencies {
					require.Equal(t, want.Currencies[0].Gross, c.Gross)
					require.Equal(t, want.Currencies[0].Gross-want.Currencies[0].Refunded, c.Net)
				}
			}
			for d := store.DateIn(from, s.zone).Next(1); d != store.DateIn(noon, s.zone).Next(1); d = d.Next(1) {
				start, end := d.Bounds(s.zone)
				got := read[api.Summary](t, get(t, a, "t0001", "/analytics/summary", "date", d.String()))
				require.Equal(t, s.sum(start, end).Count, got.Events)
				require.Equal(t, s.sum(start, end).Count, got.ByType["order.created"])
				require.Equal(t, start, got.From)
				require.Equal(t, end, got.To)
			}
		})
	}
}

func TestDirtyHoursAndDaysAreReadByTheirMinutes(t *testing.T) {
	from := noon.Truncate(24*time.Hour).AddDate(0, 0, -2)
	db := newTable()
	s := openShop(t, db, "t0001", "Asia/Kolkata", 1, from, noon, noon)
	c := &clock{noon}
	a := analytics(t, db, c)
	ask := func() api.Summary {
		return read[api.Summary](t, get(t, a, "t0001", "/analytics/summary", "date", "2026-11-26"))
	}
	before := ask()

	// A late event: its minute is recomputed, hour and day are only marked.
	late := time.Date(2026, 11, 26, 8, 5, 0, 0, time.UTC)
	s.minutes[late] = codec.Merge(s.minutes[late], randomMinute(rand.New(rand.NewPCG(9, 9)), late))
	db.rollup(store.MinuteKey("t0001", late), 2, "", s.minutes[late])
	db.put(store.CoarseMarkerItem(store.HourMarkerKey("t0001", late.Truncate(time.Hour)), "x"))

	require.Equal(t, before.Events, ask().Events, "from memory")
	c.at = c.at.Add(2 * time.Second)
	start, end := store.Date{Year: 2026, Month: 11, Day: 26}.Bounds(s.zone)
	want := s.sum(start, end)
	require.Equal(t, want.Count, ask().Events)
	require.Greater(t, want.Count, before.Events)

	// Hour and day are recomputed, the markers gone.
	db.rollup(store.HourKey("t0001", late.Truncate(time.Hour)), 2, "", s.sum(late.Truncate(time.Hour), late.Truncate(time.Hour).Add(time.Hour)))
	db.rollup(store.DayKey("t0001", store.Date{Year: 2026, Month: 11, Day: 26}), 2, "Asia/Kolkata", want)
	delete(db.items, store.HourMarkerKey("t0001", late.Truncate(time.Hour)))
	c.at = c.at.Add(5 * time.Second)
	require.Equal(t, want.Count, ask().Events, "the day that was in memory has another generation now")
	require.Equal(t, want.IDs.String(), ask().IDs)
}

func TestClosedBucketsAreKeptAndOpenOnesAreNot(t *testing.T) {
	from := noon.Truncate(24*time.Hour).AddDate(0, 0, -1)
	db := newTable()
	openShop(t, db, "t0001", "UTC", 1, from, noon, noon)
	c := &clock{noon}
	a := analytics(t, db, c)
	ask := func() (queries []string) {
		db.queries = nil
		read[api.Summary](t, get(t, a, "t0001", "/analytics/summary"))
		return db.queries
	}
	hours := "T#t0001#R#1h#202611"
	minutes := "T#t0001#R#1m#20261127"
	body := " " + strings.Join([]string{store.AttrPK, store.AttrSK, store.AttrGen, store.AttrRollup, store.AttrParts, store.AttrDigest, store.AttrBody, store.AttrZone}, ", ")
	require.ElementsMatch(t, []string{store.MarkerPK(store.MarkerShard("t0001")) + " ", store.MarkerPK(store.MarkerShard("t0001")) + " ",
		hours + body, minutes + body, minutes + body}, ask())
	require.Empty(t, ask(), "all of it is fresh")
	c.at = c.at.Add(2 * time.Second)
	require.ElementsMatch(t, []string{store.MarkerPK(store.MarkerShard("t0001")) + " ", store.MarkerPK(store.MarkerShard("t0001")) + " ", minutes + body}, ask(),
		"open minutes and markers")
	c.at = c.at.Add(3 * time.Second)
	require.Contains(t, ask(), hours+" "+store.AttrSK+", "+store.AttrGen, "closed buckets by generation alone")
	require.Equal(t, 1, db.gets, "the tenant's zone is read once")
}

func TestDaysOfAnotherZoneAreNotUsed(t *testing.T) {
	from := noon.Truncate(24*time.Hour).AddDate(0, 0, -3)
	db := newTable()
	s := openShop(t, db, "t0001", "Asia/Tokyo", 1, from, noon, noon)
	db.put(store.Tenant{ID: "t0001", Zone: "Europe/Berlin"}.Item())
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	start, end := store.Date{Year: 2026, Month: 11, Day: 26}.Bounds(berlin)
	got := read[api.Summary](t, get(t, analytics(t, db, &clock{noon}), "t0001", "/analytics/summary", "date", "2026-11-26"))
	require.Equal(t, s.sum(start, end).Count, got.Events)
}

func TestLargeRollUpsAreJoined(t *testing.T) {
	db := newTable()
	db.put(store.Tenant{ID: "t0001"}.Item())
	var big codec.Rollup
	big.Count = 1
	for i := range 20_000 {
		big.SKUs = append(big.SKUs, codec.SKU{SKU: "sku-" + strconv.Itoa(100_000+i) + strings.Repeat("x", 30), Currency: "EUR", Units: int64(i), Amount: int64(i)})
	}
	at := noon.Add(-time.Hour).Truncate(time.Minute)
	db.rollup(store.MinuteKey("t0001", at), 3, "", big)
	require.Greater(t, len(db.items), 3, "in parts")
	a := analytics(t, db, &clock{noon})
	got := read[api.TopProducts](t, get(t, a, "t0001", "/analytics/top-products", "from", at.Format(time.RFC3339), "to", at.Add(time.Minute).Format(time.RFC3339), "limit", "2", "by", "units"))
	require.Equal(t, []int64{19_999, 19_998}, []int64{got.Products[0].Units, got.Products[1].Units})
}

func TestSeriesCoversThePeriod(t *testing.T) {
	from := noon.Truncate(24*time.Hour).AddDate(0, 0, -3)
	db := newTable()
	s := openShop(t, db, "t0001", "Asia/Kolkata", 3, from, noon, noon)
	a := analytics(t, db, &clock{noon})
	for interval, p := range map[string][2]time.Time{
		"minute": {noon.Add(-3*time.Hour - 30*time.Second), noon.Add(-30 * time.Second)},
		"hour":   {from.Add(17 * time.Minute), noon.Add(-30 * time.Second)},
		"day":    {from.Add(17 * time.Minute), noon.Add(-30 * time.Second)},
	} {
		start, end := p[0].Truncate(time.Minute), p[1].Truncate(time.Minute)
		got := read[api.Series](t, get(t, a, "t0001", "/analytics/series", "interval", interval, "from", start.Format(time.RFC3339), "to", end.Format(time.RFC3339)))
		require.Equal(t, start, got.Points[0].Start)
		for i, point := range got.Points {
			next := end
			if i+1 < len(got.Points) {
				next = got.Points[i+1].Start
			}
			require.Equal(t, s.sum(point.Start, next).Count, point.Events, "%s %s", interval, point.Start)
		}
	}
	day := read[api.Series](t, get(t, a, "t0001", "/analytics/series", "interval", "day", "from", from.Format(time.RFC3339), "to", noon.Truncate(time.Minute).Format(time.RFC3339)))
	require.Equal(t, time.Date(2026, 11, 24, 18, 30, 0, 0, time.UTC), day.Points[1].Start, "local midnight")
}

func TestTopProducts(t *testing.T) {
	db := newTable()
	s := openShop(t, db, "t0001", "UTC", 1, noon.Truncate(time.Hour), noon, noon)
	a := analytics(t, db, &clock{noon})
	sum := s.sum(noon.Add(-time.Hour), noon)
	got := read[api.TopProducts](t, get(t, a, "t0001", "/analytics/top-products"))
	require.Equal(t, []api.ProductSales{{SKU: "A", Currency: "EUR", Units: sum.SKUs[0].Units, Amount: sum.SKUs[0].Amount}}, got.Products)
	got = read[api.TopProducts](t, get(t, a, "t0001", "/analytics/top-products", "by", "views"))
	require.Equal(t, []api.ProductSales{{SKU: "B", Views: sum.SKUs[1].Views}}, got.Products)
}

func TestOrderHistoryAndStock(t *testing.T) {
	db := newTable()
	fact := func(kind api.EventType, at time.Time, amount int64) {
		id := api.NewID(at, [10]byte{1})
		raw := mustMarshal(t, &api.Event{Id: id[:], Type: kind, TimeMs: at.UnixMilli(), Order: "536365", Customer: "c", Currency: "GBP", Amount: amount})
		e, err := codec.DecodeEvent(raw)
		require.NoError(t, err)
		db.put(store.FactOf("t0001", &e).Item())
	}
	fact(api.EventType_ORDER_PAID, noon.AddDate(0, 0, -1), 1999)
	fact(api.EventType_ORDER_CREATED, noon.AddDate(0, -1, 0), 1999)
	a := analytics(t, db, &clock{noon})
	got := read[api.OrderHistory](t, get(t, a, "t0001", "/analytics/orders/{order}", "{order}", "536365"))
	require.Len(t, got.Transitions, 2)
	require.Equal(t, "order.created", got.Transitions[0].Type)
	require.Equal(t, api.Transition{Event: api.NewID(noon.AddDate(0, 0, -1), [10]byte{1}).String(), Type: "order.paid", At: noon.AddDate(0, 0, -1),
		Customer: "c", Currency: "GBP", Amount: 1999}, got.Transitions[1])
	require.Equal(t, 404, get(t, a, "t0001", "/analytics/orders/{order}", "{order}", "53636").StatusCode)

	id := api.NewID(noon, [10]byte{2})
	e, err := codec.DecodeEvent(mustMarshal(t, &api.Event{Id: id[:], Type: api.EventType_INVENTORY_ADJUSTED, TimeMs: noon.UnixMilli(), Sku: "A/1", Quantity: -3, Sequence: 9}))
	require.NoError(t, err)
	revision, ok := store.RevisionOf("t0001", &e)
	require.True(t, ok)
	it := revision.Key.Item()
	for name, value := range revision.Set {
		it[name] = value
	}
	db.put(it)
	require.Equal(t, api.StockLevel{Tenant: "t0001", SKU: "A/1", Quantity: -3}, read[api.StockLevel](t, get(t, a, "t0001", "/inventory/{sku}", "{sku}", "A/1")))
	require.Equal(t, 404, get(t, a, "t0001", "/inventory/{sku}", "{sku}", "B").StatusCode)
}

func TestStatuses(t *testing.T) {
	db := newTable()
	db.put(store.Tenant{ID: "t0001"}.Item())
	a := analytics(t, db, &clock{noon})
	for name, tt := range map[string]struct {
		tenant, resource string
		params           []string
		status           int
	}{
		"today":              {"t0001", "/analytics/summary", nil, 200},
		"an empty day":       {"t0001", "/analytics/summary", []string{"date", "2020-02-29"}, 200},
		"no day":             {"t0001", "/analytics/summary", []string{"date", "2021-02-29"}, 400},
		"date and from":      {"t0001", "/analytics/summary", []string{"date", "2020-02-29", "from", "2020-02-29T00:00:00Z"}, 400},
		"from alone":         {"t0001", "/analytics/summary", []string{"from", "2020-02-29T00:00:00Z"}, 400},
		"seconds":            {"t0001", "/analytics/summary", []string{"from", "2020-02-29T00:00:30Z", "to", "2020-02-29T00:01:00Z"}, 400},
		"backwards":          {"t0001", "/analytics/summary", []string{"from", "2020-02-29T00:01:00Z", "to", "2020-02-29T00:01:00Z"}, 400},
		"more than a year":   {"t0001", "/analytics/summary", []string{"from", "2020-02-29T00:01:00Z", "to", "2022-02-28T00:01:00Z"}, 400},
		"too many minutes":   {"t0001", "/analytics/series", []string{"interval", "minute", "from", "2020-02-29T00:00:00Z", "to", "2020-03-01T00:01:00Z"}, 400},
		"strange interval":   {"t0001", "/analytics/series", []string{"interval", "week"}, 400},
		"strange order":      {"t0001", "/analytics/top-products", []string{"by", "name"}, 400},
		"too many products":  {"t0001", "/analytics/top-products", []string{"limit", "101"}, 400},
		"foreign tenant":     {"t0002", "/analytics/summary", nil, 403},
		"foreign stock":      {"t0002", "/inventory/{sku}", []string{"{sku}", "A"}, 403},
		"impossible tenant":  {"a#b", "/analytics/summary", nil, 404},
		"no such resource":   {"t0001", "/analytics/weather", nil, 404},
		"zone with offset":   {"t0001", "/analytics/summary", []string{"from", "2020-02-29T05:30:00+05:30", "to", "2020-02-29T06:30:00+05:30"}, 200},
		"products of no one": {"t0001", "/analytics/top-products", nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.status, get(t, a, tt.tenant, tt.resource, tt.params...).StatusCode)
		})
	}
	t.Run("unknown tenant", func(t *testing.T) {
		require.Equal(t, 404, get(t, analytics(t, newTable(), &clock{noon}), "t0001", "/analytics/summary").StatusCode)
	})
	t.Run("tables down", func(t *testing.T) {
		down := newTable()
		down.fail = errDown
		r := get(t, analytics(t, down, &clock{noon}), "t0001", "/analytics/summary")
		require.Equal(t, 503, r.StatusCode)
		require.Equal(t, "1", r.Headers["Retry-After"])
		require.NotContains(t, r.Body, "refused", "the cause is for the log")
	})
}

func TestEqualQuestionsAtOnceAreOneRead(t *testing.T) {
	db := newTable()
	openShop(t, db, "t0001", "UTC", 1, noon.Truncate(time.Hour), noon, noon)
	slow := &slowTable{table: db, release: make(chan struct{})}
	a := analytics(t, slow, &clock{noon})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			get(t, a, "t0001", "/analytics/summary", "from", "2026-11-27T12:00:00Z", "to", "2026-11-27T12:10:00Z")
		})
	}
	time.AfterFunc(50*time.Millisecond, func() { close(slow.release) })
	wg.Wait()
	require.LessOrEqual(t, len(db.queries), 2, "one flight, and perhaps a straggler")
}

func TestOptionsNameEverythingThatIsMissing(t *testing.T) {
	_, err := reporting.NewAnalytics(reporting.Options{Fresh: -1})
	require.ErrorContains(t, err, "DynamoDB")
	require.ErrorContains(t, err, "tables")
	require.ErrorContains(t, err, "negative")
}
