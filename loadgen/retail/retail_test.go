package retail_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/retail"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

func load(t *testing.T) *retail.Day {
	day, err := retail.Excerpt()
	require.NoError(t, err)
	return day
}

// Computed from the file with Python's decimal module, ROUND_HALF_EVEN on each line.
func TestFiguresOfTheExcerpt(t *testing.T) {
	day := load(t)
	require.Len(t, day.Lines, 2891)
	require.Equal(t, retail.Figures{Events: 183, Orders: 149, Lines: 2818, Units: 18942, Gross: 5358618, Cancelled: 105405, Products: 1285}, day.Figures())
}

func TestFiguresRoundHalfToEvenLineByLine(t *testing.T) {
	day := retail.Day{Lines: []retail.Line{
		{Invoice: "1", SKU: "a", Quantity: 5, Price: "0.001"},   // 0.5 -> 0
		{Invoice: "1", SKU: "a", Quantity: 15, Price: "0.001"},  // 1.5 -> 2
		{Invoice: "2", SKU: "b", Quantity: -15, Price: "0.001"}, // -1.5 -> -2
		{Invoice: "2", SKU: "b", Quantity: -25, Price: "0.001"}, // -2.5 -> -2
		{Invoice: "2", SKU: "b", Quantity: 1, Price: "-11062.06"},
		{Invoice: "C3", SKU: "a", Quantity: -2, Price: "1.25"},
		{Invoice: "C3", SKU: "a", Quantity: -1, Price: "1"},
	}}
	require.Equal(t, retail.Figures{Events: 3, Orders: 2, Lines: 5, Units: -19, Gross: 2 - 4 - 1106206, Cancelled: 350, Products: 2}, day.Figures())
}

// The batches, read with the platform's arithmetic, must come to the figures.
func TestBatchesTellTheDay(t *testing.T) {
	day := load(t)
	for _, zone := range []string{"Europe/London", "Asia/Kathmandu", "Australia/Adelaide", "America/St_Johns"} {
		one := &tenant.Tenant{ID: "t0007", Zone: zone, APIKey: "k"}
		now := time.Date(2026, 11, 27, 10, 4, 30, 0, time.UTC)
		start := retail.LastWholeDay(now, one.Location())
		require.Equal(t, "00:00:00", start.Format(time.TimeOnly))
		target := retail.Target{Tenant: one, Day: start, Key: []byte("key"), Size: 50}
		requests, err := day.Batches(target)
		require.NoError(t, err)
		again, err := day.Batches(target)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(requests, again))

		got := retail.Figures{}
		products, customers, ids, minutes := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}
		for _, r := range requests {
			require.Equal(t, "/v1/tenants/t0007/events", r.Path)
			require.Less(t, len(r.Body), api.MaxBatchBytes)
			var batch []api.CloudEvent
			require.NoError(t, json.Unmarshal(r.Body, &batch))
			for i, ce := range batch {
				id, err := api.ParseID(ce.ID)
				require.NoError(t, err)
				require.False(t, ids[ce.ID])
				ids[ce.ID] = true
				require.True(t, ce.Time.Equal(id.Time()))
				require.Equal(t, start.Format(time.DateOnly), ce.Time.In(one.Location()).Format(time.DateOnly), "the tenant's own day")
				minutes[ce.Time.In(one.Location()).Format("15:04")]++
				require.Less(t, now.Sub(ce.Time), api.MaxBack)
				var d api.OrderData
				require.NoError(t, json.Unmarshal(ce.Data, &d))
				require.Equal(t, "GBP", d.Currency)
				fact := event.Fact{ID: id, TimeMS: ce.Time.UnixMilli(), Amount: d.Amount, Order: d.Order, Customer: d.Customer, Currency: d.Currency}
				fact.Type, err = api.ParseType(ce.Type)
				require.NoError(t, err)
				for _, l := range d.Lines {
					total, err := api.LineTotal(l.UnitPrice, l.Quantity, d.Currency)
					require.NoError(t, err)
					fact.Amount += total
					fact.Units += l.Quantity
					fact.Lines++
					products[l.SKU] = true
				}
				require.Empty(t, cmp.Diff(fact, r.Facts[i]))
				got.Events++
				if fact.Type == api.EventType_ORDER_CANCELLED {
					require.Positive(t, fact.Amount)
					got.Cancelled += fact.Amount
				} else {
					got.Orders++
					got.Gross += fact.Amount
				}
				got.Units, got.Lines = got.Units+fact.Units, got.Lines+fact.Lines
				if d.Customer != "" {
					require.Len(t, d.Customer, 17)
					customers[d.Customer] = true
				}
			}
		}
		got.Products = int64(len(products))
		require.Equal(t, day.Figures(), got)
		require.NotZero(t, minutes["08:34"], "the first invoice's minute of the day: %v", minutes)
		require.Greater(t, len(customers), 50)
	}
}

