package processing

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/store"
	"github.com/retailflow/stampede/reference/store/codec"
)

// The story plays around a local midnight that is not a UTC hour: 18:30 UTC in India.
var (
	storyDay  = time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	storyZone = "Asia/Kolkata"
	minutes   = []time.Time{
		storyDay.Add(17*time.Hour + 59*time.Minute), storyDay.Add(18*time.Hour + 29*time.Minute),
		storyDay.Add(18*time.Hour + 30*time.Minute), storyDay.Add(19 * time.Hour),
	}
	storyNow   = storyDay.Add(19*time.Hour + time.Minute)
	storyHours = storyDay.Add(20*time.Hour + 5*time.Minute) // all hours are over
	storyEnd   = storyDay.Add(72 * time.Hour)               // and all days
)

// storyTenants share a marker shard.
var storyTenants = func() []string {
	out := []string{"t0001"}
	for i := 2; len(out) < 3; i++ {
		if t := fmt.Sprintf("t%04d", i); store.MarkerShard(t) == store.MarkerShard(out[0]) {
			out = append(out, t)
		}
	}
	return out
}()

// story is what the world is told: objects with records, some of whose events are repeated or contradicted.
type story struct {
	objects map[string][]byte
	names   []string
	records []*api.Record // all of them, for the truth
}

func newStory(rng *rand.Rand) *story {
	s := &story{objects: map[string][]byte{}}
	var pool []*api.Event
	tenants := map[*api.Event]string{}
	at := map[*api.Event]time.Time{}
	for range 3 + rng.IntN(8) {
		minute := minutes[rng.IntN(len(minutes))]
		e := randomEvent(rng)
		id := api.NewID(minute.Add(time.Duration(rng.IntN(60000))*time.Millisecond), random10(rng))
		e.Id = id[:]
		pool, tenants[e], at[e] = append(pool, e), storyTenants[rng.IntN(len(storyTenants))], minute
		// The id once more, with another content.
		if e.Type != api.EventType_INVENTORY_ADJUSTED && rng.IntN(4) == 0 {
			other := randomEvent(rng)
			for other.Type == api.EventType_INVENTORY_ADJUSTED {
				other = randomEvent(rng)
			}
			other.Id = e.Id
			pool, tenants[other], at[other] = append(pool, other), tenants[e], minute
		}
	}
	for i := range 2 + rng.IntN(3) {
		name := fmt.Sprintf("orders/2026/03/14/%d", i)
		var body []byte
		for range 1 + rng.IntN(3) {
			tenant := storyTenants[rng.IntN(len(storyTenants))]
			rec := &api.Record{Tenant: tenant, ReceivedMs: storyNow.UnixMilli() + int64(rng.IntN(5)), Correlation: fmt.Sprintf("c%d", rng.IntN(1000)), Version: "1"}
			for range 1 + rng.IntN(4) {
				if e := pool[rng.IntN(len(pool))]; tenants[e] == tenant {
					rec.Events = append(rec.Events, e)
				}
			}
			if len(rec.Events) == 0 {
				continue
			}
			s.records = append(s.records, rec)
			body = appendRecord(body, rec)
		}
		if len(body) > 0 {
			s.objects[name] = body
			s.names = append(s.names, name)
		}
	}
	return s
}

func appendRecord(body []byte, rec *api.Record) []byte {
	b, err := proto.Marshal(rec)
	if err != nil {
		panic(err)
	}
	return protowire.AppendBytes(body, b)
}

func random10(rng *rand.Rand) (r [10]byte) {
	binary.BigEndian.PutUint64(r[:], rng.Uint64())
	return r
}

func randomEvent(rng *rand.Rand) *api.Event {
	e := &api.Event{Content: rng.Uint64(), TimeMs: storyNow.UnixMilli() - int64(rng.IntN(3))}
	switch rng.IntN(8) {
	case 0:
		e.Type, e.Sku = api.EventType_PRODUCT_VIEWED, "a"
	case 1:
		e.Type, e.Sku, e.Quantity, e.Sequence = api.EventType_INVENTORY_ADJUSTED, "a", int64(rng.IntN(50)), uint64(rng.IntN(4))
	case 2, 3:
		e.Type = api.EventType_ORDER_REFUNDED
	case 4:
		e.Type = api.EventType_ORDER_CANCELLED
	default:
		e.Type = api.EventType_ORDER_CREATED
		for _, sku := range []string{"a", "b"} {
			line := &api.Line{Sku: sku, Quantity: int64(rng.IntN(4)) - 1, Total: int64(rng.IntN(500))}
			e.Lines = append(e.Lines, line)
			e.Amount += line.Total
		}
	}
	if e.Type.Stream() == api.Orders {
		e.Order, e.Currency, e.Customer = fmt.Sprintf("#%d", rng.IntN(3)), []string{"EUR", "JPY"}[rng.IntN(2)], "c1"
		if e.Lines == nil {
			e.Amount = int64(rng.IntN(300))
		}
	}
	return e
}

