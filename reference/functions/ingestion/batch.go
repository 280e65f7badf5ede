package ingestion

import (
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/retailflow/stampede/reference/api"
	"github.com/retailflow/stampede/reference/functions/rest"
)

// Errors of a body as a whole.
var (
	errNotBatch = errors.New("the body is not a JSON array of events in UTF-8")
	errTooMany  = fmt.Errorf("the batch has more than %d events", api.MaxBatchEvents)
)

// errEventSize stops the reading of an event that is already too large.
var errEventSize = errors.New("event too large")

// take validates every event of the body and encodes the valid ones into w.records. The error
// wraps [errNotBatch] or [errTooMany], and then nothing of the body counts.
func (h *Events) take(tenant, correlation, body string, w *workspace, now time.Time) (accepted int, err error) {
	if !utf8.ValidString(body) {
		return 0, errNotBatch
	}
	w.records.reset(tenant, correlation, h.options.Version, now)
	allowed := h.options.window(now)
	s := rest.NewScanner(body)
	s.Array(func() {
		if len(w.results) == api.MaxBatchEvents {
			s.Stop(errTooMany)
			return
		}
		r := w.in.take(s, allowed, &w.event)
		if s.Err() != nil {
			return
		}
		result := api.EventResult{Index: len(w.results), ID: clip(w.in.ID), Status: http.StatusAccepted}
		if r != nil {
			result.Status, result.Code, result.Detail = http.StatusBadRequest, r.code, r.detail
		} else {
			accepted++
			w.records.add(&w.event)
		}
		w.results = append(w.results, result)
	})
	s.End()
	switch err := s.Err(); {
	case errors.Is(err, errTooMany):
		return 0, errTooMany
	case err != nil:
		return 0, fmt.Errorf("%w: %w", errNotBatch, err)
	}
	return accepted, nil
}

// incoming is [api.CloudEvent] with its data already in place: the union of [api.ProductData],
// [api.InventoryData], [api.OrderData] and [api.CustomerData], so that one pass reads it all.
type incoming struct {
	SpecVersion string
	ID          string
	Source      string
	Type        string
	Time        string
	ContentType string
	Data        incomingData
}

type incomingData struct {
	SKU      string
	Customer string
	Title    string
	Category string
	Price    int64
	Currency string
	Quantity int64
	Sequence uint64
	Order    string
	Amount   int64
	Lines    []api.OrderLineData
	Email    string
	Country  string
}

// take reads one event and validates it into out. Afterwards the scanner stands behind the
// event, or has an error because the body is no JSON.
func (e *incoming) take(s *rest.Scanner, allowed window, out *event) *refusal {
	from := s.Next()
	e.read(s)
	if err := s.Err(); errors.Is(err, rest.ErrMismatch) || errors.Is(err, errEventSize) {
		s.Rewind(from)
		s.Skip()
		if s.Offset()-from <= api.MaxEventBytes {
			return refuse(CodeMalformed, "%v", err)
		}
	}
	if size := s.Offset() - from; size > api.MaxEventBytes {
		return refuse(CodeTooLarge, "the event has %d bytes, at most %d", size, api.MaxEventBytes)
	}
	return e.validate(allowed, out)
}

// read takes the scanner's next value into e, whose memory is used again.
func (e *incoming) read(s *rest.Scanner) {
	from := s.Offset()
	*e = incoming{Data: incomingData{Lines: e.Data.Lines[:0]}}
	s.Object(func(key string) {
		switch key {
		case "specversion":
			e.SpecVersion = s.Text()
		case "id":
			e.ID = s.Text()
		case "source":
			e.Source = s.Text()
		case "type":
			e.Type = s.Text()
		case "time":
			e.Time = s.Text()
		case "datacontenttype":
			e.ContentType = s.Text()
		case "data":
			e.Data.read(s, from)
		default:
			s.Skip()
		}
	})
}

// read takes the data of an event that began at an offset.
func (d *incomingData) read(s *rest.Scanner, from int) {
	s.Object(func(key string) {
		switch key {
		case "sku":
			d.SKU = s.Text()
		case "customer":
			d.Customer = s.Text()
		case "title":
			d.Title = s.Text()
		case "category":
			d.Category = s.Text()
		case "price_minor":
			d.Price = s.Int()
		case "currency":
			d.Currency = s.Text()
		case "quantity":
			d.Quantity = s.Int()
		case "sequence":
			d.Sequence = s.Uint()
		case "order":
			d.Order = s.Text()
		case "amount_minor":
			d.Amount = s.Int()
		case "lines":
			d.Lines = d.Lines[:0]
			s.Array(func() {
				d.Lines = append(d.Lines, readLine(s))
				if s.Offset()-from > api.MaxEventBytes {
					s.Stop(errEventSize)
				}
			})
		case "email":
			d.Email = s.Text()
		case "country":
			d.Country = s.Text()
		default:
			s.Skip()
		}
	})
}

func readLine(s *rest.Scanner) (line api.OrderLineData) {
	s.Object(func(key string) {
		switch key {
		case "sku":
			line.SKU = s.Text()
		case "quantity":
			line.Quantity = s.Int()
		case "unit_price":
			line.UnitPrice = s.Text()
		default:
			s.Skip()
		}
	})
	return line
}
