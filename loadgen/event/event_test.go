package event_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/arrival"
	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/plan"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

var epoch = time.Date(2026, 11, 27, 10, 4, 30, 0, time.UTC)

func fixture(t require.TestingT, seed uint64) (*event.Maker, *plan.Plan, []tenant.Tenant) {
	tenants, err := tenant.New(tenant.Options{Seed: seed})
	require.NoError(t, err)
	m, err := event.New(event.Options{Seed: seed, Epoch: epoch, Tenants: tenants})
	require.NoError(t, err)
	rate, err := arrival.New(arrival.Constant(3472, 10*time.Second))
	require.NoError(t, err)
	p, err := plan.New(plan.Options{Seed: seed, Events: rate, Tenants: tenant.Weights(tenants), Webhooks: tenant.WebhookWeights(tenants)})
	require.NoError(t, err)
	return m, p, tenants
}

// A change of these bytes makes runs of two versions of the program incomparable: it needs a
// reason in the commit.
func TestGolden(t *testing.T) {
	m, p, _ := fixture(t, 42)
	h, n, events := sha256.New(), 0, 0
	for e := range p.Entries() {
		r, err := m.Make(e)
		require.NoError(t, err)
		h.Write([]byte(r.Method + r.Path))
		for _, name := range []string{"X-Shopify-Hmac-Sha256", "X-Wc-Webhook-Signature", "X-Adobe-Commerce-Webhook-Signature", "X-Webhook-Signature"} {
			h.Write([]byte(r.Header.Get(name)))
		}
		h.Write(r.Body)
		if n++; !e.Replay() {
			events += len(r.Facts)
		}
	}
	require.Equal(t, 3900, n)
	require.Equal(t, 34811, events)
	require.Equal(t, "e735cce24c9e38d420663f151548df5b243fef66220d39ffa8eab7118effeaa8", hex.EncodeToString(h.Sum(nil)))
}

