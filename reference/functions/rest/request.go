package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unsafe"
)

// Headers are the request headers that a function of ours looks at; names are matched in any case.
type Headers struct {
	ContentType     string
	ContentEncoding string
	Correlation     string // X-Correlation-Id

	ShopifySignature   string // X-Shopify-Hmac-Sha256
	ShopifyTopic       string // X-Shopify-Topic
	ShopifyEvent       string // X-Shopify-Event-Id
	ShopifyTriggeredAt string // X-Shopify-Triggered-At
	WooSignature       string // X-WC-Webhook-Signature
	WooTopic           string // X-WC-Webhook-Topic
	AdobeSignature     string // x-adobe-commerce-webhook-signature
	CustomSignature    string // X-Webhook-Signature
}

// Request is the part of a proxy request that the functions use. Its strings may point into
// the payload that it was parsed from.
type Request struct {
	Resource  string // the path template, such as "/v1/tenants/{tenant}/events"
	Path      string
	Headers   Headers
	Query     map[string]string // nil if there is none
	Params    map[string]string // of the path
	Body      string
	Base64    bool   // Body is in base64
	RequestID string // the gateway's
	Owner     string // tenant of the credentials, "*" if they may act for any, "" if there are none
}

// Errors that [Request.Payload] wraps; each has a status of its own.
var (
	ErrTooLarge = errors.New("body too large")
	ErrEncoding = errors.New("unsupported content encoding")
	ErrMangled  = errors.New("body cannot be decoded")
)

// Parse reads a proxy request. The payload must not change while the request is in use.
func Parse(payload []byte) (*Request, error) {
	text := unsafe.String(unsafe.SliceData(payload), len(payload))
	r, s := new(Request), NewScanner(text)
	s.Object(func(key string) {
		switch key {
		case "resource":
			r.Resource = s.Text()
		case "path":
			r.Path = s.Text()
		case "headers":
			s.Object(func(name string) { r.Headers.read(s, name) })
		case "queryStringParameters":
			r.Query = texts(s)
		case "pathParameters":
			r.Params = texts(s)
		case "body":
			r.Body = s.Text()
		case "isBase64Encoded":
			r.Base64 = s.Bool()
		case "requestContext":
			s.Object(func(key string) { r.readContext(s, key) })
		default:
			s.Skip()
		}
	})
	if !s.End() {
		return nil, fmt.Errorf("read proxy request of %d bytes: %w", len(payload), s.Err())
	}
	return r, nil
}

func texts(s *Scanner) (out map[string]string) {
	s.Object(func(name string) {
		if out == nil {
			out = make(map[string]string, 4)
		}
		out[name] = s.Text()
	})
	return out
}

func (r *Request) readContext(s *Scanner, key string) {
	switch key {
	case "requestId":
		r.RequestID = s.Text()
	case "authorizer":
		s.Object(func(key string) {
			if key == "tenant" {
				r.Owner = s.Text()
			} else {
				s.Skip()
			}
		})
	default:
		s.Skip()
	}
}

func (h *Headers) read(s *Scanner, name string) {
	var into *string
	switch { // most names differ in their first bytes
	case strings.EqualFold(name, "Content-Type"):
		into = &h.ContentType
	case strings.EqualFold(name, "Content-Encoding"):
		into = &h.ContentEncoding
	case strings.EqualFold(name, "X-Correlation-Id"):
		into = &h.Correlation
	case strings.EqualFold(name, "X-Shopify-Hmac-Sha256"):
		into = &h.ShopifySignature
	case strings.EqualFold(name, "X-Shopify-Topic"):
		into = &h.ShopifyTopic
	case strings.EqualFold(name, "X-Shopify-Event-Id"):
		into = &h.ShopifyEvent
	case strings.EqualFold(name, "X-Shopify-Triggered-At"):
		into = &h.ShopifyTriggeredAt
	case strings.EqualFold(name, "X-WC-Webhook-Signature"):
		into = &h.WooSignature
	case strings.EqualFold(name, "X-WC-Webhook-Topic"):
		into = &h.WooTopic
	case strings.EqualFold(name, "x-adobe-commerce-webhook-signature"):
		into = &h.AdobeSignature
	case strings.EqualFold(name, "X-Webhook-Signature"):
		into = &h.CustomSignature
	default:
		s.Skip()
		return
	}
	*into = s.Text()
}

// Tenant is the {tenant} of the path, "" if the path has none.
func (r *Request) Tenant() string { return r.Params["tenant"] }

// Foreign says whether the caller's credentials belong to another tenant than the path names.
// The gateway refuses such requests already; a second look costs nothing.
func (r *Request) Foreign() bool {
	return r.Owner != "" && r.Owner != "*" && r.Owner != r.Tenant()
}

// Correlation is the caller's X-Correlation-Id if it is 1 to 64 letters, digits, '.', '_', ':'
// or '-'; else the gateway's request id.
func (r *Request) Correlation() string {
	id := r.Headers.Correlation
	if len(id) == 0 || len(id) > 64 {
		return r.RequestID
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte("._:-", c) < 0 {
			return r.RequestID
		}
	}
	return id
}

var inflaters sync.Pool // of *gzip.Reader

// Payload is the body as the client meant it: base64 and gzip undone, at most limit bytes of it.
// An encoding other than identity and gzip wraps [ErrEncoding], a longer body [ErrTooLarge],
// and one that is not what it says [ErrMangled].
func (r *Request) Payload(limit int) (string, error) {
	body := r.Body
	if r.Base64 {
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return "", fmt.Errorf("base64: %w: %w", ErrMangled, err)
		}
		body = unsafe.String(unsafe.SliceData(raw), len(raw))
	}
	switch strings.ToLower(r.Headers.ContentEncoding) {
	case "", "identity":
		if len(body) > limit {
			return "", fmt.Errorf("%d bytes, at most %d: %w", len(body), limit, ErrTooLarge)
		}
		return body, nil
	case "gzip":
		return inflate(body, limit)
	}
	return "", fmt.Errorf("%q, want gzip or none: %w", r.Headers.ContentEncoding, ErrEncoding)
}

func inflate(body string, limit int) (string, error) {
	source := strings.NewReader(body)
	reader, pooled := inflaters.Get().(*gzip.Reader)
	var err error
	if pooled {
		err = reader.Reset(source)
	} else {
		reader, err = gzip.NewReader(source)
	}
	if err != nil {
		return "", fmt.Errorf("gzip: %w: %w", ErrMangled, err)
	}
	defer inflaters.Put(reader)
	var out bytes.Buffer
	// A bomb states a small size: grow by what was really read, and stop one byte after the limit.
	out.Grow(min(8*len(body), limit) + 1)
	n, err := out.ReadFrom(io.LimitReader(reader, int64(limit)+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("gzip: %w: %w", ErrMangled, err)
	case n > int64(limit):
		return "", fmt.Errorf("gzip: more than %d bytes: %w", limit, ErrTooLarge)
	}
	raw := out.Bytes()
	return unsafe.String(unsafe.SliceData(raw), len(raw)), nil
}

// ValidTenant says whether a tenant's name is 1 to 64 letters, digits, '-' or '_': it becomes a
// part of keys, whose separator is '#'.
func ValidTenant(name string) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
