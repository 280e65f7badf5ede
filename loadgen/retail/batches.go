package retail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/retailflow/stampede/loadgen/event"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

// LastWholeDay is the local midnight at which the last day began that is over in a zone.
func LastWholeDay(now time.Time, zone *time.Location) time.Time {
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d-1, 0, 0, 0, 0, zone)
}

// Target says whose day the replay is.
type Target struct {
	Tenant *tenant.Tenant
	Day    time.Time // local midnight in the tenant's zone, such as LastWholeDay's
	Key    []byte    // of the hashes that stand for customers and make ids
	Size   int       // events in a batch; 0 means 20
}

// Batches are the requests that tell the day, in its order. Equal targets give equal bytes.
func (d *Day) Batches(t Target) ([]event.Request, error) {
	if t.Size == 0 {
		t.Size = 20
	}
	if t.Size < 1 || t.Size > api.MaxBatchEvents {
		return nil, fmt.Errorf("replay retail day %s: batches of %d events: must be between 1 and %d", d.Date, t.Size, api.MaxBatchEvents)
	}
	var requests []event.Request
	var batch []api.CloudEvent
	var facts []event.Fact
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		body, err := json.Marshal(batch)
		if err != nil {
			return fmt.Errorf("replay retail day %s: %w", d.Date, err)
		}
		requests = append(requests, event.Request{
			Method: http.MethodPost, Path: "/v1/tenants/" + t.Tenant.ID + "/events", Tenant: t.Tenant.ID, Body: body, Facts: facts,
			Header: http.Header{"Content-Type": {api.BatchContentType}, "X-Api-Key": {t.Tenant.APIKey}},
		})
		batch, facts = nil, nil
		return nil
	}
	for place, lines := range d.Invoices() {
		ce, fact, err := t.event(lines, place)
		if err != nil {
			return nil, fmt.Errorf("replay invoice %s: %w", lines[0].Invoice, err)
		}
		batch, facts = append(batch, ce), append(facts, fact)
		if len(batch) == t.Size {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	return requests, flush()
}

// Invoices groups the lines, by first appearance.
func (d *Day) Invoices() [][]Line {
	var out [][]Line
	at := map[string]int{}
	for _, l := range d.Lines {
		i, ok := at[l.Invoice]
		if !ok {
			i = len(out)
			at[l.Invoice] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], l)
	}
	return out
}

// event tells one invoice. place keeps the times of a minute apart and in order.
func (t *Target) event(lines []Line, place int) (api.CloudEvent, event.Fact, error) {
	first := &lines[0]
	y, m, d := t.Day.Date()
	at := time.Date(y, m, d, 0, int(first.Minute/time.Minute), 0, 0, t.Day.Location()).Add(time.Duration(place%60000) * time.Millisecond).UTC()
	f := event.Fact{
		ID: api.NewID(at, [10]byte(t.hash("id", first.Invoice+" "+at.Format(time.RFC3339))[:10])), TimeMS: at.UnixMilli(),
		Type: api.EventType_ORDER_CREATED, Order: first.Invoice, Currency: Currency,
	}
	if first.Customer != "" {
		f.Customer = "c" + hex.EncodeToString(t.hash("customer", first.Customer)[:8])
	}
	data := api.OrderData{Order: f.Order, Customer: f.Customer, Currency: f.Currency}
	for i := range lines {
		f.Amount += lines[i].pence()
	}
	if first.Cancelled() {
		f.Type, f.Amount = api.EventType_ORDER_CANCELLED, max(f.Amount, -f.Amount)
		data.Amount = f.Amount
	} else {
		for i := range lines {
			l := &lines[i]
			data.Lines = append(data.Lines, api.OrderLineData{SKU: l.SKU, Quantity: l.Quantity, UnitPrice: l.Price})
			f.Units += l.Quantity
			f.Lines++
		}
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return api.CloudEvent{}, event.Fact{}, err
	}
	return api.CloudEvent{
		SpecVersion: "1.0", ID: f.ID.String(), Source: "/replay/online-retail", Type: f.Type.Name(), Time: at,
		ContentType: "application/json", Data: raw,
	}, f, nil
}

func (t *Target) hash(purpose, text string) []byte {
	mac := hmac.New(sha256.New, t.Key)
	mac.Write([]byte(purpose + "\x00" + text))
	return mac.Sum(nil)
}