func TestOtherKeyOtherCustomersAndIDs(t *testing.T) {
	day := load(t)
	one := &tenant.Tenant{ID: "t0001", Zone: "Europe/London"}
	start := retail.LastWholeDay(time.Date(2026, 3, 30, 0, 30, 0, 0, time.UTC), one.Location())
	require.Equal(t, "2026-03-29T00:00:00Z", start.Format(time.RFC3339), "the day of 23 hours")
	a, err := day.Batches(retail.Target{Tenant: one, Day: start, Key: []byte("a")})
	require.NoError(t, err)
	b, err := day.Batches(retail.Target{Tenant: one, Day: start, Key: []byte("b")})
	require.NoError(t, err)
	require.Len(t, a, 10)
	require.Equal(t, "08:34", a[0].Facts[0].Time().In(one.Location()).Format("15:04"))
	require.Equal(t, a[0].Facts[0].TimeMS, b[0].Facts[0].TimeMS)
	require.NotEqual(t, a[0].Facts[0].ID, b[0].Facts[0].ID)
	require.NotEqual(t, a[0].Facts[0].Customer, b[0].Facts[0].Customer)
}

func TestReadNamesTheFault(t *testing.T) {
	const head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
	for _, c := range []struct{ text, want string }{
		{"a,b\n", "columns"},
		{head, "no line of that day"},
		{head + "1,A,x,1,2010-12-08 08:00:00,1.0,,UK\n", "no line of that day"},
		{head + "1,A,x,one,2010-12-09 08:00:00,1.0,,UK\n", `line 2: quantity "one"`},
		{head + "1,A,x,1,2010-12-09 08:00,1.0,,UK\n", `line 2: date`},
		{head + "1,A,x,1,2010-12-09 08:00:00,1e3,,UK\n", `line 2: unit price "1e3"`},
		{head + ",A,x,1,2010-12-09 08:00:00,1,,UK\n", "line 2: no invoice"},
		{head + "1,A,x\n", "wrong number of fields"},
	} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(c.text))
		require.NoError(t, z.Close())
		_, err := retail.Read(&b, "2010-12-09")
		require.ErrorContains(t, err, c.want)
	}
	for text, want := range map[string]string{
		head: "",
		head + "1,A,x,1,2010-12-08 08:00:00,1,,UK\n1,B,x,1,2010-12-07 08:00:00,1,,UK\n":                         "2010-12-07", // as busy, and first
		head + "1,A,x,1,2010-12-07 08:00:00,1,,UK\n" + strings.Repeat("1,B,x,1,2010-12-08 08:00:00,1,,UK\n", 2): "2010-12-08",
	} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		require.NoError(t, z.Close())
		day, err := retail.Read(&b, "")
		if want == "" {
			require.ErrorIs(t, err, retail.ErrNoLines)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, day.Date, "the busiest day")
	}
	_, err := retail.Read(strings.NewReader("not gzip"), "2010-12-09")
	require.ErrorContains(t, err, "gzip")
	_, err = load(t).Batches(retail.Target{Size: 501})
	require.ErrorContains(t, err, "between 1 and 500")
}