// The facts are computed beside the body. Here they are computed again from the parsed body,
// with the platform's own arithmetic.
func TestFactsAgreeWithTheBody(t *testing.T) {
	m, p, tenants := fixture(t, 1)
	types, n, size := map[api.EventType]int{}, 0, 0
	ids := map[api.ID]bool{}
	var odd struct{ guest, sameSKU, negative, zero, free, tiny, bulk, late, prices, again int }
	asked, bought := map[string]string{}, map[string]bool{} // by tenant and product, or customer
	for e := range p.Entries() {
		r, err := m.Make(e)
		require.NoError(t, err)
		if e.Kind != plan.Batch || e.Replay() {
			continue
		}
		require.Equal(t, "/v1/tenants/"+tenants[e.Tenant].ID+"/events", r.Path)
		require.Equal(t, tenants[e.Tenant].APIKey, r.Header.Get("X-Api-Key"))
		require.Equal(t, api.BatchContentType, r.Header.Get("Content-Type"))
		var batch []api.CloudEvent
		require.NoError(t, json.Unmarshal(r.Body, &batch), "%s", r.Body)
		require.Len(t, batch, int(e.Events))
		size += len(r.Body)
		for i, ce := range batch {
			got := event.Fact{TimeMS: ce.Time.UnixMilli()}
			require.Equal(t, "1.0", ce.SpecVersion)
			require.Equal(t, "application/json", ce.ContentType)
			require.Equal(t, "/"+string(tenants[e.Tenant].Platform)+"/"+tenants[e.Tenant].ID, ce.Source)
			got.ID, err = api.ParseID(ce.ID)
			require.NoError(t, err)
			require.Equal(t, epoch.Add(e.First).Truncate(time.Millisecond), got.ID.Time())
			require.False(t, ids[got.ID], "id %s comes twice", got.ID)
			ids[got.ID] = true
			got.Type, err = api.ParseType(ce.Type)
			require.NoError(t, err)
			types[got.Type]++
			n++
			switch got.Type.Stream() {
			case api.Products:
				if got.Type == api.EventType_INVENTORY_ADJUSTED {
					d := strict[api.InventoryData](t, ce.Data)
					got.SKU, got.Quantity, got.Sequence = d.SKU, d.Quantity, d.Sequence
					require.NotZero(t, d.Sequence)
					require.Less(t, d.Sequence, uint64(1)<<53, "readable as a float")
				} else {
					d := strict[api.ProductData](t, ce.Data)
					got.SKU, got.Customer, got.Amount, got.Currency = d.SKU, d.Customer, d.Price, d.Currency
				}
				require.NotEmpty(t, got.SKU)
			case api.Orders:
				d := strict[api.OrderData](t, ce.Data)
				got.Order, got.Customer, got.Currency, got.Amount = d.Order, d.Customer, d.Currency, d.Amount
				require.Equal(t, tenants[e.Tenant].Currency, d.Currency)
				seen := map[string]bool{}
				for _, l := range d.Lines {
					total, err := api.LineTotal(l.UnitPrice, l.Quantity, d.Currency)
					require.NoError(t, err)
					got.Amount += total
					got.Units += l.Quantity
					got.Lines++
					count(&odd.sameSKU, seen[l.SKU])
					count(&odd.negative, l.Quantity < 0)
					count(&odd.zero, l.Quantity == 0)
					count(&odd.tiny, l.UnitPrice == "0.001")
					count(&odd.free, strings.Trim(l.UnitPrice, "0.") == "")
					before, known := asked[ce.Source+l.SKU]
					count(&odd.prices, known && before != l.UnitPrice)
					seen[l.SKU], asked[ce.Source+l.SKU] = true, l.UnitPrice
				}
				placed, ok := event.OrderTime(d.Order)
				require.True(t, ok, d.Order)
				require.False(t, placed.After(ce.Time))
				count(&odd.late, got.Type == api.EventType_ORDER_CANCELLED && ce.Time.Sub(placed) > 40*24*time.Hour)
				if got.Type == api.EventType_ORDER_CREATED {
					require.Equal(t, ce.Time, placed)
					count(&odd.again, d.Customer != "" && bought[ce.Source+d.Customer])
					bought[ce.Source+d.Customer] = true
					require.NotEmpty(t, d.Lines)
					count(&odd.guest, d.Customer == "")
					count(&odd.bulk, len(d.Lines) > 30)
				}
			case api.Customers:
				got.Customer = strict[api.CustomerData](t, ce.Data).Customer
			}
			require.Empty(t, cmp.Diff(got, r.Facts[i]), "event %d of %s", i, r.Body)
		}
	}
	require.InDelta(t, 0.60, float64(types[api.EventType_PRODUCT_VIEWED])/float64(n), 0.01)
	require.InDelta(t, 0.08, float64(types[api.EventType_ORDER_CREATED])/float64(n), 0.01)
	require.Len(t, types, 10)
	require.Less(t, float64(size)/float64(n), 400.0, "bytes an event")
	for name, times := range map[string]int{"guest orders": odd.guest, "repeated SKUs": odd.sameSKU, "negative quantities": odd.negative,
		"zero quantities": odd.zero, "prices of 0.001": odd.tiny, "long orders": odd.bulk,
		"prices of zero": odd.free, "products at another price": odd.prices, "customers who come again": odd.again, "cancellations after 40 days": odd.late} {
		require.NotZero(t, times, name)
	}
	t.Logf("%d events of %d bytes on average; %+v", n, size/n, odd)
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

func strict[T any](t *testing.T, raw []byte) (v T) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), "%s", raw)
	return v
}

