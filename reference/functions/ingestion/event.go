package ingestion

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/retailflow/stampede/reference/api"
)

// Codes of a refused event, stable for clients to branch on; the same list is in the OpenAPI document.
const (
	CodeTooLarge       = "event_too_large"
	CodeMalformed      = "event_malformed"
	CodeSpecVersion    = "specversion_unsupported"
	CodeID             = "id_invalid"
	CodeSource         = "source_invalid"
	CodeType           = "type_unknown"
	CodeTime           = "time_invalid"
	CodeTimeOutOfRange = "time_out_of_range"
	CodeContentType    = "datacontenttype_unsupported"
	CodeData           = "data_invalid"
)

// Codes lists them.
var Codes = [...]string{CodeTooLarge, CodeMalformed, CodeSpecVersion, CodeID, CodeSource, CodeType,
	CodeTime, CodeTimeOutOfRange, CodeContentType, CodeData}

// Longest texts, in bytes. A SKU, an order and a customer become parts of keys.
const (
	maxKeyText   = 128
	maxSource    = 1024
	maxTitle     = 512
	maxCategory  = 256
	maxEmail     = 320         // RFC 5321: 64 @ 255
	maxAmount    = int64(1e15) // minor units, as for a line's total
	maxStock     = int64(1e12) // pieces
	maxOrderSize = int64(1e15) // minor units, the sum of an order's lines
	jsonType     = "application/json"
)

// refusal says why one event is not taken.
type refusal struct{ code, detail string }

func (r *refusal) Error() string { return r.code + ": " + r.detail }

func refuse(code, format string, args ...any) *refusal {
	return &refusal{code: code, detail: fmt.Sprintf(format, args...)}
}

// window is the range of instants that an event id may carry.
type window struct{ from, to time.Time }

func (w window) check(id api.ID) *refusal {
	if at := id.Time(); at.Before(w.from) || at.After(w.to) {
		return refuse(CodeTimeOutOfRange, "the id's time is %s, allowed is %s to %s",
			at.Format(time.RFC3339), w.from.UTC().Format(time.RFC3339), w.to.UTC().Format(time.RFC3339))
	}
	return nil
}

// validate checks one decoded event and puts it into out, ready to be encoded. It fills out
// completely; strings still point into the request.
func (e *incoming) validate(allowed window, out *event) *refusal {
	if e.SpecVersion != "1.0" {
		return refuse(CodeSpecVersion, "specversion %q, want \"1.0\"", clip(e.SpecVersion))
	}
	id, err := api.ParseID(e.ID)
	if err != nil {
		return refuse(CodeID, "%v", err)
	}
	if e.Source == "" || len(e.Source) > maxSource || hasControl(e.Source) {
		return refuse(CodeSource, "source %q, want 1 to %d bytes such as \"/shopify/my-store\"", clip(e.Source), maxSource)
	}
	kind, err := api.ParseType(e.Type)
	if err != nil {
		return refuse(CodeType, "%v", err)
	}
	if e.ContentType != "" && !strings.HasPrefix(e.ContentType, jsonType) {
		return refuse(CodeContentType, "datacontenttype %q, want %q or none", clip(e.ContentType), jsonType)
	}
	if r := allowed.check(id); r != nil {
		return r
	}
	at := id.Time()
	if e.Time != "" {
		if at, err = time.Parse(time.RFC3339Nano, e.Time); err != nil || at.Year() < 1970 {
			return refuse(CodeTime, "time %q, want RFC 3339 such as \"2026-11-27T09:30:00Z\"", clip(e.Time))
		}
	}
	out.reset(id, kind, at.UnixMilli())
	return e.Data.fill(kind, out)
}

func (d *incomingData) fill(kind api.EventType, out *event) *refusal {
	switch kind {
	case api.EventType_PRODUCT_VIEWED, api.EventType_PRODUCT_UPDATED:
		return d.fillProduct(kind, out)
	case api.EventType_INVENTORY_ADJUSTED:
		out.sku, out.quantity, out.sequence = d.SKU, d.Quantity, d.Sequence
		if d.Quantity > maxStock || d.Quantity < -maxStock {
			return refuse(CodeData, "quantity %d, allowed is ±%d", d.Quantity, maxStock)
		}
		return needKey("sku", d.SKU)
	case api.EventType_CUSTOMER_CREATED, api.EventType_CUSTOMER_UPDATED:
		return d.fillCustomer(out)
	}
	return d.fillOrder(kind, out)
}