// GetObject serves the story's objects.
func (s *story) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	body := s.objects[aws.ToString(in.Key)]
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(body)), ContentLength: aws.Int64(int64(len(body)))}, nil
}

// truth is the dumb sum over distinct ids.
type truth struct {
	minutes, hours, days map[string]*codec.Rollup // by tenant and bucket
	facts                map[string]*api.Event    // by tenant and id
	stock                map[string]*api.Event    // by tenant and sku
}

func (s *story) truth() truth {
	type winner struct {
		tenant   string
		rec      *api.Record
		event    *api.Event
		contents map[uint64]bool
	}
	winners := map[string]*winner{}
	for _, rec := range s.records {
		for _, e := range rec.Events {
			key := rec.Tenant + string(e.Id)
			w := winners[key]
			if w == nil {
				w = &winner{tenant: rec.Tenant, rec: rec, event: e, contents: map[uint64]bool{}}
				winners[key] = w
			}
			w.contents[e.Content] = true
			if rec.ReceivedMs < w.rec.ReceivedMs || rec.ReceivedMs == w.rec.ReceivedMs &&
				(e.Content < w.event.Content || e.Content == w.event.Content && rec.Correlation > w.rec.Correlation) {
				w.rec, w.event = rec, e
			}
		}
	}
	zone, err := time.LoadLocation(storyZone)
	if err != nil {
		panic(err)
	}
	t := truth{map[string]*codec.Rollup{}, map[string]*codec.Rollup{}, map[string]*codec.Rollup{}, map[string]*api.Event{}, map[string]*api.Event{}}
	for _, w := range winners {
		id := api.ID(w.event.Id)
		local := id.Time().In(zone)
		for _, into := range []struct {
			rollups map[string]*codec.Rollup
			key     store.Key
		}{
			{t.minutes, store.MinuteKey(w.tenant, id.Minute())},
			{t.hours, store.HourKey(w.tenant, id.Time().Truncate(time.Hour))},
			{t.days, store.DayKey(w.tenant, store.Date{Year: local.Year(), Month: local.Month(), Day: local.Day()})},
		} {
			r := into.rollups[into.key.String()]
			if r == nil {
				r = &codec.Rollup{Types: map[api.EventType]int64{}}
				into.rollups[into.key.String()] = r
			}
			addDumbly(r, w.event, id)
			r.Conflicts += int64(len(w.contents) - 1)
			if w.rec.ReceivedMs > r.LastReceivedMs || w.rec.ReceivedMs == r.LastReceivedMs && w.rec.Correlation > r.LastCorrelation {
				r.LastReceivedMs, r.LastCorrelation = w.rec.ReceivedMs, w.rec.Correlation
			}
		}
		if w.event.Type.Stream() == api.Orders {
			t.facts[w.tenant+" "+id.String()] = w.event
		}
		if w.event.Type == api.EventType_INVENTORY_ADJUSTED {
			key := w.tenant + " " + w.event.Sku
			if old := t.stock[key]; old == nil || cmp.Or(cmp.Compare(w.event.Sequence, old.Sequence), bytes.Compare(w.event.Id, old.Id)) > 0 {
				t.stock[key] = w.event
			}
		}
	}
	return t
}

func addDumbly(r *codec.Rollup, e *api.Event, id api.ID) {
	r.Count++
	r.IDs = r.IDs.Add(id)
	r.Types[e.Type]++
	currency := func(code string) *codec.Turnover {
		for i := range r.Currencies {
			if r.Currencies[i].Currency == code {
				return &r.Currencies[i]
			}
		}
		r.Currencies = append(r.Currencies, codec.Turnover{Currency: code})
		return &r.Currencies[len(r.Currencies)-1]
	}
	sku := func(name, code string) *codec.SKU {
		for i := range r.SKUs {
			if r.SKUs[i].SKU == name && r.SKUs[i].Currency == code {
				return &r.SKUs[i]
			}
		}
		r.SKUs = append(r.SKUs, codec.SKU{SKU: name, Currency: code})
		return &r.SKUs[len(r.SKUs)-1]
	}
	switch e.Type {
	case api.EventType_PRODUCT_VIEWED:
		sku(e.Sku, "").Views++
	case api.EventType_ORDER_CREATED:
		c := currency(e.Currency)
		c.Orders++
		c.Gross += e.Amount
		for _, line := range e.Lines {
			c.Units += line.Quantity
			k := sku(line.Sku, e.Currency)
			k.Units += line.Quantity
			k.Amount += line.Total
		}
	case api.EventType_ORDER_REFUNDED:
		currency(e.Currency).Refunded += e.Amount
	case api.EventType_ORDER_CANCELLED:
		currency(e.Currency).Cancelled += e.Amount
	}
}