// The newest stock count must be the same whether "newest" is by (time, id) or by sequence.
func TestSequencesRiseWithIDs(t *testing.T) {
	m, _, _ := fixture(t, 1)
	for seed := range uint64(50) {
		r, err := m.Make(plan.Entry{Kind: plan.Batch, Events: 500, Body: seed})
		require.NoError(t, err)
		byID := slices.SortedFunc(slices.Values(r.Facts), func(a, b event.Fact) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		last := uint64(0)
		for _, f := range byID {
			if f.Type == api.EventType_INVENTORY_ADJUSTED {
				require.Greater(t, f.Sequence, last)
				last = f.Sequence
			}
		}
		require.NotZero(t, last)
	}
}

func TestReplayHasTheSameBytes(t *testing.T) {
	m, p, _ := fixture(t, 5)
	first, replays := map[uint64]event.Request{}, map[plan.Kind]int{}
	for e := range p.Entries() {
		if e.Kind == plan.Read {
			continue
		}
		r, err := m.Make(e)
		require.NoError(t, err)
		if e.Replay() {
			require.Empty(t, cmp.Diff(first[e.Original()], r))
			replays[e.Kind]++
		}
		first[e.Seq] = r
	}
	require.Len(t, replays, 2, "replays of batches and of webhooks")
}

func TestReads(t *testing.T) {
	m, p, tenants := fixture(t, 6)
	seen := map[string]bool{}
	for e := range p.Entries() {
		if e.Kind != plan.Read {
			continue
		}
		r, err := m.Make(e)
		require.NoError(t, err)
		req, err := http.NewRequest(r.Method, "http://example.com"+r.Path, nil)
		require.NoError(t, err)
		require.Equal(t, "/v1/tenants/"+tenants[e.Tenant].ID+"/analytics/summary", req.URL.Path)
		require.Empty(t, r.Facts)
		q := req.URL.Query()
		if q.Has("date") {
			date, err := time.ParseInLocation(time.DateOnly, q.Get("date"), tenants[e.Tenant].Location())
			require.NoError(t, err)
			age := epoch.Add(e.At).Sub(date)
			require.True(t, age >= 0 && age < 49*time.Hour, "date %s, read at %s", q.Get("date"), epoch.Add(e.At))
			seen["date"] = true
			continue
		}
		from, err := time.Parse(time.RFC3339, q.Get("from"))
		require.NoError(t, err)
		to, err := time.Parse(time.RFC3339, q.Get("to"))
		require.NoError(t, err)
		require.Equal(t, time.Hour, to.Sub(from))
		require.Equal(t, to, to.Truncate(time.Minute))
		require.True(t, to.After(epoch.Add(e.At)))
		seen["hour"] = true
	}
	require.Len(t, seen, 2)
}

// Whatever looks like an address or a telephone number must come from the reserved ranges.
func TestNobodyIsInTheBodies(t *testing.T) {
	m, p, tenants := fixture(t, 7)
	address := regexp.MustCompile(`[^\s"<>]+@[^\s"<>]+`)
	reserved := regexp.MustCompile(`^[a-z]+\.[a-z]+\d+@example\.(com|org|net)$`)
	phone := regexp.MustCompile(`"(?:tele)?phone":"([^"]*)"`)
	host := regexp.MustCompile(`https?:(?:\\?/){2}([^\\/"]+)`)
	var addresses, phones, hosts int
	named := regexp.MustCompile(`969 Market|"94103"|john\.doe@`) // whom the examples are of
	people := map[tenant.Platform]int{}
	for e := range p.Entries() {
		r, err := m.Make(e)
		require.NoError(t, err)
		body := string(r.Body)
		for _, a := range address.FindAllString(body, -1) {
			require.Regexp(t, reserved, a)
			addresses++
		}
		if e.Kind == plan.Webhook {
			require.NotRegexp(t, named, body)
			people[tenants[e.Tenant].Platform] += len(address.FindAllString(body, -1))
		}
		for _, n := range phone.FindAllStringSubmatch(body, -1) {
			require.Regexp(t, `^555-01\d\d$`, n[1])
			phones++
		}
		for _, h := range host.FindAllStringSubmatch(body, -1) {
			require.True(t, strings.HasSuffix(h[1], ".example.com"), h[1])
			hosts++
		}
	}
	require.Len(t, people, 4, "webhooks of every platform: %v", people)
	require.True(t, addresses > 1000 && phones > 1000 && hosts > 1000, "addresses %d, phones %d, hosts %d", addresses, phones, hosts)
}

func TestMakeRefusesWhatIsNotItsOwn(t *testing.T) {
	m, _, tenants := fixture(t, 1)
	_, err := m.Make(plan.Entry{Kind: plan.Prepared})
	require.ErrorIs(t, err, event.ErrPrepared)
	_, err = m.Make(plan.Entry{Kind: plan.Batch, Tenant: 2400})
	require.ErrorContains(t, err, "tenant 2400 of 2400")
	_, err = m.Make(plan.Entry{Kind: 77})
	require.ErrorContains(t, err, "unknown kind 77")
	_, err = event.New(event.Options{Epoch: time.Unix(0, 0), Tenants: tenants})
	require.ErrorContains(t, err, "epoch")
	_, err = event.New(event.Options{Epoch: epoch})
	require.ErrorContains(t, err, "no tenants")
	_, err = event.New(event.Options{Epoch: epoch, Tenants: []tenant.Tenant{{ID: "t1", Kind: "kiosk", Zone: "UTC"}}})
	require.ErrorContains(t, err, `tenant t1 is a shop of kind "kiosk"`)
	for _, id := range []string{"", "o-", "536365", "o-!!!!!!!!!!"} {
		_, ok := event.OrderTime(id)
		require.False(t, ok, id)
	}
}