func (d *incomingData) fillProduct(kind api.EventType, out *event) *refusal {
	out.sku, out.customer = d.SKU, d.Customer
	if r := needKey("sku", d.SKU); r != nil {
		return r
	}
	if r := optionalKey("customer", d.Customer); r != nil || kind == api.EventType_PRODUCT_VIEWED {
		return r
	}
	out.title, out.category, out.amount, out.currency = d.Title, d.Category, d.Price, d.Currency
	switch {
	case len(d.Title) > maxTitle || hasControl(d.Title):
		return refuse(CodeData, "title %q, want at most %d bytes without control characters", clip(d.Title), maxTitle)
	case len(d.Category) > maxCategory || hasControl(d.Category):
		return refuse(CodeData, "category %q, want at most %d bytes without control characters", clip(d.Category), maxCategory)
	case d.Currency != "" && !api.ValidCurrency(d.Currency), d.Currency == "" && d.Price != 0:
		return refuse(CodeData, "currency %q, want an ISO 4217 code such as \"EUR\"", clip(d.Currency))
	}
	return checkAmount("price_minor", d.Price)
}

func (d *incomingData) fillOrder(kind api.EventType, out *event) *refusal {
	out.order, out.customer, out.currency = d.Order, d.Customer, d.Currency
	if r := needKey("order", d.Order); r != nil {
		return r
	}
	if r := optionalKey("customer", d.Customer); r != nil {
		return r
	}
	if !api.ValidCurrency(d.Currency) {
		return refuse(CodeData, "currency %q, want an ISO 4217 code such as \"EUR\"", clip(d.Currency))
	}
	switch kind {
	case api.EventType_ORDER_CREATED:
		return out.setLines(d.Lines, d.Currency)
	case api.EventType_ORDER_FULFILLED:
		return nil
	}
	out.amount = d.Amount
	return checkAmount("amount_minor", d.Amount)
}

// setLines prices an order's lines; its amount is their sum.
func (e *event) setLines(lines []api.OrderLineData, currency string) *refusal {
	if len(lines) == 0 {
		return refuse(CodeData, "lines are missing, want at least one")
	}
	for i, l := range lines {
		if r := needKey("sku", l.SKU); r != nil {
			return refuse(CodeData, "line %d: %s", i, r.detail)
		}
		total, err := lineTotal(l.UnitPrice, l.Quantity, currency)
		if err != nil {
			return refuse(CodeData, "line %d: %v", i, err)
		}
		e.lines = append(e.lines, line{sku: l.SKU, quantity: l.Quantity, total: total})
		e.amount += total
		if e.amount > maxOrderSize || e.amount < -maxOrderSize {
			return refuse(CodeData, "line %d: the order's total passes ±%d minor units", i, maxOrderSize)
		}
	}
	return nil
}

func (d *incomingData) fillCustomer(out *event) *refusal {
	out.customer, out.country = d.Customer, d.Country
	if r := needKey("customer", d.Customer); r != nil {
		return r
	}
	if d.Country != "" && !validCountry(d.Country) {
		return refuse(CodeData, "country %q, want ISO 3166-1 alpha-2 such as \"DE\"", clip(d.Country))
	}
	if len(d.Email) > maxEmail {
		return refuse(CodeData, "email of %d bytes, want at most %d", len(d.Email), maxEmail)
	}
	out.emailHash = hashEmail(d.Email)
	return nil
}

// hashEmail keeps of an address only the hex SHA-256 of its lower-cased form; "" stays "".
func hashEmail(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	if address == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:])
}

func needKey(name, text string) *refusal {
	if text == "" {
		return refuse(CodeData, "%s is missing", name)
	}
	return optionalKey(name, text)
}

func optionalKey(name, text string) *refusal {
	if len(text) > maxKeyText || hasControl(text) {
		return refuse(CodeData, "%s %q, want at most %d bytes without control characters", name, clip(text), maxKeyText)
	}
	return nil
}

func checkAmount(name string, minor int64) *refusal {
	if minor > maxAmount || minor < -maxAmount {
		return refuse(CodeData, "%s %d, allowed is ±%d", name, minor, maxAmount)
	}
	return nil
}

func validCountry(code string) bool {
	return len(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z'
}

func hasControl(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c == 0x7f {
			return true
		}
	}
	return false
}

// clip shortens a text that is quoted in an answer.
func clip(text string) string {
	if len(text) > 64 {
		return strings.ToValidUTF8(text[:64], "") + "…"
	}
	return text
}