// tidy sorts and drops zeros, as a finished roll-up has it.
func tidy(r *codec.Rollup) *codec.Rollup {
	r.Currencies = slices.DeleteFunc(r.Currencies, func(c codec.Turnover) bool { return c == codec.Turnover{Currency: c.Currency} })
	r.SKUs = slices.DeleteFunc(r.SKUs, func(k codec.SKU) bool { return k == codec.SKU{SKU: k.SKU, Currency: k.Currency} })
	slices.SortFunc(r.Currencies, func(a, b codec.Turnover) int { return strings.Compare(a.Currency, b.Currency) })
	slices.SortFunc(r.SKUs, func(a, b codec.SKU) int {
		return cmp.Or(strings.Compare(a.SKU, b.SKU), strings.Compare(a.Currency, b.Currency))
	})
	return r
}

// check compares the world with the truth and describes the first difference.
func (s *story) check(w *world) error {
	want := s.truth()
	var heads []item
	facts := map[string]*api.Event{}
	stock := map[string]store.Stock{}
	for _, it := range w.items("analytics") {
		key := store.KeyOf(it)
		switch {
		case strings.HasPrefix(key.PK, "DIRTY#"):
			return fmt.Errorf("marker %s is left", key)
		case strings.Contains(key.PK, "#R#"):
			heads = append(heads, it)
		}
	}
	for _, it := range w.items("core") {
		if strings.Contains(store.KeyOf(it).PK, "#O#") {
			f, err := store.ParseFact(it)
			if err != nil {
				return err
			}
			var e api.Event
			if err := proto.Unmarshal(f.Event, &e); err != nil {
				return err
			}
			key := f.Tenant + " " + f.ID.String()
			if facts[key] != nil {
				return fmt.Errorf("two facts of %s", key)
			}
			facts[key] = &e
		}
		if level, ok := store.ParseStock(it); ok {
			stock[level.Tenant+" "+level.SKU] = level
		}
	}
	rollups, err := store.Rollups(heads)
	if err != nil {
		return err
	}
	all := map[store.Level]map[string]*codec.Rollup{store.Minute: want.minutes, store.Hour: want.hours, store.Day: want.days}
	for _, r := range rollups {
		_, level, _, err := store.ParseRollupKey(r.Key)
		if err != nil {
			return err
		}
		expected := all[level][r.Key.String()]
		if expected == nil {
			return fmt.Errorf("roll-up %s of nothing", r.Key)
		}
		delete(all[level], r.Key.String())
		if wantBytes := tidy(expected).Encode(); !bytes.Equal(r.Data, wantBytes) {
			got, _ := codec.DecodeRollup(r.Data)
			return fmt.Errorf("roll-up %s:\n got %+v\nwant %+v", r.Key, got, *expected)
		}
		if level == store.Minute {
			if state, err := codec.DecodeState(r.State); err != nil || !state.Complete() {
				return fmt.Errorf("roll-up %s: facts incomplete (%v)", r.Key, err)
			}
		}
		if level == store.Day && r.Zone != storyZone {
			return fmt.Errorf("day %s in zone %q", r.Key, r.Zone)
		}
	}
	for level, left := range all {
		for key := range left {
			return fmt.Errorf("no %s roll-up %s", level, key)
		}
	}
	if len(facts) != len(want.facts) {
		return fmt.Errorf("%d facts, want %d", len(facts), len(want.facts))
	}
	for key, e := range want.facts {
		if !proto.Equal(facts[key], e) {
			return fmt.Errorf("fact %s:\n got %v\nwant %v", key, facts[key], e)
		}
	}
	if len(stock) != len(want.stock) {
		return fmt.Errorf("%d stock levels, want %d", len(stock), len(want.stock))
	}
	for key, e := range want.stock {
		if stock[key].Quantity != e.Quantity {
			return fmt.Errorf("stock of %s is %d, want %d", key, stock[key].Quantity, e.Quantity)
		}
	}
	return nil
}
