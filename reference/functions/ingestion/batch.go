package ingestion

import (
	"errors"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/decoder"

	"github.com/retailflow/stampede/reference/api"
)

// errNotBatch is returned for a body that is not a JSON array in UTF-8.
var errNotBatch = errors.New("body is not a JSON array of events")

// batch walks the elements of a CloudEvents batch without decoding them: each is checked to be
// one JSON value and cut out, so its size and the number of elements are known before memory
// is spent on them.
type batch struct {
	rest  string
	began bool
}

func newBatch(body string) (*batch, error) {
	rest := strings.TrimLeft(body, " \t\r\n")
	if !strings.HasPrefix(rest, "[") || !utf8.ValidString(rest) {
		return nil, errNotBatch
	}
	return &batch{rest: rest[1:]}, nil
}

// next is the next element's text; more is false at the end of a well-formed array.
func (b *batch) next() (element string, more bool, err error) {
	b.rest = strings.TrimLeft(b.rest, " \t\r\n")
	if strings.HasPrefix(b.rest, "]") {
		if strings.TrimLeft(b.rest[1:], " \t\r\n") != "" {
			return "", false, errNotBatch
		}
		return "", false, nil
	}
	if b.began {
		if !strings.HasPrefix(b.rest, ",") {
			return "", false, errNotBatch
		}
		b.rest = b.rest[1:]
	}
	b.began = true
	start, end := decoder.Skip(unsafe.Slice(unsafe.StringData(b.rest), len(b.rest)))
	if start < 0 || end > len(b.rest) {
		return "", false, errNotBatch
	}
	element, b.rest = b.rest[start:end], b.rest[end:]
	return element, true, nil
}

// incoming is [api.CloudEvent] with its data already in place: the union of [api.ProductData],
// [api.InventoryData], [api.OrderData] and [api.CustomerData], so that one pass reads it all.
type incoming struct {
	SpecVersion string       `json:"specversion"`
	ID          string       `json:"id"`
	Source      string       `json:"source"`
	Type        string       `json:"type"`
	Time        string       `json:"time"`
	ContentType string       `json:"datacontenttype"`
	Data        incomingData `json:"data"`
}

type incomingData struct {
	SKU      string              `json:"sku"`
	Customer string              `json:"customer"`
	Title    string              `json:"title"`
	Category string              `json:"category"`
	Price    int64               `json:"price_minor"`
	Currency string              `json:"currency"`
	Quantity int64               `json:"quantity"`
	Sequence uint64              `json:"sequence"`
	Order    string              `json:"order"`
	Amount   int64               `json:"amount_minor"`
	Lines    []api.OrderLineData `json:"lines"`
	Email    string              `json:"email"`
	Country  string              `json:"country"`
}

// decoding leaves strings in the input where it can.
var decoding = sonic.Config{}.Froze()

// read decodes one element into e, whose memory is used again.
func (e *incoming) read(element string) error {
	lines := e.Data.Lines[:cap(e.Data.Lines)]
	clear(lines)
	*e = incoming{Data: incomingData{Lines: lines[:0]}}
	return decoding.UnmarshalFromString(element, e)
}

// isObject says whether text is exactly one JSON object in UTF-8.
func isObject(text string) bool {
	text = strings.Trim(text, " \t\r\n")
	if !strings.HasPrefix(text, "{") || !utf8.ValidString(text) {
		return false
	}
	_, end := decoder.Skip(unsafe.Slice(unsafe.StringData(text), len(text)))
	return end == len(text)
}
